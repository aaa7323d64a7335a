"""Publishes what transactions left in the outbox, in row order, at least once."""

import asyncio

import msgspec
from sqlalchemy import Connection, delete, func, select

from quantumcore.contracts.auth import AccessChanged
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.services.auth.tables import OUTBOX
from quantumcore.services.auth.telemetry import OUTBOX as OUTBOX_ROWS

BATCH = 256


class Relay:
    """Woken after each commit; begins with what a crash left behind. A notice may be told twice, none is lost."""

    def __init__(self, bus: Bus, database: Database) -> None:
        self._bus = bus
        self._database = database
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something to publish."""
        self._woken.set()

    async def run(self) -> None:
        """Publish for ever; ends by raising when database or bus do, to be started again with back-off."""
        self._woken.set()
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self.drain()

    async def drain(self) -> None:
        """Publish all there is."""
        while await self._publish_batch() == BATCH:
            pass

    async def _publish_batch(self) -> int:
        rows = await self._database.read(_oldest)
        if rows:
            await self._bus.publish([msgspec.json.decode(body, type=AccessChanged) for _, body in rows])
            OUTBOX_ROWS.set(await self._database.write(lambda tx: _forget(tx, [row for row, _ in rows])))
        return len(rows)


def _oldest(tx: Connection) -> list[tuple[int, str]]:
    return [
        (row, body) for row, body in tx.execute(select(OUTBOX.c.row, OUTBOX.c.body).order_by(OUTBOX.c.row).limit(BATCH))
    ]


def _forget(tx: Connection, rows: list[int]) -> int:
    # By name, not "up to the last": a row with a smaller number may be committed after this batch was read.
    tx.execute(delete(OUTBOX).where(OUTBOX.c.row.in_(rows)))
    return int(tx.execute(select(func.count()).select_from(OUTBOX)).scalar_one())

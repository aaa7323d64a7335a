"""A cursor that is read is the truth: every row up to it is there, and none beyond it.

Goal: rows and cursor of every projection are one commit, whatever fails between them.
Method: the write of a projection fails at each statement in turn, as a full or lost database would; what another
reader sees is compared with a clean pass over the same prefix of the log.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, event, text

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.service import OrdersService
from quantumcore.services.positions.service import PositionsService
from tests.support.orders_room import digest
from tests.support.risk_room import TRUTH as RISK_TRUTH
from tests.support.risk_room import risk_service
from tests.support.small_venue import SmallVenue, small_venue
from tests.support.streams import Market, setup

COMMANDS = 150
ROWS = {
    "orders": ("orders", "fills", "order_updates", "cursor"),
    "ledger": ("entries", "holds", "transfers", "owners", "cursor"),
    "market": ("trades", "cursor"),
    "positions": ("positions", "lots", "events", "marks", "cursor", "snapshots"),
    "risk": RISK_TRUTH,
}


class Room(NamedTuple):
    """A projection, its tables, and where deliveries go in."""

    database: SqliteDatabase
    apply: Callable[[Sequence[EventBatch]], Awaitable[None]]


async def room(venue: SmallVenue, kind: str, name: str) -> Room:
    """Open a room of this kind whose tables stand in a folder of their own."""
    home = venue.directory
    venue.directory = home / name
    venue.directory.mkdir()
    try:
        database = await venue.database(kind)
    finally:
        venue.directory = home
    service: Any
    match kind:
        case "orders":
            service = OrdersService(venue.bus, venue.log, database, venue.clock)
            apply = service.history.projection.apply
        case "ledger":
            service = LedgerService(venue.bus, venue.log, database, venue.clock)
            apply = service.apply
        case "positions":
            service = PositionsService(venue.bus, venue.log, database, venue.clock)
            apply = service.apply
        case "risk":
            service = risk_service(venue, database)
            apply = service.apply
        case _:
            service = MarketService(venue.bus, venue.log, database, venue.clock)
            apply = service._projection.apply
    await service.start()
    return Room(database, apply)


async def stands(database: SqliteDatabase) -> int:
    """Return the cursor that a reader sees."""

    def work(connection: Connection) -> int:
        return connection.execute(text("SELECT coalesce(max(sequence), 0) FROM cursor")).scalar_one()

    return await database.read(work)


class Failing:
    """Makes the n-th statement of a database's writer fail, once."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.left = -1
        event.listen(database._writing, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise Unavailable("unavailable", "the disk is full")


@pytest.mark.hazard("B7")
@pytest.mark.parametrize("kind", ROWS)
async def test_a_write_that_fails_anywhere_leaves_rows_and_cursor_together(tmp_path, rng: random.Random, kind: str):
    """The first to the fortieth statement fails; the reader's view equals a clean pass up to the cursor he reads."""
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = Market(rng)
        for _ in range(COMMANDS):
            events = venue.do(stream.next().raw)
            stream.hear(b"".join(event_.encode() for event_ in events))
        whole = venue.log.read(0, 1 << 30)
        half = len(whole) // 2
        clean: dict[int, str] = {}
        pristine = await room(venue, kind, "clean")
        clean[0] = await digest(pristine.database, ROWS[kind])
        for part in (whole[:half], whole[half:]):
            await pristine.apply(part)
            clean[await stands(pristine.database)] = await digest(pristine.database, ROWS[kind])
        for failing_statement in range(1, 40):
            shaken = await room(venue, kind, f"shaken-{failing_statement}")
            await shaken.apply(whole[:half])
            fault = Failing(shaken.database)
            fault.left = failing_statement
            try:
                await shaken.apply(whole[half:])
            except QuantumCoreError:
                failed = True
            else:
                failed = False
            assert await digest(shaken.database, ROWS[kind]) == clean[await stands(shaken.database)]
            fault.left = -1
            if not failed:
                break
            await shaken.apply(whole[half:])
            assert await digest(shaken.database, ROWS[kind]) == clean[whole[-1].last]
        assert failing_statement > 2, "no statement failed"

"""A closed day becomes a signed root in the second store: once, whole, and never another one in its place."""

import asyncio
import logging
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from quantumcore.contracts.errors import Corrupted
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.second_store import SecondStore
from quantumcore.services.ledger.attempts import AGAIN_S, Attempts
from quantumcore.services.ledger.audit import rows
from quantumcore.services.ledger.audit.chain import Day
from quantumcore.services.ledger.audit.merkle import Tree
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.roots import (
    PUBLIC_KEY,
    Leaf,
    LeavesWriter,
    SignedRoot,
    Signer,
    day_number,
    leaves_name,
    root_name,
)
from quantumcore.services.ledger.audit.sealer import Archive, Sealer

_log = logging.getLogger(__name__)


class Auditing(NamedTuple):
    """Where roots go, and with which key: 32 bytes.

    Attributes:
        archive: Where closed days are sealed; None: nowhere.
    """

    store: SecondStore
    key: bytes
    archive: Archive | None = None


class Publisher:
    """Publishes every closed day that is not published yet.

    Attributes:
        waiting: Closed days that are not published.
        roots: How many roots the store has.
    """

    def __init__(self, database: Database, clock: Clock, auditing: Auditing, shard: int = 0) -> None:
        self.waiting = 0
        self.roots = 0
        self._database = database
        self._clock = clock
        self._store = auditing.store
        self._signer = Signer(auditing.key)
        self._sealer = Sealer(database, auditing.archive, shard) if auditing.archive else None
        self._shard = shard
        self._closed = asyncio.Event()
        self._closed.set()
        self._attempts = Attempts(_log, "roots are not published")

    @property
    def failure(self) -> str:
        """Why the last attempt failed; empty while it is well."""
        return self._attempts.failure

    @property
    def public_key(self) -> str:
        """The key that strangers check with, in hex."""
        return self._signer.public_key

    @property
    def segments(self) -> int:
        """How many sealed segments both places have."""
        return self._sealer.segments if self._sealer else 0

    def day_closed(self) -> None:
        """Say that there may be something to publish."""
        self._closed.set()

    async def run(self) -> None:
        """Publish for ever; what fails is tried again after AGAIN_S: the days stay in the database."""
        while True:
            await self._closed.wait()
            self._closed.clear()
            with self._attempts.attempt():
                await self.publish()
            if self.failure:
                await self._clock.sleep(AGAIN_S)
                self._closed.set()

    async def publish(self) -> None:
        """Seal and publish what is closed, the oldest day first: what has a root has its segments in both places.

        Raises:
            Unavailable: Database or store did not answer; the rest follows with the next try.
            Corrupted: `audit.corrupted`: the store has another root than the database, a root of another key, or a damage;
                or the entries of a day do not lead to its head.
        """
        published = await asyncio.to_thread(self._open)
        last = published.roots[-1] if published.roots else None
        self.roots = len(published.roots)
        after = day_number(last.day) if last else -1
        days = await self._database.read(partial(_closed, last=last, after=after))
        self.waiting = len(days)
        if self._sealer is not None:
            await self._sealer.seal()
        for day in days:
            last = await self._database.read(partial(self._publish, day=day, previous=last))
            self.waiting -= 1
            self.roots += 1

    def _open(self) -> Published:
        """Return what is there, with the public key beside it: before its first root a venue may still be given another one."""
        published = Published(self._store, self.public_key)
        if published.damage is not None:
            raise Corrupted("audit.corrupted", f"the second store: {published.damage.detail}")
        mine = f"{self.public_key}\n".encode()
        if self._store.read(PUBLIC_KEY) != mine:
            self._store.write(PUBLIC_KEY, [mine])
        return published

    def _publish(self, connection: Connection, day: Day, previous: SignedRoot | None) -> SignedRoot:
        """Write the list of a day's hashes, then its root: whoever sees the root can read the list."""
        leaves = LeavesWriter(self._shard, day)
        self._store.write(leaves_name(day.day), leaves.parts(_leaves(connection, day)))
        root = self._signer.sign(self._shard, day, leaves.digest, previous)
        self._store.write(root_name(day.day), [root.encode()])
        return root


def _closed(connection: Connection, last: SignedRoot | None, after: int) -> list[Day]:
    """Return the closed days that are not published.

    Raises:
        Corrupted: `audit.corrupted`: the last published day is another one here.
    """
    if last is not None:
        mine = rows.closed_day(connection, after)
        if mine is not None and (mine.first, mine.records, mine.root.hex()) != (last.first, last.count, last.root):
            raise Corrupted("audit.corrupted", f"the second store has another root of {last.day} than the database")
    return list(rows.closed_days(connection, after=after))


def _leaves(connection: Connection, day: Day) -> Iterator[Leaf]:
    """Yield a day's records.

    Raises:
        Corrupted: `audit.corrupted`: they do not lead to the day's root; nothing that is wrong is ever signed.
    """
    tree, number, last = Tree(), day.first - 1, b""
    while number < day.last and (page := rows.records_after(connection, number, min(rows.PAGE, day.last - number))):
        tree.extend([record.hash for record in page])
        number, last = page[-1].number, page[-1].hash
        for record in page:
            yield record.position, record.hash
    if (tree.count, last, tree.root()) != (day.records, day.head, day.root):
        raise Corrupted("audit.corrupted", f"the records of day {day.day} do not lead to its root")

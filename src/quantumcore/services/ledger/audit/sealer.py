"""A closed day's entries go into two places before its root is signed, and stay for the years that they must.

What is there is never written again; what a place lacks is made anew from the tables, if these still lead to the day's head:
nothing that is wrong is ever sealed. A segment goes when its day is older than the retention, by the ledger's own days.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from quantumcore.contracts.errors import Corrupted
from quantumcore.ports.database import Database
from quantumcore.ports.second_store import SecondStore
from quantumcore.services.ledger.audit import rows
from quantumcore.services.ledger.audit.chain import BEFORE_ALL, Day
from quantumcore.services.ledger.audit.segments import (
    SEGMENT_RECORDS,
    day_of,
    pack,
    parts_of,
    segment_name,
)


class Archive(NamedTuple):
    """Where segments are kept, and for how long.

    Attributes:
        places: Two, so that one may be lost.
        retention_days: Of the ledger's own days.
    """

    places: tuple[SecondStore, SecondStore]
    retention_days: int


class Sealer:
    """Seals what is closed.

    Attributes:
        segments: How many both places have.
    """

    def __init__(self, database: Database, archive: Archive, shard: int = 0) -> None:
        self.segments = 0
        self._database = database
        self._archive = archive
        self._shard = shard

    async def seal(self) -> None:
        """Bring both places up to date: every closed day within the retention, and nothing older.

        Raises:
            Unavailable: `audit.store`, or the database; what was written is whole, the rest follows with the next try.
            Corrupted: `audit.corrupted`: the entries of a day do not lead to its head; that day was not sealed.
        """
        days, oldest = await self._database.read(partial(due, retention_days=self._archive.retention_days))
        kept = await asyncio.to_thread(self._kept)
        for day in days:
            names = {segment_name(day.day, part) for part in range(parts_of(day.records))}
            if any(not names <= there for there in kept):
                await self._database.read(partial(self._seal, day=day, kept=kept))
        await asyncio.to_thread(self._let_go, oldest)
        self.segments = len(set.intersection(*await asyncio.to_thread(self._kept)))

    def _kept(self) -> list[set[str]]:
        return [{name for name in place.names() if day_of(name) is not None} for place in self._archive.places]

    def _seal(self, connection: Connection, day: Day, kept: Sequence[set[str]]) -> None:
        for name, raw in list(
            _segments(connection, self._shard, day)
        ):  # all of it, so that all of it is known to be right
            for place, there in zip(self._archive.places, kept, strict=True):
                if name not in there:
                    place.write(name, [raw])

    def _let_go(self, oldest: int) -> None:
        for place in self._archive.places:
            for name in place.names():
                day = day_of(name)
                if day is not None and day < oldest:
                    place.remove(name)


def due(connection: Connection, retention_days: int) -> tuple[list[Day], int]:
    """Return the closed days that must be in both places, and the oldest day that may be."""
    chain = rows.chain_of(connection)
    oldest = chain.day - retention_days if chain is not None else 0
    return list(rows.closed_days(connection, after=oldest - 1)), oldest


def _segments(connection: Connection, shard: int, day: Day) -> Iterator[tuple[str, bytes]]:
    """Yield the segments of a day, made of the entries: name and bytes of each file.

    Raises:
        Corrupted: `audit.corrupted`: the entries do not lead to the day's head.
    """
    records = rows.records_after(connection, day.first - 2, 1) if day.first > 1 else []
    position, before, first = records[0].position if records else BEFORE_ALL, day.before, day.first
    for part in range(parts_of(day.records)):
        count = min(SEGMENT_RECORDS, day.last + 1 - first)
        found = rows.entries_after(connection, position, count)
        if len(found) < count:
            break
        segment, raw = pack(shard, day.day, part, first, before, found)
        position, before, first = (found[-1][0], found[-1][1], found[-1][2]), segment.head, first + count
        yield segment.name, raw
    if (first, before) != (day.last + 1, day.head):
        raise Corrupted("audit.corrupted", f"the entries of day {day.day} do not lead to its head")

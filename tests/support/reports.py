"""A ledger that has read a random market, and what its reports must say by the plainest reckoning."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts.ledger_reports import GetStatement, StatementPage
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger.domain import DEBIT_NATURE
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.tables import entries
from tests.support.small_venue import SmallVenue, small_venue
from tests.support.waiting import eventually

Sums = dict[tuple[int, int], tuple[int, int]]


@asynccontextmanager
async def followed(directory: Path, batches: Iterable[EventBatch]) -> AsyncIterator[tuple[SmallVenue, LedgerService]]:
    """Run a ledger that has entered all of `batches`."""
    async with small_venue(directory, []) as venue:
        service = LedgerService(venue.bus, venue.log, await venue.database("ledger"), venue.clock)
        for batch in batches:
            venue.log.append(batch)
        await venue.run(service)
        await eventually(lambda: service._follower.cursor == venue.log.last)
        last = batch.events[-1].time_ns
        venue.clock.turn((last - venue.clock.now()) / 1e9 + 10)
        yield venue, service


async def all_entries(database: SqliteDatabase) -> list[Row[Any]]:
    """Return every entry in order."""
    order = entries.c.sequence, entries.c.event_index, entries.c.leg

    def work(connection: Connection) -> list[Row[Any]]:
        return list(connection.execute(select(entries).order_by(*order)))

    return await database.read(work)


def sums_at(rows: Iterable[Row[Any]], sequence: int) -> Sums:
    """Return (debits, credits) per (currency, code) of the entries up to `sequence`."""
    found: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row.sequence <= sequence:
            found[row.currency, row.debit_code][0] += row.amount
            found[row.currency, row.credit_code][1] += row.amount
    return {key: (pair[0], pair[1]) for key, pair in found.items() if pair != [0, 0]}


def balance(code: int, sums: tuple[int, int]) -> int:
    """Return the balance of a code as its nature counts it."""
    return sums[0] - sums[1] if code in DEBIT_NATURE else sums[1] - sums[0]


def minor(text: str, scale: int) -> int:
    """Return the minor units of a decimal that is shown with all its places."""
    whole, _, fraction = text.partition(".")
    assert len(fraction) == scale
    return int(whole + fraction)


async def pages(venue: SmallVenue, rng: random.Random | None, **query: Any) -> list[StatementPage]:
    """Return a whole statement, in pages of random size (None: of the largest); some are told how the one before closed."""
    found: list[StatementPage] = []
    cursor, opening = "", []
    while True:
        limit = rng.randrange(1, 60) if rng else 5_000
        page = await venue.bus.request(GetStatement(**query, cursor=cursor, opening=opening, limit=limit))
        found.append(page)
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor
        opening = page.closing if rng is None or rng.random() < 0.5 else []

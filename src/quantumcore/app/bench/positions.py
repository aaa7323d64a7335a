"""Positions: fills into SQLite, a fold of the event log without tables, and a fold of the records."""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.app.bench.measure import REPEATS, Figure
from quantumcore.contracts import wire
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.progress import parts
from quantumcore.services.positions import records, snapshots, store
from quantumcore.services.positions.folding import Folding, Told, new_events
from quantumcore.services.positions.replay import replay

FILLS = 20_000
RECORDS = 200_000
ACCOUNTS = 200
PER_BATCH = 50
USD, COIN = Currency(1, "USD", 2), Currency(2, "BTC", 8)
INSTRUMENT = Instrument(
    1, "BTC-USD", 1, 1, COIN, USD, 1, 2, 1, 5, 1, 1, 10**12, 1, 10**12, 0, 2**63 - 1, 100_000, 50_000, 0, 5_000_000
)
INSTRUMENTS = {1: INSTRUMENT}


def positions(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure the room's own work, in this process."""
    fills = max(1_000, int(FILLS * scale))
    into_tables = [asyncio.run(_into_tables(fills, seed + n)) for n in range(REPEATS + 1)][1:]
    folded = [_folded(fills, seed + n) for n in range(REPEATS + 1)][1:]
    again = [_again(max(2_000, int(RECORDS * scale)), seed + n) for n in range(3)]
    return [
        Figure("fills into SQLite, cursor with them", "fills/s", into_tables, 5_000, higher_is_better=True),
        Figure("fills folded from the event log, no tables", "fills/s", folded),
        Figure("a million position events folded anew", "s", again, 20),
    ]


def trades(fills: int, seed: int) -> Iterator[EventBatch]:
    """Yield batches of as many sequences, each one trade between two accounts."""
    rng, raw, first = random.Random(seed), bytearray(), 1
    for sequence in range(1, fills + 1):
        taker, maker = rng.sample(range(1, ACCOUNTS + 1), 2)
        price, lots = 6_400_000 + rng.randrange(-5_000, 5_000), rng.randrange(1, 100_000)
        raw += wire.TradePrinted(
            flags=wire.LAST,
            index=0,
            sequence=sequence,
            time_ns=sequence * 10**6,
            instrument=1,
            account=taker,
            maker_account=maker,
            maker_order_sequence=sequence,
            taker_order_sequence=sequence,
            maker_slot=0,
            taker_slot=0,
            price=price,
            quantity=lots,
            maker_leaves=0,
            taker_leaves=0,
            paid=0,
            received=0,
            maker_fee=1,
            taker_fee=2,
            asset=lots,
            maker_hold=0,
            taker_hold=0,
            fill=1,
            taker_side=rng.randrange(1, 3),
            quote=1,
            base=2,
        ).encode()
        if sequence % PER_BATCH == 0 or sequence == fills:
            yield EventBatch(first, sequence, bytes(raw))
            raw.clear()
            first = sequence + 1


async def _into_tables(fills: int, seed: int) -> float:
    batches = list(trades(fills, seed))
    with tempfile.TemporaryDirectory(prefix="qc-bench-") as directory:
        database: SqliteDatabase = await open_database(
            Path(directory) / "positions.sqlite", "quantumcore.services.positions.migrations"
        )
        began = time.perf_counter()
        for part in parts(batches):
            await database.write(partial(_apply, part))
        elapsed = time.perf_counter() - began
        await database.close()
    return fills / elapsed


def _apply(part: list[EventBatch], connection: Connection) -> None:
    applied = store.apply(connection, part, INSTRUMENTS)
    if snapshots.is_due(applied.stand):
        snapshots.take(connection)


def _folded(fills: int, seed: int) -> float:
    batches = list(trades(fills, seed))
    folding = Folding({}, {}, INSTRUMENTS)
    began = time.perf_counter()
    folding.enter(new_events(batches, 0).events)
    return fills / (time.perf_counter() - began)


def _again(events: int, seed: int) -> float:
    """Return the seconds for a million, from a smaller number."""
    folding = Folding({}, {}, INSTRUMENTS)
    folding.enter(new_events(trades(events // 2, seed), 0).events)
    rows = [(told.account, told.instrument, records.encode(told.change)) for told in folding.told]
    began = time.perf_counter()
    found = replay({}, {}, (Told(a, i, records.decode(records.SCHEMA, p)) for a, i, p in rows), INSTRUMENTS)
    elapsed = time.perf_counter() - began
    if found != (folding.positions, folding.marks):
        raise AssertionError("the records do not lead to what stands")
    return elapsed / len(rows) * 1_000_000

"""The ledger's reports on a ledger of a million entries: the past, a long statement in each form, and what it holds in memory."""

import asyncio
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.app.bench.measure import REPEATS, Figure
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reference import Catalogue, Currency, Reference
from quantumcore.ports.database import adding, execute_many
from quantumcore.services.ledger import reports
from quantumcore.services.ledger.domain import CUSTOMER_ASSETS, CUSTOMER_CASH, FEE_INCOME
from quantumcore.services.ledger.exports import Export, Exports
from quantumcore.services.ledger.forms import form_of
from quantumcore.services.ledger.postings import Why
from quantumcore.services.ledger.ranges import Range
from quantumcore.services.ledger.statements import Subject, balances_before
from quantumcore.services.ledger.tables import CHECKPOINT_EVERY, checkpoints, cursor, entries, owners

MIGRATIONS = "quantumcore.services.ledger.migrations"
ENTRIES = 1_000_000
POSTINGS = 100_000
PER_SEQUENCE = 4
BUSY = 7
USD, BTC = 1, 2
START_NS = 1_700_000_000_000_000_000
CHUNK = 20_000
CATALOGUE = Catalogue(Reference(0, 0, [Currency(USD, "USD", 2), Currency(BTC, "BTC", 8)], []))
_ADD = adding(entries)


def statements(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure on a file in a temporary directory, made for this."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory), seed, scale))


async def filled(directory: Path, seed: int, count: int, postings: int) -> SqliteDatabase:
    """Return a ledger of `count` entries of many accounts, `postings` of them of account BUSY, as fills would have left it."""
    database = await open_database(directory / "ledger.sqlite", MIGRATIONS)
    await database.write(lambda connection: _fill(connection, seed, count, postings))
    return database


def _fill(connection: Connection, seed: int, count: int, postings: int) -> None:
    rows: list[tuple[Any, ...]] = []
    sums: dict[tuple[int, int], list[int]] = {}
    for row in _entries(random.Random(seed), count, postings):
        sequence, code_debit, code_credit, currency, amount = row[0], row[5], row[7], row[8], row[9]
        if rows and sequence != rows[-1][0] and rows[-1][0] % CHECKPOINT_EVERY == 0:
            _checkpoint(connection, rows[-1][0], sums)
        sums.setdefault((currency, code_debit), [0, 0])[0] += amount
        sums.setdefault((currency, code_credit), [0, 0])[1] += amount
        if len(rows) >= CHUNK and sequence != rows[-1][0]:
            execute_many(connection, _ADD, rows)
            rows = []
        rows.append(row)
    execute_many(connection, _ADD, rows)
    connection.execute(insert(cursor), {"one": 1, "sequence": rows[-1][0]})
    connection.execute(insert(owners), {"account": BUSY, "owner": "", "sequence": 1})


def _checkpoint(connection: Connection, sequence: int, sums: dict[tuple[int, int], list[int]]) -> None:
    for (currency, code), (debits, credits_) in sums.items():
        row = {
            "sequence": sequence,
            "currency": currency,
            "code": code,
            "debits": str(debits),
            "credits": str(credits_),
        }
        connection.execute(insert(checkpoints), row)


def _entries(rng: random.Random, count: int, postings: int) -> Iterator[tuple[Any, ...]]:
    """Yield the four legs of fills, one a sequence; BUSY buys in some of them, which is three legs each."""
    fills = count // PER_SEQUENCE
    busy = set(rng.sample(range(fills), min(fills, postings // 3)))
    for fill in range(fills):
        buyer = BUSY if fill in busy else rng.randrange(100, 10_000)
        seller = rng.randrange(10_000, 20_000)
        money, lots = rng.randrange(1, 10**7), rng.randrange(1, 10**8)
        legs = (
            (Why.ASSET, seller, CUSTOMER_ASSETS, buyer, CUSTOMER_ASSETS, BTC, lots),
            (Why.PRINCIPAL, buyer, CUSTOMER_CASH, seller, CUSTOMER_CASH, USD, money),
            (Why.TAKER_FEE, buyer, CUSTOMER_CASH, 0, FEE_INCOME, USD, money // 1000 + 1),
            (Why.MAKER_FEE, seller, CUSTOMER_CASH, 0, FEE_INCOME, USD, money // 2000 + 1),
        )
        time_ns = START_NS + fill * 1_000_000
        for number, (why, *sides) in enumerate(legs):
            yield (fill + 1, 0, number, int(why), *sides, "0", time_ns)


async def _measure(directory: Path, seed: int, scale: float) -> list[Figure]:
    count, postings = int(ENTRIES * scale), int(POSTINGS * scale)
    database = await filled(directory, seed, count, postings)
    last, rng = count // PER_SEQUENCE, random.Random(seed)
    try:
        past = [
            await _timed(database, partial(reports.trial_balance, sequence=rng.randrange(1, last), catalogue=CATALOGUE))
            for _ in range(10 * REPEATS)
        ]
        opening = [
            await _timed(database, partial(_opening, within=Range(rng.randrange(1, last), last + 1, last)))
            for _ in range(REPEATS)
        ]
        found = [
            Figure(f"trial balance at any sequence of {count:,} entries", "ms", [one * 1e3 for one in past], 200),
            Figure(f"opening balance within {postings:,} postings", "ms", [one * 1e3 for one in opening]),
        ]
        for form in ("json", "csv", "parquet"):
            found += await _of_form(database, form, last, postings)
        return found
    finally:
        await database.close()


def _opening(connection: Connection, within: Range) -> object:
    return balances_before(connection, Subject(BUSY), within, None)


async def _timed(database: SqliteDatabase, work: Callable[[Connection], object]) -> float:
    began = time.perf_counter()
    await database.read(work)
    return time.perf_counter() - began


async def _of_form(database: SqliteDatabase, form: str, last: int, postings: int) -> list[Figure]:
    name = f"statement of {postings:,} postings as {form}"
    try:
        form_of(form)
    except InvalidCommand as error:
        return [Figure(name, "s", [], 1, note=error.detail)]
    await read(database, form, last)
    seconds = [(await read(database, form, last))[1] for _ in range(REPEATS)]
    return [
        Figure(name, "s", seconds, 1),
        Figure(f"its peak in memory as {form}", "MB", [await peak(database, form, last) / 1e6]),
    ]


async def peak(database: SqliteDatabase, form: str, last: int) -> int:
    """Return the bytes that reading a statement had in memory at once."""
    tracemalloc.start()
    try:
        await read(database, form, last)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def read(database: SqliteDatabase, form: str, last: int) -> tuple[int, float]:
    """Read BUSY's whole statement as the gateway does, part by part; return (bytes, seconds)."""
    exports = Exports(database, SystemClock())
    began, size = time.perf_counter(), 0
    name = exports.add(Export(Subject(BUSY), Range(1, last + 1, last), form_of(form), CATALOGUE))
    while True:
        part = await exports.read(name)
        size += len(part.body)
        if part.last:
            return size, time.perf_counter() - began

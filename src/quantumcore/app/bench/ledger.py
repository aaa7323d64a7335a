"""The ledger: fills entered with their audit, what the audit costs of that, and how fast its chain is verified."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection

from quantumcore.adapters.second_store import FileStore
from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.app.audit_places import DIRECTORY, auditing_of
from quantumcore.app.bench.measure import REPEATS, Figure
from quantumcore.app.definitions import load_definitions
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.wire import OpenAccount, SubmitOrder, TradePrinted, Transfer
from quantumcore.core._native import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.progress import parts
from quantumcore.services.ledger import store
from quantumcore.services.ledger.audit.chain import Chain, Row
from quantumcore.services.ledger.audit.prove import entry_at, prove
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.publisher import Publisher
from quantumcore.services.ledger.audit.roots import Signer
from quantumcore.services.ledger.audit.verify import Walker
from quantumcore.services.ledger.store import write_chain, write_entries

MIGRATIONS = "quantumcore.services.ledger.migrations"
ORDERS = 20_000
ACCOUNTS = range(10, 210)
RECORDS = 1_000_000
RECORDS_A_DAY = 400_000
RECORDS_AT_ONCE = 20_000
PROOFS = 200
KEY = bytes(32)
START_NS = 20_000 * DAY_NS
Tell = Callable[[str], None]


def ledger(seed: int, scale: float = 1.0, *, tell: Tell = lambda _: None) -> list[Figure]:
    """Measure entering by processor time, verification and proofs by the clock; `tell` hears how far it is."""
    return asyncio.run(_measure(seed, scale, tell))


async def _measure(seed: int, scale: float, tell: Tell) -> list[Figure]:
    batches, fills = _market(seed, max(500, int(ORDERS * scale)))
    entered: list[float] = []
    for number in range(REPEATS + 1):
        tell(f"bench ledger: entering {fills:,} fills, run {number + 1} of {REPEATS + 1}")
        entered.append(await _enter(batches))
    return [
        Figure(
            "enter fills, audit included",
            "fills/s",
            [fills / each for each in entered[1:]],
            5_000,
            higher_is_better=True,
        ),
        *await _chain(max(10_000, int(RECORDS * scale)), tell),
    ]


def _market(seed: int, orders: int) -> tuple[list[EventBatch], int]:
    """Return the events of a market in which nearly every order trades, and its fills."""
    random, engine, catalogue = Random(seed), Engine(), Catalogue()
    batches: list[EventBatch] = []

    def do(raw: bytes) -> None:
        first = engine.sequence + 1
        events = engine.step(raw, START_NS)
        batches.append(EventBatch(first, engine.sequence, events))

    for definition in load_definitions(None, ["BTC-USD"]):
        do(definition)
        for event in batches[-1].events:
            catalogue.apply(event)
    instrument = catalogue.symbol("BTC-USD")
    for account in ACCOUNTS:
        do(OpenAccount(account=account, owner=account).encode())
        for unit in (instrument.base, instrument.quote):
            funds: dict[str, Any] = {
                "amount": 10**15,
                "currency": unit.number,
                "transfer_kind": 1,
                "transfer_id": f"d-{unit.number}",
            }
            do(Transfer(account=account, **funds).encode())
    for number in range(orders):
        do(_order(random, instrument, number).encode())
    fills = sum(isinstance(event, TradePrinted) for batch in batches for event in batch.events)
    if fills < orders // 3:
        raise AssertionError(f"only {fills} of {orders} orders traded")
    return batches, fills


def _order(random: Random, instrument: Instrument, number: int) -> SubmitOrder:
    return SubmitOrder(
        instrument=instrument.number,
        account=random.choice(ACCOUNTS),
        side=random.randrange(1, 3),
        quantity=random.randrange(1, 10),
        price=20_000 + random.randrange(3),
        order_type=2,
        time_in_force=1,
        client_id=f"o-{number}",
    )


async def _enter(batches: list[EventBatch]) -> float:
    """Return the processor time that a new ledger takes for `batches`."""
    fresh = [EventBatch(batch.first, batch.last, batch.raw) for batch in batches]
    with tempfile.TemporaryDirectory() as directory:
        database = await open_database(Path(directory) / "ledger.db", MIGRATIONS)
        try:
            began = time.process_time()
            for part in parts(fresh):
                await database.write(partial(store.post, batches=part))
            return time.process_time() - began
        finally:
            await database.close()


async def _chain(records: int, tell: Tell) -> list[Figure]:
    """Measure a chain of so many records, whose days but the last are published."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        database = await open_database(root / "ledger.db", MIGRATIONS)
        try:
            chain = Chain()
            for page in _pages(records):
                await database.write(partial(_write, chain=chain, page=page))
                tell(f"bench ledger: {chain.number:,} of {records:,} records written")
            publisher = Publisher(database, None, auditing_of(root, KEY))  # type: ignore[arg-type]  # it never waits here
            began = time.perf_counter()
            await publisher.publish()
            published = time.perf_counter() - began
            rates = [await _verify(database, root, records, tell) for _ in range(3)]
            proofs = await database.read(partial(_prove, root=root, records=chain.number))
        finally:
            await database.close()
    return [
        Figure(f"verify a chain of {records:,} records", "records/s", rates),
        Figure("publish a closed day", "records/s", [_closed(records) / published] if _closed(records) else []),
        Figure("prove an entry", "ms", proofs),
    ]


def _closed(records: int) -> int:
    return (records - 1) // RECORDS_A_DAY * RECORDS_A_DAY


def _pages(records: int) -> Iterator[list[Row]]:
    page: list[Row] = []
    for number in range(records):
        time_ns = START_NS + number // RECORDS_A_DAY * DAY_NS
        page.append(
            (number // 4 + 1, 0, number % 4, number % 4, 10 + number % 97, 200, 110, 200, 1, number + 1, "0", time_ns)
        )
        if len(page) == RECORDS_AT_ONCE:
            yield page
            page = []
    if page:
        yield page


def _write(connection: Connection, chain: Chain, page: list[Row]) -> None:
    stood = chain.number > 0
    chain.extend(page, page[-1][-1])
    write_entries(connection, page)
    write_chain(connection, chain, stood=stood)
    for written in (chain.records, chain.blocks, chain.days):
        written.clear()


async def _verify(database: SqliteDatabase, root: Path, records: int, tell: Tell) -> float:
    """Return the records per second of one walk over the whole chain."""

    def work(connection: Connection) -> float:
        began = time.perf_counter()
        walker = Walker(connection, Published(FileStore(root / DIRECTORY), Signer(KEY).public_key))
        while not walker.done:
            walker.walk(walker.checked + RECORDS_AT_ONCE)
            tell(f"bench ledger: {walker.checked:,} of {records:,} records verified")
        if walker.finding is not None or walker.checked != records:
            raise AssertionError(f"a sound chain is not: {walker.finding}")
        return records / (time.perf_counter() - began)

    return await database.read(work)


def _prove(connection: Connection, root: Path, records: int) -> list[float]:
    """Return the milliseconds of some proofs of the first day; none when no day is closed."""
    if not _closed(records):
        return []
    times: list[float] = []
    random, files = Random(1), FileStore(root / DIRECTORY)
    for _ in range(PROOFS):
        number = random.randrange(RECORDS_A_DAY)
        began: Any = time.perf_counter()
        prove(connection, files, entry_at(connection, (number // 4 + 1, 0, number % 4)))
        times.append((time.perf_counter() - began) * 1e3)
    return times

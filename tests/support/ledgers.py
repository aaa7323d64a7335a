"""The ledger beside an engine: events into its tables, and the proof that both say the same."""

import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts.matching import (
    EngineAccounts,
    EngineHold,
    EngineHolds,
    EngineTotals,
    GetEngineAccounts,
    GetEngineHolds,
    GetEngineTotals,
    HouseTotal,
)
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.wire import CurrencyDefined, InstrumentDefined
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.payout import OperatedRail
from quantumcore.services.ledger import queries, store
from quantumcore.services.ledger.domain import COLLATERAL, CUSTOMER_CODES, DEBIT_NATURE, HOUSE, AccountKey
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import LedgerSettings
from quantumcore.services.ledger.tables import accounts, client_holds, holds, metadata
from quantumcore.services.matching.money import engine_account, other_accounts
from tests.support.small_venue import SmallVenue
from tests.support.streams import START_NS, Market, setup
from tests.support.tables import open_tables

HOLDS_IN_A_PAGE = 3
MIGRATIONS = "quantumcore.services.ledger.migrations"


def random_market(seed: int, commands: int, market_of: type[Market] = Market) -> tuple[Engine, list[EventBatch]]:
    """Return an engine after `commands` random commands, and its events, one batch per command."""
    engine, market = Engine(), market_of(random.Random(seed))
    batches = [_step(engine, raw, START_NS) for raw in setup()]
    for _ in range(commands):
        command = market.next()
        batches.append(_step(engine, command.raw, command.time_ns))
        market.hear(batches[-1].raw)
    return engine, batches


_DEFINED = Catalogue()
"""What any of the streams has defined: a room learns it from matching, and units never change."""


def _step(engine: Engine, raw: bytes, time_ns: int) -> EventBatch:
    events = engine.step(raw, time_ns)
    return EventBatch(engine.sequence, engine.sequence, events)


@asynccontextmanager
async def ledger_tables(directory: Path, name: str = "ledger") -> AsyncIterator[SqliteDatabase]:
    """Open the ledger's tables."""
    database = await open_tables(directory / f"{name}.db", MIGRATIONS)
    try:
        yield database
    finally:
        await database.close()


async def post(database: SqliteDatabase, batches: Iterable[EventBatch]) -> tuple[int, list[int]]:
    """Enter `batches` in one transaction."""
    given = list(batches)
    for batch in given:
        for event in batch.events:
            if isinstance(event, CurrencyDefined | InstrumentDefined):
                _DEFINED.apply(event)
    return await database.write(lambda connection: store.post(connection, given, _DEFINED))


async def post_in_cuts(database: SqliteDatabase, batches: list[EventBatch], rng: random.Random, most: int = 60) -> None:
    """Enter `batches` in transactions of random size."""
    at = 0
    while at < len(batches):
        size = rng.randrange(1, most)
        await post(database, batches[at : at + size])
        at += size


async def digest(database: SqliteDatabase) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, without the sequence at which an account moved last (a batch sets it for the house)."""

    def work(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
        rows = {t.name: sorted(tuple(row) for row in connection.execute(select(t))) for t in metadata.sorted_tables}
        rows["accounts"] = [row[:-1] for row in rows["accounts"]]
        return rows

    return await database.read(work)


async def assert_equals(database: SqliteDatabase, engine: Engine) -> None:
    """Fail unless the ledger is at the engine's sequence, equals it to the last unit, and balances in itself."""
    sequence, house = await database.read(queries.trial_rows)
    assert sequence == engine.sequence
    everyone: dict[AccountKey, tuple[int, int, int]] = {}
    for account in engine.accounts():
        view = await database.read(lambda connection, number=account: queries.owner_view(connection, number))  # type: ignore[misc]
        own = {key: row for key, row in view.accounts.items() if key.code in CUSTOMER_CODES}
        ours = {key.currency: (row.balance(key.code), row.held) for key, row in own.items()}
        theirs = {currency: (total, held) for currency, total, held in engine.balances(account)}
        assert _nonzero(ours) == _nonzero(theirs), f"account {account}"
        aside = {key.currency: row.balance(key.code) for key, row in view.accounts.items() if key.code == COLLATERAL}
        assert {c: total for c, total in aside.items() if total} == dict(engine.collateral(account))
        limits = {currency: credit.limit for currency, credit in view.credits.items() if credit.limit}
        assert limits == {currency: limit for currency, limit, _ in engine.credits(account)}
        assert view.state == engine.account_state(account)
        everyone |= {key: (row.debits, row.credits, row.held) for key, row in view.accounts.items()}
    for currency, sums in queries.house_sums(house).items():
        names = ("customers", "held", "fees", "rebates", "rounding", "deposited")
        assert tuple(sums[name] for name in names) == engine.totals(currency), f"currency {currency}"
        others = {int(name): balance for name, balance in sums.items() if name not in names and balance}
        assert others == {c: balance for c, balance in engine.house(currency) if c not in (100, 300, 310, 410)}
    _assert_balanced(house, everyone)
    await _assert_holds(database, engine)


def _nonzero(balances: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    return {currency: pair for currency, pair in balances.items() if any(pair)}


def _assert_balanced(house: dict[AccountKey, Any], everyone: dict[AccountKey, tuple[int, int, int]]) -> None:
    """Debits equal credits in each currency; a control account is the sum of its customers."""
    for currency in {key.currency for key in house}:
        rows = [row for key, row in house.items() if key.currency == currency]
        assert sum(row.debits for row in rows) == sum(row.credits for row in rows)
        assets = sum(
            row.balance(key.code) for key, row in house.items() if key.currency == currency and key.code in DEBIT_NATURE
        )
        rest = sum(
            row.balance(key.code)
            for key, row in house.items()
            if key.currency == currency and key.code not in DEBIT_NATURE
        )
        assert assets == rest
    for key, row in house.items():
        if key.code in (*CUSTOMER_CODES, COLLATERAL):
            mine = [v for k, v in everyone.items() if (k.currency, k.code) == (key.currency, key.code)]
            assert (row.debits, row.credits, row.held) == tuple(map(sum, zip(*mine, strict=True)))


async def _assert_holds(database: SqliteDatabase, engine: Engine) -> None:
    """placed = captured + released + open for every hold; held of an account is the sum of its open holds; those of clients are the engine's."""

    def work(connection: Connection) -> tuple[list[Any], list[Any], list[Any]]:
        tables = (select(holds), select(accounts), select(client_holds).order_by(client_holds.c.sequence))
        rows, stands, of_clients = (list(connection.execute(table)) for table in tables)
        return rows, stands, of_clients

    rows, stands, of_clients = await database.read(work)
    held: dict[tuple[int, int], int] = {}
    for row in rows:
        hold = store.hold_of(row)
        assert hold.open >= 0
        assert min(hold.placed, hold.captured, hold.released) >= 0
        assert hold.placed == hold.captured + hold.released + hold.open
        assert not (hold.done and hold.open)
        held[hold.account, hold.currency] = held.get((hold.account, hold.currency), 0) + hold.open
    set_aside = [store.client_hold_of(row) for row in of_clients]
    for hold in set_aside:
        assert hold.placed == hold.captured + hold.released + hold.open
        held[hold.account, hold.currency] = held.get((hold.account, hold.currency), 0) + hold.open
    ours = [
        (h.sequence, h.account, h.currency, h.placed, h.captured, h.released, h.expires_ns) for h in set_aside if h.open
    ]
    assert ours == engine.holds()
    assert [row.done for row in of_clients] == [hold.open == 0 for hold in set_aside]
    for row in stands:
        if row.owner != HOUSE and row.code != COLLATERAL:
            assert row.held == held.get((row.owner, row.currency), 0)


async def open_ledger(
    venue: SmallVenue, settings: LedgerSettings | None = None, rail: OperatedRail | None = None, **names: str
) -> LedgerService:
    """Run the ledger in `venue`, whose matching answers for the engine's balances too; `names` are those of its two files."""
    if "ledger" not in names:
        answer_for_money(venue)
    tables = await venue.database("ledger", names.get("ledger", "ledger"))
    office = await venue.database("ledger", names.get("office", "office"))
    service = LedgerService(venue.bus, venue.log, tables, venue.clock, office=office, rail=rail, settings=settings)
    await venue.run(service, attach="ledger" not in names)
    return service


def answer_for_money(venue: SmallVenue) -> None:
    """Let the engine's balances and sums be asked for, as matching does."""
    venue.bus.handle(GetEngineAccounts, _accounts_of(venue))
    venue.bus.handle(GetEngineTotals, _totals_of(venue))
    venue.bus.handle(GetEngineHolds, _holds_of(venue))


def _accounts_of(venue: SmallVenue) -> Any:
    async def answer(request: GetEngineAccounts) -> EngineAccounts:
        engine = venue.engine
        return EngineAccounts(engine.sequence, [engine_account(engine, one) for one in request.accounts])

    return answer


def _holds_of(venue: SmallVenue) -> Any:
    async def answer(request: GetEngineHolds) -> EngineHolds:
        engine, end = venue.engine, request.first + HOLDS_IN_A_PAGE
        found = [EngineHold(*row[:6]) for row in engine.holds(request.first, HOLDS_IN_A_PAGE)]
        return EngineHolds(engine.sequence, found, end if end < engine.hold_count() else 0)

    return answer


def _totals_of(venue: SmallVenue) -> Any:
    async def answer(_request: GetEngineTotals) -> EngineTotals:
        known = sorted(venue.engine._venue.currencies)
        totals = [HouseTotal(c, *venue.engine.totals(c), other_accounts(venue.engine.house(c))) for c in known]
        return EngineTotals(venue.engine.sequence, totals)

    return answer

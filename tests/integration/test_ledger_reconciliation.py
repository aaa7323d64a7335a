"""The ledger is compared without end, and what differs is told until it is gone.

Goal: a difference in the tables is found within one round and told with account, currency, what and both numbers; equal
rooms find none; the projection goes on meanwhile; a room that is away hides nothing that another has found.
Method: a small venue with the rooms of ledger, orders and positions; the engine answers as matching does. Differences are
written into the tables past the room.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Connection, String, cast, delete, event, select, update

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts import wire
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.ledger import Difference, Reconcile
from quantumcore.contracts.ledger_reports import Break, GetReconciliation, LedgerDiffers
from quantumcore.contracts.matching import (
    MOST_ACCOUNTS,
    EngineAccounts,
    EngineTotals,
    GetEngineAccounts,
    GetEngineTotals,
)
from quantumcore.contracts.order_queries import GetFills
from quantumcore.contracts.orders import SELF_TRADE_PREVENTION, BustTrade
from quantumcore.contracts.positions import GetPositions
from quantumcore.contracts.values import packed_id
from quantumcore.services.ledger import tables, third
from quantumcore.services.ledger.postings import Why
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import EVERY_S
from quantumcore.services.orders.service import OrdersService
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.positions.tables import positions
from tests.support.ledgers import open_ledger
from tests.support.small_venue import (
    ALICE,
    BOB,
    BTC,
    CAROL,
    COIN,
    RICH,
    SHARE,
    SHARES,
    USD,
    SmallVenue,
    define,
    small_venue,
)
from tests.support.waiting import eventually

PEOPLE = (ALICE, BOB, CAROL)
EXACT = 3


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as venue:
        venue.do(wire.DefineCurrency(currency=4, code="GOLD", scale=3))
        venue.do(define(EXACT, "GOLD-USD", 4, lot_scale=0, maker_fee=-40_000))
        for account in PEOPLE:
            venue.do(wire.Transfer(account=account, amount=RICH, currency=4, transfer_kind=1, transfer_id="gold"))
        await venue.run(OrdersService(venue.bus, venue.log, await venue.database("orders"), venue.clock))
        yield venue


@pytest.fixture
async def ledger(venue: SmallVenue) -> LedgerService:
    return await open_ledger(venue)


async def positions_room(venue: SmallVenue) -> SqliteDatabase:
    """Let positions be followed; return their tables."""
    database = await venue.database("positions")
    await venue.run(PositionsService(venue.bus, venue.log, database, venue.clock))
    return database


def trade(venue: SmallVenue, rng: random.Random, orders: int) -> list[wire.TradePrinted]:
    """Let random orders meet; one account may meet itself."""
    found: list[wire.TradePrinted] = []
    for _ in range(orders):
        instrument = rng.choice((COIN, SHARE, EXACT))
        events = venue.do(
            wire.SubmitOrder(
                instrument=instrument,
                account=rng.choice(PEOPLE),
                side=rng.randrange(1, 3),
                quantity=rng.randrange(1, 9) if instrument != COIN else rng.randrange(1, 99_999),
                price=10_001 + rng.randrange(3),
                order_type=2,
                time_in_force=1,
                quantity_scale=5 if instrument == COIN else 0,
                self_trade_prevention=SELF_TRADE_PREVENTION[rng.choice(("cancel_newest", "none"))],
                client_id=f"o-{venue.engine.sequence}",
            )
        )
        found += [event for event in events if isinstance(event, wire.TradePrinted)]
    return found


async def bust(venue: SmallVenue, trade: wire.TradePrinted) -> None:
    trade_id = packed_id(venue._catalogue.shard, trade.sequence, trade.fill, 0)
    await venue.bus.request(BustTrade(trade_id=trade_id, action="cancel"))


async def poke(service: LedgerService, statement: Any) -> None:
    """Change the tables past the room."""

    def work(connection: Connection) -> None:
        assert connection.execute(statement).rowcount == 1

    await service._database.write(work)


def told(venue: SmallVenue) -> list[LedgerDiffers]:
    """Return what is told from now on."""
    heard: list[LedgerDiffers] = []

    async def listen(notices: Sequence[LedgerDiffers]) -> None:
        heard.extend(notices)

    venue.bus.subscribe(LedgerDiffers, listen)
    return heard


async def rounds(venue: SmallVenue, ledger: LedgerService, count: int = 1) -> None:
    """Let the minute pass `count` times, and each round end."""
    for _ in range(count):
        before = sum(ledger._watch.rounds.values())
        await venue.clock.advance(EVERY_S)
        await eventually(lambda before=before: sum(ledger._watch.rounds.values()) > before)  # type: ignore[misc]
        await eventually(lambda: not ledger._watch._one.locked())


async def trades_are_known(venue: SmallVenue) -> None:
    """Wait until the orders room has followed everything: what it has not seen is compared in a later round."""
    for _ in range(30):
        asked = GetFills(account=ALICE, limit=1, at_least=venue.engine.sequence)  # waits a second
        if (await venue.bus.request(asked)).sequence >= venue.engine.sequence:
            return
    raise AssertionError("the orders room does not follow")


async def test_rooms_that_followed_the_same_market_are_equal(
    venue: SmallVenue, ledger: LedgerService, rng: random.Random
) -> None:
    await positions_room(venue)
    fills = 0
    for _ in range(4):
        trades = trade(venue, rng, 120)
        fills += len(trades)
        assert trades
        await bust(venue, rng.choice(trades))
        await trades_are_known(venue)
        await rounds(venue, ledger)
        view = await venue.bus.request(GetReconciliation())
        assert view.breaks == []
        assert view.trades == 2 * fills
        assert (view.positions, view.accounts, view.sequence) == (third.COMPARED, len(PEOPLE), venue.engine.sequence)
    assert ledger._watch.rounds == {"equal": 4, "different": 0, "skipped": 0}
    assert ledger.not_ready() == []


async def test_a_difference_is_found_within_a_round_and_told_until_it_is_gone(
    venue: SmallVenue, ledger: LedgerService, rng: random.Random, caplog: pytest.LogCaptureFixture
) -> None:
    trade(venue, rng, 60)
    await rounds(venue, ledger)
    heard = told(venue)
    total = next(total for currency, total, _ in venue.engine.balances(BOB) if currency == BTC)
    account = tables.accounts.c
    row = (account.owner == BOB, account.currency == BTC)
    before = await ledger._database.read(
        lambda connection: connection.execute(select(account.credits).where(*row)).scalar_one()
    )
    await poke(ledger, update(tables.accounts).where(*row).values(credits=str(int(before) + 7)))
    with caplog.at_level(logging.WARNING):
        await rounds(venue, ledger)
    await eventually(lambda: heard)
    (found,) = heard[0].breaks
    assert found == Break(str(BOB), "BTC", "total", str(total + 7), str(total), "engine", found.since_ns, 0)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    for part in ("BTC", "total", str(total + 7), str(total), "engine"):
        assert part in record.getMessage()
    (reason,) = ledger.not_ready()
    assert "BTC total against engine" in reason
    assert str(total) not in reason, "everybody may read it"
    assert _metric(ledger, "qc_ledger_differences") == 1

    caplog.clear()
    with caplog.at_level(logging.WARNING):
        await rounds(venue, ledger, 3)
    view = await venue.bus.request(GetReconciliation())
    assert [(one.since_ns, one.age_s) for one in view.breaks] == [(found.since_ns, 3 * EVERY_S)]
    assert _metric(ledger, "qc_ledger_difference_seconds") == 3 * EVERY_S
    assert len(heard) == 4, "told each round"
    assert not caplog.records, "logged once"

    await poke(ledger, update(tables.accounts).where(*row).values(credits=before))
    await rounds(venue, ledger)
    assert ledger.not_ready() == []
    assert (await venue.bus.request(GetReconciliation())).breaks == []


def _metric(ledger: LedgerService, name: str) -> float:
    return next(family.samples[0].value for family in ledger.collect() if family.name == name)


@pytest.mark.parametrize(
    ("why", "instrument_currency", "whats"),
    [
        (Why.ASSET, BTC, {("BTC", "bought"), ("BTC", "sold")}),
        (Why.ASSET, SHARES, {("AAPL", "bought"), ("AAPL", "sold")}),
        (Why.TAKER_FEE, USD, {("USD", "fees")}),
    ],
)
async def test_an_entry_that_says_another_number_than_its_trade_is_found(
    venue: SmallVenue,
    ledger: LedgerService,
    rng: random.Random,
    why: Why,
    instrument_currency: int,
    whats: set[tuple[str, str]],
) -> None:
    trade(venue, rng, 200)
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    await trades_are_known(venue)
    entry = await _one_entry(ledger, why, instrument_currency)
    await poke(ledger, _change(entry, amount=entry.amount + 1))
    found = await venue.bus.request(GetReconciliation(now=True))
    assert {(one.currency, one.what) for one in found.breaks if one.against == "trades"} == whats
    for one in found.breaks:
        assert one.account_id in (str(entry.debit_owner), str(entry.credit_owner))
        assert int(one.ledger) == int(one.other) + 1


async def test_money_of_an_exact_instrument_has_no_tolerance(venue: SmallVenue, ledger: LedgerService) -> None:
    """Of a fractional one the roundings of its orders are allowed for, one unit a fill and no more."""
    for account, side in ((ALICE, 1), (BOB, 2)):
        venue.do(
            wire.SubmitOrder(
                instrument=EXACT,
                account=account,
                side=side,
                quantity=3,
                price=10_001,
                order_type=2,
                time_in_force=1,
                client_id="x",
            )
        )
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    await trades_are_known(venue)
    entry = await _one_entry(ledger, Why.PRINCIPAL, USD)
    await poke(ledger, _change(entry, amount=entry.amount + 1))
    found = await venue.bus.request(GetReconciliation(now=True))
    assert {(one.account_id, one.what, int(one.ledger) - int(one.other)) for one in found.breaks} == {
        (str(ALICE), "paid", 1),
        (str(BOB), "received", 1),
    }


async def test_a_missing_entry_is_a_missing_trade(venue: SmallVenue, ledger: LedgerService, rng: random.Random) -> None:
    trade(venue, rng, 100)
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    await trades_are_known(venue)
    entry = await _one_entry(ledger, Why.ASSET, BTC)
    await poke(ledger, _change(entry, why=int(Why.DEPOSIT)))
    found = await venue.bus.request(GetReconciliation(now=True))
    trades = [one for one in found.breaks if one.what == "trades"]
    assert {one.account_id for one in trades} == {str(entry.debit_owner), str(entry.credit_owner)}
    assert all(int(one.other) - int(one.ledger) == 1 for one in trades)


async def test_a_wrong_position_is_found(venue: SmallVenue, ledger: LedgerService, rng: random.Random) -> None:
    room = await positions_room(venue)
    trade(venue, rng, 100)
    await venue.bus.request(GetPositions(account=ALICE, at_least=venue.engine.sequence))
    assert (await venue.bus.request(GetReconciliation(now=True))).breaks == []
    more = update(positions).values(quantity=cast(cast(positions.c.quantity, BigInteger) + 1, String))
    await room.write(lambda connection: connection.execute(more))
    found = (await venue.bus.request(GetReconciliation(now=True))).breaks
    assert {one.against for one in found} == {"positions"}
    assert {(one.account_id, one.currency) for one in found} == {
        (str(who), code) for who in PEOPLE for code in ("BTC", "AAPL", "GOLD")
    }
    shares = next(one for one in found if one.currency == "AAPL")
    assert int(shares.other) - int(shares.ledger) == 1


async def test_without_a_positions_room_the_rest_is_compared(venue: SmallVenue, ledger: LedgerService) -> None:
    view = await venue.bus.request(GetReconciliation(now=True))
    assert view.positions.startswith("not compared: ")
    assert view.breaks == []
    assert view.rounds == 1


async def test_a_room_that_is_away_hides_nothing(tmp_path: Path) -> None:
    """Nobody answers for trades; what differs from the engine is found all the same, and the round counts as skipped."""
    async with small_venue(tmp_path) as venue:
        ledger = await open_ledger(venue)
        await eventually(lambda: ledger._follower.cursor == venue.log.last)
        account = tables.accounts.c
        row = (account.owner == ALICE, account.currency == USD)
        await poke(ledger, update(tables.accounts).where(*row).values(held=5))
        with pytest.raises(Unavailable):
            await venue.bus.request(GetReconciliation(now=True))
        view = await venue.bus.request(GetReconciliation())
        assert (view.rounds, view.skipped) == (0, 1)
        assert [(one.what, one.ledger, one.other) for one in view.breaks] == [("held", "5", "0")]
        await rounds(venue, ledger)
        assert ledger._watch.rounds["skipped"] == 2, "the task goes on"


async def test_an_account_that_the_engine_has_never_opened_is_a_difference(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    stranger = 4711

    def work(connection: Connection) -> None:
        connection.execute(tables.owners.insert(), {"account": stranger, "owner": "x", "sequence": 1})
        row = {"owner": stranger, "currency": USD, "code": 200, "debits": "0", "credits": "9", "held": 0, "changed": 1}
        connection.execute(tables.accounts.insert(), row)

    await ledger._database.write(work)
    found = await venue.bus.request(Reconcile())
    assert [(one.account_id, one.what, one.ledger, one.engine) for one in found.differences] == [
        (str(stranger), "total", "9", "0")
    ]


@pytest.mark.parametrize("limit", [0, 400, 600])
async def test_a_credit_limit_that_is_another_one_is_found(
    venue: SmallVenue, ledger: LedgerService, limit: int
) -> None:
    """Also one that only one side knows of: an account may have nothing else of that currency."""
    venue.do(wire.SetCredit(account=BOB, currency=USD, limit=500))
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    assert (await venue.bus.request(Reconcile())).differences == []
    lines = tables.credit_lines
    row = (lines.c.owner == BOB, lines.c.currency == USD)
    await poke(ledger, update(lines).where(*row).values(credit_limit=limit) if limit else delete(lines).where(*row))
    found = (await venue.bus.request(Reconcile())).differences
    assert found == [Difference(str(BOB), "USD", "limit", str(limit), "500")]
    await poke(ledger, lines.insert().values(owner=CAROL, currency=4, credit_limit=7, floor=7, changed=1))
    found = (await venue.bus.request(Reconcile())).differences
    assert Difference(str(CAROL), "GOLD", "limit", "7", "0") in found


async def test_an_account_that_is_frozen_on_one_side_alone_is_found(
    venue: SmallVenue, ledger: LedgerService, caplog: pytest.LogCaptureFixture
) -> None:
    venue.do(wire.SetAccountTerms(account=BOB, state=2))
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    await rounds(venue, ledger)
    assert ledger.not_ready() == []
    await poke(ledger, delete(tables.states).where(tables.states.c.account == BOB))
    await poke(ledger, tables.states.insert().values(account=CAROL, state=3, changed=1))
    await rounds(venue, ledger)
    view = await venue.bus.request(GetReconciliation())
    assert [(one.account_id, one.currency, one.what, one.ledger, one.other) for one in view.breaks] == [
        (str(BOB), "", "state", "open", "frozen"),
        (str(CAROL), "", "state", "closed", "open"),
    ]
    assert ledger.not_ready()[0].endswith(": state against engine")


@pytest.mark.parametrize(
    "change", [wire.SetCredit(account=BOB, currency=USD, limit=9), wire.SetAccountTerms(account=BOB, state=2)]
)
async def test_terms_that_change_while_they_are_compared_are_no_difference(
    venue: SmallVenue, ledger: LedgerService, change: wire.Command
) -> None:
    """The engine has answered, and the ledger has the change already when it is read: that account is asked for again."""
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    answer = venue.bus._handlers[GetEngineAccounts]  # type: ignore[attr-defined]
    asked: list[list[int]] = []

    async def then_changed(request: GetEngineAccounts) -> EngineAccounts:
        found = await answer(request)
        asked.append(request.accounts)
        if len(asked) == 1:
            venue.do(change)
            await eventually(lambda: ledger._follower.cursor == venue.log.last)
        return found

    venue.bus._handlers[GetEngineAccounts] = then_changed  # type: ignore[attr-defined]
    assert (await venue.bus.request(Reconcile())).differences == []
    assert asked == [list(PEOPLE), [BOB]]


async def test_a_round_costs_a_page_of_accounts_the_same_however_many_there_are(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    """Counted: one request and as many statements for each page, and each account is looked up once."""
    looked: list[int] = []
    balances = venue.engine.balances

    def noted(account: int) -> list[tuple[int, int, int]]:
        looked.append(account)
        return balances(account)

    venue.engine.balances = noted
    said: list[str] = []
    for engine in (ledger._database._reading, ledger._database._writing):
        event.listen(engine, "before_cursor_execute", lambda _c, _k, text, *_: said.append(text))
    counts = {}
    for pages in (2, 6):
        for number in range(100, 100 + pages * MOST_ACCOUNTS - len(PEOPLE)):
            venue.do(wire.OpenAccount(account=number, owner=number))
        await eventually(lambda: ledger._follower.cursor == venue.log.last)
        looked.clear()
        said.clear()
        found = await ledger._watch._reconciler.run()
        assert (found.accounts, found.differences) == (pages * MOST_ACCOUNTS, [])
        assert len(looked) == pages * MOST_ACCOUNTS
        counts[pages] = sum("SELECT" in text for text in said)
    assert counts[6] - counts[2] == 4 * 3, counts


async def test_a_room_that_is_behind_is_compared_as_far_as_it_is(
    venue: SmallVenue, ledger: LedgerService, rng: random.Random
) -> None:
    """The orders room stands still; the ledger goes on. What both have is equal."""
    fills = len(trade(venue, rng, 50))
    await venue.bus.request(GetFills(account=ALICE, at_least=venue.log.last))
    next(task for task in venue._tasks if task.get_name() == "projection").cancel()  # it was started first
    await asyncio.sleep(0)
    assert trade(venue, rng, 100)
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    view = await venue.bus.request(GetReconciliation(now=True))
    assert view.breaks == []
    assert view.trades == 2 * fills


async def test_the_projection_goes_on_while_it_is_compared(
    venue: SmallVenue, ledger: LedgerService, rng: random.Random
) -> None:
    """The engine's answer hangs; what is traded meanwhile is entered all the same."""
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    asked, go_on = asyncio.Event(), asyncio.Event()
    answer = venue.bus._handlers[GetEngineTotals]  # type: ignore[attr-defined]

    async def hangs(request: GetEngineTotals) -> EngineTotals:
        asked.set()
        await go_on.wait()
        return await answer(request)

    venue.bus._handlers[GetEngineTotals] = hangs  # type: ignore[attr-defined]
    comparing = asyncio.create_task(venue.bus.request(GetReconciliation(now=True)))
    await asked.wait()
    trade(venue, rng, 50)
    await eventually(lambda: ledger._follower.cursor == venue.log.last)
    assert not comparing.done()
    go_on.set()
    assert (await comparing).breaks == []


async def test_counting_goes_on_where_it_stood(
    venue: SmallVenue, ledger: LedgerService, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second round asks for what is new; more than a round's pages are counted in the next."""
    monkeypatch.setattr(third, "PAGE", 10)
    monkeypatch.setattr(third, "PAGES", 2)
    trade(venue, rng, 400)
    asked: list[GetFills] = []
    request = venue.bus.request

    async def noted(message: Any, **rest: Any) -> Any:
        if isinstance(message, GetFills):
            asked.append(message)
        return await request(message, **rest)

    monkeypatch.setattr(venue.bus, "request", noted)
    sides = 2 * sum(isinstance(e, wire.TradePrinted) for batch in venue.log.read(0, 1 << 30) for e in batch.events)
    counted = []
    while not counted or counted[-1] < sides:
        view = await venue.bus.request(GetReconciliation(now=True))
        assert view.breaks == []
        counted.append(view.trades)
        assert len(counted) < sides
    assert len(counted) > 2
    asked.clear()
    await venue.bus.request(GetReconciliation(now=True))
    assert len(asked) == len(PEOPLE)
    assert all(one.cursor for one in asked)


async def _one_entry(ledger: LedgerService, why: Why, currency: int) -> Any:
    c = tables.entries.c
    wanted = select(tables.entries).where(c.why == why, c.currency == currency, c.debit_owner != c.credit_owner)
    return await ledger._database.read(lambda connection: connection.execute(wanted.limit(1)).one())


def _change(entry: Any, **values: Any) -> Any:
    c = tables.entries.c
    where = c.sequence == entry.sequence, c.event_index == entry.event_index, c.leg == entry.leg
    return update(tables.entries).where(*where).values(**values)

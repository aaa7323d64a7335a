"""A position that is taken over, as all rooms see it.

Goal: ledger, positions, tax lots and portfolio follow it as they follow a trade without fees; the market and the orders rooms
know no trade of it; ledger and engine stay equal, and a rebuild leads to the same.
Method: a small venue with the rooms of ledger, orders, positions, market and portfolio; the readable engine behind matching.
"""

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.ledger import GetEntries, GetTrialBalance, Reconcile
from quantumcore.contracts.ledger_reports import GetReconciliation, GetStatement
from quantumcore.contracts.market import GetTicker, GetTrades, Ticker
from quantumcore.contracts.order_queries import GetFills
from quantumcore.contracts.portfolio import GetPortfolio
from quantumcore.contracts.positions import (
    Closed,
    Decreased,
    GetLots,
    GetPosition,
    GetPositionEvents,
    Opened,
    PositionView,
    RebuildPositions,
    SetLotMethod,
)
from quantumcore.services.ledger import third
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import EVERY_S
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.service import OrdersService
from quantumcore.services.portfolio.service import PortfolioService
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.risk import store
from quantumcore.services.risk.state import ONE, Holding
from tests.support.ledgers import digest, open_ledger
from tests.support.position_rooms import order
from tests.support.risk_room import risk_service
from tests.support.small_venue import ALICE, BOB, CAROL, RICH, SHARE, USD, SmallVenue, small_venue
from tests.support.waiting import eventually

BUY, SELL = 1, 2
LOSS = 2 * RICH  # leaves who had RICH, and shares at a mark, with less than nothing


class Rooms(NamedTuple):
    venue: SmallVenue
    ledger: LedgerService

    async def ask(self, message: Any) -> Any:
        return await self.venue.bus.request(message)

    def trade(self, lots: int, price: int, *, buyer: int = ALICE, seller: int = BOB) -> None:
        """Let two accounts trade `lots` at `price` cents."""
        self.venue.do(order(SHARE, seller, SELL, lots, price))
        self.venue.do(order(SHARE, buyer, BUY, lots, price))

    def ruin(self, account: int, mark: int) -> None:
        """Leave an account on margin with less than nothing at `mark` cents."""
        leg = wire.Leg(
            debit_account=account, credit_account=0, debit_code=0, credit_code=900, currency=USD, amount=LOSS
        )
        group = wire.PostGroup(group_id="loss", code=1, count=1, flags=1, legs=leg.encode())
        margined = wire.SetAccountMargin(account=account, currency=USD, profile=1)
        for command in (wire.SetMark(instrument=SHARE, price=mark), margined, group):
            self.venue.do(command)

    def take_over(self, taker: int, lots: int, money: int, *, giver: int = ALICE) -> wire.PositionTaken:
        """Let `taker` take lots over for `money` cents."""
        command = wire.TakeOver(instrument=SHARE, account=giver, taker=taker, lots=lots, money=money)
        (event,) = self.venue.do(command)
        assert isinstance(event, wire.PositionTaken), event
        return event

    async def position(self, account: int) -> PositionView:
        at = self.venue.engine.sequence
        return (await self.ask(GetPosition(account=account, symbol="AAPL", at_least=at))).position

    async def ticker(self) -> Ticker:
        return await self.ask(GetTicker(symbol="AAPL", at_least=self.venue.engine.sequence))

    async def worth(self, *accounts: int) -> Fraction:
        at = self.venue.engine.sequence
        found = [await self.ask(GetPortfolio(account=account, at_least=at)) for account in accounts]
        assert {code for one in found for code in one.unpriced} <= {"BTC"}, "nobody has traded it"
        return sum((Fraction(one.total) for one in found), Fraction())


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with small_venue(tmp_path) as venue:
        ledger = await open_ledger(venue)
        for kind, name in ((OrdersService, "orders"), (PositionsService, "positions"), (MarketService, "market")):
            await venue.run(kind(venue.bus, venue.log, await venue.database(name), venue.clock))
        tables = await venue.database("portfolio")
        await venue.run(PortfolioService(venue.bus, venue.log, tables, venue.clock, PortfolioSettings()))
        yield Rooms(venue, ledger)


async def test_both_sides_have_it_with_its_cost_and_its_result(rooms: Rooms) -> None:
    """Alice has bought 10 at 150.00; Carol takes 6 for 800.01, Bob, who sold them short, 4 for 500.00."""
    rooms.trade(10, 15_000)
    rooms.ruin(ALICE, 14_000)
    fees = (await rooms.position(ALICE)).fees
    taken = rooms.take_over(CAROL, 6, 80_001)
    assert (taken.asset, taken.position, taken.taker_position) == (6, 4, 6)
    carol = await rooms.position(CAROL)
    assert (carol.quantity, carol.cost, carol.fees) == ("6", "800.01000000", "0.00000000")
    assert (carol.mark, carol.mark_source) == ("140.00", "mark")
    rooms.take_over(BOB, 4, 50_000)
    alice, bob = await rooms.position(ALICE), await rooms.position(BOB)
    assert (alice.quantity, alice.cost, alice.realised, alice.fees) == ("0", "0.00000000", "-199.99000000", fees)
    assert (bob.quantity, bob.cost, bob.realised) == ("-6", "-900.00000000", "100.00000000")

    events = [(await rooms.ask(GetPositionEvents(account=one, symbol="AAPL"))).items[0] for one in (ALICE, BOB, CAROL)]
    assert [type(one) for one in events] == [Closed, Decreased, Opened]
    assert [(one.cause, one.trade_id, one.fee) for one in events] == [("taken", "", "0.00000000")] * 3
    assert [one.price for one in events] == ["125.00", "125.00", "133.34"]  # to the nearest tick


async def test_lots_go_and_come_as_by_a_fill(rooms: Rooms) -> None:
    """First in, first out: of 5 at 100.00 and 5 at 120.00 seven go; who takes them has one lot of what he paid."""
    for who in (ALICE, CAROL):
        await rooms.ask(SetLotMethod(account=who, symbol="AAPL", method="fifo"))
    rooms.trade(5, 10_000)
    rooms.trade(5, 12_000)
    rooms.ruin(ALICE, 9_000)
    taken = rooms.take_over(CAROL, 7, 63_000)
    alice = await rooms.position(ALICE)
    assert (alice.quantity, alice.cost, alice.realised) == ("3", "360.00000000", "-110.00000000")
    await rooms.position(CAROL)
    (left,) = (await rooms.ask(GetLots(account=ALICE, symbol="AAPL"))).lots
    (got,) = (await rooms.ask(GetLots(account=CAROL, symbol="AAPL"))).lots
    assert (left.quantity, left.cost, left.price) == ("3", "360.00000000", "120.00")
    assert (got.quantity, got.cost, got.price, got.traded_ns) == ("7", "630.00000000", "90.00", taken.time_ns)


async def test_who_is_paid_for_taking_a_long_has_a_cost_below_nothing(rooms: Rooms) -> None:
    rooms.trade(10, 15_000)
    rooms.ruin(ALICE, 14_000)
    rooms.venue.do(wire.SetCredit(account=ALICE, limit=3 * RICH, currency=USD))
    rooms.take_over(CAROL, 10, -1_000)
    carol = await rooms.position(CAROL)
    assert (carol.quantity, carol.cost, carol.average) == ("10", "-10.00000000", "-1.00000000")
    assert (await rooms.ask(Reconcile())).differences == []


async def test_the_ledger_books_two_legs_and_agrees_with_everybody(rooms: Rooms) -> None:
    """Of a short: the taker gives the shares, and the giver the money."""
    rooms.trade(10, 15_000, buyer=BOB, seller=ALICE)
    rooms.ruin(ALICE, 16_000)
    rooms.venue.do(wire.SetCredit(account=ALICE, limit=3 * RICH, currency=USD))
    taken = rooms.take_over(CAROL, -10, -155_000)
    page = await rooms.ask(GetEntries(account=CAROL, limit=2, at_least=taken.sequence))
    assert [(e.code, e.debit, e.credit, e.currency, e.amount, e.reference) for e in page.items] == [
        ("taken_money", "1:200", "3:200", "USD", "1550.00", ""),
        ("taken_asset", "3:210", "1:210", "AAPL", "10", ""),
    ]
    lines = (await rooms.ask(GetStatement(account=CAROL, limit=100))).lines
    assert [(line.code, line.debit, line.credit) for line in lines[-2:]] == [
        ("taken_asset", "10", ""),
        ("taken_money", "", "1550.00"),
    ]
    result = await rooms.ask(Reconcile())
    assert (result.sequence, result.differences) == (taken.sequence, [])
    assert (await rooms.ask(GetTrialBalance(at_least=taken.sequence))).balanced

    for _ in range(30):  # what the orders room has not seen is compared in a later round
        if (await rooms.ask(GetFills(account=ALICE, limit=1, at_least=taken.sequence))).sequence >= taken.sequence:
            break
    await rooms.venue.clock.advance(EVERY_S)
    await eventually(lambda: sum(rooms.ledger._watch.rounds.values()) > 0)
    view = await rooms.ask(GetReconciliation())
    assert (view.breaks, view.trades, view.positions) == ([], 2, third.COMPARED)


async def test_it_is_no_trade_to_the_market_and_makes_nobody_richer(rooms: Rooms) -> None:
    rooms.trade(10, 15_000)
    rooms.ruin(ALICE, 15_000)
    before, worth = await rooms.ticker(), await rooms.worth(ALICE, CAROL)
    fills = len((await rooms.ask(GetFills(account=ALICE))).items)
    taken = rooms.take_over(CAROL, 10, 120_000)
    after = await rooms.ticker()
    assert (after.last, after.last_quantity, after.trades_24h, after.volume_24h) == (
        before.last,
        before.last_quantity,
        1,
        before.volume_24h,
    )
    assert len((await rooms.ask(GetTrades(symbol="AAPL", at_least=taken.sequence))).items) == 1
    assert len((await rooms.ask(GetFills(account=ALICE, at_least=taken.sequence))).items) == fills == 1
    assert await rooms.worth(ALICE, CAROL) == worth


async def test_a_rebuild_from_the_log_leads_to_the_same(rooms: Rooms) -> None:
    rooms.trade(10, 15_000)
    rooms.ruin(ALICE, 14_000)
    for taker, lots in ((CAROL, 3), (BOB, 5), (CAROL, 2)):
        rooms.take_over(taker, lots, lots * 13_001)
    await rooms.position(CAROL)
    state = await rooms.ask(RebuildPositions())
    async with asyncio.timeout(10):
        while state.state == "running":
            await asyncio.sleep(0.01)
            state = await rooms.ask(RebuildPositions(start=False))
    assert (state.state, state.live, state.sequence) == ("equal", state.rebuilt, rooms.venue.engine.sequence)

    again = await open_ledger(rooms.venue, ledger="rebuilt", office="rebuilt-office")
    at = rooms.venue.engine.sequence
    await eventually(lambda: again._follower.cursor == at == rooms.ledger._follower.cursor)
    assert await digest(again._database) == await digest(rooms.ledger._database)


async def test_the_risk_room_has_both_sides_with_their_cost_and_their_money(rooms: Rooms) -> None:
    """Alice is long 10; Carol, short 2, takes 6 for 800.01 and is long 4 for two thirds of it; Bob, short 8, takes the other 4 back."""
    venue = rooms.venue
    rooms.trade(10, 15_000)
    rooms.trade(2, 15_000, buyer=BOB, seller=CAROL)
    rooms.ruin(ALICE, 14_000)
    rooms.take_over(CAROL, 6, 80_001)
    rooms.take_over(BOB, 4, 50_000)
    database = await venue.database("risk")
    service = risk_service(venue, database)
    await service.start()
    await service.apply(venue.log.read(0, 1 << 30))
    found = {who: await database.read(partial(store.read_account, account=who)) for who in (ALICE, BOB, CAROL)}
    holdings = {who: one.positions.get(SHARE, Holding()) for who, one in found.items()}
    third_of_it = Fraction(80_001 * ONE, 3)
    assert third_of_it.denominator == 1
    assert holdings == {ALICE: Holding(), BOB: Holding(-4, -4 * 15_000 * ONE), CAROL: Holding(4, int(third_of_it) * 2)}
    for who, one in found.items():
        totals = {currency: balance.total for currency, balance in one.balances.items() if balance.total}
        assert totals == {row[0]: row[1] for row in venue.engine.balances(who) if row[1]}

"""What meets whom, and what becomes of the rest.

Goal: the matching rules of behaviour.md 5 and engine.md 5 hold in both engines.
Method: one example per rule, on a share with tick 0.01 and no fees; the last event of a command says how it ended.
"""

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.values import show
from tests.support.desk import (
    ALICE,
    BOB,
    BOTH,
    BUY,
    CAROL,
    DECREMENT,
    FOK,
    IOC,
    NEWEST,
    NONE,
    OLDEST,
    SELL,
    SHARE,
    USD,
    XYZ,
    Desk,
    instrument,
    of,
)
from tests.support.engines import both_engines, check

pytestmark = both_engines
IMMEDIATE, FILL_OR_KILL, SELF_TRADE = 4, 5, 6


@pytest.fixture
def desk(new_engine):
    desk = Desk(new_engine).rich()
    yield desk
    check(desk.engine)


def test_ten_resting_against_a_hundred_trade_ten_and_rest_ninety(desk):
    maker = desk.rest(ALICE, SELL, "10", "1.00")
    accepted, trade = desk.submit(BOB, BUY, "100", "1.00")
    assert (trade.quantity, trade.maker_leaves, trade.taker_leaves) == (10, 0, 90)
    assert (trade.maker_order_sequence, trade.taker_order_sequence) == (maker.sequence, accepted.sequence)
    assert (trade.maker_account, trade.account, trade.taker_side) == (ALICE, BOB, BUY)
    assert desk.engine.depth(SHARE, BUY, 5) == [(100, 90, 1)]
    assert desk.engine.depth(SHARE, SELL, 5) == []


def test_thirty_thirty_and_forty_fill_a_hundred(desk):
    buy = desk.rest(ALICE, BUY, "100", "1.00")
    for lots, left in (("30", 70), ("30", 40), ("40", 0)):
        trade = of(wire.TradePrinted, desk.submit(BOB, SELL, lots, "1.00"))[0]
        assert (trade.quantity, trade.maker_leaves) == (int(lots), left)
    assert desk.engine.order(buy.sequence, buy.order_slot) is None
    assert desk.engine.open_orders() == 0


def test_a_hundred_sellers_of_ten_fill_a_buy_of_a_thousand(desk):
    for _ in range(100):
        desk.rest(BOB, SELL, "10", "1.00")
    events = desk.submit(ALICE, BUY, "1000", "1.00")
    trades = of(wire.TradePrinted, events)
    assert len(trades) == 100
    assert sum(t.quantity for t in trades) == 1000
    assert [t.fill for t in trades] == list(range(100))
    assert desk.engine.open_orders() == 0


def test_a_buy_takes_the_lowest_asks_first_at_their_prices(desk):
    for price in ("1.03", "1.01", "1.02"):
        desk.rest(ALICE, SELL, "5", price)
    trades = of(wire.TradePrinted, desk.submit(BOB, BUY, "12", "1.02"))
    assert [(t.price, t.quantity) for t in trades] == [(101, 5), (102, 5)]
    assert desk.engine.depth(SHARE, BUY, 5) == [(102, 2, 1)]
    assert desk.engine.depth(SHARE, SELL, 5) == [(103, 5, 1)]


def test_a_sell_takes_the_highest_bids_first_at_their_prices(desk):
    for price in ("1.01", "1.03", "1.02"):
        desk.rest(ALICE, BUY, "5", price)
    trades = of(wire.TradePrinted, desk.submit(BOB, SELL, "12", "1.02"))
    assert [(t.price, t.quantity) for t in trades] == [(103, 5), (102, 5)]


def test_the_older_order_of_a_price_trades_first_and_a_partial_fill_keeps_its_place(desk):
    first = desk.rest(ALICE, SELL, "10", "1.00")
    second = desk.rest(CAROL, SELL, "10", "1.00")
    for expected in (first, first, second):
        trade = of(wire.TradePrinted, desk.submit(BOB, BUY, "5", "1.00"))[0]
        assert trade.maker_order_sequence == expected.sequence


def test_the_rest_of_an_immediate_order_is_cancelled(desk):
    desk.rest(ALICE, SELL, "3", "1.00")
    accepted, trade, cancelled = desk.submit(BOB, BUY, "5", "1.00", time_in_force=IOC)
    assert (trade.quantity, cancelled.quantity, cancelled.reason) == (3, 2, IMMEDIATE)
    assert cancelled.released == 2 * 100
    assert accepted.hold == 5 * 100
    assert desk.engine.depth(SHARE, BUY, 1) == []


@pytest.mark.parametrize(("lots", "trades"), [("7", 0), ("6", 2), ("5", 2)])
def test_a_fill_or_kill_order_trades_whole_or_not_at_all(desk, lots, trades):
    desk.rest(ALICE, SELL, "3", "1.00")
    desk.rest(ALICE, SELL, "3", "1.01")
    desk.rest(ALICE, SELL, "3", "1.02")
    events = desk.submit(BOB, BUY, lots, "1.01", time_in_force=FOK)
    assert len(of(wire.TradePrinted, events)) == trades
    ended = [event.reason for event in of(wire.OrderCancelled, events)]
    assert ended == ([] if trades else [FILL_OR_KILL])


@pytest.mark.parametrize(("mode", "filled"), [(NEWEST, 0), (OLDEST, 1), (BOTH, 0), (DECREMENT, 0), (NONE, 2)])
def test_fill_or_kill_counts_own_orders_as_its_prevention_treats_them(desk, mode, filled):
    desk.rest(BOB, SELL, "3", "1.00")
    desk.rest(ALICE, SELL, "6", "1.00")
    lots = "6" if mode == OLDEST else "7"
    events = desk.submit(BOB, BUY, lots, "1.00", time_in_force=FOK, self_trade_prevention=mode)
    assert len(of(wire.TradePrinted, events)) == filled


def test_a_market_order_trades_to_its_collar_and_never_rests(desk):
    desk.rest(ALICE, BUY, "1", "1.00")
    desk.rest(ALICE, SELL, "1", "1.02")
    desk.rest(ALICE, SELL, "1", "1.06")
    desk.rest(ALICE, SELL, "1", "1.07")
    events = desk.submit(BOB, BUY, "5")  # mid 1.01, collar 5 %: floor(106.05) ticks
    assert events[0].price == 106
    assert [t.price for t in of(wire.TradePrinted, events)] == [102, 106]
    assert (events[-1].reason, events[-1].quantity) == (IMMEDIATE, 3)


def test_a_market_sell_has_its_collar_rounded_up(desk):
    desk.rest(ALICE, BUY, "1", "1.00")
    desk.rest(ALICE, SELL, "1", "1.02")
    assert desk.submit(BOB, SELL, "1")[0].price == 96  # ceil(95.95)


def test_a_quote_that_is_too_wide_is_no_reference_but_the_last_trade_is(desk):
    desk.rest(ALICE, BUY, "1", "1.00")
    desk.rest(ALICE, SELL, "1", "1.06")  # wider than 5 % of 1.03
    assert desk.refused(BOB, BUY, "1").reason == 18
    desk.submit(BOB, BUY, "1", "1.06")
    assert desk.submit(BOB, BUY, "1")[0].price == 111  # floor(1.05 × 106)


def test_without_any_reference_a_market_order_is_refused(desk):
    assert desk.refused(BOB, BUY, "1").reason == 18


def test_cancel_newest_ends_the_taker_and_is_the_default(desk):
    for mode in (0, NEWEST):
        mine = desk.rest(BOB, SELL, "3", "1.00")
        events = desk.submit(BOB, BUY, "5", "1.00", self_trade_prevention=mode)
        assert [type(e).__name__ for e in events] == ["OrderAccepted", "OrderCancelled"]
        assert (events[1].reason, events[1].quantity) == (SELF_TRADE, 5)
        assert desk.engine.order(mine.sequence, mine.order_slot) is not None
        desk.cancel(mine)


def test_cancel_oldest_ends_the_resting_order_and_goes_on(desk):
    mine = desk.rest(BOB, SELL, "3", "1.00")
    theirs = desk.rest(ALICE, SELL, "3", "1.00")
    _, cancelled, trade = desk.submit(BOB, BUY, "5", "1.00", self_trade_prevention=OLDEST)
    assert (cancelled.order_sequence, cancelled.quantity, cancelled.reason) == (mine.sequence, 3, SELF_TRADE)
    assert (trade.maker_order_sequence, trade.taker_leaves) == (theirs.sequence, 2)


def test_cancel_both_ends_the_resting_order_and_then_the_taker(desk):
    mine = desk.rest(BOB, SELL, "3", "1.00")
    taker, first, second = desk.submit(BOB, BUY, "5", "1.00", self_trade_prevention=BOTH)
    assert [first.order_sequence, second.order_sequence] == [mine.sequence, taker.sequence]
    assert desk.engine.open_orders() == 0


def test_decrement_takes_the_smaller_leaves_from_both_without_a_trade(desk):
    mine = desk.rest(BOB, SELL, "3", "1.00")
    taker, cancelled, replaced = desk.submit(BOB, BUY, "5", "1.00", self_trade_prevention=DECREMENT)
    assert (cancelled.order_sequence, cancelled.quantity, cancelled.reason) == (mine.sequence, 3, SELF_TRADE)
    assert (replaced.order_sequence, replaced.quantity, replaced.leaves) == (taker.sequence, 2, 2)
    assert (replaced.reason, replaced.priority_kept, replaced.hold) == (1, 1, 200)
    assert desk.engine.depth(SHARE, BUY, 1) == [(100, 2, 1)]


def test_decrement_leaves_the_larger_resting_order_its_priority(desk):
    mine = desk.rest(BOB, SELL, "8", "1.00")
    desk.rest(ALICE, SELL, "1", "1.00")
    _, replaced, cancelled = desk.submit(BOB, BUY, "5", "1.00", self_trade_prevention=DECREMENT)
    assert (replaced.order_sequence, replaced.quantity, replaced.hold) == (mine.sequence, 3, 3)
    assert (cancelled.reason, cancelled.quantity) == (SELF_TRADE, 5)
    assert next(row[0] for row in desk.engine.orders(SHARE, SELL)) == mine.sequence


def test_without_prevention_an_account_trades_with_itself_and_its_wealth_is_unchanged(desk):
    before = desk.engine.balances(BOB)
    desk.rest(BOB, SELL, "3", "1.00")
    events = desk.submit(BOB, BUY, "3", "1.00", self_trade_prevention=NONE)
    assert len(of(wire.TradePrinted, events)) == 1
    assert desk.engine.balances(BOB) == before


def test_a_trade_moves_money_one_way_and_the_asset_the_other(desk):
    desk.rest(ALICE, SELL, "3", "2.00")
    (trade,) = of(wire.TradePrinted, desk.submit(BOB, BUY, "3", "2.50"))
    assert (trade.paid, trade.received, trade.asset) == (600, 600, 3)
    assert desk.balance(BOB, USD) == (10**15 - 600, 0)
    assert desk.balance(BOB, XYZ) == (10**15 + 3, 0)
    assert desk.balance(ALICE, USD) == (10**15 + 600, 0)
    assert desk.balance(ALICE, XYZ) == (10**15 - 3, 0)


def test_slots_freed_last_are_taken_first_and_new_ones_ascend_from_zero(desk):
    orders = [desk.rest(ALICE, BUY, "1", "1.00") for _ in range(4)]
    assert [order.order_slot for order in orders] == [0, 1, 2, 3]
    desk.cancel(orders[1])
    desk.cancel(orders[2])
    assert [desk.rest(ALICE, BUY, "1", "1.00").order_slot for _ in range(3)] == [2, 1, 4]


def test_when_every_slot_works_an_order_is_refused_and_its_id_stays_free(new_engine):
    desk = Desk(new_engine, max_orders=2).rich()
    kept = [desk.rest(ALICE, BUY, "1", "1.00", client_id=name) for name in ("a", "b")]
    refused = desk.refused(ALICE, BUY, "1", "1.00", client_id="c")
    assert (refused.reason, refused.scope) == (25, 1)
    desk.cancel(kept[0])
    assert desk.rest(ALICE, BUY, "1", "1.00", client_id="c").order_slot == 0


def test_a_side_holds_orders_in_so_many_windows_of_prices(new_engine):
    desk = Desk(new_engine, instrument(tick_scale=18, max_price=2**63 - 1)).rich()
    one_window = 2**18
    for number in range(1, 1_025):
        desk.rest(ALICE, BUY, "1", show(number * one_window, 18))
    refused = desk.refused(ALICE, BUY, "1", show(1_025 * one_window, 18))
    assert (refused.reason, refused.scope) == (25, 1)
    desk.rest(ALICE, BUY, "1", show(1_025 * one_window - 1, 18))  # the last tick of a window that stands
    desk.rest(ALICE, SELL, "1", show(2_000 * one_window, 18))
    taken = desk.submit(BOB, BUY, "1", show(2_000 * one_window, 18), time_in_force=IOC)  # never rests, needs none
    assert len(of(wire.TradePrinted, taken)) == 1


def test_halting_leaves_the_book_and_lets_orders_be_cancelled(new_engine):
    desk = Desk(new_engine, instrument()).rich()
    order = desk.rest(ALICE, BUY, "1", "1.00")
    desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=2))
    assert desk.refused(BOB, SELL, "1", "1.00").reason == 6
    assert desk.engine.depth(SHARE, BUY, 1) == [(100, 1, 1)]
    assert isinstance(desk.cancel(order), wire.OrderCancelled)

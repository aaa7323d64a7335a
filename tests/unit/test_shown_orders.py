"""The edges of orders that show a part or nothing: bounds of numbers, of work, and of what a level can count.

Goal: what a client cannot see still has a limit, and nothing that happens by itself can fail.
Method: one small market per edge, in both engines; the everyday rules stand as stories in tests/cases.
"""

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from tests.support.desk import ALICE, BOB, BUY, CAROL, IOC, SELL, SHARE, Desk, instrument, of
from tests.support.engines import both_engines, check
from tests.support.shown_orders import advanced

pytestmark = both_engines
I64_MAX = 2**63 - 1
HIDDEN, ALL_OR_NONE = 8, 16
PEGGED = 10


def submit(desk, *order, **changes):
    """Submit an order with further terms; return all events."""
    events = desk.all(advanced(desk.order(*order), **changes))
    check(desk.engine)
    return events


def test_a_dark_sell_is_not_retried_while_its_proceeds_could_pass_what_is_kept(new_engine):
    desk = Desk(new_engine, instrument(tick_scale=0, max_price=10**15)).rich()
    submit(desk, ALICE, SELL, "1000000000", "1", flags=ALL_OR_NONE)
    high = desk.submit(BOB, BUY, "1", "1000000000000")[0]
    desk.submit(BOB, BUY, "500000000", "1")
    assert of(wire.TradePrinted, desk.submit(CAROL, BUY, "500000000", "1")) == []
    check(desk.engine)
    _, *trades = desk.all(wire.CancelOrder(account=BOB, order_sequence=high.sequence, order_slot=high.order_slot))
    assert [(trade.price, trade.quantity) for trade in trades] == [(1, 500_000_000), (1, 500_000_000)]
    check(desk.engine)


def test_a_sell_is_judged_by_the_bids_that_nobody_sees(new_engine):
    desk = Desk(new_engine, instrument(tick_scale=0, max_price=10**15)).rich()
    submit(desk, BOB, BUY, "1", "1000000000000", flags=HIDDEN)
    refused = desk.refused(ALICE, SELL, "1000000000", "1")
    assert (refused.reason, refused.actual) == (Reason.AMOUNT_OVERFLOW, 10**12 * 10**9 * 100)


def test_dark_orders_have_windows_of_their_own(new_engine):
    desk = Desk(new_engine, max_windows=1).rich()
    submit(desk, BOB, BUY, "1", "1.00", flags=HIDDEN)
    assert desk.refused(ALICE, BUY, "1", "1.00").reason == Reason.CAPACITY
    submit(desk, ALICE, BUY, "1", "1.00", flags=HIDDEN)
    desk.all(wire.MassCancel(account=BOB))
    desk.all(wire.MassCancel(account=ALICE))
    desk.rest(ALICE, BUY, "1", "1.00")


@pytest.mark.parametrize(("before", "trades"), [(15, 1), (16, 0)])
def test_so_many_dark_orders_are_looked_at_and_no_more(new_engine, before, trades):
    desk = Desk(new_engine).rich()
    for _ in range(before):
        submit(desk, ALICE, BUY, "1000", "1.10", flags=ALL_OR_NONE)
    submit(desk, BOB, BUY, "5", "1.09", flags=ALL_OR_NONE)
    events = desk.submit(CAROL, SELL, "5", "1.00", flags=1)
    assert len(of(wire.TradePrinted, events)) == trades
    check(desk.engine)


@pytest.mark.parametrize(("before", "traded"), [(255, 5), (256, 0)])
@pytest.mark.parametrize("time_in_force", [IOC, 4])
def test_a_taker_passes_over_so_many_dark_orders_and_no_more(new_engine, before, traded, time_in_force):
    """A fill-or-kill order counts as it would trade."""
    desk = Desk(new_engine).rich()
    for _ in range(before):
        desk.submit(ALICE, SELL, "1000", "1.00", flags=ALL_OR_NONE)
    desk.submit(ALICE, SELL, "5", "1.00", flags=HIDDEN)
    desk.rest(BOB, SELL, "3", "1.10")
    events = desk.submit(CAROL, BUY, "5", "1.05", time_in_force=time_in_force)
    assert sum(trade.quantity for trade in of(wire.TradePrinted, events)) == traded
    check(desk.engine)


@pytest.mark.parametrize(("offers", "traded"), [(256, 1), (257, 0)])
def test_a_dark_order_is_retried_by_so_many_offers_and_no_more(new_engine, offers, traded):
    desk = Desk(new_engine).rich()
    submit(desk, ALICE, BUY, str(offers), "1.00", flags=ALL_OR_NONE)
    for _ in range(offers - 1):
        desk.rest(BOB, SELL, "1", "1.00")
    events = desk.submit(CAROL, SELL, "1", "1.00")
    assert bool(of(wire.TradePrinted, events)) == bool(traded)
    check(desk.engine)


def test_a_refill_shows_no_more_than_its_level_can_count(new_engine):
    desk = Desk(new_engine, instrument(tick_scale=18, max_quantity=I64_MAX)).rich()
    price = "0.000000000000000001"
    submit(desk, ALICE, BUY, "20", price, display=10)
    desk.submit(BOB, SELL, "9", price)
    desk.submit(CAROL, BUY, str(I64_MAX - 1), price)
    events = desk.submit(BOB, SELL, "1", price)
    (refilled,) = of(wire.OrderRefilled, events)
    assert (refilled.shown, refilled.leaves) == (1, 10)
    assert desk.engine.depth(SHARE, BUY, 1) == [(1, I64_MAX, 2)]
    check(desk.engine)


def test_a_level_that_is_full_takes_no_iceberg_but_counts_only_what_it_shows(new_engine):
    desk = Desk(new_engine, instrument(tick_scale=18, max_quantity=I64_MAX)).rich()
    price = "0.000000000000000001"
    desk.submit(CAROL, BUY, str(I64_MAX - 10), price)
    (refused,) = submit(desk, ALICE, BUY, "20", price, display=11)
    assert (refused.reason, refused.actual) == (Reason.QTY_OVERFLOW, I64_MAX + 1)
    assert len(submit(desk, ALICE, BUY, "20", price, display=10)) == 2
    (dark,) = of(wire.TermsAccepted, submit(desk, ALICE, BUY, str(I64_MAX), price, flags=HIDDEN))
    assert dark.dark == 1
    (refused,) = submit(desk, BOB, BUY, "1", price, flags=HIDDEN)
    assert refused.reason == Reason.QTY_OVERFLOW


def test_a_peg_waits_while_its_level_or_its_window_has_no_room(new_engine):
    desk = Desk(new_engine, instrument(tick_scale=18, max_quantity=I64_MAX, max_price=10**9), max_windows=2).rich()
    far = 2**18 * 1_000
    desk.submit(ALICE, SELL, "5", _price(far + 1))
    desk.submit(BOB, BUY, "5", _price(10))
    accepted, *told = submit(
        desk, CAROL, BUY, "5", _price(far), order_type=PEGGED, peg=2, offset=0
    )  # the other side's best is in a window of its own, and both windows are taken
    assert [type(event) for event in told] == [wire.TermsAccepted]
    bid = desk.submit(BOB, BUY, "5", _price(far))
    assert isinstance(bid[0], wire.OrderRejected)
    desk.all(wire.MassCancel(account=BOB))
    assert desk.engine.order(accepted.sequence, accepted.order_slot)[3] == far
    assert desk.engine.depth(SHARE, BUY, 1) == [(far, 5, 1)]
    check(desk.engine)


def _price(ticks):
    return f"0.{ticks:018d}"


def test_an_offset_beyond_what_a_price_can_be_is_kept_inside_the_bounds(new_engine):
    desk = Desk(new_engine, instrument(min_price=50, max_price=200)).rich()
    desk.submit(BOB, BUY, "5", "1.00")
    accepted = submit(desk, ALICE, BUY, "5", "2.00", order_type=PEGGED, peg=1, offset=-I64_MAX, offset_scale=2)
    assert accepted[-1].price == 50
    (refused,) = submit(desk, ALICE, BUY, "5", "2.00", order_type=PEGGED, peg=1, offset=-I64_MAX)
    assert (refused.reason, refused.limit, refused.actual) == (Reason.BAD_PEG, I64_MAX, -I64_MAX * 100)
    accepted = submit(desk, ALICE, SELL, "5", "0.60", order_type=PEGGED, peg=2, offset=I64_MAX, offset_scale=2)
    assert accepted[-1].price == 200


def test_without_accounting_there_is_no_money_to_have_a_budget_of(new_engine):
    desk = Desk(new_engine, accounting=False)
    desk.submit(BOB, SELL, "5", "1.00")
    (refused,) = submit(desk, ALICE, BUY, "5", "1.00", time_in_force=IOC, budget=100)
    assert refused.reason == Reason.BAD_BUDGET
    submit(desk, ALICE, BUY, "5", "1.00", flags=HIDDEN)
    assert desk.engine.open_orders() == 0


def test_a_repeat_of_an_order_with_terms_is_a_repeat(new_engine):
    desk = Desk(new_engine).rich()
    accepted, _ = submit(desk, ALICE, BUY, "20", "1.00", client_id="once", display=5)
    (again,) = submit(desk, ALICE, BUY, "20", "1.00", client_id="once", display=5)
    assert (again.outcome, again.order_sequence) == (1, accepted.sequence)
    (other,) = submit(desk, ALICE, BUY, "20", "1.00", client_id="once", display=6)
    assert other.reason == Reason.DUPLICATE_ID


def test_bounds_that_move_take_pegs_with_them(new_engine):
    desk = Desk(new_engine).rich()
    desk.submit(BOB, BUY, "5", "1.00")
    submit(desk, ALICE, BUY, "5", "2.00", order_type=PEGGED, peg=1)
    _, moved = desk.all(instrument(min_price=150))
    assert (moved.price, moved.reason) == (150, 2)
    _, waits = desk.all(instrument(min_price=201))
    assert isinstance(waits, wire.OrderWaits)
    check(desk.engine)

"""Every refusal of a submission at its boundary, and the order in which they are judged.

Goal: a limit passes at the limit and refuses one beyond it, with the numbers of the outside world.
Method: one table of (what is changed, submission, reason, scope, limit, actual, decimals) against both engines;
a refusal leaves every answer of the engine as it was.
"""

from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from tests.support.desk import ALICE, BOB, BTC, BUY, COIN, FOK, IOC, SELL, SHARE, USD, XYZ, Desk, coin, instrument, of
from tests.support.engines import both_engines, check

pytestmark = both_engines


def test_tick_of_a_twentieth_passes_its_multiples_only(new_engine):
    desk = Desk(new_engine, instrument(tick=5)).rich()
    for price in ("100.00", "100.05", "100.10", "100"):
        desk.rest(ALICE, BUY, "1", price)
    for price, actual, decimals in (("100.01", 10001, 2), ("100.03", 10003, 2), ("100.051", 100051, 3)):
        refused = desk.refused(ALICE, BUY, "1", price)
        assert (refused.reason, refused.scope) == (Reason.BAD_TICK, Scope.INSTRUMENT)
        assert (refused.limit, refused.actual, refused.decimals) == (5 * 10 ** (decimals - 2), actual, decimals)


def test_board_lots_of_a_hundred_refuse_seventy_five(new_engine):
    desk = Desk(new_engine, instrument(lot=100)).rich()
    desk.rest(ALICE, BUY, "100", "1.00")
    refused = desk.refused(ALICE, BUY, "75", "1.00")
    assert (refused.reason, refused.limit, refused.actual, refused.decimals) == (Reason.BAD_LOT, 100, 75, 0)
    refused = desk.refused(ALICE, BUY, "100.5", "1.00")
    assert (refused.reason, refused.limit, refused.actual, refused.decimals) == (Reason.BAD_LOT, 1000, 1005, 1)


# definition changes, (quantity, price), other fields, reason or None, scope, limit, actual, decimals
BOUNDARIES: list[tuple[dict[str, Any], tuple[str, str | None], dict[str, Any], Reason | None, Scope, int, int, int]] = [
    ({"min_quantity": 5}, ("4", "1"), {}, Reason.BAD_QTY, Scope.INSTRUMENT, 5, 4, 0),
    ({"min_quantity": 5}, ("5", "1"), {}, None, Scope.NONE, 0, 0, 0),
    ({}, ("0", "1"), {}, Reason.BAD_QTY, Scope.INSTRUMENT, 1, 0, 0),
    ({}, ("-1", "1"), {}, Reason.BAD_QTY, Scope.INSTRUMENT, 1, -1, 0),
    (
        {"lot": 1, "lot_scale": 3, "base": BTC},
        ("9223372036854775807", "1"),
        {},
        Reason.BAD_QTY,
        Scope.INSTRUMENT,
        I64_MAX,
        I64_MAX * 1000,
        3,
    ),
    ({"min_price": 100}, ("1", "0.99"), {}, Reason.BAD_PRICE, Scope.INSTRUMENT, 100, 99, 2),
    ({"min_price": 100}, ("1", "1"), {}, None, Scope.NONE, 0, 0, 0),
    ({"min_price": 100}, ("1", "-5"), {}, Reason.BAD_PRICE, Scope.INSTRUMENT, 100, -500, 2),
    ({"min_price": 100}, ("1", "0"), {}, Reason.BAD_PRICE, Scope.INSTRUMENT, 100, 0, 2),
    ({"max_price": 200}, ("1", "2.00"), {}, None, Scope.NONE, 0, 0, 0),
    ({"max_price": 200}, ("1", "2.01"), {}, Reason.BAD_PRICE, Scope.INSTRUMENT, 200, 201, 2),
    ({}, ("1", "9223372036854775807"), {}, Reason.BAD_PRICE, Scope.INSTRUMENT, 10**9, I64_MAX * 100, 2),
    ({}, ("1", "1.00"), {"order_type": 1}, Reason.BAD_PRICE, Scope.INSTRUMENT, 0, 100, 2),
    ({}, ("1", "1.2345"), {"order_type": 1}, Reason.BAD_PRICE, Scope.INSTRUMENT, 0, 12345, 4),
    ({}, ("1", "1.00"), {"order_type": 33}, Reason.BAD_TYPE, Scope.INSTRUMENT, 0, 0, 0),
    ({}, ("1", "1.00"), {"order_type": 0}, Reason.BAD_TYPE, Scope.INSTRUMENT, 0, 0, 0),
    ({}, ("1", "1.00"), {"time_in_force": 0}, Reason.BAD_TIF, Scope.INSTRUMENT, 0, 0, 0),
    ({}, ("1", "1.00"), {"time_in_force": 2}, Reason.BAD_TIF, Scope.INSTRUMENT, 0, 0, 0),
    ({}, ("1", "1.00"), {"time_in_force": IOC, "flags": 1}, Reason.BAD_TIF, Scope.INSTRUMENT, 0, 0, 0),
    ({}, ("1", "1.00"), {"time_in_force": FOK, "flags": 1}, Reason.BAD_TIF, Scope.INSTRUMENT, 0, 0, 0),
    ({}, ("1", None), {"flags": 1}, Reason.BAD_TYPE, Scope.INSTRUMENT, 0, 0, 0),
    ({"max_quantity": 10}, ("10", "1"), {}, None, Scope.NONE, 0, 0, 0),
    ({"max_quantity": 10}, ("11", "1"), {}, Reason.MAX_QTY, Scope.INSTRUMENT, 10, 11, 0),
    ({"max_notional": 1000}, ("10", "1.00"), {}, None, Scope.NONE, 0, 0, 0),
    ({"max_notional": 1000}, ("10", "1.01"), {}, Reason.MAX_NOTIONAL, Scope.INSTRUMENT, 1000, 1010, 2),
    ({"min_notional": 1000}, ("10", "1.00"), {}, None, Scope.NONE, 0, 0, 0),
    ({"min_notional": 1000}, ("10", "0.99"), {}, Reason.MIN_NOTIONAL, Scope.INSTRUMENT, 1000, 990, 2),
]


@pytest.mark.hazard("E1")
@pytest.mark.parametrize(("terms", "order", "changes", "reason", "scope", "limit", "actual", "decimals"), BOUNDARIES)
def test_an_instruments_limit_passes_equal_and_refuses_beyond(
    new_engine, terms, order, changes, reason, scope, limit, actual, decimals
):
    desk = Desk(new_engine, instrument(**terms)).rich()
    before = desk.state()
    event = desk.submit(ALICE, BUY, *order, **changes)[0]
    if reason is None:
        assert isinstance(event, wire.OrderAccepted)
        return
    assert isinstance(event, wire.OrderRejected)
    assert (event.reason, event.scope) == (reason, scope)
    assert (event.limit, event.actual, event.decimals) == (limit, actual, decimals)
    assert event.order_slot == 0xFFFFFFFF
    assert desk.state() == before


def test_notional_bounds_take_the_ceiling_above_and_the_floor_below(new_engine):
    # 7 lots at 3 ticks of a fifth of a cent: 4.2 cents
    terms = {"tick": 2, "tick_scale": 3}
    desk = Desk(new_engine, instrument(**terms, max_notional=4)).rich()
    assert desk.refused(ALICE, BUY, "7", "0.006").actual == 5
    desk = Desk(new_engine, instrument(**terms, min_notional=5)).rich()
    assert desk.refused(ALICE, BUY, "7", "0.006").actual == 4


@pytest.mark.parametrize("available", [999, 1000, 1001])
def test_a_buy_needs_its_hold(new_engine, available):
    desk = Desk(new_engine)
    desk.fund(ALICE, USD, available)
    (event,) = desk.submit(ALICE, BUY, "10", "1.00")
    if available >= 1000:
        assert event.hold == 1000
        assert desk.balance(ALICE, USD) == (available, 1000)
    else:
        assert (event.reason, event.scope, event.limit, event.actual, event.decimals) == (
            Reason.NO_FUNDS,
            Scope.ACCOUNT,
            999,
            1000,
            2,
        )


@pytest.mark.parametrize("available", [9, 10, 11])
def test_a_sell_needs_its_asset(new_engine, available):
    desk = Desk(new_engine)
    desk.fund(ALICE, XYZ, available)
    (event,) = desk.submit(ALICE, SELL, "10", "1.00")
    if available >= 10:
        assert event.hold == 10
        assert event.hold_currency == XYZ
    else:
        assert (event.reason, event.scope, event.limit, event.actual) == (Reason.NO_FUNDS, Scope.ACCOUNT, 9, 10)


@pytest.mark.parametrize(("price", "passes"), [("0.99", False), ("1.00", True), ("1.01", True)])
def test_a_sell_whose_minimum_fee_exceeds_the_proceeds_of_a_lot_is_refused(new_engine, price, passes):
    desk = Desk(new_engine, instrument(minimum_fee=100)).rich()
    (event,) = desk.submit(ALICE, SELL, "10", price)
    assert isinstance(event, wire.OrderAccepted) == passes
    if not passes:
        assert (event.reason, event.scope, event.limit, event.actual, event.decimals) == (
            Reason.NO_FUNDS,
            Scope.ORDER,
            99,
            100,
            2,
        )


@pytest.mark.parametrize(("most", "passes"), [(1, False), (2, True), (3, True)])
def test_an_account_may_have_so_many_working_orders(new_engine, most, passes):
    desk = Desk(new_engine).rich()
    desk.do(wire.SetLimits(account=ALICE, max_open_orders=most))
    desk.rest(ALICE, BUY, "1", "1.00")
    (event,) = desk.submit(ALICE, BUY, "1", "1.00")
    assert isinstance(event, wire.OrderAccepted) == passes
    if not passes:
        assert (event.reason, event.scope, event.limit, event.actual, event.decimals) == (
            Reason.MAX_OPEN,
            Scope.ACCOUNT,
            1,
            2,
            0,
        )


@pytest.mark.parametrize(("price", "passes"), [("0.99", True), ("1.00", False), ("1.01", False)])
def test_a_post_only_order_never_takes(new_engine, price, passes):
    desk = Desk(new_engine).rich()
    desk.rest(BOB, SELL, "1", "1.00")
    (event,) = desk.submit(ALICE, BUY, "1", price, flags=1)
    assert isinstance(event, wire.OrderAccepted) == passes
    if not passes:
        assert (event.reason, event.scope, event.limit, event.decimals) == (Reason.POST_ONLY, Scope.ORDER, 100, 2)


@pytest.mark.hazard("F2")
@pytest.mark.parametrize(("more", "passes"), [(2**62 - 2, True), (2**62 - 1, True), (2**62, False)])
def test_a_level_takes_lots_up_to_the_last_integer_and_not_one_more(new_engine, more, passes):
    """The total of a level one past 2^63-1 is QTY_OVERFLOW and changes nothing; at 2^63-1 it is exact."""
    tiny = instrument(tick_scale=18, max_quantity=I64_MAX, min_price=1)
    desk = Desk(new_engine, tiny).rich()
    desk.rest(ALICE, BUY, str(2**62), "0.000000000000000001")
    before = desk.state()
    (event,) = desk.submit(BOB, BUY, str(more), "0.000000000000000001")
    assert isinstance(event, wire.OrderAccepted) == passes
    if passes:
        assert desk.engine.depth(SHARE, BUY, 1) == [(1, 2**62 + more, 2)]
    else:
        assert (event.reason, event.scope) == (Reason.QTY_OVERFLOW, Scope.ORDER)
        assert (event.limit, event.actual, event.decimals) == (I64_MAX, 2**63, 0)
        assert desk.state() == before


@pytest.mark.hazard("F2")
def test_a_replacement_that_would_overflow_its_level_is_refused(new_engine):
    """Growth at its own level and arrival at another are both counted."""
    tiny = instrument(tick_scale=18, max_quantity=I64_MAX)
    desk = Desk(new_engine, tiny).rich()
    one, two = "0.000000000000000001", "0.000000000000000002"
    desk.rest(ALICE, BUY, str(2**62), one)
    order = desk.rest(BOB, BUY, str(2**62 - 1), one)
    (event,) = desk.replace(order, quantity=str(2**62))
    assert (event.reason, event.limit, event.actual) == (Reason.QTY_OVERFLOW, I64_MAX, 2**63)
    other = desk.rest(BOB, BUY, str(2**62), two)
    (event,) = desk.replace(other, price=one)
    assert (event.reason, event.actual) == (Reason.QTY_OVERFLOW, 2**63 + 2**62 - 1)
    check(desk.engine)


@pytest.mark.parametrize(("lots", "passes"), [(2**33 - 1, True), (2**33, True), (2**33 + 1, False)])
def test_a_product_of_ninety_six_bits_overflows(new_engine, lots, passes):
    desk = Desk(new_engine, instrument(tick_scale=18, max_price=I64_MAX, max_quantity=I64_MAX))
    desk.fund(ALICE, USD, 2**62)
    (event,) = desk.submit(ALICE, BUY, str(lots), "9.223372036854775807")  # 2^63 - 1 ticks
    assert isinstance(event, wire.OrderAccepted) == passes
    if not passes:
        assert (event.reason, event.scope) == (Reason.AMOUNT_OVERFLOW, Scope.ORDER)
        assert (event.limit, event.actual) == ((2**96 - 1) // 10**16, -(-(I64_MAX * lots) // 10**16))


@pytest.mark.hazard("F9")
@pytest.mark.parametrize(("lots", "overflows"), [("9223372036854775", False), ("9223372036854776", True)])
def test_a_notional_beyond_the_last_minor_unit_overflows(new_engine, lots, overflows):
    """The value is exact at the edge of 63 bits: 1,000 minor units times lots."""
    desk = Desk(new_engine, instrument(max_quantity=I64_MAX))
    desk.fund(ALICE, USD, I64_MAX)
    event = desk.submit(ALICE, BUY, lots, "10.00")[0]
    if overflows:
        assert (event.reason, event.scope, event.limit, event.decimals) == (
            Reason.AMOUNT_OVERFLOW,
            Scope.ORDER,
            I64_MAX,
            2,
        )
        assert event.actual == int(lots) * 1000
    else:
        assert event.hold == int(lots) * 1000


def test_a_hold_beyond_the_last_minor_unit_overflows(new_engine):
    desk = Desk(new_engine, instrument(max_quantity=I64_MAX, taker_fee=10_000_000))
    refused = desk.refused(ALICE, BUY, str(9 * 10**15), "10.00")
    assert (refused.reason, refused.actual) == (Reason.AMOUNT_OVERFLOW, 99 * 10**17)


def test_an_amount_of_the_asset_beyond_the_last_minor_unit_overflows(new_engine):
    desk = Desk(new_engine, coin(lot=1, lot_scale=0, max_quantity=I64_MAX, tick_scale=10, symbol="C"))
    lots = I64_MAX // 10**8
    refused = desk.refused(ALICE, SELL, str(lots + 1), "0.0000000001", instrument=COIN)
    assert (refused.reason, refused.limit, refused.actual, refused.decimals) == (
        Reason.AMOUNT_OVERFLOW,
        I64_MAX,
        (lots + 1) * 10**8,
        8,
    )
    assert desk.refused(ALICE, SELL, str(lots), "0.0000000001", instrument=COIN).reason == Reason.NO_FUNDS


def test_an_overflow_beyond_126_bits_is_shown_as_2_to_the_126(new_engine):
    terms = {"tick_scale": 0, "max_price": I64_MAX, "max_quantity": I64_MAX}
    desk = Desk(new_engine, instrument(**terms))
    refused = desk.refused(ALICE, BUY, str(I64_MAX), str(I64_MAX))
    assert (refused.reason, refused.actual) == (Reason.AMOUNT_OVERFLOW, 2**126)


# Each row breaks one rule more than the next; the first in the order of judgement must answer.
PRECEDENCE = [
    (Reason.UNKNOWN_SYMBOL, {"instrument": 9, "account": 9}),
    (Reason.UNKNOWN_ACCOUNT, {"account": 9}),
    (Reason.KILLED, {}),
    (Reason.HALTED, {}),
    (Reason.BAD_TICK, {"quantity": 5, "quantity_scale": 1, "price": -1, "price_scale": 4}),
    (Reason.BAD_LOT, {"quantity": 5, "quantity_scale": 1, "price": -1}),
    (Reason.BAD_QTY, {"quantity": 0, "price": -1}),
    (Reason.BAD_PRICE, {"price": -1, "order_type": 77}),
    (Reason.BAD_TYPE, {"order_type": 77, "time_in_force": 77}),
    (Reason.BAD_TIF, {"time_in_force": 77, "quantity": 10**6}),
    (Reason.MAX_QTY, {"quantity": 10**6}),
    (Reason.MAX_NOTIONAL, {"quantity": 10**5}),
    (Reason.MIN_NOTIONAL, {"quantity": 1}),
    (Reason.MAX_OPEN, {"quantity": 1000}),
    (Reason.NO_FUNDS, {"quantity": 1000}),
    (Reason.POST_ONLY, {"quantity": 100, "flags": 1}),
]


@pytest.mark.parametrize(("reason", "changes"), PRECEDENCE, ids=[reason.name for reason, _ in PRECEDENCE])
def test_the_first_rule_that_fails_answers(new_engine, reason, changes):
    terms = {"max_quantity": 10**5, "max_notional": 10**6, "min_notional": 1000}
    desk = Desk(new_engine, instrument(**terms))
    desk.fund(BOB, XYZ, 1000)
    desk.fund(ALICE, USD, 10_000)
    desk.rest(BOB, SELL, "1000", "1.00")
    order = {"instrument": SHARE, "account": ALICE, "price": 1, "quantity": 100, "side": BUY, "order_type": 2}
    command = wire.SubmitOrder(**{**order, "time_in_force": 1, "client_id": "x", **changes})
    if reason <= Reason.KILLED:
        desk.do(wire.SetKillSwitch(account=ALICE, engaged=1))
    if reason <= Reason.HALTED:
        desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=2))
    if reason <= Reason.MAX_OPEN:
        desk.do(wire.SetLimits(account=ALICE, max_open_orders=0))
    before = desk.state()
    event = desk.do(command)
    assert isinstance(event, wire.OrderRejected), event
    assert event.reason == reason, Reason(event.reason).name
    assert desk.state() == before


def test_the_venues_switch_is_judged_before_the_accounts(new_engine):
    desk = Desk(new_engine).rich()
    desk.do(wire.SetKillSwitch(account=ALICE, engaged=1))
    assert desk.refused(ALICE, BUY, "1", "1").scope == Scope.ACCOUNT
    desk.do(wire.SetKillSwitch(engaged=1))
    assert desk.refused(ALICE, BUY, "1", "1").scope == Scope.VENUE


def test_a_rejection_repeats_what_the_client_sent(new_engine):
    desk = Desk(new_engine)
    sent = desk.order(ALICE, BUY, "2.5", "1.255", flags=1, self_trade_prevention=3, session=7)
    event = desk.do(sent)
    for ours, theirs in (
        ("price", "price"),
        ("price_scale", "price_scale"),
        ("quantity", "quantity"),
        ("flags", "flags2"),
    ):
        assert getattr(event, theirs) == getattr(sent, ours)
    assert (event.quantity_scale, event.side, event.order_type, event.time_in_force) == (1, BUY, 2, 1)
    assert (event.self_trade_prevention, event.session, event.client_id) == (3, 7, sent.client_id)
    assert not of(wire.OrderAccepted, [event])

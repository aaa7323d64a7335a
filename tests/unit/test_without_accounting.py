"""Without accounting the engine is a matcher: no money, no memory of client ids (engine.md section 9).

Goal: what section 9 says differs does, in both engines, and nothing else; the mode is part of a snapshot.
Method: one example per sentence; accounts own nothing, so an order that works needs no funds.
"""

import msgspec
import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core import _native
from tests.support.desk import ALICE, BOB, BUY, CAROL, DEPOSIT, SELL, USD, Desk, instrument, of
from tests.support.engines import both_engines, check

MONEY = (
    *("hold", "released", "paid", "received", "maker_fee", "taker_fee", "asset", "maker_hold", "taker_hold"),
    *("hold_currency", "quote", "base"),
)


@pytest.fixture
def desk(new_engine):
    desk = Desk(new_engine, accounting=False)
    yield desk
    check(desk.engine)


@both_engines
def test_orders_trade_without_money_and_say_nothing_of_it(new_engine, desk):
    fees = instrument(2, taker_fee=100_000, maker_fee=50_000, minimum_fee=3)
    desk.do(fees)
    resting = desk.rest(ALICE, SELL, "5", "1.00", instrument=2)
    events = desk.submit(BOB, BUY, "3", "1.00", instrument=2)
    (trade,) = of(wire.TradePrinted, events)
    assert (trade.price, trade.quantity, trade.maker_leaves) == (resting.price, 3, 2)
    events += [resting, *desk.replace(resting, quantity="4"), desk.cancel(resting)]
    told = [getattr(event, name) for event in events for name in MONEY if hasattr(event, name)]
    assert len(told) > 10
    assert set(told) == {0}
    assert desk.engine.balances(ALICE) == desk.engine.balances(BOB) == []
    assert desk.engine.totals(USD) == (0, 0, 0, 0, 0, 0)


@both_engines
def test_a_client_id_is_told_and_not_remembered(new_engine, desk):
    order = desk.order(ALICE, BUY, "5", "1.00", client_id="same")
    first, second = desk.do(order), desk.do(msgspec.structs.replace(order, quantity=6))
    assert first.client_id == second.client_id == "same"
    assert desk.engine.open_orders() == 2
    by_id = desk.do(wire.CancelOrder(account=ALICE, client_id="same"))
    assert (by_id.reason, by_id.client_id) == (Reason.ORDER_NOT_FOUND, "same")
    assert desk.do(msgspec.structs.replace(order, client_id="no id")).reason == Reason.BAD_COMMAND
    assert isinstance(desk.cancel(first), wire.OrderCancelled)


@both_engines
def test_an_order_that_has_ended_is_not_found(new_engine, desk):
    cancelled = desk.rest(ALICE, BUY, "5", "1.00")
    desk.cancel(cancelled)
    filled = desk.rest(ALICE, SELL, "5", "1.00")
    desk.submit(BOB, BUY, "5", "1.00")
    rejected = desk.refused(CAROL, BUY, "5", "0.00")
    for order in (cancelled, filled, msgspec.structs.replace(filled, sequence=rejected.sequence)):
        assert desk.cancel(order).reason == Reason.ORDER_NOT_FOUND
        assert [event.reason for event in desk.replace(order, quantity="1")] == [Reason.ORDER_NOT_FOUND]
    assert desk.cancel(desk.rest(ALICE, BUY, "5", "1.00"), account=BOB).reason == Reason.ORDER_NOT_FOUND


@both_engines
def test_a_transfer_is_no_command(new_engine, desk):
    deposit = wire.Transfer(account=ALICE, amount=1, currency=USD, transfer_kind=DEPOSIT, transfer_id="t")
    refused = desk.do(deposit)
    assert (refused.reason, refused.scope, refused.client_id) == (Reason.BAD_COMMAND, Scope.NONE, "")
    assert (refused.command, refused.account) == (wire.Transfer.KIND, ALICE)


@both_engines
def test_amounts_are_judged_at_the_orders_own_price_and_no_funds_are_asked_for(new_engine):
    most = 2**63 - 1
    wide = instrument(1, max_price=most, max_quantity=most, max_notional=1_000_000, min_notional=100, taker_fee=10**7)
    desk = Desk(new_engine, wide, accounting=False)
    desk.rest(ALICE, BUY, "1000", "10.00")
    reasons = [
        desk.refused(BOB, BUY, quantity, "1.00").reason for quantity in (str(2**50), str(2**62), "10001", "10000000")
    ]
    assert Reason.MAX_NOTIONAL in reasons
    assert Reason.AMOUNT_OVERFLOW in reasons
    assert desk.refused(BOB, SELL, "1", "0.05").reason == Reason.MIN_NOTIONAL
    assert desk.submit(BOB, SELL, "2000", "0.05")  # at 10.00 it would be worth more than may be
    check(desk.engine)


@both_engines
def test_only_slots_and_windows_are_scarce(new_engine):
    desk = Desk(new_engine, accounting=False, max_orders=2, max_client_ids=1, max_balances=1, max_transfers=1)
    desk.rest(ALICE, BUY, "1", "1.00")
    desk.rest(BOB, BUY, "1", "1.00")
    assert desk.refused(CAROL, BUY, "1", "1.00").reason == Reason.CAPACITY
    check(desk.engine)


def test_a_restored_engine_has_no_money_either():
    desk = Desk(_native.Engine, accounting=False)
    resting = desk.rest(ALICE, SELL, "5", "1.00")
    desk.submit(BOB, BUY, "2", "1.00")
    snapshot = desk.engine.snapshot()
    desk.engine = _native.Engine.restore(snapshot)
    assert desk.engine.snapshot() == snapshot
    assert desk.engine.order(resting.sequence, resting.order_slot)[-2:] == (3, 0)
    (accepted, trade) = desk.submit(CAROL, BUY, "3", "1.00")
    assert (accepted.hold, trade.paid, trade.maker_leaves) == (0, 0, 0)
    desk.engine.check()

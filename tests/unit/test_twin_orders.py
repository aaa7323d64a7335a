"""Names of orders: repeats, replacements, cancels.

Goal: behaviour.md 4 and engine.md 5.2, 6 hold in both engines: no id is answered twice in two ways, a replacement
that is refused leaves the order as it was, nobody touches another's orders.
Method: one example per rule; state is compared before and after where nothing may change.
"""

import random

import msgspec
import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import NO_SLOT
from tests.support.desk import ALICE, BOB, BUY, CAROL, HOUR, SELL, SHARE, USD, XYZ, Desk, instrument, of
from tests.support.engines import both_engines, check

pytestmark = both_engines


@pytest.fixture
def desk(new_engine):
    desk = Desk(new_engine).rich()
    yield desk
    check(desk.engine)


# -------------------------------------------------------------------------------------- idempotency (G4)


@pytest.mark.hazard("G4")
def test_the_same_submission_again_is_answered_by_its_first_answer(desk):
    order = desk.order(ALICE, BUY, "5", "1.00", client_id="same")
    first = desk.do(order)
    again = desk.do(msgspec.structs.replace(order, session=99))
    assert isinstance(again, wire.CommandDone)
    assert (again.outcome, again.order_sequence, again.order_slot) == (1, first.sequence, first.order_slot)
    assert desk.engine.open_orders() == 1


@pytest.mark.hazard("G4")
@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 6},
        {"price": 2},
        {"side": SELL},
        {"time_in_force": 3},
        {"flags": 1},
        {"self_trade_prevention": 1},
        {"instrument": 2},
    ],
)
def test_another_body_under_the_same_id_is_refused(new_engine, change):
    desk = Desk(new_engine, instrument(), instrument(2)).rich()
    order = desk.order(ALICE, BUY, "5", "1.00", client_id="same")
    first = desk.do(order)
    before = desk.state()
    refused = desk.do(msgspec.structs.replace(order, **change))
    assert isinstance(refused, wire.CommandRefused)
    assert refused.reason == Reason.DUPLICATE_ID
    assert (refused.order_sequence, refused.order_slot, refused.client_id) == (first.sequence, first.order_slot, "same")
    assert desk.state() == before


@pytest.mark.hazard("G4")
def test_the_same_id_of_two_accounts_names_two_orders(desk):
    orders = [desk.rest(account, BUY, "5", "1.00", client_id="same") for account in (ALICE, BOB, CAROL)]
    assert len({order.sequence for order in orders}) == 3
    desk.do(wire.CancelOrder(account=BOB, client_id="same"))
    assert [row[2] for row in desk.engine.orders(SHARE, BUY)] == [ALICE, CAROL]


@pytest.mark.hazard("G4")
def test_many_ids_stay_apart(desk):
    """6,000 ids over two accounts: each names its own submission (ids with equal hash stay apart)."""
    rng = random.Random(20_000)
    names = [f"{rng.randrange(16**12):x}" for _ in range(3_000)]
    price = {name: f"1.{at % 100:02d}" for at, name in enumerate(names)}
    sent = {
        (account, name): desk.rest(account, BUY, "1", price[name], client_id=name)
        for name in price
        for account in (ALICE, BOB)
    }
    for (account, name), order in sent.items():
        again = desk.do(desk.order(account, BUY, "1", price[name], client_id=name))
        assert (again.outcome, again.order_sequence, again.order_slot) == (1, order.sequence, order.order_slot)


def test_a_rejected_submission_is_remembered_too(desk):
    order = desk.order(ALICE, BUY, "5", "1.001", client_id="same")
    rejected = desk.do(order)
    again = desk.do(order)
    assert (again.outcome, again.order_sequence, again.order_slot) == (1, rejected.sequence, NO_SLOT)
    refused = desk.do(msgspec.structs.replace(order, quantity=9))
    assert (refused.reason, refused.order_sequence, refused.order_slot) == (
        Reason.DUPLICATE_ID,
        rejected.sequence,
        NO_SLOT,
    )


def test_an_id_is_free_again_two_days_after_its_final_order(desk):
    order = desk.order(ALICE, BUY, "5", "1.00", client_id="same")
    desk.cancel(desk.do(order))
    desk.time_ns += 48 * HOUR
    desk.do(wire.AdvanceTime())
    assert isinstance(desk.do(order), wire.CommandDone)  # exactly two days: not older yet
    desk.time_ns += 1
    desk.do(wire.AdvanceTime())
    assert desk.do(wire.CancelOrder(account=ALICE, client_id="same")).reason == Reason.ORDER_NOT_FOUND
    assert isinstance(desk.do(order), wire.OrderAccepted)


def test_a_working_order_is_never_forgotten(desk):
    order = desk.rest(ALICE, BUY, "5", "1.00", client_id="same")
    for _ in range(3):
        desk.time_ns += 49 * HOUR
        desk.do(wire.AdvanceTime())
    cancelled = desk.do(wire.CancelOrder(account=ALICE, client_id="same"))
    assert cancelled.order_sequence == order.sequence
    desk.time_ns += 48 * HOUR
    desk.do(wire.AdvanceTime())
    assert desk.do(wire.CancelOrder(account=ALICE, client_id="same")).outcome == 2
    desk.time_ns += HOUR
    desk.do(wire.AdvanceTime())
    assert desk.do(wire.CancelOrder(account=ALICE, client_id="same")).reason == Reason.ORDER_NOT_FOUND


def test_time_never_goes_backwards(desk):
    late = desk.do(wire.AdvanceTime())
    desk.time_ns -= HOUR
    early = desk.do(wire.AdvanceTime())
    assert early.time_ns == late.time_ns == desk.engine.time_ns


# -------------------------------------------------------------------------------------------- cancel


def test_a_cancel_releases_the_hold_and_ten_cancels_make_one_event(desk):
    order = desk.rest(ALICE, BUY, "5", "1.00")
    answers = [desk.cancel(order) for _ in range(10)]
    assert isinstance(answers[0], wire.OrderCancelled)
    assert (answers[0].quantity, answers[0].released, answers[0].reason, answers[0].hold_currency) == (5, 500, 1, USD)
    assert {(type(a), a.outcome, a.order_sequence) for a in answers[1:]} == {(wire.CommandDone, 2, order.sequence)}
    assert desk.balance(ALICE, USD) == (10**15, 0)


def test_a_final_order_is_named_for_what_became_of_it(desk):
    filled = desk.rest(ALICE, SELL, "1", "1.00", client_id="filled")
    desk.submit(BOB, BUY, "1", "1.00")
    rejected = desk.refused(ALICE, BUY, "1", "1.001", client_id="rejected")
    for name, reason in (
        ("filled", Reason.ORDER_FILLED),
        ("rejected", Reason.ORDER_FINAL),
        ("never", Reason.ORDER_NOT_FOUND),
    ):
        refused = desk.do(wire.CancelOrder(account=ALICE, client_id=name))
        assert (refused.reason, refused.client_id, refused.command) == (reason, name, 3)
    for order, slot, reason in (
        (filled, filled.order_slot, Reason.ORDER_FILLED),
        (rejected, NO_SLOT, Reason.ORDER_FINAL),
    ):
        command = wire.CancelOrder(account=ALICE, order_sequence=order.sequence, order_slot=slot)
        assert desk.do(command).reason == reason


@pytest.mark.parametrize("change", [{"account": BOB}, {"order_slot": 1}, {"order_sequence": 10**6}])
def test_a_name_must_fit_whole(desk, change):
    order = desk.rest(ALICE, BUY, "5", "1.00")
    command = wire.CancelOrder(account=ALICE, order_sequence=order.sequence, order_slot=order.order_slot)
    assert desk.do(msgspec.structs.replace(command, **change)).reason == Reason.ORDER_NOT_FOUND
    assert desk.engine.open_orders() == 1


@pytest.mark.hazard("B11")
def test_an_old_name_never_finds_the_newcomer_of_its_slot(desk):
    """A slot reused 3,000 times: every old name is unknown to it, the newcomer is untouched."""
    old = []
    for _ in range(3_000):
        order = desk.rest(ALICE, BUY, "1", "1.00")
        assert order.order_slot == 0
        old.append(order)
        desk.cancel(order)
    newcomer = desk.rest(ALICE, BUY, "7", "1.00")
    assert newcomer.order_slot == 0
    for order in old[::50]:
        assert desk.engine.order(order.sequence, 0) is None
        assert desk.cancel(order).outcome == 2
        assert desk.replace(order, quantity="9")[0].reason == Reason.ORDER_FINAL
    assert desk.engine.order(newcomer.sequence, 0)[5] == 7


def test_a_cancel_passes_while_everything_is_switched_off(desk):
    order = desk.rest(ALICE, BUY, "5", "1.00")
    desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=3))
    assert isinstance(desk.cancel(order), wire.OrderCancelled)


@pytest.mark.hazard("A3")
def test_a_mass_cancel_of_every_second_order_removes_just_those(desk):
    """1,000 orders, every second one of Alice: five hundred go, in the order of their acceptance; Bob's stay."""
    orders = [desk.rest((ALICE, BOB)[i % 2], BUY, "1", f"1.{i % 10:02d}") for i in range(1_000)]
    *cancelled, done = desk.all(wire.MassCancel(account=ALICE))
    assert [event.order_sequence for event in cancelled] == [order.sequence for order in orders[::2]]
    assert (done.count, {event.reason for event in cancelled}) == (500, {2})
    assert sorted(row[0] for row in desk.engine.orders(SHARE, BUY)) == [order.sequence for order in orders[1::2]]
    assert desk.balance(ALICE, USD) == (10**15, 0)


@pytest.mark.hazard("A3")
@pytest.mark.parametrize(
    ("instrument_id", "side", "left"), [(0, 0, 0), (SHARE, 0, 4), (0, BUY, 4), (2, SELL, 6), (0, SELL, 4)]
)
def test_a_mass_cancel_takes_what_fits_instrument_and_side(new_engine, instrument_id, side, left):
    desk = Desk(new_engine, instrument(), instrument(2)).rich()
    for number in (1, 2):
        for _ in range(2):
            desk.rest(ALICE, BUY, "1", "1.00", instrument=number)
            desk.rest(ALICE, SELL, "1", "2.00", instrument=number)
    events = desk.all(wire.MassCancel(account=ALICE, instrument=instrument_id, side=side))
    assert events[-1].count == 8 - left == len(events) - 1
    assert desk.engine.open_orders() == left


def test_a_mass_cancel_of_an_unknown_instrument_or_account_is_refused(desk):
    assert desk.do(wire.MassCancel(account=ALICE, instrument=77)).reason == Reason.UNKNOWN_SYMBOL
    assert desk.do(wire.MassCancel(account=77)).reason == Reason.UNKNOWN_ACCOUNT


# ------------------------------------------------------------------------------------------- replace


def test_less_keeps_the_place_and_more_goes_to_the_end(desk):
    first = desk.rest(ALICE, BUY, "10", "1.00")
    second = desk.rest(BOB, BUY, "10", "1.00")
    (event,) = desk.replace(first, quantity="5")
    assert (event.priority_kept, event.quantity, event.leaves, event.hold) == (1, 5, 5, 500)
    assert [row[0] for row in desk.engine.orders(SHARE, BUY)] == [first.sequence, second.sequence]
    (event,) = desk.replace(first, quantity="6")
    assert (event.priority_kept, event.quantity, event.hold) == (0, 6, 600)
    assert [row[0] for row in desk.engine.orders(SHARE, BUY)] == [second.sequence, first.sequence]


def test_nothing_changed_keeps_the_place(desk):
    first = desk.rest(ALICE, BUY, "10", "1.00")
    desk.rest(BOB, BUY, "10", "1.00")
    assert desk.replace(first, quantity="10", price="1.00")[0].priority_kept == 1
    assert desk.engine.orders(SHARE, BUY)[0][0] == first.sequence


def test_another_price_moves_and_may_trade(desk):
    order = desk.rest(ALICE, BUY, "10", "1.00")
    desk.rest(BOB, SELL, "4", "1.05")
    replaced, trade = desk.replace(order, price="1.06")
    assert (replaced.priority_kept, replaced.hold, replaced.price) == (0, 1060, 106)
    assert (trade.price, trade.quantity, trade.taker_order_sequence) == (105, 4, order.sequence)
    assert (trade.taker_leaves, trade.taker_hold) == (6, 636)
    assert desk.engine.orders(SHARE, BUY) == [(order.sequence, order.order_slot, ALICE, 106, 6)]


def test_the_total_counts_what_has_filled(desk):
    order = desk.rest(ALICE, BUY, "10", "1.00")
    desk.submit(BOB, SELL, "4", "1.00")
    (event,) = desk.replace(order, quantity="7")
    assert (event.quantity, event.leaves, event.hold) == (7, 3, 300)


@pytest.mark.parametrize(("total", "passes"), [("3", False), ("4", False), ("5", True)])
def test_a_total_at_or_below_the_filled_is_refused(desk, total, passes):
    order = desk.rest(ALICE, BUY, "10", "1.00")
    desk.submit(BOB, SELL, "4", "1.00")
    before = desk.state()
    (event,) = desk.replace(order, quantity=total)
    assert isinstance(event, wire.OrderReplaced) == passes
    if not passes:
        assert (event.reason, event.limit, event.actual) == (Reason.REPLACE_BELOW_FILLED, 4, int(total))
        assert (event.order_sequence, event.order_slot) == (order.sequence, order.order_slot)
        assert desk.state() == before


@pytest.mark.hazard("F8")
@pytest.mark.parametrize(
    ("given", "reason", "scope"),
    [
        ({"price": "1.03"}, Reason.BAD_TICK, Scope.INSTRUMENT),
        ({"price": "1.001"}, Reason.BAD_TICK, Scope.INSTRUMENT),
        ({"quantity": "1.5"}, Reason.BAD_LOT, Scope.INSTRUMENT),
        ({"quantity": "0"}, Reason.BAD_QTY, Scope.INSTRUMENT),
        ({"price": "0"}, Reason.BAD_PRICE, Scope.INSTRUMENT),
        ({"price": "10.05"}, Reason.BAD_PRICE, Scope.INSTRUMENT),
        ({"quantity": "101"}, Reason.MAX_QTY, Scope.INSTRUMENT),
        ({"quantity": "100", "price": "10"}, Reason.MAX_NOTIONAL, Scope.INSTRUMENT),
        ({"quantity": "1"}, Reason.MIN_NOTIONAL, Scope.INSTRUMENT),
        ({"quantity": "100", "price": "2"}, Reason.NO_FUNDS, Scope.ACCOUNT),
        ({"price": "1.05"}, Reason.POST_ONLY, Scope.ORDER),
    ],
)
def test_a_refused_replacement_leaves_the_order_untouched(new_engine, given, reason, scope):
    """Tick 0.05: a replacement is measured like a submission."""
    desk = Desk(new_engine, instrument(tick=5, max_price=200, max_quantity=100, max_notional=50_000, min_notional=500))
    desk.fund(ALICE, USD, 10_000)
    desk.fund(BOB, XYZ, 100)
    desk.rest(BOB, SELL, "100", "1.05")
    order = desk.rest(ALICE, BUY, "10", "1.00", flags=1)
    before = desk.state()
    (event,) = desk.replace(order, **given)
    assert isinstance(event, wire.CommandRefused)
    assert (event.reason, event.scope, event.command) == (reason, scope, 2)
    assert desk.state() == before


@pytest.mark.parametrize(("extra", "passes"), [(99, False), (100, True), (101, True)])
def test_only_the_increase_of_the_hold_needs_funds(new_engine, extra, passes):
    desk = Desk(new_engine)
    desk.fund(ALICE, USD, 1_000 + extra)
    order = desk.rest(ALICE, BUY, "10", "1.00")
    (event,) = desk.replace(order, quantity="11")
    assert isinstance(event, wire.OrderReplaced) == passes
    if not passes:
        assert (event.reason, event.limit, event.actual, event.decimals) == (Reason.NO_FUNDS, 99, 100, 2)


def test_a_replacement_needs_a_working_order_and_an_open_market(desk):
    order = desk.rest(ALICE, BUY, "10", "1.00")
    desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=2))
    assert desk.replace(order, quantity="5")[0].reason == Reason.HALTED
    desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=1))
    desk.cancel(order)
    assert desk.replace(order, quantity="5")[0].reason == Reason.ORDER_FINAL


def test_a_killed_account_may_not_replace(desk):
    desk.do(wire.SetKillSwitch(account=ALICE, engaged=1))
    desk.do(wire.SetKillSwitch(account=ALICE, engaged=0))
    order = desk.rest(ALICE, BUY, "10", "1.00")
    assert isinstance(desk.replace(order, quantity="5")[0], wire.OrderReplaced)
    assert [e.reason for e in of(wire.OrderCancelled, desk.all(wire.SetKillSwitch(account=ALICE, engaged=1)))] == [3]


def test_a_kept_price_is_not_measured_against_bounds_that_moved(new_engine):
    desk = Desk(new_engine).rich()
    order = desk.rest(ALICE, BUY, "10", "1.00")
    desk.do(instrument(min_price=150))
    assert isinstance(desk.replace(order, quantity="5")[0], wire.OrderReplaced)
    assert desk.replace(order, price="1.00")[0].reason == Reason.BAD_PRICE


@pytest.mark.hazard("A1")
def test_an_acceptance_equals_its_command_in_every_field(desk):
    """10,000 random submissions: what the engine says it accepted is what was sent."""
    rng = random.Random(1)
    for _ in range(10_000):
        order = wire.SubmitOrder(
            instrument=SHARE,
            account=rng.choice((ALICE, BOB, CAROL)),
            price=rng.randrange(1, 10) * 100 + rng.randrange(1, 10),
            price_scale=2,
            quantity=rng.randrange(1, 9),
            side=rng.choice((BUY, SELL)),
            order_type=2,
            time_in_force=rng.choice((1, 3, 4)),
            self_trade_prevention=rng.randrange(6),
            session=rng.randrange(2**32),
            client_id="".join(rng.choices("abcXYZ019_-", k=rng.randrange(24, 37))),
        )
        accepted = desk.all(order)[0]
        assert isinstance(accepted, wire.OrderAccepted)
        for ours, theirs in (("flags", "flags2"), *((name, name) for name in (
            "instrument", "account", "price", "quantity", "side", "order_type", "time_in_force",
            "self_trade_prevention", "session", "client_id"))):  # fmt: skip
            assert getattr(accepted, theirs) == getattr(order, ours), theirs
        currency, hold = (USD, order.price * order.quantity) if order.side == BUY else (XYZ, order.quantity)
        assert (accepted.hold_currency, accepted.hold) == (currency, hold)

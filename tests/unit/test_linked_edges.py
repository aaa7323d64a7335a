"""What stories cannot say of linked orders, positions and busts: bytes, slots, bounds and the largest numbers.

Goal: a linked submission is refused whole or accepted whole, whatever runs out; positions and busts stay exact at any size.
Method: both engines, one edge at a time.
"""

from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import NO_SLOT
from tests.support.acts import BIG, LOTS, big, member, unreadable
from tests.support.desk import ALICE, BETWEEN, BOB, BUY, CAROL, NONE, SELL, SHARE, Desk, instrument, of
from tests.support.engines import NativeEngine, both_engines, check
from tests.support.shown_orders import advanced

pytestmark = both_engines
OCO, OTO, BRACKET = 1, 2, 3
HALTED = 2


@pytest.fixture
def desk(new_engine):
    desk = Desk(new_engine).rich()
    yield desk
    check(desk.engine)


def tied(*members: wire.SubmitAdvancedOrder, link: int = OCO, **changes: Any) -> wire.SubmitLinkedOrders:
    """Return the act of `members`."""
    raw = [each.encode() for each in members] + [bytes(160)] * (3 - len(members))
    fields: dict[str, Any] = {
        "instrument": members[0].instrument,
        "account": members[0].account,
        "link": link,
        "count": len(members),
        "first": raw[0],
        "second": raw[1],
        "third": raw[2],
    }
    return wire.SubmitLinkedOrders(**{**fields, **changes})


def pair(desk: Desk, **changes: Any) -> wire.SubmitLinkedOrders:
    """Return an OCO of two sells."""
    return tied(member(desk, SELL, "5", "2.00"), member(desk, SELL, "5", "3.00"), **changes)


# ---------------------------------------------------------------------------------------------- acts


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 1},
        {"count": 4},
        {"link": 0},
        {"link": 4},
        {"count": 3},
        {"third": b"\0" * 159 + b"\1"},
        {"second": bytes(160)},
    ],
    ids=["one member", "four members", "no link", "no such link", "no third", "a third too much", "no second"],
)
def test_an_act_that_cannot_be_read_is_bad_as_a_whole(desk, changes):
    before = desk.state()
    refused = desk.do(pair(desk, **changes))
    assert (refused.reason, refused.client_id) == (Reason.BAD_COMMAND, "")
    assert desk.state() == before


@unreadable
def test_a_member_that_cannot_be_read_makes_the_act_bad(desk, at, byte):
    act = pair(desk)
    raw = bytearray(act.second)
    raw[at] = byte
    assert desk.do(wire.SubmitLinkedOrders(**{**_fields(act), "second": bytes(raw)})).reason == Reason.BAD_COMMAND


def _fields(command: wire.Command) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__struct_fields__}


def test_slots_ascend_with_the_members_whatever_was_freed(desk):
    """Slots are reused last freed first; the names of one act ascend nevertheless, so that older means smaller."""
    orders = [desk.rest(ALICE, SELL, "1", "5.00") for _ in range(3)]
    for order in orders:
        desk.cancel(order)
    accepted = of(wire.OrderAccepted, desk.all(pair(desk)))
    assert [order.order_slot for order in accepted] == [1, 2]
    act = tied(member(desk, BUY, "1", "1.00"), member(desk, SELL, "1", "9.00"), link=OTO)
    assert [order.order_slot for order in of(wire.OrderAccepted, desk.all(act))] == [0, 3]


def test_each_member_is_named_by_its_own_slot_after_the_end(desk):
    """Both have one sequence: what ended is found by sequence and slot together."""
    first, second = of(wire.OrderAccepted, desk.all(pair(desk)))
    desk.submit(BOB, BUY, "5", "2.00")
    answer = desk.all(wire.CancelOrder(account=ALICE, order_sequence=first.sequence, order_slot=first.order_slot))[0]
    assert answer.reason == Reason.ORDER_FILLED
    answer = desk.all(wire.CancelOrder(account=ALICE, order_sequence=second.sequence, order_slot=second.order_slot))[0]
    assert (answer.outcome, answer.order_slot) == (2, second.order_slot)


@pytest.mark.parametrize("bounds", [{"max_orders": 1}, {"max_client_ids": 1}], ids=["slots", "client ids"])
def test_without_room_for_both_neither_is_accepted_nor_remembered(new_engine, bounds):
    desk = Desk(new_engine, **bounds).rich()
    act = pair(desk)
    rejected = desk.all(act)
    assert [event.reason for event in rejected] == [Reason.LINKED, Reason.CAPACITY]
    assert desk.all(act)[1].reason == Reason.CAPACITY  # not a repeat
    check(desk.engine)


def test_without_windows_for_both_neither_is_accepted(new_engine):
    desk = Desk(new_engine, max_windows=1).rich()
    far = tied(member(desk, SELL, "5", "2.00"), member(desk, SELL, "5", "9000.00"))
    assert [event.reason for event in desk.all(far)] == [Reason.LINKED, Reason.CAPACITY]
    near = tied(member(desk, SELL, "5", "2.00"), member(desk, SELL, "5", "3.00"))
    assert of(wire.OrdersLinked, desk.all(near))  # one window is enough for both
    desk.rest(ALICE, SELL, "1", "2.00")
    assert of(wire.OrdersLinked, desk.all(pair(desk)))
    check(desk.engine)


def test_two_of_one_price_may_not_pass_what_a_level_counts(new_engine):
    """They share one hold, so their lots may be more than anybody owns."""
    desk = big(new_engine)
    desk.fund(ALICE, BIG, LOTS)
    price = "0.000000001"
    one, other = (member(desk, SELL, str(LOTS), price, instrument=7) for _ in range(2))
    rejected = desk.all(tied(one, other))
    assert [event.reason for event in rejected] == [Reason.LINKED, Reason.QTY_OVERFLOW]
    assert (rejected[1].limit, rejected[1].actual) == (2**63 - 1, 2 * LOTS)
    one, other = (member(desk, SELL, str(lots), price, instrument=7) for lots in (LOTS, LOTS - 1))
    assert of(wire.OrdersLinked, desk.all(tied(one, other)))
    assert desk.engine.depth(7, SELL, 1) == [(10**9, 2**63 - 1, 2)]
    check(desk.engine)


def test_a_freed_order_that_its_level_cannot_count_ends(new_engine):
    """When it was accepted nobody knew what would rest there."""
    desk = big(new_engine)
    desk.fund(BOB, BIG, 1)
    low, high = "0.000000000000000001", "0.000000000000000002"
    act = tied(member(desk, BUY, "1", high, instrument=7), member(desk, BUY, str(LOTS), low, instrument=7), link=OTO)
    assert of(wire.OrdersLinked, desk.all(act))
    for lots in (LOTS, 1):
        desk.rest(BOB, BUY, str(lots), low, instrument=7)
    events = desk.submit(BOB, SELL, "1", high, instrument=7)
    assert [event.reason for event in of(wire.OrderCancelled, events)] == [15]
    assert not of(wire.OrderTriggered, events)
    check(desk.engine)


def test_an_exit_freed_in_a_halt_that_its_level_cannot_count_ends(new_engine):
    """It would stand in the book, where nothing trades but all is counted."""
    desk = big(new_engine)
    desk.fund(BOB, BIG, LOTS)
    desk.fund(CAROL, BIG, 1)
    low, high = "0.000000000000000002", "0.000000001"
    full = (advanced(desk.order(BOB, SELL, str(lots), high, instrument=7)) for lots in (LOTS, LOTS - 1))
    assert of(wire.OrdersLinked, desk.all(tied(*full)))
    entry = member(desk, BUY, "2", low, instrument=7)
    profit = member(desk, SELL, "2", high, instrument=7)
    limit = desk.order(ALICE, SELL, "2", low, instrument=7)
    stop = advanced(limit, order_type=4, stop_price=1, stop_scale=18)
    assert of(wire.OrdersLinked, desk.all(tied(entry, profit, stop, link=BRACKET)))
    assert of(wire.TradePrinted, desk.submit(CAROL, SELL, "1", low, instrument=7))
    desk.all(wire.SetInstrumentStatus(instrument=7, status=HALTED))
    events = desk.all(wire.CancelOrder(account=ALICE, client_id=entry.client_id))
    assert [event.reason for event in of(wire.OrderCancelled, events)] == [1, 15, 15]
    assert desk.engine.depth(7, SELL, 1) == [(10**9, 2**63 - 1, 2)]
    check(desk.engine)


# ----------------------------------------------------------------------------------- positions, busts


def test_a_position_may_pass_what_anybody_owns(new_engine):
    """Assets that go back between accounts and are sold again: the position is the sum, beyond 64 bits too."""
    desk = big(new_engine)
    desk.fund(ALICE, BIG, LOTS)
    price = "0.000000000000000001"
    for turn in range(1, 6):
        desk.rest(ALICE, SELL, str(LOTS), price, instrument=7)
        desk.submit(BOB, BUY, str(LOTS), price, instrument=7)
        back = wire.Transfer(
            account=BOB, to_account=ALICE, amount=LOTS, currency=BIG, transfer_kind=BETWEEN, transfer_id=f"back-{turn}"
        )
        desk.do(back)
        assert desk.engine.positions(BOB) == [(7, turn * LOTS)]
        assert desk.engine.positions(ALICE) == [(7, -turn * LOTS)]
    (reducing,) = of(wire.OrderAccepted, desk.submit(ALICE, BUY, str(2**63 - 1), price, instrument=7, flags=4))
    assert reducing.quantity == 2**63 - 1
    check(desk.engine)
    if isinstance(desk.engine, NativeEngine):
        again = NativeEngine.restore(desk.engine.snapshot())
        assert again.positions(BOB) == [(7, 5 * LOTS)]
        assert again.snapshot() == desk.engine.snapshot()


def test_with_so_many_positions_nothing_more_is_accepted(new_engine):
    """What works may still open positions of its own; a new order is CAPACITY."""
    definitions = [instrument(number) for number in (1, 2, 3)]
    desk = Desk(new_engine, *definitions, max_balances=4, accounting=False)  # where balances do not run out first
    for number in (1, 2, 3):
        desk.rest(ALICE, SELL, "5", "1.00", instrument=number)
    for number in (1, 2):
        desk.submit(BOB, BUY, "1", "1.00", instrument=number)
    assert len(desk.engine.positions(ALICE)) == 2
    assert desk.refused(BOB, BUY, "1", "1.00", instrument=3).reason == Reason.CAPACITY
    check(desk.engine)


def bust(**changes: Any) -> wire.BustTrade:
    """Return the correction of a trade of 5 shares at 1.00 between Bob, who bought, and Alice."""
    fields: dict[str, Any] = {
        "instrument": SHARE,
        "trade_sequence": 1,
        "fill": 0,
        "action": 1,
        "buyer": BOB,
        "seller": ALICE,
        "price": 100,
        "quantity": 5,
        "paid_back": 500,
        "received_back": 500,
        "buyer_fee_back": 0,
        "seller_fee_back": 0,
    }
    return wire.BustTrade(**{**fields, **changes})


def test_a_bust_at_the_edge_of_what_is_there(desk):
    desk.rest(ALICE, SELL, "5", "1.00")
    desk.submit(BOB, BUY, "5", "1.00")
    desk.rest(ALICE, BUY, str(10**9), "10000.00")  # all but 500 of her dollars are held
    before = desk.state()
    refused = desk.do(bust(received_back=501, paid_back=500))
    assert (refused.reason, refused.limit, refused.actual, refused.decimals) == (Reason.INSUFFICIENT, 500, 501, 2)
    assert desk.state() == before
    assert isinstance(desk.do(bust()), wire.TradeBusted)


def test_a_bust_between_an_account_and_itself_moves_nothing(desk):
    desk.rest(ALICE, SELL, "5", "1.00")
    desk.submit(ALICE, BUY, "5", "1.00", self_trade_prevention=NONE)
    before = desk.state()
    assert isinstance(desk.do(bust(buyer=ALICE)), wire.TradeBusted)
    assert desk.state() == before
    assert desk.engine.positions(ALICE) == []


def test_a_bust_of_what_cannot_be_an_amount(desk):
    refused = desk.do(bust(quantity=2**62, instrument=SHARE))
    assert refused.reason == Reason.INSUFFICIENT  # an amount, but nobody has it
    big = instrument(4, lot=10, symbol="LARGE")
    assert isinstance(desk.do(big), wire.InstrumentDefined)
    refused = desk.do(bust(quantity=2**62, instrument=4))
    assert (refused.reason, refused.limit, refused.actual) == (Reason.AMOUNT_OVERFLOW, 2**63 - 1, 10 * 2**62)


def test_numbers_that_cancel_out_beyond_64_bits_are_still_exact(desk):
    """Fees given back against principal: sums of two such numbers need more than 64 bits."""
    most = 2**63 - 1
    refused = desk.do(bust(action=2, paid_back=most, received_back=most, buyer_fee_back=most, seller_fee_back=-most))
    assert refused.reason == Reason.INSUFFICIENT
    refused = desk.do(bust(action=2, paid_back=-most, received_back=-most, buyer_fee_back=most, seller_fee_back=-most))
    assert isinstance(refused, wire.TradeBusted)


def test_a_rejected_act_is_remembered_like_any_rejection(desk):
    act = tied(member(desk, SELL, "5", "2.00"), member(desk, SELL, "0", "3.00"))
    assert [event.reason for event in desk.all(act)] == [Reason.LINKED, Reason.BAD_QTY]
    again = desk.do(act)
    assert (again.outcome, again.order_slot) == (1, NO_SLOT)
    alone = desk.do(wire.CancelOrder(account=ALICE, client_id=wire.SubmitAdvancedOrder.decode(act.first).client_id))
    assert alone.reason == Reason.ORDER_FINAL

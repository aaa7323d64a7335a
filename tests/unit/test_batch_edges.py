"""What stories cannot say of batches: bytes, slots, bounds and the largest numbers.

Goal: a batch is refused whole or accepted whole, whatever runs out, and each of its orders counts with those before it.
Method: both engines, one edge at a time.
"""

from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from tests.support.acts import BIG, LOTS, big, member, unreadable
from tests.support.desk import ALICE, BOB, BUY, COIN, SELL, SHARE, USD, Desk, coin, instrument, of
from tests.support.engines import NativeEngine, both_engines, check, step

pytestmark = both_engines


@pytest.fixture
def desk(new_engine):
    desk = Desk(new_engine).rich()
    yield desk
    check(desk.engine)


def batch(*members: wire.SubmitAdvancedOrder, **changes: Any) -> wire.SubmitOrderBatch:
    """Return `members` as one act."""
    raw = b"".join(each.encode() for each in members)
    fields: dict[str, Any] = {"account": members[0].account, "count": len(members), "orders": raw}
    return wire.SubmitOrderBatch(**{**fields, **changes})


def reasons(events: list[wire.Event]) -> list[int]:
    """Return why each order was rejected."""
    return [event.reason for event in of(wire.OrderRejected, events)]


@pytest.mark.parametrize(
    "changes", [{"count": 1}, {"count": 3}, {"count": 0}, {"account": BOB}, {"instrument": 1}],
    ids=["more than told", "fewer than told", "none told", "another account", "an instrument"],
)  # fmt: skip
def test_a_batch_that_cannot_be_read_is_bad_as_a_whole(desk, changes):
    before = desk.state()
    refused = desk.do(batch(member(desk, SELL, "5", "2.00"), member(desk, SELL, "5", "3.00"), **changes))
    assert (refused.reason, refused.client_id) == (Reason.BAD_COMMAND, "")
    assert desk.state() == before


@unreadable
def test_an_order_that_cannot_be_read_makes_the_batch_bad(desk, at, byte):
    good = batch(member(desk, SELL, "5", "2.00"), member(desk, SELL, "5", "3.00"))
    raw = bytearray(good.orders)
    raw[160 + at] = byte
    bad = wire.SubmitOrderBatch(account=ALICE, count=2, orders=bytes(raw))
    assert desk.do(bad).reason == Reason.BAD_COMMAND


@pytest.mark.parametrize("more", [8, 152, 160], ids=["a word", "a part", "one that is not told"])
def test_a_size_that_is_not_of_whole_orders_is_bad(desk, more):
    raw = bytearray(batch(member(desk, SELL, "5", "2.00")).encode() + bytes(more))
    raw[0:2] = len(raw).to_bytes(2, "little")
    assert desk.do(bytes(raw)).reason == Reason.BAD_COMMAND


def test_a_hundred_orders_fit_and_one_more_does_not(desk):
    orders = [member(desk, BUY, "1", "0.01") for _ in range(101)]
    assert desk.do(batch(*orders, count=101)).reason == Reason.BAD_COMMAND
    accepted = of(wire.OrderAccepted, desk.all(batch(*orders[:100])))
    assert len(accepted) == 100
    assert [order.order_slot for order in accepted] == sorted(order.order_slot for order in accepted)


@pytest.mark.parametrize("bounds", [{"max_orders": 2}, {"max_client_ids": 2}], ids=["slots", "client ids"])
def test_without_room_for_all_none_is_accepted_nor_remembered(new_engine, bounds):
    desk = Desk(new_engine, **bounds).rich()
    orders = [member(desk, SELL, "1", "2.00") for _ in range(3)]
    assert reasons(desk.all(batch(*orders))) == [Reason.LINKED, Reason.LINKED, Reason.CAPACITY]
    assert len(of(wire.OrderAccepted, desk.all(batch(*orders[:2])))) == 2, "nothing was remembered of them"
    check(desk.engine)


def test_windows_are_counted_with_those_before(new_engine):
    """Prices that lie far apart need a window each, near ones share it."""
    desk = Desk(new_engine, max_windows=2).rich()
    far = [member(desk, SELL, "1", price) for price in ("2.00", "9000.00", "99000.00")]
    assert reasons(desk.all(batch(*far))) == [Reason.LINKED, Reason.LINKED, Reason.CAPACITY]
    near = [member(desk, SELL, "1", price) for price in ("2.00", "9000.00", "2.01", "9000.01")]
    assert len(of(wire.OrderAccepted, desk.all(batch(*near)))) == 4
    check(desk.engine)


def test_the_lots_of_a_level_are_counted_with_those_before(new_engine):
    """So cheap that each can be paid for, so many that a level cannot count them together."""
    desk = big(new_engine)
    lots, price = str(LOTS // 2), "0.000000000000000001"
    four = [member(desk, BUY, lots, price, instrument=7) for _ in range(4)]
    assert reasons(desk.all(batch(*four))) == [Reason.LINKED] * 3 + [Reason.QTY_OVERFLOW]
    three = [member(desk, BUY, lots, price, instrument=7) for _ in range(3)]
    assert len(of(wire.OrderAccepted, desk.all(batch(*three)))) == 3
    assert desk.engine.depth(7, BUY, 1) == [(1, 3 * (LOTS // 2), 3)]
    check(desk.engine)


@pytest.mark.parametrize(("left", "fits"), [(3, False), (4, True)])
def test_the_balances_of_all_instruments_must_be_left(new_engine, left, fits):
    """Two for each instrument, whether the account has some of them already or not, as for an order alone."""
    desk = Desk(new_engine, instrument(SHARE), coin(COIN), max_balances=1 + left)
    desk.fund(ALICE, USD, 10**9)
    orders = [member(desk, BUY, "1", "1.00"), member(desk, BUY, "1", "1.00", instrument=COIN)]
    told = desk.all(batch(*orders))
    assert reasons(told) == ([] if fits else [Reason.LINKED, Reason.CAPACITY])
    assert len(of(wire.OrderAccepted, told)) == (2 if fits else 0)
    check(desk.engine)


def test_what_a_sell_could_bring_of_those_before_may_not_pass_what_is_kept(new_engine):
    """Alone it asks for next to nothing; beside it stands a bid at which its lots would be worth more than 63 bits."""
    desk = big(new_engine)
    desk.fund(ALICE, BIG, LOTS)
    dear = member(desk, BUY, "1", "9", instrument=7)
    cheap = member(desk, SELL, str(LOTS), "0.000000000000000001", instrument=7)
    assert reasons(desk.all(batch(dear, cheap))) == [Reason.LINKED, Reason.AMOUNT_OVERFLOW]
    assert len(of(wire.OrderAccepted, desk.all(batch(cheap)))) == 0, "a rejected order is remembered as rejected"
    again = [
        member(desk, BUY, "1", "9", instrument=7),
        member(desk, SELL, "1000", "0.000000000000000001", instrument=7),
    ]
    assert len(of(wire.OrderAccepted, desk.all(batch(*again)))) == 2
    check(desk.engine)


def test_each_is_found_by_its_own_name_and_a_snapshot_keeps_them(desk):
    """Also after a recovery: orders, what their repeat is answered, and what a cancel ends."""
    command = batch(*(member(desk, SELL, "1", f"{at}.00") for at in range(2, 8)))
    made = of(wire.OrderAccepted, desk.all(command))
    gone = desk.all(by_name(made.pop(3)))[0]
    before = desk.state()
    if isinstance(desk.engine, NativeEngine):  # the twin has no snapshots
        desk.engine = NativeEngine.restore(desk.engine.snapshot())
    assert desk.state() == before
    assert [desk.engine.order(order.sequence, order.order_slot)[3] for order in made] == [200, 300, 400, 600, 700]
    again = desk.do(command)
    assert (again.order_sequence, again.order_slot) == (made[0].sequence, made[0].order_slot)
    late, ended = desk.do(by_name(gone)), desk.all(by_name(made[4]))[0]
    assert (late.order_slot, ended.order_slot) == (gone.order_slot, made[4].order_slot)
    assert isinstance(late, wire.CommandDone)
    assert isinstance(ended, wire.OrderCancelled)
    assert desk.engine.open_orders() == 4


def by_name(order: Any) -> wire.CancelOrder:
    """Return the cancel of an order of Alice that an event names."""
    sequence = order.sequence if isinstance(order, wire.OrderAccepted) else order.order_sequence
    return wire.CancelOrder(account=ALICE, order_sequence=sequence, order_slot=order.order_slot)


def test_bytes_that_lie_unaligned_mean_the_same(new_engine):
    """In a step commands follow each other; a batch may begin anywhere a multiple of eight, or in a buffer at an odd address."""
    one, other = Desk(new_engine).rich(), Desk(new_engine).rich()
    command = batch(member(one, SELL, "1", "2.00"), member(one, BUY, "1", "1.00")).encode()
    odd = memoryview(b"\0" * 3 + command)[3:]
    assert step(one.engine, command, one.time_ns) == step(other.engine, odd, other.time_ns)

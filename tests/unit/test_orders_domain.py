"""An order is what its events say, and an event that cannot be is never believed.

Goal: every arrow of the order's life holds, and no fill, cancel or replace can break its sums.
Method: events by hand for each arrow; random fills against a slow sum; each impossible event must be Corrupted.
"""

import random

import msgspec
import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.wire import OrderAccepted, OrderCancelled, OrderRejected, OrderReplaced, TradePrinted
from quantumcore.services.orders.domain import MAKER, TAKER, Order, OrderStatus, named, opened, side_of


def accepted(sequence: int = 5, quantity: int = 100, **changes: int) -> OrderAccepted:
    terms = {
        "flags": 1, "index": 0, "sequence": sequence, "time_ns": 1_000, "instrument": 1, "account": 7, "price": 50,
        "quantity": quantity, "hold": 0, "order_slot": 3, "side": 1, "order_type": 2, "time_in_force": 1,
        "self_trade_prevention": 0, "flags2": 0, "hold_currency": 1, "client_id": "a", "session": 0,
    }  # fmt: skip
    return OrderAccepted(**{**terms, **changes})


def rejected(sequence: int = 5) -> OrderRejected:
    return OrderRejected(
        flags=1, index=0, sequence=sequence, time_ns=1_000, instrument=1, account=7, price=5, quantity=7, price_scale=1,
        quantity_scale=0, side=1, order_type=2, time_in_force=1, self_trade_prevention=0, flags2=0, limit=100, actual=700,
        reason=15, scope=3, decimals=2, order_slot=0xFFFFFFFF, client_id="a", session=0,
    )  # fmt: skip


def trade(sequence: int, quantity: int, leaves: int, *, maker: int = 5, taker: int = 0, **changes: int) -> TradePrinted:
    terms = {
        "flags": 1, "index": 1, "sequence": sequence, "time_ns": 2_000, "instrument": 1, "account": 9, "maker_account": 7,
        "maker_order_sequence": maker, "taker_order_sequence": taker or sequence, "maker_slot": 3, "taker_slot": 4,
        "price": 50, "quantity": quantity, "maker_leaves": leaves, "taker_leaves": leaves, "paid": 0, "received": 0,
        "maker_fee": 2, "taker_fee": 3, "asset": 0, "maker_hold": 0, "taker_hold": 0, "fill": 0, "taker_side": 2,
        "quote": 1, "base": 2,
    }  # fmt: skip
    return TradePrinted(**{**terms, **changes})


def cancelled(sequence: int, quantity: int, order: int = 5, reason: int = 1) -> OrderCancelled:
    return OrderCancelled(1, 0, sequence, 3_000, 1, 7, order, quantity, 0, 3, reason, 1)


def replaced(sequence: int, quantity: int, leaves: int, price: int = 50) -> OrderReplaced:
    return OrderReplaced(1, 0, sequence, 3_000, 1, 7, price, quantity, leaves, 0, 5, 3, 0, 1, 1)


def test_an_accepted_order_is_new_with_nothing_filled_and_two_equal_times():
    order = opened(accepted())
    assert (order.status, order.filled, order.leaves, order.fills) == (OrderStatus.NEW, 0, 100, 0)
    assert order.accepted_ns == order.updated_ns == 1_000
    assert not order.is_final


def test_a_rejected_order_is_final_and_keeps_the_decimals_that_were_sent():
    order = opened(rejected())
    assert order.status is OrderStatus.REJECTED
    assert order.is_final
    assert order.leaves == 0
    assert order.rejection is not None
    assert (order.rejection.price, order.rejection.quantity) == ("0.5", "7")
    assert (order.rejection.limit, order.rejection.actual) == ("1.00", "7.00")


def test_thirty_thirty_forty_of_a_hundred_is_filled():
    """Golden example of behaviour 4."""
    order = opened(accepted())
    statuses = []
    for at, (lots, leaves) in enumerate(((30, 70), (30, 40), (40, 0)), start=6):
        order = order.apply(trade(at, lots, leaves))
        statuses.append((order.status, order.filled, order.leaves))
    assert statuses == [
        (OrderStatus.PARTIALLY_FILLED, 30, 70),
        (OrderStatus.PARTIALLY_FILLED, 60, 40),
        (OrderStatus.FILLED, 100, 0),
    ]
    assert (order.notional, order.fees, order.fills) == (5_000, 6, 3)


def test_a_taker_takes_the_takers_fee_and_leaves():
    order = opened(accepted(sequence=9, order_slot=4)).apply(trade(9, 40, 60, maker=5, maker_leaves=0))
    assert (order.fees, order.leaves, order.status) == (3, 60, OrderStatus.PARTIALLY_FILLED)


def test_a_cancel_ends_what_was_left_and_keeps_what_was_filled():
    order = opened(accepted()).apply(trade(6, 30, 70)).apply(cancelled(7, 70))
    assert (order.status, order.filled, order.leaves, order.reason) == (OrderStatus.CANCELLED, 30, 0, 1)
    assert order.updated_sequence == 7


def test_a_replacement_sets_total_and_price_and_keeps_what_was_filled():
    order = opened(accepted()).apply(trade(6, 30, 70)).apply(replaced(7, 80, 50, price=60))
    assert (order.quantity, order.price, order.filled, order.leaves) == (80, 60, 30, 50)
    assert order.status is OrderStatus.PARTIALLY_FILLED


def test_an_order_is_never_changed_in_place():
    """Frozen: whoever holds an order holds it as it was."""
    before = opened(accepted())
    before.apply(trade(6, 30, 70))
    assert before == opened(accepted())
    with pytest.raises(AttributeError):
        before.filled = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(trade(6, 101, -1), id="more than was left"),
        pytest.param(trade(6, 30, 71), id="leaves too much"),
        pytest.param(trade(6, 30, 69), id="leaves too little"),
        pytest.param(trade(6, 0, 100), id="fills nothing"),
        pytest.param(trade(6, 30, 70, maker=77), id="names two other orders"),
        pytest.param(cancelled(6, 99), id="ends less than was left"),
        pytest.param(cancelled(6, 101), id="ends more than was left"),
        pytest.param(replaced(6, 120, 119), id="a total whose rest does not fit"),
        pytest.param(replaced(6, 0, 0), id="nothing is left to replace"),
    ],
)
def test_an_event_that_cannot_follow_is_corrupted(event):
    with pytest.raises(Corrupted):
        opened(accepted()).apply(event)


@pytest.mark.parametrize("last", [trade(6, 100, 0), cancelled(6, 100)], ids=["filled", "cancelled"])
@pytest.mark.parametrize(
    "late", [trade(7, 1, 0), cancelled(7, 0), replaced(7, 200, 100)], ids=["fill", "cancel", "replace"]
)
def test_nothing_follows_a_final_status(last, late):
    """A fill after the end stops the projection (behaviour 4)."""
    order = opened(accepted()).apply(last)
    with pytest.raises(Corrupted, match="already"):
        order.apply(late)


def test_corruption_names_the_position_and_the_order():
    with pytest.raises(Corrupted, match=r"TradePrinted at 6\.1 on order 5"):
        opened(accepted()).apply(trade(6, 101, -1))


def test_random_fills_sum_exactly_and_never_pass_the_quantity(rng: random.Random):
    """A thousand orders filled at random prices equal a slow sum, and one lot more is refused."""
    for _ in range(1_000):
        order = opened(accepted(quantity=rng.randrange(1, 10**6)))
        fills = []
        while order.leaves:
            lots = rng.randrange(1, order.leaves + 1)
            price = rng.randrange(1, 10**12)
            with pytest.raises(Corrupted):
                order.apply(trade(6, order.leaves + 1, -1))
            order = order.apply(trade(6, lots, order.leaves - lots, price=price, maker_fee=len(fills)))
            fills.append((price, lots, len(fills)))
        assert order.filled == sum(lots for _, lots, _ in fills) == order.quantity
        assert order.notional == sum(price * lots for price, lots, _ in fills)
        assert order.fees == sum(fee for _, _, fee in fills)
        assert order.status is OrderStatus.FILLED


def test_a_trade_names_maker_before_taker_and_knows_which_is_which():
    event = trade(9, 1, 0, maker=5, taker=9)
    assert named(event) == ((5, 3), (9, 4))
    assert (side_of(event, (5, 3)), side_of(event, (9, 4))) == (MAKER, TAKER)


def test_every_status_keeps_its_number():
    """Stored numbers never change meaning."""
    assert [(s.name, s.value) for s in OrderStatus] == [
        ("NEW", 1), ("PARTIALLY_FILLED", 2), ("FILLED", 3), ("CANCELLED", 4), ("EXPIRED", 5), ("REJECTED", 6),
    ]  # fmt: skip


@pytest.mark.hazard("A1")
def test_an_order_keeps_every_field_of_its_acceptance(rng: random.Random):
    """10,000 random acceptances: nothing is lost, swapped or borrowed from the buffer on the way into the order.

    The bytes are overwritten after decoding: a value that still looked at them would change.
    """
    for _ in range(10_000):
        event = accepted(
            sequence=rng.randrange(1, 2**63), quantity=rng.randrange(1, 2**63), price=rng.randrange(1, 2**63),
            account=rng.randrange(1, 2**32), instrument=rng.randrange(1, 2**32), side=rng.choice((1, 2)),
            order_type=rng.choice((1, 2)), time_in_force=rng.choice((1, 3, 4)), flags2=rng.choice((0, 1)),
            order_slot=rng.randrange(2**32), time_ns=rng.randrange(2**62),
        )  # fmt: skip
        event = msgspec.structs.replace(event, client_id=f"c{rng.randrange(10**30)}")
        buffer = bytearray(event.encode())
        order = opened(OrderAccepted(*OrderAccepted.LAYOUT.unpack(buffer, 0)[2:]))
        buffer[:] = b"\xaa" * len(buffer)
        assert order == Order(
            sequence=event.sequence, slot=event.order_slot, account=event.account, instrument=event.instrument,
            client_id=event.client_id, side=event.side, order_type=event.order_type, time_in_force=event.time_in_force,
            post_only=event.flags2 == 1, price=event.price, quantity=event.quantity, status=OrderStatus.NEW,
            updated_sequence=event.sequence, accepted_ns=event.time_ns, updated_ns=event.time_ns,
        )  # fmt: skip

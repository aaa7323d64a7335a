"""Engine.submit is Engine.step of one order's layout, and nothing else.

Goal: the short way and the long way give the same bytes and leave the same state.
Method: seeded orders, good and bad, into two engines; the events and the state hashes are compared.
"""

import random

import pytest

from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.wire import CommandRefused, SubmitOrder, decode_events
from quantumcore.core import _native
from quantumcore.core._native import Engine
from tests.support.shards import ACCOUNTS, INSTRUMENTS, market


def _engines() -> tuple[Engine, Engine]:
    engines = Engine(max_orders=1 << 12), Engine(max_orders=1 << 12)
    for engine in engines:
        for command in market():
            engine.step(command, 0)
    return engines


def test_a_thousand_orders_give_the_same_events_either_way() -> None:
    short, long = _engines()
    rng = random.Random(11)
    for number in range(1000):
        order = SubmitOrder(
            instrument=rng.choice((*INSTRUMENTS, 99)),
            account=rng.choice((*range(1, ACCOUNTS + 1), 77)),
            price=rng.randint(-1, 200),
            price_scale=rng.randint(0, 3),
            quantity=rng.randint(-1, 50),
            quantity_scale=rng.randint(0, 6),
            side=rng.choice((1, 2)),
            order_type=rng.choice((1, 2, 9)),
            time_in_force=rng.choice((1, 3, 4, 8)),
            self_trade_prevention=rng.randint(0, 6),
            flags=rng.choice((0, 1, 2)),
            client_id=f"c{rng.randint(0, 900)}",
        )
        told = short.submit(
            order.instrument, order.account, order.side, order.order_type, order.time_in_force, order.price,
            order.price_scale, order.quantity, order.quantity_scale, order.client_id, order.self_trade_prevention,
            order.flags, number,
        )  # fmt: skip
        assert told == long.step(order.encode(), number)
    assert short.state_hash() == long.state_hash()
    short.check()


def test_an_id_that_does_not_fit_raises_and_one_with_bad_letters_is_refused() -> None:
    engine, _ = _engines()
    before = engine.sequence
    with pytest.raises(_native.InvalidCommand):
        engine.submit(1, 1, 1, 2, 1, 100, 0, 1, 0, "x" * 37)
    assert engine.sequence == before
    (event,) = decode_events(engine.submit(1, 1, 1, 2, 1, 100, 0, 1, 0, "a b"))
    assert isinstance(event, CommandRefused)
    assert event.reason == Reason.BAD_COMMAND

"""A submission with further terms is a submission: the same when the terms are the same, refused for a term of no use.

Goal: SubmitAdvancedOrder without terms is the plain order; each term belongs to the body that names a repeat; both
engines keep the terms over a snapshot.
"""

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from tests.support.engines import NativeEngine, TwinEngine, both_engines, step
from tests.support.fuzz_engine import started

REASONS = {
    "display": Reason.BAD_DISPLAY,
    "display_range": Reason.BAD_DISPLAY,
    "seed": Reason.BAD_DISPLAY,
    "stop_price": Reason.BAD_STOP,
    "trail": Reason.BAD_TRAIL,
    "offset": Reason.BAD_PEG,
    "min_quantity": Reason.BAD_MIN_QTY,
    "budget": Reason.BAD_BUDGET,
    "expires_ns": Reason.EXPIRED,
}


def limit(client_id: str, kind: type[wire.SubmitOrder] = wire.SubmitAdvancedOrder, **terms: int) -> bytes:
    """A limit order to buy 10 of instrument 1 at 1.00, with `terms`."""
    order = kind(
        instrument=1,
        account=1,
        side=1,
        order_type=2,
        time_in_force=1,
        price=1,
        quantity=10,
        client_id=client_id,
        **terms,
    )
    return order.encode()


def told(engine, raw: bytes) -> list[wire.Event]:
    """The events of one command."""
    return wire.decode_events(step(engine, raw, 0))


@both_engines
def test_without_terms_it_is_the_plain_order(new_engine):
    plain, advanced = started(new_engine()), started(new_engine())
    expected = step(plain, limit("a", wire.SubmitOrder), 0)
    assert step(advanced, limit("a"), 0) == expected
    assert [event.KIND for event in told(advanced, limit("a", wire.SubmitOrder))] == [wire.CommandDone.KIND]


@both_engines
@pytest.mark.parametrize(("term", "reason"), REASONS.items())
def test_the_terms_belong_to_what_is_remembered(new_engine, term, reason):
    """A refusal is remembered with its terms: the same again is a repeat, another value another body."""
    engine = started(new_engine())
    (first,) = told(engine, limit("a", **{term: 3}))
    assert isinstance(first, wire.OrderRejected)
    assert first.reason == reason
    if isinstance(engine, NativeEngine):
        engine = NativeEngine.restore(engine.snapshot())
    (repeat,) = told(engine, limit("a", **{term: 3}))
    assert isinstance(repeat, wire.CommandDone)
    for other in (limit("a", **{term: 4}), limit("a"), limit("a", wire.SubmitOrder)):
        (refused,) = told(engine, other)
        assert isinstance(refused, wire.CommandRefused)
        assert refused.reason == Reason.DUPLICATE_ID


@pytest.mark.parametrize("new_engine", [TwinEngine, NativeEngine])
@pytest.mark.parametrize(
    "terms", [{"trigger": 3}, {"trail_unit": 4}, {"peg": 4}, {"stop_scale": 19}, {"budget_scale": 19}, {"flags": 128}]
)
def test_what_no_term_can_be_is_no_command(new_engine, terms):
    engine = started(new_engine())
    (refused,) = told(engine, limit("a", **terms))
    assert isinstance(refused, wire.CommandRefused)
    assert refused.reason == Reason.BAD_COMMAND

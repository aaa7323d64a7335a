"""A bucket of tokens is exact, whatever the rate and the times, and sessions are no more than can be kept.

Goal: a command passes exactly when a bucket of rational numbers has a token; 16,384 sessions are kept, and an idle one gives way.
Method: hypothesis invents rates, bursts and times; the model counts with fractions; both engines answer.
"""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin.guards import MAX_SESSIONS
from tests.support.engines import NativeEngine, TwinEngine, both_engines, step

NEW = 1
SECOND_NS = 10**9


def opened(new_engine, accounting=True):
    """Return an engine with one instrument and one account that has some money."""
    engine = new_engine(accounting=accounting)
    setup = [
        wire.DefineCurrency(currency=1, code="USD", scale=0),
        wire.DefineCurrency(currency=2, code="ACME", scale=0),
        wire.DefineInstrument(
            instrument=1, instrument_kind=1, status=1, base=2, quote=1, tick_scale=0, lot_scale=0, tick=1, lot=1,
            multiplier=1, min_price=1, max_price=1_000, min_quantity=1, max_quantity=1_000, min_notional=0,
            max_notional=10**9, taker_fee=0, maker_fee=0, minimum_fee=0, collar=5_000_000, symbol="ACME",
        ),
        wire.OpenAccount(account=1, owner=1),
    ]  # fmt: skip
    if accounting:
        money = wire.Transfer(account=1, amount=10**12, currency=1, transfer_kind=1, transfer_id="t")
        setup.append(money)
    step(engine, b"".join(command.encode() for command in setup), 0)
    return engine


def answer(engine, number, time_ns, session=0):
    """Send one order that never rests; return the event that answers."""
    order = wire.SubmitOrder(
        instrument=1, account=1, price=1, quantity=1, side=1, order_type=2, time_in_force=3, session=session,
        client_id=f"o-{number}",
    )  # fmt: skip
    return wire.decode_events(step(engine, order.encode(), time_ns))[0]


@both_engines
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rate=st.integers(1, 10**9),
    burst=st.integers(1, 4),
    waits=st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2 * SECOND_NS)), min_size=1, max_size=25),
    exactly=st.booleans(),
)
def test_a_command_passes_exactly_when_there_is_a_token(new_engine, rate, burst, waits, exactly):
    engine = opened(new_engine)
    limit = wire.SetThrottle(account=1, scope=Scope.ACCOUNT, throttle_class=NEW, rate=rate, burst=burst)
    step(engine, limit.encode(), 0)
    now, out = 0, Fraction(0)
    for number, wait in enumerate(waits):
        # Often exactly when the next token is there, or a nanosecond before.
        due = -(-(out + 1 - burst) * SECOND_NS // rate) if out + 1 > burst else 0
        step_ns = max(0, int(due) - wait % 2) if exactly else wait
        now, out = now + step_ns, max(Fraction(0), out - Fraction(rate * step_ns, SECOND_NS))
        told = answer(engine, number, now)
        if out + 1 > burst:
            assert isinstance(told, wire.OrderRejected)
            assert (told.reason, told.limit, told.actual) == (Reason.THROTTLED, burst, -(-(out + 1) // 1))
        else:
            assert isinstance(told, wire.OrderAccepted)
            out += 1


@pytest.mark.parametrize("new_engine", [pytest.param(TwinEngine, id="twin"), pytest.param(NativeEngine, id="native")])
def test_a_session_too_many_is_refused_until_one_is_idle(new_engine):
    engine = opened(new_engine, accounting=False)
    limit = wire.SetThrottle(scope=Scope.VENUE, throttle_class=NEW, rate=1_000, burst=10**6)
    step(engine, limit.encode(), 0)
    unlimited = wire.SetThrottle(account=1, scope=Scope.ACCOUNT, throttle_class=NEW, rate=10**9, burst=10**6)
    step(engine, unlimited.encode(), 0)
    step(engine, wire.SetLimits(account=1, max_open_orders=10**6).encode(), 0)
    for session in range(1, MAX_SESSIONS + 1):
        assert isinstance(answer(engine, session, 0, session), wire.OrderAccepted)
    told = answer(engine, "more", 999_999, MAX_SESSIONS + 1)
    assert (told.reason, told.scope) == (Reason.CAPACITY, Scope.SESSION)
    kill = wire.SetKill(scope=Scope.SESSION, subject=MAX_SESSIONS + 1, mode=1)
    (told,) = wire.decode_events(step(engine, kill.encode(), 999_999))
    assert (told.reason, told.scope) == (Reason.CAPACITY, Scope.VENUE)
    assert isinstance(answer(engine, "old", 999_999, 5), wire.OrderAccepted)
    assert isinstance(answer(engine, "again", 1_000_000, MAX_SESSIONS + 1), wire.OrderAccepted)
    assert isinstance(answer(engine, "last", 1_000_000, 5), wire.OrderAccepted)

"""The native engine and its readable twin are one engine.

Goal: no stream of commands makes them differ, by a byte of an event, a hash, or any answer to a query.
Method: hypothesis invents streams that shrink; a seeded market runs longer ones (`python -m tests.support.fuzz_engine`
runs them for hours); the same stream is cut into steps differently, replayed, and interrupted by a snapshot.
"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from tests.support.engines import FRAMING_ERRORS, NativeEngine, TwinEngine, both_engines, check, step
from tests.support.fuzz_engine import (
    assert_cuts_change_nothing,
    difference,
    run_equality,
    run_restored,
    seeded,
    started,
    state_of,
)
from tests.support.streams import START_NS, Market, Timed, setup, streams

LONG_SEEDS = (1, 2, 3, 4, 5)
LONG_COMMANDS = 5_000
both_modes = pytest.mark.parametrize("accounting", [True, False], ids=["accounting", "book-only"])
some = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def commands_of(seed: int, count: int) -> list[Timed]:
    """Return a stream of the market of `seed` that has heard the twin's answers."""
    twin, stream = started(TwinEngine()), []
    for market, command in seeded(count, seed):
        market.hear(step(twin, command.raw, command.time_ns))
        stream.append(command)
    return stream


@pytest.mark.hazard("F2")
@pytest.mark.hazard("F8")
@both_modes
@some
@given(stream=streams(max_commands=80))
def test_native_and_twin_tell_the_same_events(accounting, stream):
    """Whatever shrinks to the shortest stream on which the two differ."""
    native, twin = started(NativeEngine(accounting=accounting)), started(TwinEngine(accounting=accounting))
    for done, command in enumerate(stream):
        expected, got = step(twin, command.raw, command.time_ns), step(native, command.raw, command.time_ns)
        assert expected == got, difference(0, done, command, expected, got)
    assert state_of(native) == state_of(twin)
    check(native)
    check(twin)


@pytest.mark.hazard("F2")
@pytest.mark.hazard("F5")
@pytest.mark.hazard("G4")
@both_modes
@pytest.mark.parametrize("seed", LONG_SEEDS)
def test_a_long_seeded_market_is_equal_event_by_event(accounting, seed):
    """Fees, overflows, ids: 25,000 commands in all, and both engines clean by their own checks."""
    told = run_equality(LONG_COMMANDS, seed, accounting=accounting)
    assert told["TradePrinted"] > 300, f"seed {seed}: a market in which nobody trades proves nothing"


@pytest.mark.parametrize(
    "bounds",
    [
        {"max_orders": 16, "max_accounts": 6},
        {"max_client_ids": 40},
        {"max_transfers": 40},
        {"max_holds": 4},
        {"max_groups": 12},
        {"max_legs": 20},
        {"max_balances": 36},
        {"max_windows": 4},
        {"max_orders": 16, "max_windows": 4, "accounting": False},
    ],
    ids=lambda bounds: "-".join(bounds),
)
def test_with_little_room_both_are_full_at_the_same_command(bounds):
    """Capacity is part of the meaning: a market that wants more than there is room for."""
    native, twin = started(NativeEngine(**bounds)), started(TwinEngine(**bounds))
    full = 0
    for done, (market, command) in enumerate(seeded(6_000, 77)):
        expected, got = step(twin, command.raw, command.time_ns), step(native, command.raw, command.time_ns)
        assert expected == got, difference(77, done, command, expected, got)
        market.hear(expected)
        refused = [event for event in wire.iter_events(expected) if event.KIND in (2, 4)]
        full += sum(event.reason == Reason.CAPACITY for event in refused)
    assert full > 20
    assert state_of(native) == state_of(twin)


@both_engines
@pytest.mark.parametrize("seed", [11, 12])
def test_cutting_a_stream_into_steps_differently_changes_nothing(new_engine, seed):
    assert_cuts_change_nothing(new_engine, commands_of(seed, 1_500), random.Random(seed))


@both_engines
def test_a_replay_gives_the_same_bytes(new_engine):
    stream = commands_of(21, 2_000)
    live, again = started(new_engine()), started(new_engine())
    told = [step(live, command.raw, command.time_ns) for command in stream]
    assert [step(again, command.raw, command.time_ns) for command in stream] == told
    assert state_of(live) == state_of(again)


@pytest.mark.hazard("G4")
@both_modes
@pytest.mark.parametrize("seed", [31, 32, 33])
def test_a_restored_engine_goes_on_as_if_nothing_had_happened(accounting, seed):
    """Ids, slots, priorities, holds: the restored engine answers every later command as the twin that never stopped."""
    run_restored(2_000, seed, accounting=accounting)


@some
@given(noise=st.binary(max_size=600))
def test_noise_is_refused_by_both_or_by_neither(noise):
    """Any bytes: the same events, or the same refusal of the whole buffer."""
    answers = []
    for engine in (started(NativeEngine()), started(TwinEngine())):
        try:
            answers.append(step(engine, noise, START_NS))
        except FRAMING_ERRORS as error:
            answers.append(type(error).__name__)
        answers.append(engine.state_hash())
    assert answers[:2] == answers[2:]


def test_the_market_makes_the_same_commands_from_the_same_seed():
    one, other = Market(random.Random(5)), Market(random.Random(5))
    assert [one.next() for _ in range(500)] == [other.next() for _ in range(500)]
    assert len(setup()) == len(set(setup()))

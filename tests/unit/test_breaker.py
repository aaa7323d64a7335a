"""A target that fails again and again is left alone, by everybody, and no other target with it.

Goal: the transitions of the breaker are exact, whoever asks and however many ask at once.
Method: a clock that stands still until it is turned, and targets that answer when and as a test wants.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from quantumcore.adapters.breaker import FAILURES, OPEN_S, TARGETS, Breaker, Breakers, State
from quantumcore.contracts.errors import Conflict, Internal, Unavailable
from tests.support.clocks import ManualClock, settle

CALLERS = 16


class Target:
    """Counts who asks; answers as it is told, at once or when it is let go.

    Attributes:
        error: What it raises; None: it answers.
        gate: While it is set, answers wait for it.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def ask(self) -> str:
        self.asked += 1
        error = self.error
        if self.gate is not None:
            await self.gate.wait()
        if error is not None:
            raise error
        return "answer"


def away() -> Unavailable:
    return Unavailable("unavailable", "away")


async def outcome(call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await call()
    except (Unavailable, Conflict, Internal) as error:
        return error


async def fail(breaker: Breaker, target: Target, times: int) -> None:
    target.error = away()
    for _ in range(times):
        await outcome(lambda: breaker.call(target.ask))
    target.error = None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def target() -> Target:
    return Target()


@pytest.mark.hazard("G6")
async def test_failures_of_one_target_leave_another_closed(clock: ManualClock) -> None:
    """A is given up; B is asked as before, and its successes do not bring A back."""
    breakers = Breakers(clock)
    bad, good = Target(), Target()
    await fail(breakers.of("a"), bad, FAILURES)
    assert breakers.of("a").state is State.OPEN
    assert breakers.of("b").state is State.CLOSED
    for _ in range(10):
        assert await breakers.of("b").call(good.ask) == "answer"
    with pytest.raises(Unavailable):
        await breakers.of("a").call(bad.ask)
    assert (bad.asked, good.asked) == (FAILURES, 10)


@pytest.mark.hazard("G6")
async def test_sixteen_callers_of_one_target_see_one_state(clock: ManualClock, target: Target) -> None:
    """All sixteen fail at once: it opens once, and each of them finds it open; when it may be asked again one of them asks."""
    breakers = Breakers(clock)
    target.error, target.gate = away(), asyncio.Event()
    calls = [asyncio.ensure_future(outcome(lambda: breakers.of("a").call(target.ask))) for _ in range(CALLERS)]
    await settle()
    assert target.asked == CALLERS
    target.gate.set()
    assert all(isinstance(one, Unavailable) for one in await asyncio.gather(*calls))
    assert breakers.of("a").opened == 1
    assert {breakers.of("a").state for _ in range(CALLERS)} == {State.OPEN}
    again = [await outcome(lambda: breakers.of("a").call(target.ask)) for _ in range(CALLERS)]
    assert all(isinstance(one, Unavailable) for one in again)
    assert target.asked == CALLERS


@pytest.mark.hazard("G6")
async def test_half_open_lets_one_probe_through_at_a_time(clock: ManualClock, target: Target) -> None:
    """Sixteen ask when thirty seconds are over: one is the probe, fifteen hear at once that it is under way; so again for the second."""
    breaker = Breaker("a", clock)
    await fail(breaker, target, FAILURES)
    clock.turn(OPEN_S)
    for probe in (1, 2):
        assert breaker.state is State.HALF_OPEN
        target.gate = asyncio.Event()
        calls = [asyncio.ensure_future(outcome(lambda: breaker.call(target.ask))) for _ in range(CALLERS)]
        await settle()
        assert target.asked == FAILURES + probe
        target.gate.set()
        answers = await asyncio.gather(*calls)
        assert answers.count("answer") == 1
        assert sum(isinstance(one, Unavailable) for one in answers) == CALLERS - 1
    assert breaker.state is State.CLOSED


async def test_four_failures_in_a_row_do_not_open_it_and_a_success_begins_the_count_anew(
    clock: ManualClock, target: Target
) -> None:
    breaker = Breaker("a", clock)
    for _ in range(3):
        await fail(breaker, target, FAILURES - 1)
        assert await breaker.call(target.ask) == "answer"
        assert breaker.state is State.CLOSED
    await fail(breaker, target, FAILURES - 1)
    assert breaker.state is State.CLOSED
    await fail(breaker, target, 1)
    assert breaker.state is State.OPEN


async def test_it_stays_open_for_thirty_seconds_and_says_how_long(clock: ManualClock, target: Target) -> None:
    breaker = Breaker("a", clock)
    await fail(breaker, target, FAILURES)
    clock.turn(OPEN_S - 1)
    with pytest.raises(Unavailable) as caught:
        await breaker.call(target.ask)
    assert caught.value.retry_after == pytest.approx(1.0)
    clock.turn(1)
    assert breaker.state is State.HALF_OPEN


async def test_one_failure_of_a_probe_opens_it_for_thirty_seconds_more(clock: ManualClock, target: Target) -> None:
    breaker = Breaker("a", clock)
    await fail(breaker, target, FAILURES)
    clock.turn(OPEN_S)
    assert await breaker.call(target.ask) == "answer"
    await fail(breaker, target, 1)
    assert (breaker.state, breaker.opened) == (State.OPEN, 2)
    clock.turn(OPEN_S - 0.001)
    assert breaker.state is State.OPEN
    clock.turn(0.001)
    assert await breaker.call(target.ask) == "answer"
    assert breaker.state is State.HALF_OPEN
    assert await breaker.call(target.ask) == "answer"
    assert breaker.state is State.CLOSED


async def test_a_refusal_is_an_answer_and_a_defect_is_a_failure(clock: ManualClock, target: Target) -> None:
    breaker = Breaker("a", clock)
    target.error = Conflict("conflict", "no")
    for _ in range(FAILURES):
        with pytest.raises(Conflict):
            await breaker.call(target.ask)
    assert breaker.state is State.CLOSED
    target.error = Internal()
    for _ in range(FAILURES):
        with pytest.raises(Internal):
            await breaker.call(target.ask)
    assert breaker.state is State.OPEN


async def test_what_was_asked_before_it_opened_does_not_count_afterwards(clock: ManualClock, target: Target) -> None:
    """A success that comes late closes nothing, and a failure that comes late does not end a probe's era."""
    breaker = Breaker("a", clock)
    target.gate = asyncio.Event()
    late = asyncio.ensure_future(breaker.call(target.ask))
    await settle()
    target.error = away()
    late_failure = asyncio.ensure_future(outcome(lambda: breaker.call(target.ask)))
    await settle()
    gate, target.gate = target.gate, None
    await fail(breaker, target, FAILURES)
    clock.turn(OPEN_S)
    assert await breaker.call(target.ask) == "answer"
    gate.set()
    assert await late == "answer"
    await late_failure
    assert breaker.state is State.HALF_OPEN
    assert await breaker.call(target.ask) == "answer"
    assert breaker.state is State.CLOSED


async def test_a_probe_whose_caller_goes_away_leaves_the_place_to_the_next(clock: ManualClock, target: Target) -> None:
    breaker = Breaker("a", clock)
    await fail(breaker, target, FAILURES)
    clock.turn(OPEN_S)
    target.gate = asyncio.Event()
    probe = asyncio.ensure_future(breaker.call(target.ask))
    await settle()
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    target.gate = None
    assert breaker.state is State.HALF_OPEN
    assert await breaker.call(target.ask) == "answer"


async def test_targets_are_bounded_and_what_is_open_is_not_forgotten(clock: ManualClock, target: Target) -> None:
    breakers = Breakers(clock)
    await fail(breakers.of("bad"), target, FAILURES)
    for number in range(TARGETS + 10):
        breakers.of(f"good {number}")
    assert len(breakers._known) == TARGETS
    assert breakers.of("bad").state is State.OPEN
    (open_, openings) = breakers.collect()
    assert (open_.samples[0].value, openings.samples[0].value) == (1, 1)

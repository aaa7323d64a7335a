"""What failed for a reason that may pass is asked again: a few times, later and later, and never all at the same moment.

Goal: waits, attempts and the error at the end are those of the specification.
Method: a clock whose tokens come from a seed; what it is told to sleep is written down.
"""

import asyncio
from collections.abc import Callable

import pytest

from quantumcore.adapters.guarded_rail import GuardedRail
from quantumcore.adapters.outbox_rail import OutboxRail
from quantumcore.adapters.retry import ATTEMPTS, CAP_S, FIRST_S, Retry
from quantumcore.adapters.upstream import GuardedUpstream
from quantumcore.contracts.errors import Conflict, Internal, OutcomeUnknown, QuantumCoreError, RateLimited, Unavailable
from quantumcore.ports.payout import Payout, PayoutState
from tests.support.clocks import ManualClock

LONG_S = 60.0


class Sleeping(ManualClock):
    """Writes down how long it was to sleep, and turns at once."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed=seed)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.turn(seconds)
        await asyncio.sleep(0)


class Failing:
    """Fails so many times, then answers."""

    def __init__(self, times: int, error: Callable[[], Exception] | None = None) -> None:
        self.asked = 0
        self._times = times
        self._error = error or (lambda: Unavailable("unavailable", "away"))

    async def ask(self) -> str:
        self.asked += 1
        if self.asked <= self._times:
            raise self._error()
        return "answer"


@pytest.mark.hazard("G7")
@pytest.mark.parametrize("seed", range(20))
async def test_waits_double_and_half_of_each_is_random(seed: int) -> None:
    """The n-th wait lies in [w/2, w], w = 100 ms x 2^n and at most 10 s; two callers do not wait alike."""
    clock = Sleeping(seed)
    retry = Retry(clock)
    for _ in range(50):
        clock.slept.clear()
        assert await retry.call(Failing(2).ask, deadline_s=LONG_S, idempotent=True) == "answer"
        first, second = clock.slept
        assert FIRST_S / 2 <= first <= FIRST_S
        assert FIRST_S <= second <= 2 * FIRST_S
    waits = [retry._wait(n, Unavailable()) for n in range(40)]
    for n, wait in enumerate(waits):
        whole = min(CAP_S, FIRST_S * 2**n)
        assert whole / 2 <= wait <= whole
    assert len({retry._wait(20, Unavailable()) for _ in range(50)}) == 50
    spread = [retry._wait(20, Unavailable()) for _ in range(200)]
    assert min(spread) < 0.6 * CAP_S
    assert max(spread) > 0.9 * CAP_S


@pytest.mark.hazard("G7")
async def test_ten_callers_make_at_most_thirty_requests() -> None:
    """Three attempts each, and no more; behind one breaker the target sees fewer still."""
    clock = Sleeping()
    target = Failing(10**9)
    calls = [Retry(clock).call(target.ask, deadline_s=LONG_S, idempotent=True) for _ in range(10)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in ended)
    assert target.asked == 10 * ATTEMPTS == 30
    target, upstream = Failing(10**9), GuardedUpstream(clock)
    calls = [upstream.call("rail", target.ask, deadline_s=LONG_S) for _ in range(10)]
    await asyncio.gather(*calls, return_exceptions=True)
    assert 5 <= target.asked <= 10


@pytest.mark.hazard("G7")
async def test_what_may_be_asked_only_once_is_asked_once() -> None:
    """One attempt, no wait, and its own error."""
    clock = Sleeping()
    target = Failing(1)
    with pytest.raises(Unavailable, match="away"):
        await Retry(clock).call(target.ask, deadline_s=LONG_S, idempotent=False)
    assert (target.asked, clock.slept) == (1, [])


async def test_the_error_at_the_end_has_its_cause() -> None:
    for error, told in (
        (lambda: Unavailable("unavailable", "away"), "Request failed: away"),
        (lambda: ConnectionResetError("reset by peer"), "Request failed: reset by peer"),
        (lambda: OutcomeUnknown("outcome.unknown", "late"), "Timeout"),
    ):
        with pytest.raises(Unavailable, match="Max retries exceeded") as caught:
            await Retry(Sleeping()).call(Failing(9, error).ask, deadline_s=LONG_S, idempotent=True)
        assert caught.value.detail == f"Max retries exceeded: {told}"
        assert isinstance(caught.value.__cause__, QuantumCoreError)


async def test_what_the_other_side_says_about_waiting_wins() -> None:
    clock = Sleeping()
    busy = Failing(1, lambda: RateLimited("rate.limited", "wait", retry_after=7.0))
    assert await Retry(clock).call(busy.ask, deadline_s=LONG_S, idempotent=True) == "answer"
    assert clock.slept == [7.0]


async def test_nobody_waits_beyond_his_deadline() -> None:
    clock = Sleeping()
    busy = Failing(1, lambda: Unavailable("overloaded", "full", retry_after=7.0))
    with pytest.raises(Unavailable, match="Max retries exceeded"):
        await Retry(clock).call(busy.ask, deadline_s=2.0, idempotent=True)
    assert (busy.asked, clock.slept) == (1, [])


@pytest.mark.parametrize("error", [lambda: Conflict("conflict", "no"), Internal])
async def test_what_will_not_pass_is_not_asked_again(error: Callable[[], Exception]) -> None:
    clock, target = Sleeping(), Failing(9, error)
    with pytest.raises((Conflict, Internal)):
        await Retry(clock).call(target.ask, deadline_s=LONG_S, idempotent=True)
    assert (target.asked, clock.slept) == (1, [])


async def test_an_attempt_that_hangs_is_ended_and_counts_against_its_target() -> None:
    """The deadline is the loop's; the breaker hears of a hanging target as of a failing one."""
    upstream = GuardedUpstream(Sleeping())

    async def hang() -> None:
        await asyncio.Event().wait()

    for _ in range(5):
        with pytest.raises(OutcomeUnknown, match="Timeout"):
            await upstream.call("rail", hang, deadline_s=0.01, idempotent=False)
    with pytest.raises(Unavailable, match="left alone"):
        await upstream.call("rail", hang, deadline_s=0.01, idempotent=False)


async def test_a_guarded_rail_asks_again_and_says_what_the_rail_says() -> None:
    upstream, payout = GuardedUpstream(Sleeping()), Payout("k", 1, "USD", "1.00")

    class Flaky(OutboxRail):
        failures = 2

        async def hand_over(self, payout: Payout) -> None:
            if self.failures:
                self.failures -= 1
                raise Unavailable("payout.unavailable", "disk")
            await super().hand_over(payout)

    rail = GuardedRail(Flaky(), upstream)
    await rail.hand_over(payout)
    assert await rail.state("k") is PayoutState.PENDING
    with pytest.raises(Conflict, match=r"idempotency\.mismatch"):
        await rail.hand_over(payout._replace(amount="2.00"))
    assert await rail.recall("k") is PayoutState.RECALLED
    with pytest.raises(Conflict, match=r"payout\.settled"):
        await rail.settle("k", paid=True)

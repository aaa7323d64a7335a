"""The machine's clock and the clock of the tests are Clocks.

Goal: a room that works on one works on the other.
Method: the contract suite on both; seeds repeat.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from quantumcore.adapters.clock import SystemClock
from tests.support.clocks import ManualClock
from tests.support.contracts.clock import ClockContract

Run = Callable[[Awaitable[None], float], Awaitable[None]]


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()

    @pytest.fixture
    def run(self) -> Run:
        async def run(sleep: Awaitable[None], seconds: float) -> None:
            await sleep

        return run


class TestManualClock(ClockContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def run(self, clock: ManualClock) -> Run:
        async def run(sleep: Awaitable[None], seconds: float) -> None:
            sleeping = asyncio.ensure_future(sleep)
            await clock.advance(seconds)
            await asyncio.wait_for(sleeping, 5)

        return run

    def test_the_same_seed_gives_the_same_tokens(self) -> None:
        assert ManualClock(seed=7).token(32) == ManualClock(seed=7).token(32) != ManualClock(seed=8).token(32)

    async def test_sleepers_wake_in_the_order_of_their_time(self, clock: ManualClock) -> None:
        woken: list[tuple[float, float]] = []

        async def sleeper(seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((seconds, clock.monotonic()))

        tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3.0, 1.0, 2.0)]
        await clock.advance(2.5)
        assert woken == [(1.0, 1.0), (2.0, 2.0)]
        await clock.advance(1.0)
        await asyncio.gather(*tasks)
        assert woken[-1] == (3.0, 3.0)

"""Many deadlines, one timer.

Goal: a deadline never passes early, at most one tick late, and what was answered in time leaves nothing behind.
Method: a loop's real clock over some tens of milliseconds; only order and lower bounds are asserted tightly.
"""

import asyncio
import time

import pytest

from quantumcore.adapters.deadlines import TICK_S, Deadlines

LATE_S = 0.5  # a loaded machine's
SECONDS = (5 * TICK_S, 2 * TICK_S, 0.0, 3.1 * TICK_S)


@pytest.mark.parametrize("blocked_s", [0.0, 6 * TICK_S])
async def test_a_deadline_never_passes_early_and_in_the_order_of_the_deadlines(blocked_s: float) -> None:
    """Also when the loop was busy while several passed."""
    loop = asyncio.get_running_loop()
    passed: list[tuple[int, float]] = []
    futures = {loop.create_future(): (number, seconds) for number, seconds in enumerate(SECONDS)}
    deadlines: Deadlines[None] = Deadlines(lambda future: passed.append((futures[future][0], loop.time())))
    began = loop.time()
    for future, (_, seconds) in futures.items():
        deadlines.watch(loop, future, seconds)
    time.sleep(blocked_s)  # noqa: ASYNC251  # this is what it is about
    while len(passed) < len(futures):
        assert loop.time() - began < LATE_S
        await asyncio.sleep(TICK_S)
    assert [number for number, _ in passed] == [2, 1, 3, 0]
    for number, at in passed:
        assert at - began >= SECONDS[number]
    assert deadlines.waiting == 0


async def test_who_is_answered_in_time_never_expires_and_the_timer_ends() -> None:
    loop = asyncio.get_running_loop()
    expired: list[asyncio.Future[int]] = []
    deadlines: Deadlines[int] = Deadlines(expired.append)
    for number in range(1000):
        future: asyncio.Future[int] = loop.create_future()
        due = deadlines.watch(loop, future, 0.03)
        future.set_result(number)
        due.discard(future)
    assert deadlines.waiting == 0
    await asyncio.sleep(0.03 + 3 * TICK_S)
    assert expired == []
    assert deadlines._timer is None
    assert deadlines._due == {}


async def test_deadlines_that_come_while_others_pass_are_kept() -> None:
    loop = asyncio.get_running_loop()
    deadlines: Deadlines[None] = Deadlines(lambda future: again(future))
    seen = asyncio.Event()

    def again(future: asyncio.Future[None]) -> None:
        if future is first:
            deadlines.watch(loop, second, 0.0)
        else:
            seen.set()

    first, second = loop.create_future(), loop.create_future()
    deadlines.watch(loop, first, 0.0)
    async with asyncio.timeout(LATE_S):
        await seen.wait()

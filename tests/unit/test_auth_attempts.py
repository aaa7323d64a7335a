"""Failed log-ins are counted per e-mail and peer.

Goal: five in 15 minutes and no sixth, also when all come at once; memory has a bound; no innocent pays.
Method: a clock turned by hand, attempts that wait in the middle.
"""

import asyncio

import pytest

from quantumcore.contracts.errors import RateLimited, Unavailable
from quantumcore.services.auth import attempts as module
from quantumcore.services.auth.attempts import Attempts
from tests.support.clocks import ManualClock, settle


def made(clock: ManualClock) -> Attempts:
    return Attempts(clock.monotonic, failures_max=5, window_s=900)


async def fail(attempts: Attempts, email: str = "ann@host", peer: str = "p") -> None:
    async with attempts.judge(email, peer) as attempt:
        attempt.failed()


async def test_five_failures_are_judged_and_the_sixth_is_refused():
    attempts = made(ManualClock())
    for _ in range(5):
        await fail(attempts)
    with pytest.raises(RateLimited) as refused:
        await fail(attempts)
    assert refused.value.retry_after == 900


async def test_other_pairs_are_not_touched():
    attempts = made(ManualClock())
    for _ in range(5):
        await fail(attempts)
    await fail(attempts, peer="q")
    await fail(attempts, email="bob@host")


async def test_a_failure_counts_for_fifteen_minutes():
    clock = ManualClock()
    attempts = made(clock)
    for _ in range(5):
        await fail(attempts)
        clock.turn(60)
    clock.turn(599)
    with pytest.raises(RateLimited) as refused:
        await fail(attempts)
    assert refused.value.retry_after == 1
    clock.turn(1)
    await fail(attempts)
    with pytest.raises(RateLimited):
        await fail(attempts)


async def test_a_success_forgets_the_failures():
    attempts = made(ManualClock())
    for _ in range(4):
        await fail(attempts)
    async with attempts.judge("ann@host", "p"):
        pass
    assert len(attempts) == 0
    for _ in range(5):
        await fail(attempts)


async def test_what_ends_without_judgement_is_neither():
    attempts = made(ManualClock())
    for _ in range(4):
        await fail(attempts)
    for _ in range(10):
        with pytest.raises(Unavailable):
            async with attempts.judge("ann@host", "p"):
                raise Unavailable("overloaded")
    await fail(attempts)
    with pytest.raises(RateLimited):
        await fail(attempts)


async def test_of_a_hundred_guesses_at_once_five_are_judged():
    attempts, gate, judged = made(ManualClock()), asyncio.Event(), []

    async def guess(number: int) -> None:
        async with attempts.judge("ann@host", "p") as attempt:
            judged.append(number)
            await gate.wait()
            attempt.failed()

    guesses = [asyncio.create_task(guess(number)) for number in range(100)]
    await settle()
    assert len(judged) == 5
    gate.set()
    ends = await asyncio.gather(*guesses, return_exceptions=True)
    assert len(judged) == 5
    assert sum(isinstance(end, RateLimited) for end in ends) == 95


async def test_those_who_wait_get_their_turn_and_a_hundred_may():
    attempts, gate = made(ManualClock()), asyncio.Event()

    async def succeed() -> None:
        async with attempts.judge("ann@host", "p"):
            await gate.wait()

    good = [asyncio.create_task(succeed()) for _ in range(105)]
    await settle()
    with pytest.raises(Unavailable) as full:
        await succeed()
    assert full.value.code == "overloaded"
    gate.set()
    assert await asyncio.gather(*good) == [None] * 105


async def test_one_who_gives_up_frees_his_place():
    attempts, never = made(ManualClock()), asyncio.Event()

    async def hang() -> None:
        async with attempts.judge("ann@host", "p"):
            await never.wait()

    hanging = [asyncio.create_task(hang()) for _ in range(5)]
    await settle()
    waiting = asyncio.create_task(fail(attempts))
    await settle()
    assert not waiting.done()
    hanging[0].cancel()
    await settle()
    assert waiting.done()
    for task in hanging[1:]:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_inventing_emails_fills_no_memory(monkeypatch):
    monkeypatch.setattr(module, "PAIRS_MAX", 50)
    attempts = made(ManualClock())
    for number in range(200):
        await fail(attempts, email=f"{number}@host")
    assert len(attempts) == 50

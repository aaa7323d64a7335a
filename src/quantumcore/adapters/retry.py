"""Asking again: what failed for a reason that may pass, a few times, with growing waits that no two callers share.

The n-th wait is w = 100 ms × 2^n, at most 10 s, of which half is random: it lies in [w/2, w]. Where the other side said how long to wait,
that is the wait. A caller's deadline is never passed by waiting: he hears at once that there will be no further attempt.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from quantumcore.adapters.breaker import Breaker
from quantumcore.contracts.errors import OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.ports.clock import Clock

T = TypeVar("T")

ATTEMPTS = 3
EACH_S = 30.0
FIRST_S, CAP_S = 0.1, 10.0
_RANDOM_BYTES = 8
_WHOLE = 1 << 8 * _RANDOM_BYTES


class Retry:
    """ATTEMPTS at most, each ended after EACH_S."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def call(
        self,
        ask: Callable[[], Awaitable[T]],
        *,
        deadline_s: float,
        idempotent: bool,
        breaker: Breaker | None = None,
    ) -> T:
        """Ask until there is an answer, for `deadline_s` at most.

        Args:
            idempotent: Whether asking twice is as asking once; if not, it is asked once.
            breaker: Stands before every attempt, and learns from it.

        Raises:
            Unavailable: "Max retries exceeded", and what the last attempt came to: "Request failed: ..." or "Timeout". Whether an attempt
                did something is not known, which is why asking twice must be as asking once.
            OutcomeUnknown: "Timeout" of what may be asked only once.
            QuantumCoreError: A refusal, which no further attempt would change; any failure of what may be asked only once.
        """
        end = self._clock.monotonic() + deadline_s
        attempts = ATTEMPTS if idempotent else 1
        for attempt in range(attempts):
            allowed = min(EACH_S, end - self._clock.monotonic())
            timed = partial(_within, allowed, ask)
            try:
                return await (timed() if breaker is None else breaker.call(timed))
            except QuantumCoreError as error:
                if not (idempotent and error.retryable):
                    raise
                wait = self._wait(attempt, error)
                if attempt + 1 == attempts or self._clock.monotonic() + wait >= end:
                    raise _given_up(error) from error
            await self._clock.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, attempt: int, failure: QuantumCoreError) -> float:
        if failure.retry_after is not None:
            return failure.retry_after
        whole = min(CAP_S, FIRST_S * 2.0**attempt)
        share = int.from_bytes(self._clock.token(_RANDOM_BYTES), "big") / _WHOLE
        return whole / 2 + share * whole / 2


async def _within(seconds: float, ask: Callable[[], Awaitable[T]]) -> T:
    """Ask, for so long at most.

    Raises:
        OutcomeUnknown: There was no answer in time.
        Unavailable: The connection failed.
    """
    try:
        async with asyncio.timeout(seconds):
            return await ask()
    except TimeoutError as error:
        raise OutcomeUnknown("outcome.unknown", "Timeout") from error
    except OSError as error:
        raise Unavailable("unavailable", str(error) or type(error).__name__) from error


def _given_up(failure: QuantumCoreError) -> Unavailable:
    """Return the error at the end, whose cause says in a word what the last attempt came to."""
    told = "Timeout" if isinstance(failure, OutcomeUnknown) else f"Request failed: {failure.detail}"
    return Unavailable("unavailable", f"Max retries exceeded: {told}", retry_after=failure.retry_after)

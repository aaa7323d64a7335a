"""Asks what is outside of a room: a few times with growing waits (adapters/retry), each time through the target's breaker (adapters/breaker)."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from prometheus_client.core import Metric

from quantumcore.adapters.breaker import Breakers
from quantumcore.adapters.retry import Retry
from quantumcore.ports.clock import Clock

T = TypeVar("T")


class GuardedUpstream:
    """One for each part of the house whose targets are its own."""

    def __init__(self, clock: Clock) -> None:
        self.breakers = Breakers(clock)
        self._retry = Retry(clock)

    async def call(
        self, target: str, ask: Callable[[], Awaitable[T]], *, deadline_s: float, idempotent: bool = True
    ) -> T:
        """Ask `target`, for `deadline_s` at most.

        Raises:
            Unavailable: "Max retries exceeded"; or it is left alone.
            OutcomeUnknown: "Timeout" of what may be asked only once.
            QuantumCoreError: What it answered.
        """
        breaker = self.breakers.of(target)
        return await self._retry.call(ask, deadline_s=deadline_s, idempotent=idempotent, breaker=breaker)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics which targets are left alone."""
        return self.breakers.collect()

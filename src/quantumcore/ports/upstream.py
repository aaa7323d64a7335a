"""Who is asked outside of a room: a payout rail, another room; each a target that may be away for longer than a question waits."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Upstream(Protocol):
    """Asks with patience, and leaves alone what has failed again and again."""

    async def call(
        self, target: str, ask: Callable[[], Awaitable[T]], *, deadline_s: float, idempotent: bool = True
    ) -> T:
        """Ask `target`, again if need be, for `deadline_s` at most.

        Args:
            target: Its name; one of few, which the code names.
            idempotent: Whether asking twice is as asking once; if not, it is asked once.

        Raises:
            Unavailable: It has no answer, or has failed and is left alone; the causes say why.
            QuantumCoreError: What it answered.
        """

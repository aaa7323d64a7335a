"""Where heavy computations run: off the loop, a few at a time, each with a deadline."""

from typing import Protocol, TypeVar

from quantumcore.contracts.messages import Request

R = TypeVar("R")


class Workers(Protocol):
    """Computes what a request says. A request is all that its computation knows, so the same request has the same answer."""

    async def compute(self, request: Request[R], *, deadline_s: float) -> R:
        """Compute and return the answer.

        Raises:
            Unavailable: `overloaded`: too many wait; `risk.deadline`: it took too long, or its process ended.
            QuantumCoreError: What the computation raised.
        """

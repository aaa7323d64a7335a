"""A payout rail as the house asks it: again when it fails, and not for a while when it fails again and again.

Every question to a rail has a key, so that asking twice is as asking once.
"""

from quantumcore.ports.payout import OperatedRail, Payout, PayoutState
from quantumcore.ports.upstream import Upstream

TARGET = "payout_rail"
DEADLINE_S = 2.0


class GuardedRail:
    """Another rail behind `upstream`; it raises as that rail does, and Unavailable when it has no answer."""

    def __init__(self, rail: OperatedRail, upstream: Upstream) -> None:
        self._rail = rail
        self._upstream = upstream

    async def hand_over(self, payout: Payout) -> None:
        """Take a payout, once."""
        await self._upstream.call(TARGET, lambda: self._rail.hand_over(payout), deadline_s=DEADLINE_S)

    async def state(self, key: str) -> PayoutState | None:
        """Return what became of a payout."""
        return await self._upstream.call(TARGET, lambda: self._rail.state(key), deadline_s=DEADLINE_S)

    async def recall(self, key: str) -> PayoutState:
        """Take a payout back unless it has had its last word."""
        return await self._upstream.call(TARGET, lambda: self._rail.recall(key), deadline_s=DEADLINE_S)

    async def settle(self, key: str, *, paid: bool) -> None:
        """Say the last word of a payout."""
        await self._upstream.call(TARGET, lambda: self._rail.settle(key, paid=paid), deadline_s=DEADLINE_S)

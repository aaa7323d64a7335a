"""A bounded place for what may be lost: counters of rate limits, short-lived answers."""

from typing import Protocol


class Cache(Protocol):
    """In process when embedded, Redis when distributed. Losing everything must be harmless."""

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None when unknown, expired or pushed out."""

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` for at most `ttl_s`; at the limit the least recently used goes."""

    async def delete(self, key: str) -> None:
        """Forget the key."""

    async def spend(self, key: str, weight: int, budget: int, window_s: float) -> tuple[bool, int, float]:
        """Spend `weight` of `budget` in the current fixed window, exactly under concurrency.

        Returns:
            (allowed, what is left, seconds until the window ends). A refused call spends nothing.
        """

"""Time, ids and randomness come through here, so that a replay is a replay."""

from typing import Protocol


class Clock(Protocol):
    """Where a room gets the time and what must not repeat."""

    def now(self) -> int:
        """UTC nanoseconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def token(self, n_bytes: int) -> bytes:
        """Return unpredictable bytes (seeded in tests)."""

"""The machine's clock and its source of randomness."""

import asyncio
import secrets
import time


class SystemClock:
    """UTC from the kernel, randomness from the operating system."""

    def now(self) -> int:
        """Return UTC nanoseconds."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def token(self, n_bytes: int) -> bytes:
        """Return unpredictable bytes."""
        return secrets.token_bytes(n_bytes)

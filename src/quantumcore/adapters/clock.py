"""The machine's clock and its source of randomness."""

import asyncio
import secrets
import time


class SystemClock:
    """UTC from the kernel, randomness from the operating system."""

    # The kernel's own, without a call of ours in between: they are asked several times for each order.
    now = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def token(self, n_bytes: int) -> bytes:
        """Return unpredictable bytes."""
        return secrets.token_bytes(n_bytes)

"""Wait for a fact, not for a time."""

import asyncio
from collections.abc import Callable


async def eventually(true: Callable[[], object], within_s: float = 5.0) -> None:
    """Return once `true()`; fail after `within_s`."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110  # the fact may come from another thread or process
            await asyncio.sleep(0.001)

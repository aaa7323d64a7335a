"""Wait for a fact, not for a time."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 30.0
"""When a wait is a freeze. A busy machine takes seconds for what takes milliseconds; a test that waits longer never ends."""


async def eventually(true: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Return once `true()`; fail after `within_s`."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110  # the fact may come from another thread or process
            await asyncio.sleep(0.001)

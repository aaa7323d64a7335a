"""Batches that are only lent: one list and one buffer, both overwritten as soon as they were handed over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from quantumcore.ports.event_log import EventBatch


async def hand_over(
    batches: Sequence[EventBatch], apply: Callable[[list[EventBatch]], Awaitable[Any]]
) -> AsyncIterator[EventBatch]:
    """Hand `batches` to `apply` one by one; yield each once it was applied."""
    buffer = bytearray(max(len(batch.raw) for batch in batches))
    for batch in batches:
        size = len(batch.raw)
        buffer[:size] = batch.raw
        hands = [EventBatch(batch.first, batch.last, memoryview(buffer)[:size])]  # type: ignore[arg-type]
        applying = asyncio.ensure_future(apply(hands))
        await asyncio.sleep(0)
        hands.clear()
        buffer[:size] = b"\xaa" * size
        assert await asyncio.gather(applying, return_exceptions=True) == [None]
        yield batch

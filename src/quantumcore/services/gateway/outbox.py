"""What waits for one reader of a socket: bounded in frames and bytes, counted in a gauge that returns to zero."""

import asyncio
from collections import deque

from prometheus_client import Gauge


class Outbox:
    """A queue of text frames. Who offers learns whether it was taken; nothing here waits but the reader's own writer.

    Attributes:
        closed: Nothing is taken any more, and what waited is gone.
    """

    __slots__ = ("_bytes", "_frames", "_gauge", "_max_bytes", "_max_frames", "_moved", "closed")

    def __init__(self, max_frames: int, max_bytes: int, gauge: Gauge) -> None:
        self.closed = False
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._gauge = gauge
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        return len(self._frames)

    def offer(self, frame: str) -> bool:
        """Queue `frame` unless that would pass a limit; tell whether it was queued. An empty queue takes any one frame."""
        size = len(frame)
        if self.closed or (
            self._frames and (len(self._frames) >= self._max_frames or self._bytes + size > self._max_bytes)
        ):
            return False
        self._frames.append(frame)
        self._bytes += size
        self._gauge.inc(size)
        self._moved.set()
        return True

    async def take(self) -> str:
        """Return the oldest frame; waits for one. Cancelled when its socket closes."""
        while not self._frames:
            self._moved.clear()
            await self._moved.wait()
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        self._gauge.dec(len(frame))
        self._moved.set()
        return frame

    @property
    def half_empty(self) -> bool:
        """Whether a reader that was behind has caught up enough to be told what it missed."""
        return len(self._frames) <= self._max_frames // 2 and self._bytes <= self._max_bytes // 2

    async def wait_half_empty(self) -> None:
        """Return once the queue is at most half full, or closed: how a replay keeps pace with its reader."""
        while not (self.half_empty or self.closed):
            self._moved.clear()
            await self._moved.wait()

    def close(self) -> None:
        """Take nothing more and drop what waits."""
        self.closed = True
        self._frames.clear()
        self._gauge.dec(self._bytes)
        self._bytes = 0
        self._moved.set()

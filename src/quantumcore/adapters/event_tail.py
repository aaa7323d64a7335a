"""The young end of the event log in memory: decoded once for all who keep up."""

from collections import deque

from quantumcore.adapters.event_segments import cut
from quantumcore.ports.event_log import EventBatch


class EventTail:
    """The newest batches, at most about `limit` bytes; the oldest go first. One always stays.

    Not locked: its owner is.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._batches: deque[EventBatch] = deque()
        self._size = 0

    def add(self, batch: EventBatch) -> None:
        """Remember `batch`, the newest."""
        self._batches.append(batch)
        self._size += len(batch.raw)
        while self._size > self._limit and len(self._batches) > 1:
            self._size -= len(self._batches.popleft().raw)

    def clear(self) -> None:
        """Forget everything."""
        self._batches.clear()
        self._size = 0

    def holds(self, sequence: int) -> bool:
        """Tell whether everything from `sequence` on is here."""
        return bool(self._batches) and self._batches[0].first <= sequence

    def read(self, after: int, max_bytes: int) -> list[EventBatch]:
        """Return batches from sequence `after` + 1 on, which must be here, until `max_bytes` are passed."""
        found: list[EventBatch] = []
        for batch in reversed(self._batches):  # who keeps up is near the end
            if batch.last <= after:
                break
            found.append(batch)
        found.reverse()
        found[0] = cut(found[0], after)
        size = 0
        for count, batch in enumerate(found, 1):
            size += len(batch.raw)
            if size >= max_bytes:
                return found[:count]
        return found

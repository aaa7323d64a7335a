"""The engine's events in their order, on something that can be read again. Disposable: the journal can rebuild it."""

from collections.abc import Iterable
from functools import cached_property
from typing import Protocol

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.wire import Event, decode_events


class EventBatch:
    """Whole sequences, without gap, as the engine wrote them.

    Attributes:
        first, last: First and last sequence inside.
        raw: The events' bytes (contracts.wire).
    """

    def __init__(self, first: int, last: int, raw: bytes) -> None:
        self.first = first
        self.last = last
        self.raw = raw

    @cached_property
    def events(self) -> list[Event]:
        """The events, decoded once for all followers."""
        return decode_events(self.raw)

    def owned(self) -> "EventBatch":
        """Return it on bytes that nobody else can change: for whoever decodes it later, in another thread."""
        return self if isinstance(self.raw, bytes) else EventBatch(self.first, self.last, bytes(self.raw))


def events_after(batches: Iterable[EventBatch], cursor: int, code: str) -> list[Event]:
    """Return the events that follow the sequence `cursor`: whole sequences without gap.

    Raises:
        Corrupted: `code`, naming the event that is missing: one came in its place, or its sequence has no end.
    """
    found: list[Event] = []
    sequence, index = cursor + 1, 0
    for batch in batches:
        for event in batch.events:
            if event.sequence <= cursor:
                continue
            if (event.sequence, event.index) != (sequence, index):
                came = f"{event.sequence}.{event.index} came instead"
                raise Corrupted(code, f"event {sequence}.{index} is missing: {came}")
            found.append(event)
            sequence, index = (sequence + 1, 0) if event.is_last else (sequence, index + 1)
    if index:
        raise Corrupted(code, f"event {sequence}.{index} is missing: its sequence has no end")
    return found


class EventLog(Protocol):
    """Appended by matching; read by followers at their own pace, so nobody's slowness reaches the order path."""

    @property
    def last(self) -> int:
        """The last sequence in the log; 0 when empty."""

    def append(self, batch: EventBatch) -> None:
        """Add a batch that continues the log; wakes those who wait.

        Raises:
            Corrupted: `batch.first` is not `last` + 1.
        """

    def read(self, after: int, max_bytes: int = 1 << 20) -> list[EventBatch]:
        """Return batches that begin at sequence `after` + 1 (cut there if need be), at least one if there is any, about `max_bytes`."""

    async def wait(self, after: int) -> None:
        """Return once `last` > `after`."""

    def sync(self) -> None:
        """Make what was appended durable (before a snapshot of the engine)."""

    def close(self) -> None:
        """Flush and release."""

"""The event log read by another process than the one that writes it: looks at the files as they grow."""

import asyncio
from pathlib import Path
from typing import NoReturn

from quantumcore.adapters.event_segments import Segment, cut, segments
from quantumcore.adapters.event_tail import EventTail
from quantumcore.adapters.waiters import Waiters
from quantumcore.contracts.errors import Corrupted, Forbidden
from quantumcore.ports.event_log import EventBatch

POLL_S = 0.005
TAIL_BYTES = 4 << 20


class EventLogReader:
    """A read-only log; `last` is as of the latest look, which read() and wait() take.

    One thread uses it. What was read last is kept decoded-once for the next reader. Whoever hears of new events from the
    writer calls grown(), and `poll_s` may be long. When the writer cuts the log, what is read next is what stands there then; if the reader
    was further on, `last` goes back, and its owner must start again from a cursor that exists.
    """

    def __init__(self, directory: Path, *, poll_s: float = POLL_S) -> None:
        self._directory = directory
        self._poll_s = poll_s
        self._segment: Segment | None = None
        self._active: Segment | None = None
        self._firsts: list[int] = []
        self._tail = EventTail(TAIL_BYTES)
        self._tail_last = 0
        self._waiters = Waiters()
        self.refresh()

    @property
    def last(self) -> int:
        """The last sequence seen in the log; 0 when empty."""
        return self._active.last if self._active else 0

    def refresh(self) -> None:
        """Look how far the files have grown."""
        firsts = segments(self._directory)
        if firsts != self._firsts or (self._active and self._active.size < self._active.end):
            self._reopen(firsts)
        if self._active:
            self._active.scan(check=True)

    def grown(self) -> None:
        """Look at the files now; wakes those who wait, if there is more."""
        before = self.last
        self.refresh()
        if self.last != before:
            self._waiters.wake()

    def check_end(self) -> None:
        """See that nothing but an unfinished frame stands behind `last`.

        Raises:
            Corrupted: A damaged frame, with segment and offset.
        """
        self.refresh()
        if self._active and self._active.end < self._active.size and not self._active.is_torn():
            raise Corrupted("corrupted", f"{self._active.path.name}: damaged frame at byte {self._active.end}")

    def append(self, batch: EventBatch) -> NoReturn:
        """Refuse: only the process that owns the engine writes."""
        raise Forbidden("event_log.read_only", f"this log is open for reading; sequence {batch.first} was not written")

    def read(self, after: int, max_bytes: int = 1 << 20) -> list[EventBatch]:
        """Return batches from sequence `after` + 1 on, at least one if there is any, about `max_bytes`.

        Raises:
            Corrupted: A damaged frame, with segment and offset; or sequences before the log's begin are asked for.
        """
        self.refresh()
        if after >= self.last:
            return []
        if self._tail.holds(after + 1) and self._tail_last > after:
            return self._tail.read(after, max_bytes)
        if after + 1 < self._firsts[0]:
            raise Corrupted("corrupted", f"event log begins at {self._firsts[0]}; {after + 1} is not in it")
        found: list[EventBatch] = []
        size = 0
        for frame, segment in ((frame, s) for s in self._from(after) for frame in s.frames(after)):
            batch = segment.load(frame)
            self._remember(batch)
            found.append(batch if found else cut(batch, after))
            size += len(batch.raw)
            if size >= max_bytes:
                break
        return found

    async def wait(self, after: int) -> None:
        """Return once `last` > `after`; looks every `poll_s` seconds, and when grown() says so."""
        self.refresh()
        while self.last <= after:
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._waiters.until(lambda: self.last > after)
            except TimeoutError:
                self.refresh()

    def sync(self) -> None:
        """Nothing to do: a reader has written nothing."""

    def close(self) -> None:
        """Release the files; a second close does nothing."""
        for segment in (self._segment, self._active):
            if segment is not None:
                segment.close()

    def _reopen(self, firsts: list[int]) -> None:
        self.close()
        self._segment = None
        if firsts[: len(self._firsts)] != self._firsts or len(firsts) == len(self._firsts):
            self._tail.clear()  # the writer has cut the log, not begun a segment
            self._tail_last = 0
        self._active = Segment(self._directory, firsts[-1]) if firsts else None
        self._firsts = firsts

    def _remember(self, batch: EventBatch) -> None:
        """Keep `batch` if it is the newest; what is kept has no hole."""
        if batch.first <= self._tail_last:
            return
        if batch.first > self._tail_last + 1:
            self._tail.clear()
        self._tail.add(batch)
        self._tail_last = batch.last

    def _from(self, after: int) -> "list[Segment]":
        """Return the segment that holds sequence `after` + 1; the next read goes on in the next one."""
        assert self._active is not None
        first = max(first for first in self._firsts if first <= after + 1)
        if first == self._active.first:
            return [self._active]
        if self._segment is None or self._segment.first != first:
            if self._segment is not None:
                self._segment.close()
            self._segment = Segment(self._directory, first)
            if not self._segment.scan(check=False):
                raise Corrupted("corrupted", f"{self._segment.path.name}: damaged frame at byte {self._segment.end}")
        return [self._segment]

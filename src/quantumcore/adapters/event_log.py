"""The event log on files, for the process that runs the engine.

One thread appends (the loop's); any thread reads, and waiters live on any loop. What was appended in the last
TAIL_BYTES is kept decoded-once in memory, so that followers who keep up touch no file. The journal can rebuild all of
it: a damaged log is cut with `truncate_after` or emptied with `reset`.
"""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import Metric

from quantumcore.adapters.event_segments import Frame, Segment, cut, cut_tail, frame_bytes, segment_path, segments
from quantumcore.adapters.event_tail import EventTail
from quantumcore.adapters.waiters import Waiters
from quantumcore.contracts.errors import Corrupted, Unavailable
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.telemetry import gauge

SEGMENT_BYTES = 16 << 20  # a segment is sealed by the first append beyond it
TAIL_BYTES = 4 << 20
OPEN_SEGMENTS = 8  # sealed segments kept open for readers; the longest unused is closed
UNSYNCED_LIMIT = 8  # sealed segments that wait for sync(); the next seal syncs them itself


class FileEventLog:
    """Appends batches to segment files and wakes who waits for them.

    Attributes:
        segment_bytes: The limit above; smaller in tests.
    """

    def __init__(self, directory: Path, *, segment_bytes: int = SEGMENT_BYTES, tail_bytes: int = TAIL_BYTES) -> None:
        """Open the log below `directory`; the torn tail of the last segment is cut.

        Raises:
            Corrupted: Damage before the tail, with segment and offset; the log is left as it is.
        """
        self.segment_bytes = segment_bytes
        self._directory = directory
        self._lock = threading.RLock()
        self._waiters = Waiters()
        self._tail = EventTail(tail_bytes)
        self._sealed: dict[int, Segment] = {}
        self._unsynced: list[int] = []
        self._file = -1
        directory.mkdir(parents=True, exist_ok=True)
        self._firsts = segments(directory)
        if not self._firsts:
            self._create(1)
        else:
            self._open_last()

    @property
    def last(self) -> int:
        """The last sequence in the log; 0 when empty."""
        return self._active.last

    @property
    def begin(self) -> int:
        """The first sequence that can be read."""
        return self._firsts[0]

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how long and how large the log is."""
        paths = [segment_path(self._directory, first) for first in list(self._firsts)]
        size = sum(path.stat().st_size for path in paths if path.exists())
        yield gauge("qc_event_log_last_sequence", "Last sequence in the log", self.last)
        yield gauge("qc_event_log_segments", "Segment files", len(paths))
        yield gauge("qc_event_log_bytes", "Size of all segment files", size)

    def append(self, batch: EventBatch) -> None:
        """Add a batch that continues the log, in one write, and wake those who wait.

        Raises:
            Corrupted: `batch.first` is not `last` + 1.
            Unavailable: `event_log.full`: the file did not take it; the log is as before.
        """
        if batch.first != self.last + 1 or batch.last < batch.first or not batch.raw:
            raise Corrupted(
                "corrupted", f"event log at {self.last} cannot take sequences {batch.first} to {batch.last}"
            )
        raw = frame_bytes(batch)
        with self._lock:
            if self._active.end >= self.segment_bytes:
                self._seal()
            start = self._active.end
            self._write(raw, start)
            self._active.extend(Frame(start, start + len(raw), batch.first, batch.last))
            self._tail.add(batch)
        self._waiters.wake()

    def read(self, after: int, max_bytes: int = 1 << 20) -> list[EventBatch]:
        """Return batches from sequence `after` + 1 on, at least one if there is any, about `max_bytes`.

        Raises:
            Corrupted: A damaged frame, with segment and offset; or sequences before `begin` are asked for.
        """
        with self._lock:
            if after >= self.last:
                return []
            if after + 1 < self.begin:
                raise Corrupted("corrupted", f"event log begins at {self.begin}; {after + 1} is not in it")
            if self._tail.holds(after + 1):
                return self._tail.read(after, max_bytes)
            return self._from_files(after, max_bytes)

    async def wait(self, after: int) -> None:
        """Return once `last` > `after`."""
        await self._waiters.until(lambda: self.last > after)

    def sync(self) -> None:
        """Make what was appended durable: an error here means that it may not be."""
        with self._lock:
            for first in self._unsynced:
                _sync_path(segment_path(self._directory, first))
            self._unsynced.clear()
            os.fdatasync(self._file)
            _sync_path(self._directory)

    def truncate_after(self, sequence: int) -> None:
        """Drop everything behind `sequence`; readers that were further on must be reset by their owner.

        Raises:
            Corrupted: `sequence` lies before the log's begin: use `reset`.
        """
        if sequence + 1 < self.begin:
            raise Corrupted("corrupted", f"event log begins at {self.begin}; it cannot be cut after {sequence}")
        with self._lock:
            if sequence >= self.last:
                return
            while self._firsts[-1] > sequence + 1:
                self._drop_last()
            self._cut_active(sequence)
            self._tail.clear()

    def reset(self, last: int = 0) -> None:
        """Empty the log; it will go on with sequence `last` + 1."""
        with self._lock:
            self._close_files()
            for first in reversed(segments(self._directory)):
                segment_path(self._directory, first).unlink()
            self._firsts = []
            self._tail.clear()
            self._create(last + 1)

    def close(self) -> None:
        """Sync and release; a second close does nothing. An error of the sync is the caller's to hear."""
        with self._lock:
            if self._file < 0:
                return
            try:
                self.sync()
            finally:
                self._close_files()

    def _create(self, first: int) -> None:
        self._file = os.open(
            segment_path(self._directory, first), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644
        )
        self._active = Segment(self._directory, first)
        self._firsts.append(first)

    def _open_last(self) -> None:
        self._active = Segment(self._directory, self._firsts[-1])
        try:
            if not self._active.scan(check=True) and not self._active.is_torn():
                raise Corrupted("corrupted", f"{self._active.path.name}: damaged frame at byte {self._active.end}")
            self._file = os.open(self._active.path, os.O_RDWR | os.O_CLOEXEC)
            os.ftruncate(self._file, self._active.end)
        except BaseException:
            self._active.close()
            raise

    def _write(self, raw: bytes, at: int) -> None:
        try:
            written = os.pwrite(self._file, raw, at)
            if written == len(raw):
                return
            reason = f"{written} of {len(raw)} bytes written"
        except OSError as error:
            os.ftruncate(self._file, at)
            raise Unavailable("event_log.full", f"event log cannot grow: {error}", retry_after=1.0) from error
        os.ftruncate(self._file, at)
        raise Unavailable("event_log.full", f"event log cannot grow: {reason}", retry_after=1.0)

    def _seal(self) -> None:
        sealed = self._active
        if len(self._unsynced) >= UNSYNCED_LIMIT:
            self.sync()
        old = self._file
        self._create(sealed.last + 1)
        os.close(old)
        self._unsynced.append(sealed.first)
        self._keep_open(sealed)

    def _keep_open(self, segment: Segment) -> None:
        self._sealed[segment.first] = segment
        if len(self._sealed) > OPEN_SEGMENTS:
            self._sealed.pop(next(iter(self._sealed))).close()

    def _from_files(self, after: int, max_bytes: int) -> list[EventBatch]:
        found: list[EventBatch] = []
        size = 0
        for first in self._firsts[self._position(after) :]:
            segment = self._segment(first)
            for frame in segment.frames(after):
                batch = segment.load(frame)
                found.append(cut(batch, after) if not found else batch)
                size += len(batch.raw)
                if size >= max_bytes:
                    return found
        return found

    def _position(self, after: int) -> int:
        """Return which segment holds sequence `after` + 1."""
        position = len(self._firsts) - 1
        while self._firsts[position] > after + 1:
            position -= 1
        return position

    def _segment(self, first: int) -> Segment:
        if first == self._active.first:
            return self._active
        segment = self._sealed.pop(first, None)
        if segment is None:
            segment = Segment(self._directory, first)
            following = self._firsts[self._firsts.index(first) + 1]
            if not segment.scan(check=False) or segment.last + 1 != following:
                segment.close()
                raise Corrupted("corrupted", f"{segment.path.name}: damaged frame at byte {segment.end}")
        self._keep_open(segment)
        return segment

    def _drop_last(self) -> None:
        os.close(self._file)
        self._active.close()
        self._active.path.unlink()
        self._firsts.pop()
        first = self._firsts[-1]
        sealed = self._sealed.pop(first, None)
        self._active = Segment(self._directory, first) if sealed is None else sealed
        self._active.scan(check=False)
        self._file = os.open(self._active.path, os.O_RDWR | os.O_CLOEXEC)
        if first in self._unsynced:
            self._unsynced.remove(first)

    def _cut_active(self, sequence: int) -> None:
        if sequence >= self._active.last:
            return
        frame = next(self._active.frames(sequence))
        rest = cut_tail(self._active.load(frame), sequence) if frame.first <= sequence else None
        os.ftruncate(self._file, frame.offset)
        self._active.cut_to(frame.offset, frame.first - 1)
        if rest is not None:
            raw = frame_bytes(rest)
            self._write(raw, frame.offset)
            self._active.extend(Frame(frame.offset, frame.offset + len(raw), rest.first, rest.last))

    def _close_files(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        for segment in (self._active, *self._sealed.values()):
            segment.close()
        self._sealed.clear()
        self._unsynced.clear()


def _sync_path(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

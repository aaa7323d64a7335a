"""The files of the event log: frames of whole sequences, appended, checked by checksum, found by a sparse index.

A segment is named after the first sequence it holds: events-00000000000000000001.qce. A frame is
{u32 length, u32 crc32, u64 first, u64 last} and `length` bytes of events; the checksum covers first, last and the events.
Frames begin at multiples of 8. Nothing here writes.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quantumcore.contracts.errors import Corrupted
from quantumcore.ports.event_log import EventBatch

HEADER = struct.Struct("<IIQQ")
MAX_FRAME = 1 << 28  # a length beyond it is damage, not a batch
INDEX_EVERY = 1 << 16  # bytes between two entries of a segment's index
_RANGE = struct.Struct("<QQ")
_EVENT = struct.Struct("<H6xQ")  # an event's size and sequence
_PREFIX, _SUFFIX = "events-", ".qce"


class Frame(NamedTuple):
    """Where one frame stands.

    Attributes:
        offset, end: Bytes of the segment.
        first, last: The sequences inside.
    """

    offset: int
    end: int
    first: int
    last: int


def segment_path(directory: Path, first: int) -> Path:
    """Return the path of the segment that begins with sequence `first`."""
    return directory / f"{_PREFIX}{first:020d}{_SUFFIX}"


def segments(directory: Path) -> list[int]:
    """Return the first sequences of all segments, ascending."""
    names = (path.name for path in directory.glob(f"{_PREFIX}*{_SUFFIX}"))
    return sorted(int(name[len(_PREFIX) : -len(_SUFFIX)]) for name in names)


def frame_bytes(batch: EventBatch) -> bytes:
    """Return `batch` as it stands in a segment."""
    crc = zlib.crc32(batch.raw, zlib.crc32(_RANGE.pack(batch.first, batch.last)))
    return HEADER.pack(len(batch.raw), crc, batch.first, batch.last) + batch.raw


def cut(batch: EventBatch, after: int) -> EventBatch:
    """Return the part of `batch` behind sequence `after`."""
    if after < batch.first:
        return batch
    return EventBatch(after + 1, batch.last, batch.raw[_split(batch.raw, after) :])


def cut_tail(batch: EventBatch, last: int) -> EventBatch:
    """Return the part of `batch` up to and with sequence `last`."""
    return EventBatch(batch.first, last, batch.raw[: _split(batch.raw, last)]) if last < batch.last else batch


def _split(raw: bytes, after: int) -> int:
    """Return where the events of the sequences behind `after` begin."""
    offset = 0
    while offset < len(raw):
        size, sequence = _EVENT.unpack_from(raw, offset)
        if sequence > after or size == 0:
            break
        offset += size
    return offset


class Segment:
    """One file, open for reading; a writer may append to it meanwhile.

    Attributes:
        first: The sequence it is named for.
        end: Bytes known to be whole frames.
        last: The last sequence in those; `first` - 1 while there is none.
    """

    def __init__(self, directory: Path, first: int) -> None:
        self.path = segment_path(directory, first)
        self.first = first
        self.end = 0
        self.last = first - 1
        self._index: list[tuple[int, int]] = []
        self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Release the file; a second close does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @property
    def size(self) -> int:
        """Bytes of the file now."""
        return os.fstat(self._file).st_size

    def extend(self, frame: Frame) -> None:
        """Take note of a frame that stands at `end`."""
        if not self._index or frame.offset - self._index[-1][1] >= INDEX_EVERY:
            self._index.append((frame.first, frame.offset))
        self.end = frame.end
        self.last = frame.last

    def scan(self, *, check: bool) -> bool:
        """Take note of all whole frames behind `end`; tell whether they reach the end of the file.

        Args:
            check: Verify checksums too, which costs about 1 ms per MiB.
        """
        base = self.end
        raw = os.pread(self._file, max(0, self.size - base), base)
        while self.end - base < len(raw):
            at = self.end - base
            frame = _frame(raw[at : at + HEADER.size], self.end, base + len(raw))
            if frame is None or frame.first != self.last + 1:
                return False
            if check and not _sound(raw[at : frame.end - base], frame):
                return False
            self.extend(frame)
        return True

    def cut_to(self, end: int, last: int) -> None:
        """Forget everything behind byte `end`, where the frames up to sequence `last` end."""
        self._index = [entry for entry in self._index if entry[1] < end]
        self.end, self.last = end, last

    def frames(self, after: int) -> Iterator[Frame]:
        """Yield the known frames from the one that holds sequence `after` + 1 on."""
        offset = 0
        for first, start in self._index:
            if first > after + 1:
                break
            offset = start
        while offset < self.end:
            frame = self._frame(offset, self.end)
            if frame is None:
                raise Corrupted("corrupted", f"{self.path.name}: no frame at byte {offset}")
            if frame.last > after:
                yield frame
            offset = frame.end

    def load(self, frame: Frame) -> EventBatch:
        """Return the batch of `frame`.

        Raises:
            Corrupted: Its checksum does not fit.
        """
        raw = os.pread(self._file, frame.end - frame.offset, frame.offset)
        if not _sound(raw, frame):
            raise Corrupted("corrupted", f"{self.path.name}: damaged frame at byte {frame.offset}")
        return EventBatch(frame.first, frame.last, raw[HEADER.size :])

    def is_torn(self) -> bool:
        """Tell whether what stands behind `end` is the rest of an unfinished write: no sound frame follows it."""
        rest = os.pread(self._file, max(0, self.size - self.end), self.end)
        for offset in range(8, len(rest) - HEADER.size, 8):
            length, _, first, last = HEADER.unpack_from(rest, offset)
            stop = offset + HEADER.size + length
            if self.last < first <= last and stop <= len(rest):
                at = Frame(self.end + offset, self.end + stop, first, last)
                if _sound(rest[offset:stop], at):
                    return False
        return True

    def _frame(self, offset: int, limit: int) -> Frame | None:
        return _frame(os.pread(self._file, HEADER.size, offset), offset, limit)


def _frame(header: bytes, offset: int, limit: int) -> Frame | None:
    """Return the frame that begins at `offset` with `header`, if it can be one that ends at or before `limit`."""
    if len(header) < HEADER.size:
        return None
    length, _, first, last = HEADER.unpack(header)
    end = offset + HEADER.size + length
    if not 0 < length <= MAX_FRAME or end > limit or not 0 < first <= last:
        return None
    return Frame(offset, end, first, last)


def _sound(raw: bytes, frame: Frame) -> bool:
    if len(raw) != frame.end - frame.offset:
        return False
    _, crc, first, last = HEADER.unpack_from(raw)
    return (first, last) == (frame.first, frame.last) and crc == zlib.crc32(
        memoryview(raw)[HEADER.size :], zlib.crc32(_RANGE.pack(first, last))
    )

"""The command journal: what was accepted, in order, on disk before anybody hears of it.

A matching shard appends each batch of commands, lets the engine work, and answers when `synced` says that the batch is
durable. After a crash the same commands, replayed, give the same state. The bytes are described in
`native/include/quantumcore/journal_format.hpp`; this file gives them Python names and our errors.
"""

import asyncio
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, ParamSpec, Self, TypeVar

from quantumcore.contracts.errors import Conflict, Corrupted, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.core import _native

SEGMENT_BYTES = 16 * 1024 * 1024
BUFFER_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024

_HEAD = struct.Struct("<QqII")
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Record(NamedTuple):
    """One command as it was recorded.

    Attributes:
        sequence: From 1, without gaps.
        time_ns: UTC; it never orders anything.
        epoch: Of the primary that wrote it.
        command: Its bytes, a copy of its own.
    """

    sequence: int
    time_ns: int
    epoch: int
    command: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a journal and what is wrong there."""

    segment: str
    offset: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a walk over a whole journal found.

    Attributes:
        segments, blocks, records: How many were sound before the first damage.
        first_sequence: Of the oldest segment that is still here; 0 when there is none.
        last_sequence, epoch, chain_head: Where the sound part ends; whoever signs `chain_head` signs all before it.
        torn: The unfinished tail that opening would cut; harmless.
        damage: The first damage, or None; nothing after it was judged.
    """

    segments: int
    blocks: int
    records: int
    first_sequence: int
    last_sequence: int
    epoch: int
    chain_head: bytes
    torn: Spot | None
    damage: Spot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What opening found and did.

    Attributes:
        records: Commands read; those before the trusted sequence's segment are not counted.
        cut: Where an unfinished tail was cut, or None. Nothing acknowledged was there.
        sealed_records: Commands of an unfinished block that were whole, and stay.
    """

    records: int
    cut: tuple[str, int] | None
    sealed_records: int


class Journal:
    """The one writer of one journal directory.

    `append` and `append_batch` belong to one thread; `sync` may run beside them in another. After a failed sync every
    call but `close` raises `journal.failed`: what the disk holds is unknown until the next opening.
    """

    def __init__(
        self,
        directory: Path,
        *,
        shard: int = 0,
        segment_bytes: int = SEGMENT_BYTES,
        buffer_bytes: int = BUFFER_BYTES,
        trusted_sequence: int = 0,
    ) -> None:
        """Open or create; cut what a crash left unfinished. Opening again changes nothing more.

        Args:
            directory: Made when it is missing.
            shard: Must be the one that the directory was made for.
            segment_bytes: Of a new segment, 4 KiB to 256 MiB; each is written full of zeros beforehand.
            buffer_bytes: What may wait for a sync; at most a quarter of a segment. A full buffer syncs by itself.
            trusted_sequence: What a snapshot stands for: segments wholly before it are not read.

        Raises:
            Corrupted: What was recorded cannot be right; the context names segment and offset.
            Unavailable: `journal.locked`, `journal.full` or `journal.unavailable`.
            NotFound: The segments after `trusted_sequence` are not here.
        """
        self._native = _call(_native.Journal, str(directory), shard, segment_bytes, buffer_bytes, trusted_sequence)
        self._directory = directory
        self._executor: ThreadPoolExecutor | None = None
        self._running: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None

    @property
    def last_sequence(self) -> int:
        """The last sequence appended; 0 in a new journal."""
        return self._native.last_sequence

    @property
    def durable_sequence(self) -> int:
        """The last sequence that a power loss cannot take away."""
        return self._native.durable_sequence

    @property
    def epoch(self) -> int:
        """The highest epoch recorded; a lower one cannot append."""
        return self._native.epoch

    @property
    def block(self) -> int:
        """The number of the last durable block (group commit), modulo 2^32."""
        return self._native.block

    @property
    def chain_head(self) -> bytes:
        """SHA-256 over everything durable."""
        return self._native.chain_head

    @property
    def recovery(self) -> Recovery:
        """What opening found and did."""
        found = self._native.recovery
        cut = (found["cut_segment"], found["cut_offset"]) if found["cut_segment"] else None
        return Recovery(records=found["records"], cut=cut, sealed_records=found["sealed_records"])

    def reserve(self, n_bytes: int, commands: int = 1) -> None:
        """Make sure that `commands` commands of together `n_bytes` bytes have room on disk.

        Raises:
            Unavailable: `journal.full`. Nothing happened; it may work when there is space again.
        """
        _call(self._native.reserve, n_bytes, commands)

    def append(
        self, sequence: int, time_ns: int, command: bytes | bytearray | memoryview, epoch: int | None = None
    ) -> None:
        """Append one command. It is durable after the next `sync`.

        Args:
            sequence: Must be `last_sequence` + 1.
            time_ns: UTC.
            command: 1 to 65,528 bytes.
            epoch: The caller's; the journal's own when left out. A higher one raises the journal's.

        Raises:
            Conflict: `journal.out_of_order` or `journal.stale_epoch`. Nothing happened.
            InvalidCommand: Empty or too large. Nothing happened.
            Unavailable: `journal.full`: nothing happened. `journal.failed`, `journal.closed`.
        """
        _call(self._native.append, sequence, time_ns, command, epoch)

    def append_batch(
        self, commands: bytes | bytearray | memoryview, first_sequence: int, time_ns: int, epoch: int | None = None
    ) -> int:
        """Append commands that each begin with their own size (docs/reference/engine.md, section 1); return how many.

        Raises:
            As `append`. The whole batch is judged before anything of it is appended.
        """
        return _call(self._native.append_batch, commands, first_sequence, time_ns, epoch)

    def sync(self) -> int:
        """Make everything appended so far durable; return the bytes written. Blocks; other threads run meanwhile.

        Raises:
            Unavailable: `journal.failed`, now and on every later call.
        """
        return _call(self._native.sync)

    async def synced(self) -> None:
        """Return when everything appended before this call is durable; the loop goes on meanwhile.

        Callers that wait together share one sync: at most one runs and one waits.

        Raises:
            Unavailable: `journal.failed`.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._round(self._running), name="journal-sync")
        await asyncio.shield(self._waiting)

    async def _round(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        # Whoever comes from here on may have appended after this sync took its block.
        self._running, self._waiting = self._waiting, None
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal-sync")
        await asyncio.get_running_loop().run_in_executor(self._executor, self.sync)

    def raise_epoch(self, epoch: int, time_ns: int = 0) -> None:
        """Record a higher epoch, durably; the same one again does nothing.

        Raises:
            Conflict: `journal.stale_epoch`. Nothing happened.
            Unavailable: `journal.full`: nothing happened. `journal.failed`.
        """
        _call(self._native.raise_epoch, epoch, time_ns)

    def read(self, after_sequence: int, max_bytes: int = CHUNK_BYTES) -> bytes:
        """Return durable records after `after_sequence` as one chunk, for `unpack` or a native replay.

        The chunk has at most `max_bytes` bytes, but one record at least if there is one. Reading on from where the
        last call ended costs nothing extra.
        """
        return _call(self._native.read, after_sequence, max_bytes)

    def records(self, after_sequence: int = 0) -> Iterator[Record]:
        """Yield the durable records after `after_sequence`, in order."""
        while chunk := self.read(after_sequence):
            for record in unpack(chunk):
                yield record
                after_sequence = record.sequence

    def close(self) -> None:
        """Sync and release everything; a second close does nothing.

        Raises:
            Unavailable: `journal.failed`: what was not synced before may be lost. Everything is released all the same.
        """
        if self._executor is not None:
            self._executor.shutdown(wait=True)
            self._executor = None
        _call(self._native.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def pack(record: Record) -> bytes:
    """Return a record as a chunk has it, for a native replay."""
    padding = bytes(-len(record.command) % 8)
    return _HEAD.pack(record.sequence, record.time_ns, record.epoch, len(record.command)) + record.command + padding


def unpack(chunk: bytes) -> Iterator[Record]:
    """Yield the records of a chunk: u64 sequence, i64 time_ns, u32 epoch, u32 length, command, padding to 8."""
    at = 0
    while at < len(chunk):
        sequence, time_ns, epoch, length = _HEAD.unpack_from(chunk, at)
        at += _HEAD.size
        yield Record(sequence, time_ns, epoch, chunk[at : at + length])
        at += (length + 7) & ~7


def read_records(directory: Path, after_sequence: int = 0) -> Iterator[Record]:
    """Yield the sealed records of a journal that another process may be writing; take no lock and change nothing.

    Raises:
        Corrupted: What was recorded cannot be right.
        NotFound: The segments after `after_sequence` are not here.
    """
    reader = _call(_native.JournalReader, str(directory), after_sequence)
    while chunk := _call(reader.read, CHUNK_BYTES):
        yield from unpack(chunk)


def verify(directory: Path) -> Verification:
    """Walk all of a journal, change nothing, and say what is there and where the first damage is."""
    found = _call(_native.verify_journal, str(directory))
    torn, damage = (Spot(**spot) if spot else None for spot in (found.pop("torn"), found.pop("damage")))
    return Verification(**found, torn=torn, damage=damage)


_CODES: tuple[tuple[type[Exception], type[QuantumCoreError], str], ...] = (
    (_native.JournalFull, Unavailable, "journal.full"),
    (_native.JournalFailed, Unavailable, "journal.failed"),
    (_native.JournalClosed, Unavailable, "journal.closed"),
    (_native.JournalLocked, Unavailable, "journal.locked"),
    (_native.JournalOutOfOrder, Conflict, "journal.out_of_order"),
    (_native.StaleEpoch, Conflict, "journal.stale_epoch"),
    (_native.JournalMissing, NotFound, "journal.not_found"),
    (ValueError, InvalidCommand, "request.invalid"),
    (OSError, Unavailable, "journal.unavailable"),
)


def _call(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    try:
        return function(*args, **kwargs)
    except _native.CorruptedJournal as error:
        message, segment, offset, reason = error.args
        context = {"segment": segment, "offset": str(offset), "reason": reason}
        raise Corrupted("journal.corrupted", message, context=context) from error
    except (_native.JournalError, ValueError, OSError) as error:
        for native, ours, code in _CODES:
            if isinstance(error, native):
                raise ours(code, str(error)) from error
        raise

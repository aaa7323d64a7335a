"""One shard: journal, engine and snapshots as one thing that can be killed at any instant and comes back the same.

    step      reserve room in the journal -> step the engine -> hand the commands to the journal's buffer
    sync      make them durable; only then may anyone hear of them
    recover   newest usable snapshot + the journal's tail; the events of the tail are told again

Nothing is recorded when `step` raises: a full journal and a broken invariant are found before the append.
"""

import struct
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from quantumcore.contracts.errors import Corrupted
from quantumcore.core._native import Engine, SnapshotCopy
from quantumcore.core.journal import BUFFER_BYTES, SEGMENT_BYTES, Journal
from quantumcore.core.snapshots import Snapshot, SnapshotStore

REPLAY_BYTES = 4 << 20
MAX_ORDERS = 4_194_304
RECORD_OVERHEAD = 32
_EVENT = struct.Struct("<HxB")  # of an event's header: size and flags
_LAST = 1


class Stepped(NamedTuple):
    """What a batch did: its sequences, its time and its events' bytes.

    Attributes:
        deadline_ns: When something in the engine is now due by itself, UTC nanoseconds; 0: nothing is.
        engine_s: Seconds that the engine took for it, wall time; the journal is not in it.
    """

    first: int
    last: int
    time_ns: int
    events: bytes
    deadline_ns: int = 0
    engine_s: float = 0.0


class HeldSnapshot(NamedTuple):
    """The state after one command, apart from the engine; see `Shard.hold_snapshot`."""

    sequence: int
    epoch: int
    state_hash: int
    copy: SnapshotCopy


class Shard:
    """The single writer of one journal. Not thread-safe: whoever owns it calls it from one thread at a time.

    Attributes:
        engine: For queries between steps.
        number: Shard number, part of every outward id.
    """

    def __init__(
        self,
        directory: Path,
        told: int,
        *,
        number: int = 0,
        segment_bytes: int = SEGMENT_BYTES,
        max_orders: int = MAX_ORDERS,
    ) -> None:
        """Open the shard at its newest usable snapshot; `recover` brings it to the journal's end.

        Args:
            told: The last sequence whose events are safe elsewhere. A snapshot beyond it is not used, so that no event is missed.

        Raises:
            Corrupted: The journal is damaged or does not reach the snapshot.
            Unavailable: `journal.locked`: another process runs this shard.
        """
        self.number = number
        self._told = told
        self._snapshots = SnapshotStore(directory / "snapshots")
        snapshot = self._snapshots.newest(at_most=told)
        trusted = snapshot.sequence if snapshot else 0
        self.journal = Journal(
            directory / "journal",
            shard=number,
            segment_bytes=segment_bytes,
            buffer_bytes=min(BUFFER_BYTES, segment_bytes // 4),
            trusted_sequence=trusted,
        )
        if trusted > self.journal.last_sequence:
            raise Corrupted(
                "corrupted", f"the journal ends at {self.journal.last_sequence}, before its snapshot of {trusted}"
            )
        self.engine = Engine.restore(snapshot.state) if snapshot else Engine(max_orders=max_orders)
        self._bytes_since_snapshot = 0
        self._writing = threading.Lock()

    def recover(self) -> Iterator[Stepped]:
        """Replay the journal's tail, yielding the events that were not told yet, in whole batches.

        Raises:
            Corrupted: The journal does not continue the engine.
        """
        while self.engine.sequence < self.journal.last_sequence:
            first = self.engine.sequence + 1
            records = self.journal.read(self.engine.sequence, REPLAY_BYTES)
            if not records:
                raise Corrupted("corrupted", f"the journal holds nothing after {self.engine.sequence}")
            self._bytes_since_snapshot += len(records)
            events = self.engine.replay(records)
            last = self.engine.sequence
            if last > self._told:
                begin = max(first, self._told + 1)
                yield Stepped(begin, last, self.engine.time_ns, events if begin == first else after(events, self._told))

    def step(self, commands: Sequence[bytes], time_ns: int) -> Stepped:
        """Judge and apply `commands` in order; they are durable after the next sync.

        Raises:
            Unavailable: `journal.full`; nothing happened.
            InvalidCommand: Bad framing; nothing happened.
        """
        buffer = b"".join(commands)
        self.journal.reserve(len(buffer), len(commands))
        first = self.engine.sequence + 1
        began = time.perf_counter()
        events = self.engine.step(buffer, time_ns)
        engine_s = time.perf_counter() - began
        self.journal.append_batch(buffer, first, self.engine.time_ns)
        self._bytes_since_snapshot += len(buffer) + RECORD_OVERHEAD * len(commands)
        engine = self.engine
        return Stepped(first, engine.sequence, engine.time_ns, events, engine.next_deadline(), engine_s)

    def sync(self) -> None:
        """Make every step so far durable.

        Raises:
            Unavailable: The disk failed; this shard must not go on.
        """
        self.journal.sync()

    @property
    def bytes_since_snapshot(self) -> int:
        """Journal bytes that a recovery from the newest snapshot would replay."""
        return self._bytes_since_snapshot

    def take_snapshot(self) -> int:
        """Write the engine's state (the journal must be synced) and return its sequence."""
        return self.write_snapshot(self.hold_snapshot(self.begin_snapshot()))

    def begin_snapshot(self) -> SnapshotCopy:
        """Note how much a snapshot would copy; `prepare()` of what this returns takes the memory, on any thread."""
        return self.engine.copy()

    def hold_snapshot(self, copy: SnapshotCopy) -> HeldSnapshot:
        """Copy the engine's state (the journal must be synced): the only part of a snapshot that the engine waits for."""
        engine = self.engine
        engine.take(copy)
        self._bytes_since_snapshot = 0
        return HeldSnapshot(engine.sequence, self.journal.epoch, engine.state_hash(), copy)

    def write_snapshot(self, held: HeldSnapshot) -> int:
        """Write what was held, on any thread, and return its sequence."""
        with self._writing:  # two writers of one sequence would share an unfinished file
            self._snapshots.write(
                Snapshot(sequence=held.sequence, epoch=held.epoch, state_hash=held.state_hash, state=held.copy.write())
            )
        return held.sequence

    def close(self) -> None:
        """Flush and release the journal."""
        self.journal.close()


def after(events: bytes, sequence: int) -> bytes:
    """Return the part of `events` whose sequences are greater than `sequence`."""
    offset = 0
    while offset < len(events) and int.from_bytes(events[offset + 8 : offset + 16], "little") <= sequence:
        offset += int.from_bytes(events[offset : offset + 2], "little")
    return events[offset:]


def split(events: bytes) -> list[bytes]:
    """Return the events of each command apart, in order: each part ends with its event flagged LAST."""
    parts: list[bytes] = []
    start = offset = 0
    end, head = len(events), _EVENT.unpack_from
    while offset < end:
        size, flags = head(events, offset)
        offset += size
        if flags & _LAST:
            parts.append(events[start:offset])
            start = offset
    return parts

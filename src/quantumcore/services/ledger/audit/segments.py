"""The entries of a closed day as files: what is kept for years in two places, byte for byte (docs/reference/audit.md). Pure.

A day's entries are cut into segments of SEGMENT_RECORDS. Each has the chain's hash before its first record and after its last
one, so that it can be checked against the day's signed root alone: a stranger needs neither the venue nor its database.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from quantumcore.contracts.errors import Corrupted
from quantumcore.ports import sealed as packing
from quantumcore.ports.second_store import SecondStore
from quantumcore.services.ledger.audit.chain import CANONICAL, VERSION, Day, Row, canonical
from quantumcore.services.ledger.audit.roots import SignedRoot, day_name, day_number

SEGMENT_RECORDS = 50_000
SUFFIX = ".segment"
CODE = "audit.segment"
_NAME = b"QCSEALED"
_HEAD = struct.Struct("<8sBHqIQI32s32s32s")
_MOST_REFERENCE = 256  # bytes of a reference; the ledger's own have 36 characters
_MOST = SEGMENT_RECORDS * (CANONICAL.size + _MOST_REFERENCE)


class Sealed(NamedTuple):
    """A day whose entries are sealed, as its signed root says it, or where that is gone the database.

    Attributes:
        first, records: Number of its first record, and how many it has.
        before, head: The chain's hash before its first record and of its last. root: Of its Merkle tree.
    """

    shard: int
    day: int
    first: int
    records: int
    before: bytes
    head: bytes
    root: bytes

    @classmethod
    def of_root(cls, root: SignedRoot) -> "Sealed":
        """Return the day of a signed root."""
        hashes = (bytes.fromhex(text) for text in (root.before, root.head, root.root))
        return cls(root.shard, day_number(root.day), root.first, root.count, *hashes)

    @classmethod
    def of_day(cls, shard: int, day: Day) -> "Sealed":
        """Return a closed day of the database."""
        return cls(shard, day.day, day.first, day.records, day.before, day.head, day.root)

    @property
    def last(self) -> int:
        """Number of its last record."""
        return self.first + self.records - 1


class Segment(NamedTuple):
    """Some entries of a day, which follow one another.

    Attributes:
        part: Which of the day's, from 0.
        first: Number of its first record.
        before, head: The chain's hash before its first record and of its last.
    """

    shard: int
    day: int
    part: int
    first: int
    before: bytes
    head: bytes
    rows: Sequence[Row]

    @property
    def name(self) -> str:
        """The name of its file."""
        return segment_name(self.day, self.part)


def segment_name(day: int, part: int) -> str:
    """Return the name of a segment's file; days and parts are in the order of their names."""
    return f"{day_name(day)}.{part:04}{SUFFIX}"


def day_of(name: str) -> int | None:
    """Return the day of a segment's file; None when it is none."""
    named = _named(name)
    return named[0] if named else None


def _named(name: str) -> tuple[int, int] | None:
    """Return the day and the part that a file's name says; None when it is no segment's."""
    day, _, part = name.removesuffix(SUFFIX).rpartition(".")
    try:
        found = day_number(day), int(part)
    except ValueError:
        return None
    return found if segment_name(*found) == name else None


def parts_of(records: int) -> int:
    """Return how many segments a day of so many records has."""
    return -(-records // SEGMENT_RECORDS)


def pack(shard: int, day: int, part: int, first: int, before: bytes, rows: Sequence[Row]) -> tuple[Segment, bytes]:
    """Return a segment and the bytes of its file; equal entries, equal bytes."""
    head, content = before, bytearray()
    for row in rows:
        record = canonical(row)
        head = sha256(head + record).digest()
        content += record
    kept = packing.seal(bytes(content))
    fields = _NAME, VERSION, shard, day, part, first, len(rows), before, head, kept.digest
    return Segment(shard, day, part, first, before, head, rows), _HEAD.pack(*fields) + kept.payload


def unpack(raw: bytes, name: str) -> Segment:
    """Return the segment in a file.

    Raises:
        Corrupted: `audit.segment`: any byte of it is not what was written; the file is named.
    """
    if len(raw) < _HEAD.size:
        raise Corrupted(CODE, f"{name} is cut short")
    kind, version, shard, day, part, first, count, before, head, digest = _HEAD.unpack_from(raw)
    if kind != _NAME or version != VERSION or not 0 < count <= SEGMENT_RECORDS:
        raise Corrupted(CODE, f"{name} is no segment of this version")
    content = packing.unseal(packing.Sealed(raw[_HEAD.size :], digest), CODE, name, _MOST)
    reached, rows = before, []
    for row, record in _records(content, name):
        reached = sha256(reached + record).digest()
        rows.append(row)
    if len(rows) != count or reached != head:
        raise Corrupted(CODE, f"{name} has not the entries of its chain")
    if (day, part) != _named(name):
        raise Corrupted(CODE, f"{name} is another segment by what it says")
    return Segment(shard, day, part, first, before, head, rows)


def segments_in(store: SecondStore, sealed: Sealed) -> Iterator[Segment]:
    """Yield the segments of a day from one place, each as that day has it.

    Raises:
        Corrupted: `audit.segment`: one is missing, altered, or not that of this day; the file is named.
    """
    before, first = sealed.before, sealed.first
    for part in range(parts_of(sealed.records)):
        name = segment_name(sealed.day, part)
        raw = store.read(name, 0, _HEAD.size + _MOST)
        if raw is None:
            raise Corrupted(CODE, f"{name} is missing")
        found = unpack(raw, name)
        count = min(SEGMENT_RECORDS, sealed.last + 1 - first)
        if (found.shard, found.first, found.before, len(found.rows)) != (sealed.shard, first, before, count):
            raise Corrupted(CODE, f"{name} is not what was sealed on that day")
        before, first = found.head, first + count
        if first > sealed.last and before != sealed.head:
            raise Corrupted(CODE, f"{name} does not lead to the head of its day")
        yield found


# ---------------------------------------------------------------------------------- records, whatever their version


def _records(content: bytes, name: str) -> Iterator[tuple[Row, bytes]]:
    at = 0
    while at < len(content):
        upcast = _UPCAST.get(content[at])
        if upcast is None:
            raise Corrupted(CODE, f"{name} has a record of version {content[at]}, which this release does not know")
        try:
            row, end = upcast(content, at)
        except (struct.error, UnicodeDecodeError) as error:
            raise Corrupted(CODE, f"{name} has a record that is none: {error}") from error
        yield row, content[at:end]
        at = end


def _version_1(content: bytes, at: int) -> tuple[Row, int]:
    _, sequence, index, leg, why, debit, debit_code, credit, credit_code, currency, amount, time_ns, length = (
        CANONICAL.unpack_from(content, at)
    )
    text = at + CANONICAL.size
    reference = content[text : text + length]
    if len(reference) != length:
        raise struct.error("its reference is cut short")
    sides = debit, debit_code, credit, credit_code
    return (sequence, index, leg, why, *sides, currency, amount, reference.decode(), time_ns), text + length


_UPCAST: dict[int, Callable[[bytes, int], tuple[Row, int]]] = {1: _version_1}
"""By the version of a record: what makes today's row of it. A version that was ever written stays here."""

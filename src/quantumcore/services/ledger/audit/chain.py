"""The hash chain over the ledger's entries, byte for byte (docs/reference/audit.md). Pure.

    hash(n) = SHA-256(hash(n - 1) ‖ canonical bytes of record n)          hash(0) = the genesis hash of the shard

What version 1 says here holds for ever: a changed layout would break every proof that was given out. Another one needs
another version.
"""

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from quantumcore.contracts.days import DAY_NS
from quantumcore.services.ledger.audit.merkle import BLOCK, Tree

VERSION = 1
HASH_BYTES = 32
GENESIS = b"quantumcore ledger audit"
NO_DAY = -1
UNRECORDABLE = (struct.error, AttributeError, TypeError, ValueError)
"""What canonical() raises for a row that holds what the ledger never writes: a number too large, another type."""
CANONICAL = struct.Struct("<BqqhhqhqhqqqH")
"""What a record of version 1 begins with; its reference follows."""

Row = Sequence[Any]
"""A row of `entries`: sequence, event_index, leg, why, debit owner and code, credit owner and code, currency, amount, reference, time_ns."""
Position = tuple[int, int, int]
"""sequence, index, leg: what names an entry, and the order of the chain."""
BEFORE_ALL: Position = (-(2**63), -(2**63), -(2**15))
TIME = 11


def genesis(shard: int) -> bytes:
    """Return what stands before the first record of a shard's ledger."""
    return sha256(GENESIS + struct.pack("<BH", VERSION, shard)).digest()


def canonical(row: Row) -> bytes:
    """Return the canonical bytes of an entry.

    Raises:
        UNRECORDABLE: A column holds what the ledger never writes.
    """
    sequence, index, leg, why, debit, debit_code, credit, credit_code, currency, amount, reference, time_ns = row
    text: bytes = reference.encode()
    return (
        CANONICAL.pack(
            VERSION,
            sequence,
            index,
            leg,
            why,
            debit,
            debit_code,
            credit,
            credit_code,
            currency,
            amount,
            time_ns,
            len(text),
        )
        + text
    )


def hash_after(previous: bytes, row: Row) -> bytes | None:
    """Return the hash of `row` behind `previous`; None for a row that nobody can have recorded."""
    try:
        return sha256(previous + canonical(row)).digest()
    except UNRECORDABLE:
        return None


class Record(NamedTuple):
    """What is kept of one entry; `number` counts from 1 without gap."""

    number: int
    sequence: int
    event_index: int
    leg: int
    hash: bytes

    @property
    def position(self) -> Position:
        """Which entry it is of."""
        return self.sequence, self.event_index, self.leg


class Block(NamedTuple):
    """The Merkle node above up to BLOCK records of one day, of which `number` is the first."""

    number: int
    node: bytes


class Day(NamedTuple):
    """A closed UTC day.

    Attributes:
        day: Days since 1970-01-01.
        first, records: Number of its first record, and how many it has; at least one.
        before, head: The chain's hash before its first record and of its last.
        root: Root of the Merkle tree over its records' hashes.
    """

    day: int
    first: int
    records: int
    before: bytes
    head: bytes
    root: bytes

    @property
    def last(self) -> int:
        """Number of its last record."""
        return self.first + self.records - 1


class Chain:
    """The end of the chain, from which it goes on.

    Attributes:
        number, hash: Of the last record; 0 and the genesis hash before the first.
        day: The day that is open; NO_DAY before the first event.
        before: The chain's hash before the first record of the open day.
        tree: Over the records of the open day.
    """

    def __init__(self, shard: int = 0) -> None:
        self.shard = shard
        self.number = 0
        self.hash = self.before = genesis(shard)
        self.day = NO_DAY
        self.tree = Tree()
        self.records: list[Record] = []
        self.blocks: list[Block] = []
        self.days: list[Day] = []

    @property
    def first(self) -> int:
        """Number of the first record of the open day, whether it is there or not."""
        return self.number - self.tree.count + 1

    def extend(self, rows: Sequence[Row], upto_ns: int) -> None:
        """Add entries in the order of their positions, and let it be `upto_ns`: a day ends when a later one has begun.

        The engine's time never goes back, so a day's records stand together. What is new is in records, blocks and days.
        """
        start = 0
        while start < len(rows):
            self._turn(rows[start][TIME] // DAY_NS)
            end = len(rows)
            if rows[-1][TIME] // DAY_NS > self.day:
                end = next(at for at in range(start, end) if rows[at][TIME] // DAY_NS > self.day)
            self._add(rows[start:end])
            start = end
        self._turn(upto_ns // DAY_NS)

    def _turn(self, day: int) -> None:
        """Let it be `day`: an earlier one is closed, if it has records."""
        if day <= self.day:
            return
        root = self.tree.root()
        if root is not None:
            partial = self.tree.block()
            if partial is not None:
                full = self.tree.count // BLOCK * BLOCK
                self.blocks.append(Block(self.first + full, partial))
            self.days.append(Day(self.day, self.first, self.tree.count, self.before, self.hash, root))
        self.day, self.before, self.tree = day, self.hash, Tree()

    def _add(self, rows: Sequence[Row]) -> None:
        number, previous = self.number, self.hash
        added = []
        for row in rows:
            number += 1
            previous = sha256(previous + canonical(row)).digest()
            added.append(Record(number, row[0], row[1], row[2], previous))
        block = self.first + self.tree.count // BLOCK * BLOCK
        for made in self.tree.extend([record.hash for record in added]):
            self.blocks.append(Block(block, made))
            block += BLOCK
        self.records += added
        self.number, self.hash = number, previous

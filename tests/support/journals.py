"""Builders and an independent reader of journal files: struct and hashlib only, so that a test does not trust what it tests."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quantumcore.core import _native
from quantumcore.core.journal import Journal

SEGMENT_BYTES = 65_536
SEGMENT_HEADER = 128
RECORD_HEADER = 32
SEAL = 96
KIND_COMMAND, KIND_EPOCH, KIND_SEAL = 0x00, 0x40, 0x80

_RECORD = struct.Struct("<IIIIQq")


def command(number: int = 1, size: int = 80) -> bytes:
    """A command of `size` bytes with good framing whose content names `number`."""
    return struct.pack("<HBBIQ", size, 1, 0, 1, number).ljust(size, bytes([number % 251 + 1]))


def small(directory: Path, **options: int) -> Journal:
    """A journal whose segments hold a few blocks only."""
    return Journal(directory, **{"segment_bytes": SEGMENT_BYTES, "buffer_bytes": 16_384, **options})


def write_blocks(journal: Journal, sizes: list[int], size: int = 80) -> None:
    """Append one block per entry of `sizes`, each of that many commands."""
    for count in sizes:
        for _ in range(count):
            number = journal.last_sequence + 1
            journal.append(number, 1_000 + number, command(number, size))
        journal.sync()


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("journal-*.qcj"))


class Piece(NamedTuple):
    """One record or seal as it stands in a file."""

    offset: int
    size: int
    kind: int
    block: int
    sequence: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def pieces(data: bytes) -> Iterator[Piece]:
    """The records and seals of an undamaged segment."""
    at = SEGMENT_HEADER
    while at + RECORD_HEADER <= len(data):
        word, _, _, block, sequence, _ = _RECORD.unpack_from(data, at)
        if word == 0:
            return
        size = RECORD_HEADER + ((word & 0xFFFFFF) + 7 & ~7)
        yield Piece(at, size, word >> 24, block, sequence)
        at += size


def fix_record_crc(data: bytearray, offset: int, size: int) -> None:
    """What a forger does after a change: make the checksum right again."""
    crc = _native.crc32c(bytes(data[offset : offset + 4]) + bytes(data[offset + 8 : offset + size]))
    struct.pack_into("<I", data, offset + 4, crc)


def fix_header_crc(data: bytearray) -> None:
    struct.pack_into("<I", data, 124, _native.crc32c(bytes(data[:124])))

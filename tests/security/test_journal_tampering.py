"""Whoever changes the journal of yesterday is found out, even with right checksums.

Goal: one record altered, removed, inserted or moved is named by segment and offset, before anything is replayed past it.
Method: a forger with the layout at hand changes one thing and mends all checksums; only who can recompute the whole
chain to its end escapes, and for that the chain's head is signed elsewhere: a changed head shows.
"""

import itertools
import random
import struct
from pathlib import Path

import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.core.journal import read_records, verify
from tests.support.journals import (
    KIND_COMMAND,
    KIND_SEAL,
    Piece,
    fix_header_crc,
    fix_record_crc,
    pieces,
    segments,
    small,
    write_blocks,
)

SMALL = {"segment_bytes": 8_192, "buffer_bytes": 1_024}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    with small(tmp_path / "j", **SMALL) as journal:
        write_blocks(journal, [4] * 30)
    assert len(segments(tmp_path / "j")) >= 3
    return tmp_path / "j"


def found_in(directory: Path, path: Path) -> tuple[int, str]:
    """Offset and reason; asserts that opening, reading and verifying agree."""
    report = verify(directory)
    assert report.damage is not None
    with pytest.raises(Corrupted) as refused:
        small(directory, **SMALL)
    seen = []
    with pytest.raises(Corrupted):
        seen.extend(r.sequence for r in read_records(directory))
    assert seen == list(range(1, len(seen) + 1))
    assert refused.value.context == {
        "segment": path.name,
        "offset": str(report.damage.offset),
        "reason": report.damage.reason,
    }
    return report.damage.offset, report.damage.reason


def records_of(data: bytes) -> list[Piece]:
    return [piece for piece in pieces(data) if piece.kind == KIND_COMMAND]


def block_begin(data: bytes, block: int) -> int:
    return next(piece.offset for piece in pieces(data) if piece.block == block)


@pytest.mark.parametrize("segment", [0, 1])
def test_one_altered_record_is_named(directory, segment, rng):
    path = segments(directory)[segment]
    data = path.read_bytes()
    for piece in records_of(data):
        changed = bytearray(data)
        changed[piece.offset + 32 + rng.randrange(80)] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        assert found_in(directory, path)[0] == piece.offset
        fix_record_crc(changed, piece.offset, piece.size)
        path.write_bytes(changed)
        offset, reason = found_in(directory, path)
        assert offset == block_begin(data, piece.block)
        assert "hash chain" in reason


def test_one_removed_record_is_named(directory):
    path = segments(directory)[1]
    data = path.read_bytes()
    for piece in records_of(data):
        path.write_bytes(data[: piece.offset] + data[piece.end :] + bytes(piece.size))
        offset, _ = found_in(directory, path)
        assert block_begin(data, piece.block) <= offset <= piece.offset
        path.write_bytes(data[: piece.offset] + bytes(piece.size) + data[piece.end :])
        assert found_in(directory, path) == (piece.offset, "the record is damaged")


def test_one_inserted_record_is_named(directory):
    path = segments(directory)[1]
    data = path.read_bytes()
    for piece in records_of(data):
        copy = bytearray(data[piece.offset : piece.end])
        struct.pack_into("<Q", copy, 16, piece.sequence + 1)
        fix_record_crc(copy, 0, len(copy))
        path.write_bytes((data[: piece.end] + bytes(copy) + data[piece.end :])[: len(data)])
        assert found_in(directory, path)[0] in {piece.end, piece.end + piece.size}


def test_two_exchanged_records_are_named(directory, rng: random.Random):
    path = segments(directory)[1]
    data = path.read_bytes()
    records = records_of(data)
    for _ in range(30):
        first, second = sorted(rng.sample(records, 2))
        changed = bytearray(data)
        changed[first.offset : first.end], changed[second.offset : second.end] = (
            data[second.offset : second.end],
            data[first.offset : first.end],
        )
        path.write_bytes(changed)
        assert found_in(directory, path)[0] == first.offset
        # The forger renumbers them too, and mends the checksums: the chain still tells.
        for at, original in ((first, data[first.offset : first.end]), (second, data[second.offset : second.end])):
            changed[at.offset + 12 : at.offset + 32] = original[12:32]
            fix_record_crc(changed, at.offset, at.size)
        changed[first.offset + 33] ^= 1
        fix_record_crc(changed, first.offset, first.size)
        path.write_bytes(changed)
        assert found_in(directory, path)[0] == block_begin(data, first.block)


def test_one_whole_block_removed_or_moved_is_named(directory):
    path = segments(directory)[1]
    data = path.read_bytes()
    begins = [block_begin(data, block) for block in sorted({piece.block for piece in pieces(data)})]
    for begin, end in itertools.pairwise(begins):
        path.write_bytes(data[:begin] + data[end:] + bytes(end - begin))
        assert found_in(directory, path)[0] == begin
        following = data[end : end + (end - begin)]
        if end + len(following) <= max(piece.end for piece in pieces(data)):
            path.write_bytes(data[:begin] + following + data[begin:end] + data[end + len(following) :])
            assert found_in(directory, path)[0] == begin


def test_a_few_bytes_taken_out_or_put_in_are_found_although_everything_moves(directory):
    """In the last segment, where only what follows tells damage from an unfinished write."""
    path = segments(directory)[-1]
    data = path.read_bytes()
    for piece in records_of(data)[:-4]:
        for changed in (
            data[: piece.offset + 40] + data[piece.offset + 43 :] + bytes(3),
            (data[: piece.offset + 40] + b"abc" + data[piece.offset + 40 :])[: len(data)],
        ):
            path.write_bytes(changed)
            assert found_in(directory, path) == (piece.offset, "the record is damaged")


def test_a_seal_that_lies_is_named(directory):
    path = segments(directory)[0]
    data = path.read_bytes()
    seal = next(piece for piece in pieces(data) if piece.kind == KIND_SEAL and piece.block == 3)
    for field in (8, 24, 32, 64, 72, 76, 80, 88):
        changed = bytearray(data)
        changed[seal.offset + field] ^= 1
        fix_record_crc(changed, seal.offset, seal.size)
        path.write_bytes(changed)
        assert found_in(directory, path)[0] in {seal.offset, block_begin(data, 3)}


def test_a_rewritten_block_breaks_the_chain_of_the_next(directory):
    """The forger mends the block's own seal too."""
    path = segments(directory)[0]
    data = bytearray(path.read_bytes())
    before = {p.block: p for p in pieces(data) if p.kind == KIND_SEAL}
    victim = next(piece for piece in pieces(data) if piece.block == 2)
    data[victim.offset + 50] ^= 1
    fix_record_crc(data, victim.offset, victim.size)
    _reseal(data, before[1], before[2])
    path.write_bytes(data)
    offset, reason = found_in(directory, path)
    assert (offset, "hash chain" in reason) == (block_begin(data, 3), True)


def test_a_rewritten_history_shows_in_the_signed_head(directory):
    """Who recomputes everything to the end makes a sound journal, with another head."""
    head = verify(directory).chain_head
    last = segments(directory)[-1]
    data = bytearray(last.read_bytes())
    seals = {p.block: p for p in pieces(data) if p.kind == KIND_SEAL}
    newest = max(seals)
    victim = next(piece for piece in pieces(data) if piece.block == newest)
    data[victim.offset + 50] ^= 1
    fix_record_crc(data, victim.offset, victim.size)
    _reseal(data, seals[newest - 1], seals[newest])
    last.write_bytes(data)
    report = verify(directory)
    assert report.damage is None
    assert report.chain_head != head


def _reseal(data: bytearray, before: Piece, seal: Piece) -> None:
    import hashlib

    hashed = hashlib.sha256(data[before.offset + 32 : before.offset + 64] + data[before.end : seal.offset])
    data[seal.offset + 32 : seal.offset + 64] = hashed.digest()
    fix_record_crc(data, seal.offset, seal.size)


def test_exchanged_and_renamed_segments_are_named(directory):
    first, second, third, *_ = segments(directory)
    for path, other in ((first, second), (second, third), (third, second)):
        data = path.read_bytes()
        path.write_bytes(other.read_bytes())
        assert found_in(directory, path) == (0, "the name and the header disagree")
        path.write_bytes(data)


@pytest.mark.parametrize(("field", "form"), [(12, "<H"), (16, "<Q"), (32, "<B"), (64, "<I"), (68, "<I")])
def test_a_forged_segment_header_does_not_fit_the_chain(directory, field, form):
    path = segments(directory)[1]
    data = bytearray(path.read_bytes())
    [value] = struct.unpack_from(form, data, field)
    struct.pack_into(form, data, field, value ^ 1)
    fix_header_crc(data)
    path.write_bytes(data)
    report = verify(directory)
    assert report.damage is not None
    assert report.damage.segment in {path.name, segments(directory)[0].name}
    if field == 32:
        assert (report.damage.offset, report.damage.reason) == (0, "the hash chain is broken between the segments")
    with pytest.raises(Corrupted):
        small(directory, **SMALL)


def test_a_segment_of_another_journal_does_not_fit(directory, tmp_path):
    with small(tmp_path / "other", shard=2, **SMALL) as journal:
        write_blocks(journal, [4] * 30)
    path = segments(directory)[1]
    path.write_bytes(segments(tmp_path / "other")[1].read_bytes())
    assert found_in(directory, path) == (0, "the segment is of another shard")

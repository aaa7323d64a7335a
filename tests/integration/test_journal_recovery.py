"""What a crash left unfinished is cut; what was once durable and is no longer right is refused, by segment and offset.

Goal: opening never loses a synced record, never invents one, and never skips over damage.
Method: one small journal is cut, zeroed and changed at every byte of its last block and at places all over its middle.
"""

import shutil
import struct
from pathlib import Path

import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.core.journal import Journal, read_records, verify
from tests.support.journals import (
    KIND_COMMAND,
    KIND_SEAL,
    command,
    fix_header_crc,
    fix_record_crc,
    pieces,
    segments,
    small,
    write_blocks,
)

SMALL = {"segment_bytes": 4_096, "buffer_bytes": 1_024}


def opened(directory: Path) -> list[int]:
    """Open for writing twice and read: opening is repeatable, and what it leaves is sound."""
    with small(directory, **SMALL) as journal:
        first = [r.sequence for r in journal.records()]
        head = journal.chain_head
    with small(directory, **SMALL) as journal:
        assert [r.sequence for r in journal.records()] == first
        assert journal.chain_head == head
        assert journal.recovery.cut is None
    report = verify(directory)
    assert (report.torn, report.damage, report.chain_head) == (None, None, head)
    return first


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    """One segment: blocks of 2, 2 and 3 commands."""
    with small(tmp_path / "j", **SMALL) as journal:
        write_blocks(journal, [2, 2, 3])
    [path] = segments(tmp_path / "j")
    return path


def test_recovery_is_repeatable(journal_file):
    assert [opened(journal_file.parent) for _ in range(3)] == [[1, 2, 3, 4, 5, 6, 7]] * 3


@pytest.mark.parametrize("tear", ["zeros", "truncated", "noise"])
def test_a_tail_torn_at_any_byte_of_the_last_block_is_cut_and_what_stood_before_it_stays(
    journal_file, tmp_path, rng, tear
):
    data = journal_file.read_bytes()
    every = list(pieces(data))
    last = [piece for piece in every if piece.block == 3]
    for at in range(last[0].offset, last[-1].end):
        torn = data[:at]
        if tear == "zeros":
            torn += bytes(len(data) - at)
        elif tear == "noise":
            torn += (
                bytes([data[at] ^ rng.randrange(1, 256)])
                + rng.randbytes(last[-1].end - at - 1)
                + bytes(len(data) - last[-1].end)
            )
        directory = tmp_path / "torn"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        (directory / journal_file.name).write_bytes(torn)
        whole = [piece.sequence for piece in every if piece.kind == KIND_COMMAND and piece.end <= at]
        # Where a record ends in zeros, a cut inside them changes nothing.
        unharmed = [
            piece.sequence for piece in every if piece.kind == KIND_COMMAND and torn[: piece.end] == data[: piece.end]
        ]
        assert opened(directory) == max(whole, unharmed), at
        assert (directory / journal_file.name).stat().st_size == 4_096


def test_a_cut_journal_goes_on(journal_file):
    data = journal_file.read_bytes()
    *_, torn, _ = pieces(data)
    journal_file.write_bytes(data[: torn.offset + 50] + bytes(len(data) - torn.offset - 50))
    with small(journal_file.parent, **SMALL) as journal:
        assert journal.last_sequence == 6
        assert journal.recovery.cut == (journal_file.name, torn.offset)
        assert journal.recovery.sealed_records == 2
        write_blocks(journal, [20])
    assert opened(journal_file.parent) == list(range(1, 27))


def test_later_records_of_the_same_block_prove_nothing(journal_file):
    """The pages of one write may reach the disk in any order: the block was never synced."""
    data = bytearray(journal_file.read_bytes())
    first = next(piece for piece in pieces(data) if piece.block == 3)
    data[first.offset : first.end] = bytes(first.size)
    journal_file.write_bytes(data)
    assert opened(journal_file.parent) == [1, 2, 3, 4]


def test_damage_anywhere_before_the_last_block_is_refused_with_segment_and_offset(journal_file):
    data = journal_file.read_bytes()
    for piece in pieces(data):
        if piece.block == 3:
            break
        for at in range(piece.offset, piece.end, 7):
            journal_file.write_bytes(data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :])
            with pytest.raises(Corrupted) as found:
                small(journal_file.parent, **SMALL)
            assert found.value.code == "journal.corrupted"
            assert found.value.context["segment"] == journal_file.name
            assert found.value.context["offset"] == str(piece.offset)
            report = verify(journal_file.parent)
            assert report.damage is not None
            assert (report.damage.segment, report.damage.offset) == (journal_file.name, piece.offset)
            assert report.last_sequence == 2 * (piece.block - 1)


def test_damage_is_found_in_every_segment_and_stops_the_reader_there(tmp_path):
    with small(tmp_path / "j", **SMALL) as journal:
        write_blocks(journal, [5] * 25)
    files = segments(tmp_path / "j")
    assert len(files) == 5
    for index, path in enumerate(files[:-1]):
        data = path.read_bytes()
        *_, last_record, _ = pieces(data)
        for offset, zeroed in ((last_record.offset, last_record.size), (last_record.offset + 60, 1)):
            path.write_bytes(data[:offset] + bytes(zeroed) + data[offset + zeroed :])
            with pytest.raises(Corrupted) as found:
                small(tmp_path / "j", **SMALL)
            assert (found.value.context["segment"], found.value.context["offset"]) == (
                path.name,
                str(last_record.offset),
            )
            seen = []
            with pytest.raises(Corrupted):
                seen.extend(r.sequence for r in read_records(tmp_path / "j"))
            assert len(seen) <= (index + 1) * 30
        path.write_bytes(data)
    assert opened(tmp_path / "j") == list(range(1, 126))


def test_whole_blocks_lost_from_the_end_of_an_older_segment_are_missed(tmp_path):
    with small(tmp_path / "j", **SMALL) as journal:
        write_blocks(journal, [5] * 10)
    older = segments(tmp_path / "j")[0]
    data = older.read_bytes()
    begin = next(piece.offset for piece in pieces(data) if piece.block == 4)
    for damaged in (data[:begin] + bytes(len(data) - begin), data[:begin]):
        older.write_bytes(damaged)
        with pytest.raises(Corrupted, match="records are missing") as found:
            small(tmp_path / "j", **SMALL)
        assert (found.value.context["segment"], found.value.context["offset"]) == (older.name, str(begin))


def test_a_missing_segment_is_named(tmp_path):
    with small(tmp_path / "j", **SMALL) as journal:
        write_blocks(journal, [5] * 20)
    _, second, third, _ = segments(tmp_path / "j")
    second.unlink()
    with pytest.raises(Corrupted, match="segment 2 is missing") as found:
        small(tmp_path / "j", **SMALL)
    assert found.value.context["segment"] == third.name


def _with_field(data: bytes, sequence: int, offset: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    piece = next(p for p in pieces(data) if p.sequence == sequence and p.kind == KIND_COMMAND)
    struct.pack_into(form, changed, piece.offset + offset, value)
    fix_record_crc(changed, piece.offset, piece.size)
    return bytes(changed)


@pytest.mark.parametrize("sequence", [1, 2, 4, 5, 7])
@pytest.mark.parametrize(
    ("offset", "form", "value", "reason"),
    [
        (16, "<Q", 99, "gap"),
        (16, "<Q", 0, "gap"),
        (12, "<I", 77, "another block"),
        (8, "<I", 5, "epoch|seal"),
        (24, "<q", -1, "chain|seal"),
    ],
)
def test_sound_records_in_a_wrong_order_are_corruption_even_in_the_last_block(
    journal_file, sequence, offset, form, value, reason
):
    journal_file.write_bytes(_with_field(journal_file.read_bytes(), sequence, offset, form, value))
    with pytest.raises(Corrupted, match=reason):
        small(journal_file.parent, **SMALL)


def test_a_broken_hash_chain_names_its_block(journal_file):
    data = bytearray(journal_file.read_bytes())
    seal = next(p for p in pieces(data) if p.block == 2 and p.kind == KIND_SEAL)
    data[seal.offset + 32] ^= 1
    fix_record_crc(data, seal.offset, seal.size)
    journal_file.write_bytes(data)
    begin = next(p.offset for p in pieces(data) if p.block == 2)
    with pytest.raises(Corrupted, match="hash chain") as found:
        small(journal_file.parent, **SMALL)
    assert found.value.context["offset"] == str(begin)


@pytest.mark.parametrize("field", [0, 8, 12, 16, 24, 32, 72, 100, 124])
def test_a_damaged_segment_header_is_refused(journal_file, field):
    data = bytearray(journal_file.read_bytes())
    data[field] ^= 0x40
    journal_file.write_bytes(data)
    with pytest.raises(Corrupted) as found:
        small(journal_file.parent, **SMALL)
    assert (found.value.context["segment"], found.value.context["offset"]) == (journal_file.name, "0")


def test_an_unknown_layout_version_is_not_guessed_at(journal_file):
    data = bytearray(journal_file.read_bytes())
    struct.pack_into("<I", data, 8, 2)
    fix_header_crc(data)
    journal_file.write_bytes(data)
    with pytest.raises(Corrupted, match="layout version 2"):
        small(journal_file.parent, **SMALL)


def test_a_named_segment_of_zeros_or_of_other_size_is_refused(journal_file):
    data = journal_file.read_bytes()
    for wrong in (bytes(len(data)), data + b"\0", data[:100]):
        journal_file.write_bytes(wrong)
        with pytest.raises(Corrupted):
            small(journal_file.parent, **SMALL)


def test_verify_and_readers_write_nothing(journal_file):
    data = journal_file.read_bytes()
    *_, torn, _ = pieces(data)
    cut = data[: torn.offset + 9] + bytes(len(data) - torn.offset - 9)
    journal_file.write_bytes(cut)
    (journal_file.parent / "lock").unlink()
    report = verify(journal_file.parent)
    assert (report.records, report.last_sequence) == (4, 4)
    assert report.torn is not None
    assert (report.torn.segment, report.torn.offset) == (journal_file.name, torn.offset)
    assert [r.sequence for r in read_records(journal_file.parent)] == [1, 2, 3, 4]
    assert journal_file.read_bytes() == cut
    assert [path.name for path in journal_file.parent.iterdir()] == [journal_file.name]


def test_spares_of_a_killed_writer_are_removed(journal_file):
    (journal_file.parent / "spare-7.qcj").write_bytes(b"half")
    with Journal(journal_file.parent, **SMALL) as journal:
        journal.append(8, 0, command())
    assert sorted(path.name for path in journal_file.parent.iterdir()) == [journal_file.name, "lock"]

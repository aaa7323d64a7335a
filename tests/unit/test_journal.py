"""The journal keeps commands in order and says no before anything happened.

Goal: what append, sync, epochs, reading and closing promise (behaviour 1.8).
Method: examples on small segments, so that rotation is met; files are real.
"""

import asyncio
import gc
import hashlib
import os
import random
import struct
import time

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, Corrupted, InvalidCommand, NotFound, Unavailable
from quantumcore.core import _native
from quantumcore.core.journal import Journal, read_records, unpack, verify
from tests.support.journals import command, fix_header_crc, pieces, segments, small, write_blocks


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_crc32c_gives_the_published_values(data, crc):
    """RFC 3720 appendix B.4."""
    assert _native.crc32c(data) == _native.crc32c(data, portable=True) == crc


def test_sha256_equals_the_standard_library_on_both_paths(rng):
    for size in [*range(260), 1_000, 4_096, 100_003]:
        data = rng.randbytes(size)
        assert _native.sha256(data) == _native.sha256(data, portable=True) == hashlib.sha256(data).digest()
        assert _native.crc32c(data) == _native.crc32c(data, portable=True)


def test_records_come_back_as_they_were_appended(tmp_path, rng):
    with small(tmp_path / "j") as journal:
        wrote = []
        for sequence in range(1, 200):
            data = rng.randbytes(rng.randrange(1, 500))
            journal.append(sequence, rng.randrange(-(2**63), 2**63), data)
            wrote.append((sequence, data))
            if rng.random() < 0.2:
                journal.sync()
        assert journal.last_sequence == 199
        journal.sync()
        assert [(r.sequence, r.command) for r in journal.records()] == wrote
    assert [(r.sequence, r.command) for r in read_records(tmp_path / "j")] == wrote


def test_sequence_and_chain_continue_after_a_restart(tmp_path):
    with small(tmp_path / "j") as journal:
        write_blocks(journal, [3, 2])
        head, block = journal.chain_head, journal.block
    for _ in range(3):
        with small(tmp_path / "j") as journal:
            assert (journal.last_sequence, journal.durable_sequence) == (5, 5)
            assert (journal.chain_head, journal.block) == (head, block)
            assert journal.recovery.records == 5
            assert journal.recovery.cut is None
    with small(tmp_path / "j") as journal:
        write_blocks(journal, [1])
        assert journal.last_sequence == 6
        assert journal.chain_head != head


def test_nothing_is_durable_before_the_sync(tmp_path):
    with small(tmp_path / "j") as journal:
        journal.append(1, 0, command())
        assert (journal.last_sequence, journal.durable_sequence) == (1, 0)
        assert list(journal.records()) == []
        assert journal.sync() == 32 + 80 + 96
        assert journal.durable_sequence == 1
        assert journal.sync() == 0


@pytest.mark.parametrize("sequence", [0, 1, 3, 5, 2**63])
def test_a_sequence_that_is_not_the_next_is_refused(tmp_path, sequence):
    with small(tmp_path / "j") as journal:
        write_blocks(journal, [3])
        with pytest.raises(Conflict) as refused:
            journal.append(sequence, 0, command())
        assert refused.value.code == "journal.out_of_order"
        assert journal.sync() == 0
        write_blocks(journal, [1])
        assert journal.last_sequence == 4


def test_a_stale_primary_cannot_append(tmp_path):
    with small(tmp_path / "j") as journal:
        journal.append(1, 0, command(), epoch=4)
        journal.raise_epoch(7)
        assert journal.durable_sequence == 1
        for epoch in (0, 4, 6):
            with pytest.raises(Conflict) as refused:
                journal.append(2, 0, command(), epoch=epoch)
            assert refused.value.code == "journal.stale_epoch"
            with pytest.raises(Conflict):
                journal.append_batch(command(), 2, 0, epoch=epoch)
        with pytest.raises(Conflict):
            journal.raise_epoch(6)
        journal.raise_epoch(7)
        journal.append(2, 0, command(), epoch=7)
        journal.append(3, 0, command())
    with small(tmp_path / "j") as journal:
        assert journal.epoch == 7
        assert [r.epoch for r in journal.records()] == [4, 7, 7]


def test_an_epoch_is_remembered_without_any_command(tmp_path):
    with small(tmp_path / "j") as journal:
        journal.raise_epoch(3)
    with small(tmp_path / "j") as journal, pytest.raises(Conflict):
        journal.append(1, 0, command(), epoch=2)


def test_a_batch_is_its_commands_one_by_one(tmp_path):
    batch = [command(n, size) for n, size in enumerate([80, 16, 512, 24, 152], 1)]
    with small(tmp_path / "a") as one, small(tmp_path / "b") as many:
        for number, each in enumerate(batch, 1):
            one.append(number, 9, each)
        assert many.append_batch(b"".join(batch), 1, 9) == len(batch)
        one.sync()
        many.sync()
        assert one.chain_head == many.chain_head
        assert list(one.records()) == list(many.records())


@pytest.mark.parametrize(
    "bad",
    [
        b"\x10",
        struct.pack("<H", 8) + bytes(6),
        bytes(16),
        struct.pack("<H", 20) + bytes(18),
        command(1, 16_392),
        command(1, 80)[:72],
    ],
)
def test_bad_framing_refuses_the_whole_batch(tmp_path, bad):
    with small(tmp_path / "j") as journal:
        with pytest.raises(InvalidCommand):
            journal.append_batch(command(1) + bad, 1, 0)
        assert journal.last_sequence == 0
        assert journal.sync() == 0


def test_the_shortest_and_the_longest_command_are_written(tmp_path):
    both = [command(1, wire.MIN_COMMAND), command(2, wire.MAX_COMMAND)]
    with Journal(tmp_path / "j") as journal:
        assert journal.append_batch(b"".join(both), 1, 0) == 2
        journal.sync()
        assert [record.command for record in journal.records()] == both


@pytest.mark.parametrize("size", [0, 8_192, 70_000])
def test_a_command_that_does_not_fit_is_refused(tmp_path, size):
    with small(tmp_path / "j") as journal, pytest.raises(InvalidCommand):
        journal.append(1, 0, bytes(size))


def test_a_full_buffer_syncs_by_itself(tmp_path):
    with small(tmp_path / "j", buffer_bytes=1_024) as journal:
        for sequence in range(1, 101):
            journal.append(sequence, 0, command(sequence))
        assert 80 < journal.durable_sequence < 100
        journal.sync()
        assert [r.sequence for r in journal.records()] == list(range(1, 101))


def test_segments_follow_each_other(tmp_path):
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        write_blocks(journal, [5] * 40)
        names = [path.name for path in segments(tmp_path / "j")]
        assert len(names) == 7
        assert names[0] == "journal-00000000000000000001.qcj"
        assert [r.sequence for r in journal.records()] == list(range(1, 201))
        assert [r.sequence for r in journal.records(150)] == list(range(151, 201))
    assert all(path.stat().st_size == 4_096 for path in segments(tmp_path / "j"))
    report = verify(tmp_path / "j")
    assert (report.segments, report.records, report.damage, report.torn) == (len(names), 200, None, None)


def test_a_changed_segment_size_applies_from_the_next_segment_on(tmp_path):
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        write_blocks(journal, [5] * 3)
    with small(tmp_path / "j") as journal:
        write_blocks(journal, [50] * 4)
    assert [path.stat().st_size for path in segments(tmp_path / "j")] == [4_096, 65_536]
    assert verify(tmp_path / "j").records == 215


def test_only_one_writer_opens_a_directory(tmp_path):
    with small(tmp_path / "j"):
        with pytest.raises(Unavailable) as refused:
            small(tmp_path / "j")
        assert refused.value.code == "journal.locked"
        assert verify(tmp_path / "j").damage is None
    small(tmp_path / "j").close()


def test_a_closed_journal_takes_nothing(tmp_path):
    journal = small(tmp_path / "j")
    journal.append(1, 0, command())
    journal.close()
    journal.close()
    for use in (
        lambda: journal.append(2, 0, command()),
        journal.sync,
        lambda: journal.reserve(1),
        lambda: journal.raise_epoch(1),
    ):
        with pytest.raises(Unavailable) as refused:
            use()
        assert refused.value.code == "journal.closed"
    assert [r.sequence for r in read_records(tmp_path / "j")] == [1]


def test_dropping_without_close_loses_nothing_that_was_synced(tmp_path):
    journal = small(tmp_path / "j")
    write_blocks(journal, [4])
    journal.append(5, 0, command())
    del journal
    gc.collect()
    with small(tmp_path / "j") as journal:
        assert journal.last_sequence == 4


@pytest.mark.parametrize("empty_file", [False, True])
def test_an_empty_directory_or_file_holds_no_records(tmp_path, empty_file):
    directory = tmp_path / "j"
    directory.mkdir()
    if empty_file:
        (directory / "journal-00000000000000000001.qcj").touch()
    assert verify(directory).records == 0
    assert list(read_records(directory)) == []
    with small(directory) as journal:
        assert journal.last_sequence == 0
        write_blocks(journal, [2])
    assert verify(directory).records == 2


def test_chunks_are_bounded_and_hold_one_record_at_least(tmp_path):
    with small(tmp_path / "j") as journal:
        write_blocks(journal, [7, 7])
        seen, after = [], 0
        while chunk := journal.read(after, max_bytes=250):
            assert len(chunk) <= 250
            seen += [r.sequence for r in unpack(chunk)]
            after = seen[-1]
        assert seen == list(range(1, 15))
        assert len(journal.read(0, max_bytes=1)) == 24 + 80
        assert journal.read(99) == b""


def test_a_reader_follows_a_writer(tmp_path):
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        reader = _native.JournalReader(str(tmp_path / "j"), 0)
        assert reader.read(1 << 20) == b""
        seen = []
        for _ in range(60):
            write_blocks(journal, [2])
            journal.append(journal.last_sequence + 1, 0, command())
            seen += [r.sequence for r in unpack(reader.read(1 << 20))]
        journal.sync()
        seen += [r.sequence for r in unpack(reader.read(1 << 20))]
        assert seen == list(range(1, 181))


def test_asking_at_the_end_again_and_again_gives_nothing(tmp_path):
    """On megabytes of commands that look like records inside, so that whoever begins again at a wrong place finds some."""
    alike = command(1, 512)[:16] + struct.pack("<II", 8, 1) * 62
    with Journal(tmp_path / "j") as journal:
        for _ in range(12):
            journal.append_batch(alike * 1_000, journal.last_sequence + 1, 0)
        journal.sync()
        journal.append(12_001, 0, command())
        reader = _native.JournalReader(str(tmp_path / "j"), 0)
        assert len(reader.read(1 << 26)) == 12_000 * (24 + 512)
        assert [reader.read(1 << 20) for _ in range(3)] == [b""] * 3
        journal.read(0, 1 << 26)
        assert [journal.read(12_000) for _ in range(3)] == [b""] * 3
        journal.sync()
        assert [r.sequence for r in unpack(reader.read(1 << 20))] == [12_001]
        assert reader.read(1 << 20) == b""


def test_what_is_sound_before_a_damage_is_read_first(tmp_path):
    with small(tmp_path / "j") as journal:
        write_blocks(journal, [5, 5, 5])
    [path] = segments(tmp_path / "j")
    data = bytearray(path.read_bytes())
    data[next(piece for piece in pieces(data) if piece.block == 2).offset + 40] ^= 1
    path.write_bytes(data)
    reading = read_records(tmp_path / "j")
    seen = [next(reading).sequence for _ in range(5)]
    with pytest.raises(Corrupted):
        next(reading)
    assert seen == [1, 2, 3, 4, 5]
    reader = _native.JournalReader(str(tmp_path / "j"), 0)
    assert len(list(unpack(reader.read(1 << 20)))) == 5
    for _ in range(3):
        with pytest.raises(_native.CorruptedJournal):
            reader.read(1 << 20)


def test_archived_segments_are_missed_only_by_those_who_ask_for_them(tmp_path):
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        write_blocks(journal, [5] * 20)
    first, *_, _last = segments(tmp_path / "j")
    first.unlink()
    report = verify(tmp_path / "j")
    assert report.damage is None
    assert report.last_sequence == 100
    with pytest.raises(NotFound) as missing:
        list(read_records(tmp_path / "j"))
    assert missing.value.code == "journal.not_found"
    assert [r.sequence for r in read_records(tmp_path / "j", 90)] == list(range(91, 101))
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024, trusted_sequence=99) as journal:
        assert journal.last_sequence == 100
        assert journal.recovery.records < 20


def test_a_journal_that_ends_before_its_snapshot_is_corrupted(tmp_path):
    with small(tmp_path / "j") as journal:
        write_blocks(journal, [5])
    small(tmp_path / "j", trusted_sequence=5).close()
    with pytest.raises(Corrupted, match="ends at sequence 5, but 6"):
        small(tmp_path / "j", trusted_sequence=6)


def test_block_numbers_wrap(tmp_path):
    """2^32 group commits are a few weeks of a busy venue."""
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        write_blocks(journal, [5] * 10)
    *older, last = segments(tmp_path / "j")
    for path in older:
        path.unlink()
    data = bytearray(last.read_bytes())
    data[128:] = bytes(len(data) - 128)
    struct.pack_into("<I", data, 64, 2**32 - 2)
    fix_header_crc(data)
    last.write_bytes(data)
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        before = journal.last_sequence
        write_blocks(journal, [2] * 5)
        assert journal.block == 2
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        assert journal.last_sequence == before + 10
    data = last.read_bytes()
    for number in (2**32 - 2, 2**32 - 1, 0, 1):
        victim = next(piece for piece in pieces(data) if piece.block == number)
        last.write_bytes(data[: victim.offset + 40] + b"?" + data[victim.offset + 41 :])
        report = verify(tmp_path / "j")
        assert report.damage is not None
        assert report.damage.offset == victim.offset


def test_the_directory_of_another_shard_is_refused(tmp_path):
    small(tmp_path / "j", shard=3).close()
    with pytest.raises(Corrupted, match="belongs to shard 3"):
        small(tmp_path / "j", shard=4)


@pytest.mark.parametrize(
    "options",
    [
        {"segment_bytes": 1_000},
        {"segment_bytes": 4_100},
        {"segment_bytes": 1 << 30},
        {"buffer_bytes": 100},
        {"buffer_bytes": 32_768},
    ],
)
def test_impossible_sizes_are_refused(tmp_path, options):
    with pytest.raises(InvalidCommand):
        small(tmp_path / "j", **options)


def _descriptors() -> int:
    gc.collect()  # what earlier tests dropped
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.hazard("D3")
def test_a_thousand_cycles_of_open_fail_and_close_leave_no_descriptor(tmp_path):
    good, bad, headless = tmp_path / "good", tmp_path / "bad", tmp_path / "headless"
    for directory in (good, bad, headless):
        with small(directory, segment_bytes=4_096, buffer_bytes=1_024) as journal:
            write_blocks(journal, [3, 3])
    for directory, at in ((bad, 200), (headless, 20)):
        [path] = segments(directory)
        data = bytearray(path.read_bytes())
        data[at] ^= 0xFF
        path.write_bytes(data)
    before = _descriptors()
    for cycle in range(1_000):
        for directory in (bad, headless):
            with pytest.raises(Corrupted):
                small(directory, segment_bytes=4_096, buffer_bytes=1_024)
        if cycle % 10 == 0:
            with small(good, segment_bytes=4_096, buffer_bytes=1_024) as journal:
                with pytest.raises(Unavailable):
                    small(good)
                with pytest.raises(Conflict):
                    journal.append(99, 0, command())
                list(journal.records())
        else:
            assert verify(bad).damage is not None
    assert _descriptors() == before


class _SlowDisk:
    """Stands for the native journal while its disk takes its time."""

    def __init__(self, native: object, seconds: float) -> None:
        self._native, self._seconds = native, seconds
        self.syncs = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._native, name)

    def sync(self) -> int:
        time.sleep(self._seconds)
        self.syncs += 1
        return self._native.sync()


async def test_waiting_for_a_slow_sync_neither_blocks_nor_spins(tmp_path):
    with small(tmp_path / "j") as journal:
        journal._native = _SlowDisk(journal._native, 0.5)
        journal.append(1, 0, command())
        cpu, worst, turns = time.process_time(), 0.0, 0
        waiting = asyncio.create_task(journal.synced())
        while not waiting.done():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            worst, turns = max(worst, time.monotonic() - began), turns + 1
        assert journal.durable_sequence == 1
        assert worst < 0.25
        assert turns > 20
        assert time.process_time() - cpu < 0.25


async def test_those_who_wait_together_share_a_sync_that_began_after_they_appended(tmp_path):
    with small(tmp_path / "j") as journal:
        disk = journal._native = _SlowDisk(journal._native, 0.02)

        async def submit(delay: float) -> None:
            await asyncio.sleep(delay)
            sequence = journal.last_sequence + 1
            journal.append(sequence, 0, command(sequence))
            await journal.synced()
            assert journal.durable_sequence >= sequence

        rng = random.Random(5)
        await asyncio.gather(*(submit(rng.random() * 0.2) for _ in range(200)))
        assert disk.syncs <= 13


async def test_a_caller_that_gives_up_leaves_the_others_their_sync(tmp_path):
    with small(tmp_path / "j") as journal:
        journal._native = _SlowDisk(journal._native, 0.05)
        journal.append(1, 0, command())
        first, second = asyncio.create_task(journal.synced()), asyncio.create_task(journal.synced())
        await asyncio.sleep(0.01)
        first.cancel()
        await second
        assert journal.durable_sequence == 1

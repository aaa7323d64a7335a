"""What a command costs in the journal: bytes, memory, time.

Goal: 32 bytes of header per command, no allocation per append, and a group commit that is far from being the limit.
Method: counted where it can be counted; timed with budgets that a loaded machine meets, figures printed.
"""

import os
import statistics
import time
from pathlib import Path

import pytest

from quantumcore.core import _native
from quantumcore.core.journal import Journal, verify
from tests.support import faulty_disk
from tests.support.journals import command, small


def test_a_record_costs_its_header_and_a_block_its_seal(tmp_path):
    with small(tmp_path / "j") as journal:
        for count, size in ((1, 80), (100, 80), (10, 16), (3, 17)):
            for _ in range(count):
                journal.append(journal.last_sequence + 1, 0, command(size=size))
            assert journal.sync() == count * (32 + (size + 7) // 8 * 8) + 96


def test_appending_and_syncing_allocate_nothing_after_warm_up(tmp_path):
    script = """
    journal = Journal(directory)
    one, batch = command(), command() * 100
    def work():
        for _ in range(2_000):
            journal.append(journal.last_sequence + 1, 0, one)
        for _ in range(20):
            journal.append_batch(batch, journal.last_sequence + 1, 0)
            journal.sync()
    work()
    before = disk.mallocs()
    work()
    print(disk.mallocs() - before)
    """
    done = faulty_disk.run(faulty_disk.build(tmp_path), tmp_path / "j", script)
    assert done.returncode == 0, done.stderr
    # A handful are the interpreter's own; one per append would be thousands.
    assert int(done.stdout) < 40


def _raw_sync_seconds(folder: Path, size: int, rounds: int) -> float:
    """Median time of one overwrite and fdatasync on this disk, with nothing of ours."""
    path = folder / "raw"
    path.write_bytes(bytes(16 << 20))
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
        took = []
        for n in range(rounds):
            began = time.perf_counter()
            os.pwrite(fd, bytes(size), n * size % (8 << 20))
            os.fdatasync(fd)
            took.append(time.perf_counter() - began)
        return statistics.median(took)
    finally:
        os.close(fd)


@pytest.mark.parametrize(("batch", "least"), [(1, 0), (100, 20_000), (1_000, 100_000), (16_384, 200_000)])
def test_group_commit_is_fast_enough(tmp_path, batch, least, capsys):
    rounds = max(20, min(400, 200_000 // batch))
    raw = _raw_sync_seconds(tmp_path, 208 if batch == 1 else batch * 112, min(rounds, 100))
    with Journal(tmp_path / "j") as journal:
        commands, took = command() * batch, []
        for _ in range(rounds):
            began = time.perf_counter()
            journal.append_batch(commands, journal.last_sequence + 1, 0)
            journal.sync()
            took.append(time.perf_counter() - began)
    rate, p50 = batch * rounds / sum(took), statistics.median(took)
    with capsys.disabled():
        print(
            f"\njournal, {batch} per commit: {rate:,.0f}/s, p50 {p50 * 1e6:,.0f} us; write + fdatasync alone {raw * 1e6:,.0f} us"
        )
    assert rate >= least


def test_replay_is_fast_enough(tmp_path, capsys):
    with Journal(tmp_path / "j") as journal:
        for _ in range(50):
            journal.append_batch(command() * 10_000, journal.last_sequence + 1, 0)
            journal.sync()
    began = time.perf_counter()
    reader, size = _native.JournalReader(str(tmp_path / "j"), 0), 0
    while chunk := reader.read(1 << 20):
        size += len(chunk)
    read = time.perf_counter() - began
    assert size == 500_000 * (24 + 80)
    began = time.perf_counter()
    assert verify(tmp_path / "j").records == 500_000
    walked = time.perf_counter() - began
    with capsys.disabled():
        print(f"\njournal, replay: {500_000 / read:,.0f} commands/s read, {500_000 / walked:,.0f}/s verified")
    assert 500_000 / read >= 500_000

"""The journal on a disk that fills up, fails, tears and dies.

Goal: promises R1, R2 and R10 of the journal alone: nothing acknowledged is lost, a full disk refuses before anything
happened, a failed sync is never asked again.
Method: the shipped binary runs in subprocesses over a preloaded library that fails system calls on command; writers are
killed at random moments; power loss is played on copies of the files, sector by sector.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from quantumcore.core.journal import read_records, verify
from tests.support import faulty_disk
from tests.support.journals import command, small
from tests.support.power_loss import power_loss

RUNS = 10_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 200


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    return faulty_disk.build(tmp_path_factory.mktemp("faulty"))


def passes(library: Path, directory: Path, script: str) -> None:
    done = faulty_disk.run(library, directory, script)
    assert done.returncode == 0, done.stderr


def test_a_full_disk_refuses_before_anything_happened_and_goes_on_when_space_is_back(library, tmp_path):
    passes(
        library,
        tmp_path / "j",
        """
        journal = small(directory, segment_bytes=8_192, buffer_bytes=2_048)
        disk.full()
        accepted = 0
        while True:
            first = journal.last_sequence + 1
            try:
                journal.append_batch(b"".join(command(first + n) for n in range(5)), first, 0)
            except Unavailable as error:
                assert error.code == "journal.full", error
                break
            journal.sync()
            accepted += 5
        assert 45 <= accepted <= 150, accepted   # what the segments that existed could hold, no more
        chain = journal.chain_head
        for _ in range(3):
            refused(lambda: journal.append_batch(command() * 5, accepted + 1, 0), "journal.full")
            refused(lambda: journal.append(accepted + 1, 0, command(size=512)), "journal.full")
            refused(lambda: journal.reserve(5 * 80, 5), "journal.full")
        assert (journal.last_sequence, journal.sync(), journal.chain_head) == (accepted, 0, chain)
        assert [r.sequence for r in journal.records()] == list(range(1, accepted + 1))
        disk.full(False)
        write_blocks(journal, [5] * 40)
        journal.close()
        report = verify(directory)
        assert (report.records, report.damage, report.torn) == (accepted + 200, None, None)
        assert not list(directory.glob("spare*"))
        """,
    )


def test_what_was_appended_before_the_disk_was_full_can_always_be_synced(library, tmp_path):
    """Room is counted when a command is taken, so that a sync never meets a full disk."""
    passes(
        library,
        tmp_path / "j",
        """
        import random
        for seed in range(40):
            rng = random.Random(seed)
            journal = small(directory / str(seed), segment_bytes=4_096, buffer_bytes=1_024)
            disk.full()
            for _ in range(200):
                try:
                    journal.append(journal.last_sequence + 1, 0, command(size=rng.choice([16, 24, 80, 200, 400])))
                except Unavailable as error:
                    assert error.code == "journal.full", error
                    if rng.random() < 0.3:
                        disk.full(False)
                if rng.random() < 0.3:
                    journal.sync()
                    disk.full()
            journal.close()
            disk.full(False)
            assert verify(directory / str(seed)).damage is None
        """,
    )


def test_a_full_disk_when_a_journal_is_made_says_so_and_leaves_nothing_half(library, tmp_path):
    passes(
        library,
        tmp_path / "j",
        """
        disk.full()
        refused(lambda: small(directory), "journal.full")
        disk.full(False)
        with small(directory) as journal:
            write_blocks(journal, [2])
        """,
    )


@pytest.mark.parametrize(("call", "error"), [("PWRITE", "EIO"), ("FDATASYNC", "EIO"), ("FDATASYNC", "ENOSPC")])
def test_a_failed_write_or_sync_ends_the_journal_and_is_never_repeated(library, tmp_path, call, error):
    passes(
        library,
        tmp_path / "j",
        f"""
        journal = small(directory)
        write_blocks(journal, [3, 3])
        journal.append(7, 0, command())
        await_spare(directory)
        disk.fail({call}, errno.{error})
        refused(journal.sync, "journal.failed")
        disk.heal()
        calls = disk.calls(FDATASYNC), disk.calls(PWRITE)
        for use in (journal.sync, lambda: journal.append(8, 0, command()), lambda: journal.raise_epoch(2), lambda: journal.reserve(1)):
            refused(use, "journal.failed")
        assert journal.durable_sequence == 6
        refused(journal.close, "journal.failed")
        assert (disk.calls(FDATASYNC), disk.calls(PWRITE)) == calls
        journal = small(directory)
        assert journal.last_sequence in (6, 7)
        write_blocks(journal, [1])
        """,
    )


def test_a_failing_rotation_ends_the_journal_with_everything_acknowledged(library, tmp_path):
    passes(
        library,
        tmp_path / "j",
        """
        for call in (PWRITE, FDATASYNC, FSYNC):
            for after in (0, 1):
                here = directory / f"{call}-{after}"
                journal = small(here, segment_bytes=4_096, buffer_bytes=1_024)
                write_blocks(journal, [6] * 4)
                journal.reserve(600, 6)
                disk.fail(call, errno.EIO, after)
                for n in range(6):
                    journal.append(25 + n, 0, command())
                try:
                    journal.sync()
                    acknowledged = 30
                except Unavailable:
                    acknowledged = 24
                disk.heal()
                try:
                    journal.close()
                except Unavailable:
                    pass
                with small(here, segment_bytes=4_096, buffer_bytes=1_024) as journal:
                    assert journal.last_sequence >= acknowledged
                    write_blocks(journal, [6] * 10)
                report = verify(here)
                assert (report.damage, report.torn) == (None, None), report
        """,
    )


def test_short_writes_are_continued(library, tmp_path):
    passes(
        library,
        tmp_path / "j",
        """
        disk.short_writes()
        with small(directory) as journal:
            write_blocks(journal, [50] * 5)
        assert verify(directory).records == 250
        """,
    )


@pytest.mark.hazard("C4")
def test_a_failing_flush_at_close_tells_the_caller_and_the_process_ends_non_zero(library, tmp_path):
    script = """
    journal = small(directory)
    write_blocks(journal, [3])
    journal.append(4, 0, command())
    await_spare(directory)
    descriptors = len(os.listdir("/proc/self/fd"))
    disk.fail(FDATASYNC, errno.EIO)
    try:
        journal.close()
    finally:
        print("descriptors", descriptors - len(os.listdir("/proc/self/fd")))
        journal.close()
    """
    done = faulty_disk.run(library, tmp_path / "j", script)
    assert done.returncode == 1
    assert "journal.failed" in done.stderr
    assert done.stdout.split()[0] == "descriptors"
    assert int(done.stdout.split()[1]) >= 2
    with small(tmp_path / "j") as journal:
        assert journal.last_sequence in {3, 4}


@pytest.mark.hazard("C4")
def test_nothing_leaves_a_destructor_and_nothing_acknowledged_is_lost(library, tmp_path):
    script = """
    journal = small(directory)
    write_blocks(journal, [3])
    journal.append(4, 0, command())
    disk.fail(FDATASYNC, errno.EIO)
    disk.fail(PWRITE, errno.EIO)
    del journal
    print("alive")
    """
    done = faulty_disk.run(library, tmp_path / "j", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")
    with small(tmp_path / "j") as journal:
        assert journal.last_sequence == 3


def test_every_acknowledged_command_survives_kill_9(library, tmp_path, rng):
    """The page cache survives the process: this proves the order of steps, power loss below proves the syncs."""
    script = """
    import random
    rng = random.Random(os.getpid())
    journal = small(directory, segment_bytes=8_192, buffer_bytes=2_048)
    print("ready", flush=True)
    while True:
        for _ in range(rng.randrange(1, 9)):
            journal.append(journal.last_sequence + 1, 0, command(journal.last_sequence + 1))
        journal.sync()
        print(journal.last_sequence, flush=True)
    """
    last = 0
    for _ in range(12):
        process = faulty_disk.start(library, tmp_path / "j", script, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        acknowledged = [int(line) for line in process.stdout.read().split("\n")[:-1]]
        process.wait()
        process.stdout.close()
        with small(tmp_path / "j", segment_bytes=8_192, buffer_bytes=2_048) as journal:
            assert journal.last_sequence >= (acknowledged[-1] if acknowledged else last)
            last = journal.last_sequence
            assert all(r.command == command(r.sequence) for r in journal.records())
    assert last > 100
    assert [r.sequence for r in read_records(tmp_path / "j")] == list(range(1, last + 1))
    assert verify(tmp_path / "j").damage is None


@pytest.mark.fuzz
@pytest.mark.timeout(1_800)
def test_power_loss_takes_nothing_that_was_acknowledged(tmp_path, seed):
    for run in random.Random(seed).sample(range(2**40), RUNS):
        power_loss(tmp_path, run)

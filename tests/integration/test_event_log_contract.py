"""The event log on files is an EventLog.

Goal: what was appended is read again, whatever happened to the file meanwhile, or it is said what is damaged.
Method: the contract suite with small segments, so that every case crosses their borders; then damage and cuts.
"""

import os
import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quantumcore.adapters import event_reader
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.event_reader import EventLogReader
from quantumcore.contracts.errors import Corrupted, Forbidden, Unavailable
from quantumcore.ports.event_log import EventBatch
from tests.support.contracts.event_log import EventLogContract
from tests.support.events import batch, sequences

SMALL = 1_000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[FileEventLog]:
    log = FileEventLog(tmp_path, segment_bytes=SMALL, tail_bytes=SMALL)
    yield log
    log.close()


class TestFileEventLog(EventLogContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Callable[[FileEventLog], FileEventLog]]:
        opened: list[FileEventLog] = []

        def reopen(log: FileEventLog) -> FileEventLog:
            log.close()
            opened.append(FileEventLog(tmp_path, segment_bytes=SMALL, tail_bytes=SMALL))
            return opened[-1]

        yield reopen
        for log in opened:
            log.close()


def fill(log: FileEventLog, last: int) -> None:
    for sequence in range(log.last + 1, last + 1):
        log.append(batch(sequence))


def everything(log: FileEventLog | EventLogReader, after: int = 0) -> list[EventBatch]:
    found: list[EventBatch] = []
    while batches := log.read(after, 500):
        found += batches
        after = batches[-1].last
    return found


def files(directory: Path) -> list[Path]:
    return sorted(directory.glob("events-*.qce"))


def test_files_are_named_after_their_first_sequence(log: FileEventLog, tmp_path: Path) -> None:
    fill(log, 20)
    assert len(files(tmp_path)) > 2
    assert files(tmp_path)[0].name == "events-00000000000000000001.qce"


@pytest.mark.parametrize("lost", range(1, 150, 7))
def test_a_torn_tail_is_cut_and_the_log_goes_on(tmp_path: Path, lost: int) -> None:
    log = FileEventLog(tmp_path)
    fill(log, 3)
    log.close()
    path = files(tmp_path)[0]
    os.truncate(path, path.stat().st_size - lost)
    log = FileEventLog(tmp_path)
    assert log.last == 2
    fill(log, 5)
    assert sequences(everything(log)) == [1, 2, 3, 4, 5]
    log.close()


@pytest.mark.parametrize("zeros", [8, 24, 4096])
def test_a_tail_of_zeros_is_cut(tmp_path: Path, zeros: int) -> None:
    """What a file system may leave after a loss of power."""
    log = FileEventLog(tmp_path)
    fill(log, 3)
    log.close()
    with files(tmp_path)[0].open("ab") as file:
        file.write(bytes(zeros))
    log = FileEventLog(tmp_path)
    assert log.last == 3
    log.close()


def test_a_damaged_middle_is_corrupted_with_segment_and_offset(tmp_path: Path, rng: random.Random) -> None:
    """Any byte of any frame but the last, also of its length, which must not make the rest look like a torn tail."""
    log = FileEventLog(tmp_path)
    fill(log, 6)
    log.close()
    path = files(tmp_path)[0]
    whole = path.read_bytes()
    frame = len(whole) // 6
    for at in [0, 1, 3, 4, 8, 16, 24, *(rng.randrange(5 * frame) for _ in range(40))]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(Corrupted, match=rf"{path.name}.* byte {at // frame * frame}\b"):
            FileEventLog(tmp_path)
        assert path.read_bytes() == damaged


def test_a_damaged_sealed_segment_is_corrupted_when_it_is_read(log: FileEventLog, tmp_path: Path) -> None:
    fill(log, 40)
    log.close()
    path = files(tmp_path)[1]
    raw = bytearray(path.read_bytes())
    raw[40] ^= 1
    path.write_bytes(raw)
    log = FileEventLog(tmp_path, segment_bytes=SMALL, tail_bytes=SMALL)
    with pytest.raises(Corrupted, match=f"{path.name}: damaged frame at byte 0"):
        everything(log)
    log.close()


def test_cut_after_any_sequence_it_goes_on_from_there(tmp_path: Path, rng: random.Random) -> None:
    for case in range(30):
        log = FileEventLog(tmp_path / str(case), segment_bytes=SMALL, tail_bytes=SMALL)
        while log.last < 60:
            log.append(batch(log.last + 1, log.last + rng.randrange(1, 6)))
        after = rng.randrange(log.last + 1)
        log.truncate_after(after)
        assert log.last == after
        assert sequences(everything(log)) == list(range(1, after + 1))
        fill(log, after + 5)
        log.close()
        log = FileEventLog(tmp_path / str(case), segment_bytes=SMALL)
        assert sequences(everything(log)) == list(range(1, after + 6))
        log.close()


def test_a_reset_log_begins_where_it_was_told(log: FileEventLog, tmp_path: Path) -> None:
    fill(log, 40)
    log.reset(1_000)
    assert (log.last, log.begin) == (1_000, 1_001)
    assert log.read(1_000) == []
    fill(log, 1_003)
    with pytest.raises(Corrupted, match="begins at 1001"):
        log.read(0)
    assert sequences(everything(log, 1_000)) == [1_001, 1_002, 1_003]
    log.close()
    again = FileEventLog(tmp_path)
    assert again.last == 1_003
    again.close()


def test_an_empty_log_that_was_reset_remembers_where_after_it_was_opened_again(tmp_path: Path) -> None:
    log = FileEventLog(tmp_path)
    log.reset(7)
    log.close()
    log = FileEventLog(tmp_path)
    assert log.last == 7
    log.close()


def test_a_full_disk_refuses_the_batch_and_keeps_the_log_whole(tmp_path: Path) -> None:
    """The limit of the process on a file's size stands in for the disk's; a write is cut short by it."""
    import signal

    log = FileEventLog(tmp_path)
    fill(log, 10)
    size = files(tmp_path)[0].stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                log.append(batch(11))
            assert caught.value.code == "event_log.full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert log.last == 10
    assert files(tmp_path)[0].stat().st_size == size
    fill(log, 12)
    assert sequences(everything(log)) == list(range(1, 13))
    log.close()


@pytest.mark.hazard("C4")
def test_a_sync_that_fails_at_close_is_told_and_the_file_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FileEventLog(tmp_path)
    fill(log, 3)

    def broken(handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(OSError, match="Input/output"):
        log.close()
    monkeypatch.undo()
    log.close()
    again = FileEventLog(tmp_path)
    assert again.last == 3
    again.close()


def test_hundred_cycles_leave_no_open_file(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        log = FileEventLog(tmp_path, segment_bytes=SMALL)
        fill(log, log.last + 5)
        everything(log)
        log.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_reader_follows_growth_cuts_and_resets(log: FileEventLog, tmp_path: Path) -> None:
    reader = EventLogReader(tmp_path)
    assert reader.read(0) == []
    fill(log, 30)
    assert sequences(everything(reader)) == list(range(1, 31))
    fill(log, 45)
    assert sequences(everything(reader, 30)) == list(range(31, 46))
    log.truncate_after(33)
    assert reader.read(40) == []
    assert reader.last == 33
    log.reset(100)
    fill(log, 102)
    assert sequences(everything(reader, 100)) == [101, 102]
    with pytest.raises(Forbidden):
        reader.append(batch(103))
    reader.close()


async def test_a_reader_waits_for_growth(log: FileEventLog, tmp_path: Path) -> None:
    import asyncio

    reader = EventLogReader(tmp_path, poll_s=0.001)
    waiting = asyncio.create_task(reader.wait(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    log.append(batch(1))
    await asyncio.wait_for(waiting, 5)
    reader.close()


async def test_a_reader_that_is_told_of_growth_need_not_poll(log: FileEventLog, tmp_path: Path) -> None:
    import asyncio

    reader = EventLogReader(tmp_path, poll_s=60)
    waiting = asyncio.create_task(reader.wait(0))
    await asyncio.sleep(0)
    reader.grown()  # told too early: nothing is there
    await asyncio.sleep(0.01)
    assert not waiting.done()
    log.append(batch(1))
    reader.grown()
    await asyncio.wait_for(waiting, 5)
    reader.close()


def test_readers_of_one_reader_share_what_was_decoded(log: FileEventLog, tmp_path: Path) -> None:
    """Two followers at the same place get the same batches; one far behind reads for itself and disturbs nobody."""
    fill(log, 40)
    reader = EventLogReader(tmp_path)
    first = everything(reader)
    assert [id(one) for one in everything(reader)] == [id(one) for one in first]
    fill(log, 80)
    newest = everything(reader, 40)
    assert sequences(everything(reader)) == list(range(1, 81))
    assert [id(one) for one in everything(reader, 40)] == [id(one) for one in newest]
    log.truncate_after(60)
    log.append(batch(61, 65))
    again = everything(reader, 50)
    assert sequences(again) == list(range(51, 66))
    assert not {id(one) for one in again} & {id(one) for one in newest}
    reader.close()


def test_what_a_reader_keeps_is_bounded(log: FileEventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_reader, "TAIL_BYTES", 2_000)
    reader = EventLogReader(tmp_path)
    for last in range(10, 400, 10):
        fill(log, last)
        reader.read(last - 10, 1 << 30)
    kept = sum(len(one.raw) for one in reader._tail._batches)
    assert 0 < kept <= 2_000 + max(len(one.raw) for one in reader._tail._batches)
    assert sequences(everything(reader)) == list(range(1, last + 1))
    reader.close()

"""The ring and the seqlock: what a reader in another thread gets is whole, in order, and of one publication.

Goal: no order of memory accesses that C++ allows makes a reader see a mixture or lose count; nor do real threads.
Method: the templates under a memory model that walks every schedule, because this processor hides most weak orders; then
eight readers of a ring and four of a seqlock beside one writer, whose items say of themselves what they are, as they are
and under ThreadSanitizer. The programs are those of native/stress, compiled here: only headers are needed.
"""

import re
from pathlib import Path

import pytest

from tests.support.native_programs import compiled, finished

ITEMS = 10_000_000
ITEMS_WATCHED = 100_000
SEEDS = 20_000


@pytest.mark.hazard("E4")
@pytest.mark.hazard("B12")
@pytest.mark.timeout(110)
def test_no_schedule_of_the_memory_model_is_wrong(tmp_path: Path, seed: int):
    """Every schedule of two threads, 20,000 of three; and each order, made weaker by itself, goes wrong."""
    program = compiled(tmp_path, "memory_model", "-O1")
    done = finished(program, str(SEEDS), str(seed % 2**31), seconds=90)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    found = [line.split()[0] for line in done.stdout.splitlines()]
    assert found == ["ok"] * len(found)
    assert re.search(r"seqlock: .* all \d{6,} schedules .* 0 wrong", done.stdout)
    assert re.search(r"ring of 2: .* all \d{6,} schedules .* 0 wrong", done.stdout)
    assert done.stdout.count(f"{SEEDS} drawn schedules, 0 wrong") == 2


@pytest.mark.hazard("E4")
@pytest.mark.hazard("B12")
@pytest.mark.timeout(110)
def test_readers_of_ten_million_items_see_none_torn_and_are_told_what_they_missed(tmp_path: Path):
    """One writer, eight readers of the ring; one writer, four readers of the seqlock, as many reads each."""
    done = finished(compiled(tmp_path, "ring_threads", "-O2"), str(ITEMS), seconds=90)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    ring = re.search(r"ring: (\d+) items, 8 readers: (\d+) read, none torn; (\d+) missed and told", done.stdout)
    assert ring is not None, done.stdout
    items, read, missed = (int(number) for number in ring.groups())
    assert items == ITEMS
    assert read + missed == 8 * ITEMS
    assert re.search(rf"seqlock: \d+ values, 4 readers of {ITEMS}: each whole", done.stdout)


@pytest.mark.hazard("E4")
@pytest.mark.hazard("B12")
@pytest.mark.timeout(110)
def test_thread_sanitizer_finds_no_race(tmp_path: Path):
    program = compiled(tmp_path, "ring_threads", "-O1", "-g", "-fsanitize=thread")
    done = finished(program, str(ITEMS_WATCHED), seconds=90, fixed_addresses=True)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]

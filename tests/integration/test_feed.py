"""The feed beside a live engine, in the process that has the engine.

Goal: whatever happens in a market, the table of best prices ends as the books do, and nobody who listens changes the engine.
Method: every workload of the benchmark with a feed and a reader in a thread of its own; the native side compares the table
with the books and raises. native/stress/feed_threads.cpp looks at each step and each event.
"""

from pathlib import Path

import pytest

from quantumcore.app.bench.steps import make
from quantumcore.core import _native
from tests.support import preloads

COMMANDS = 20_000


@pytest.mark.parametrize("shape", _native.WORKLOADS)
@pytest.mark.parametrize("accounting", [False, True], ids=["book", "gate"])
def test_the_table_ends_as_the_books_do(shape: str, accounting: bool, seed: int):
    """A ring of 256 slots, so that it is lapped, and a reader beside the writer: state and prices are the engine's."""
    work = make(shape, COMMANDS, seed, accounting=accounting)
    engine = work.engine(reserve=False)
    commands, _, _ = _native.pace(engine, work.commands, 64, feed_slots=256, readers=1)
    assert commands == COMMANDS
    assert engine.state_hash() == work.state_hash


@pytest.mark.hazard("E2")
@pytest.mark.parametrize("fill", [0x00, 0xAA, 0xFF])
def test_the_table_is_the_books_over_memory_filled_with_anything(tmp_path: Path, fill: int, seed: int):
    """Feeds that begin anew in a market whose sides empty and fill: what no order stands for is 0, not what was there."""
    told = preloads.run(
        tmp_path, "filled_pages", "feed_table", seed, COMMANDS // 5, FILL_PAGES=str(fill), MALLOC_PERTURB_=str(fill)
    )
    assert told["heard"] == told["plain"]


@pytest.mark.parametrize("slots", [1, 3, 1000])
def test_a_ring_has_a_power_of_two_of_slots(slots: int):
    work = make("mix", 100, 1)
    with pytest.raises(ValueError, match="power of two"):
        _native.pace(work.engine(reserve=False), work.commands, 64, feed_slots=slots)


def test_what_the_parts_cost_and_the_way_to_another_core_are_measured():
    """Nothing is said of how long they take; what is published is read, or counted as missed."""
    assert all(ns > 0 for ns in _native.feed_costs(1_000))
    read, missed, *times, preempted = _native.crossing(1_000, 100)
    assert read + missed in (0, 1_000)  # 0: this process may use one core only
    assert times == sorted(times)
    assert preempted >= 0

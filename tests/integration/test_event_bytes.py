"""Every byte that the engine tells is one that it wrote.

Goal: events and state do not depend on what stood in memory before.
Method: the module as it is shipped, over buffers and a heap filled with one byte and with another.
"""

import random

import pytest

from quantumcore.core import _native
from tests.support import preloads
from tests.support.streams import START_NS, Market, setup

COMMANDS = 4_000


@pytest.mark.hazard("E2")
def test_events_and_state_are_the_same_over_memory_filled_with_anything(tmp_path, seed: int):
    """Pages and heap of 0x00, 0xAA and 0xFF: equal events, padding too, equal state hash and snapshot."""
    found = []
    for fill in (0x00, 0xAA, 0xFF):
        told = preloads.run(
            tmp_path, "filled_pages", "event_bytes", seed, COMMANDS, FILL_PAGES=str(fill), MALLOC_PERTURB_=str(fill)
        )
        assert told.pop("filled") >= 1, "the library did not see the event buffer"
        found.append(told)
    assert found[0] == found[1] == found[2]


@pytest.mark.hazard("E2")
def test_a_used_buffer_leaves_no_trace(rng: random.Random):
    """The same stream in one step over fresh pages, and command by command over the same ones: equal bytes."""
    one, many = _native.Engine(max_orders=5_000), _native.Engine(max_orders=5_000)
    opening = b"".join(setup())
    assert one.step(opening, START_NS) == many.step(opening, START_NS)
    market = Market(rng)
    stream = [market.next().raw for _ in range(1_000)]
    single = b"".join(one.step(command, START_NS) for command in stream)
    assert many.step(b"".join(stream), START_NS) == single
    assert one.state_hash() == many.state_hash()

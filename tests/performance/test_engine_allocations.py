"""What a step costs besides time: it allocates nothing."""

import pytest

from tests.support import preloads

pytestmark = pytest.mark.counted
COMMANDS = 1_000_000


@pytest.mark.hazard("D6")
@pytest.mark.parametrize("kind", ["plain", "waiting", "linked", "batch", "posting", "holding"])
def test_a_million_commands_allocate_nothing(tmp_path, kind):
    """Orders, trades, replaces and cancels after the warm-up: no call of malloc but for the bytes that a step returns.

    The module as it is shipped runs in a process whose allocator counts; the ids are longer than any text that needs no
    allocation.
    """
    counted = preloads.run(tmp_path, "malloc_counter", "allocations", COMMANDS, kind)
    assert counted["commands"] > COMMANDS
    assert counted["event_bytes"] > 100 * COMMANDS
    assert counted["all"] > counted["steps"] > 0
    assert counted["inside"] <= 2 * counted["steps"], counted  # a bytes object each, of 4,000 commands

"""What a step costs besides time: it allocates nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).resolve().parents[1] / "support"
COMMANDS = 1_000_000


@pytest.mark.hazard("D6")
def test_a_million_commands_allocate_nothing(tmp_path):
    """Orders, trades, replaces and cancels after the warm-up: no call of malloc but for the bytes that a step returns.

    The module as it is shipped runs in a process whose allocator counts; ids are longer than any text that fits where
    it stands.
    """
    counter = tmp_path / "malloc_counter.so"
    build = ["cc", "-O1", "-shared", "-fPIC", "-fno-builtin", "-o", str(counter), str(SUPPORT / "malloc_counter.c")]
    subprocess.run(build, check=True, timeout=60)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.allocations", str(COMMANDS)],
        env=os.environ | {"LD_PRELOAD": str(counter)},
        cwd=SUPPORT.parents[1],
        check=False,
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted["commands"] > COMMANDS
    assert counted["event_bytes"] > 100 * COMMANDS
    assert counted["all"] > counted["steps"] > 0
    assert counted["inside"] <= 2 * counted["steps"], counted  # a bytes object each, of 4,000 commands

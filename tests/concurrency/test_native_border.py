"""What Python holds of the native core stays good when the native side goes away.

Goal: readers that are inside while a journal closes, and bytes that outlive their journal and engine.
Method: a thousand closes in a process of its own, so that a crash is seen as one; every byte read is compared.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.hazard("E6")
@pytest.mark.chance
@pytest.mark.timeout(60)
def test_a_thousand_closes_with_readers_inside(tmp_path, seed: int):
    """Three threads read while a fourth closes: each gets its own bytes or a typed error; kept bytes do not change."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.closing", str(tmp_path), "1000", str(seed)],
        env=os.environ | {"MALLOC_PERTURB_": "165"},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert "1000 closes" in done.stdout

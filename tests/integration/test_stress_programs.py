"""The programs of native/stress, briefly, as `make sanitize` has built them; a sanitizer's report fails the test.

`make sanitize` runs them at length. Here a program that is not built, or is older than the sources, is skipped: building
three kinds takes minutes.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 55
RUNS = [
    ("asan", "engine_random", ("5000", "3")),
    ("asan", "journal_fuzz", ("2000", "20")),
    ("tsan", "engine_threads", ()),
    ("tsan", "journal_threads", ()),
    ("plain", "engine_allocations", ("50000",)),
]


@pytest.mark.parametrize(("kind", "program", "arguments"), RUNS, ids=lambda value: str(value).strip("()"))
def test_a_stress_program_ends_without_a_report(kind: str, program: str, arguments: tuple[str, ...]):
    """Exit 0 within its deadline: no report, no broken law, no freeze."""
    binary = ROOT / "build" / f"sanitize-{kind}" / program
    sources = [path for folder in ("src", "include", "stress") for path in (ROOT / "native" / folder).rglob("*.?pp")]
    newest = max(path.stat().st_mtime for path in sources)
    if not binary.exists() or binary.stat().st_mtime < newest:
        pytest.skip(f"not built since the sources changed: make sanitize ONLY={kind}")
    command = [str(binary), *arguments]
    if kind == "tsan" and shutil.which("setarch"):  # older sanitizers cannot start where memory is placed at random
        command = ["setarch", platform.machine(), "-R", *command]
    options = {
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:halt_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    }
    done = subprocess.run(
        command, env=os.environ | options, check=False, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout[-1000:]}{done.stderr[-3000:]}"

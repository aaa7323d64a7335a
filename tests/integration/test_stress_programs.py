"""The programs of native/stress, briefly, as `make sanitize` has built them; a sanitizer's report fails the test.

`make sanitize` runs them at length. Here a program that is not built, or is older than the sources, is skipped: building
three kinds takes minutes.
"""

import pytest

from tests.support.native_programs import ROOT, finished

SECONDS = 55
RUNS = [
    ("asan", "engine_random", ("5000", "3")),
    ("asan", "journal_fuzz", ("2000", "20")),
    ("asan", "ring_threads", ("100000",)),
    ("asan", "feed_threads", ("10000", "3")),
    ("asan", "greeks_random", ("2000", "3")),
    ("tsan", "engine_threads", ()),
    ("tsan", "journal_threads", ()),
    ("tsan", "ring_threads", ("100000",)),
    ("tsan", "feed_threads", ("20000", "3")),
    ("plain", "engine_allocations", ("50000",)),
]


@pytest.mark.parametrize(("kind", "program", "arguments"), RUNS, ids=lambda value: str(value).strip("()"))
def test_a_stress_program_ends_without_a_report(kind: str, program: str, arguments: tuple[str, ...]):
    """Exit 0 within its deadline: no report, no broken law, no freeze."""
    binary = ROOT / "build" / f"sanitize-{kind}" / program
    sources = [
        path for folder in ("src", "include", "greeks", "stress") for path in (ROOT / "native" / folder).rglob("*.?pp")
    ]
    newest = max(path.stat().st_mtime for path in sources)
    if not binary.exists() or binary.stat().st_mtime < newest:
        pytest.skip(f"not built since the sources changed: make sanitize ONLY={kind}")
    done = finished(binary, *arguments, seconds=SECONDS, fixed_addresses=kind == "tsan")
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout[-1000:]}{done.stderr[-3000:]}"

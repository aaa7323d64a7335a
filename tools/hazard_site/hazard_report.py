"""A pytest plugin that tells the hazard runner what was collected, how each test ended, and why.

One JSON object per line, flushed at once, so that a crash leaves what was known. Only these ways to fail can
catch a hazard: an assertion (`pytest.fail` and `pytest.raises` included) and the test's own deadline.
"""

import json
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

REPORT = Path(os.environ["QC_HAZARD_REPORT"])
TREE = Path(os.environ["QC_HAZARD_TREE"])


def _tell(**line: object) -> None:
    with REPORT.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def pytest_sessionstart() -> None:
    import quantumcore

    if not Path(str(quantumcore.__file__)).resolve().is_relative_to(TREE):
        raise pytest.UsageError(f"the scratch copy is not what is imported: {quantumcore.__file__}")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _tell(what="collect_error", test=report.nodeid, why=str(report.longrepr)[-2000:])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        ids = sorted({str(name) for mark in item.iter_markers("hazard") for name in mark.args})
        if ids:
            chance = item.get_closest_marker("chance") is not None
            _tell(what="collected", test=item.nodeid, ids=ids, chance=chance)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _kind(item: pytest.Item, error: BaseException) -> str:
    kinds = set()
    for leaf in _leaves(error):
        if isinstance(leaf, TimeoutError):
            kinds.add("deadline")
        elif isinstance(leaf, pytest.fail.Exception) and str(leaf).startswith("Timeout"):
            own = any(mark.name == "timeout" for mark in item.own_markers)
            kinds.add("deadline" if own else "froze without a deadline of its own")
        elif isinstance(leaf, AssertionError | pytest.fail.Exception):
            kinds.add("assertion")
        else:
            kinds.add(f"{type(leaf).__name__}, not an assertion")
    return next((kind for kind in ("assertion", "deadline") if kind in kinds), min(kinds))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    kind = ""
    if report.failed and call.excinfo is not None:
        kind = _kind(item, call.excinfo.value)
        if report.when != "call":
            kind = f"{report.when} failed: {kind}"
    _tell(what="result", test=item.nodeid, when=report.when, outcome=report.outcome, kind=kind)

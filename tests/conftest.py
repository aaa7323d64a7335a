"""What every test may count on: a seed that is printed, hypothesis profiles, and `--hazard B1`.

QC_TEST_SEED=123 make test          the same random choices again; every run prints its seed
pytest --hazard B1 --hazard G3 the tests that hold these entries of docs/reference/hazards.md
QC_TEST_PROFILE=fuzz                many more examples (what `make fuzz` sets)
"""

import logging
import os
import random
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

# No deadline: on a shared machine a slow example proves nothing. What must be fast says so itself.
settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("dev"), database=None)
settings.register_profile(
    "fuzz", parent=settings.get_profile("dev"), max_examples=5_000, suppress_health_check=[HealthCheck.too_slow]
)

PERFORMANCE = "tests/performance/"
_HAZARD = re.compile(r"[A-Z]\d{1,2}\Z")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--hazard", action="append", default=[], metavar="ID", help="only tests that hold this hazard")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    default = "ci" if os.environ.get("CI") else "dev"
    settings.load_profile(os.environ.get("QC_TEST_PROFILE") or default)
    # In the environment, so that parallel workers and the processes that tests start share it.
    seed = os.environ.setdefault("QC_TEST_SEED", str(random.SystemRandom().randrange(1, 2**32)))
    if getattr(config.option, "hypothesisseed", None) is None:
        config.option.hypothesisseed = seed


def pytest_report_header() -> str:
    return (
        f"seed: {os.environ['QC_TEST_SEED']} (QC_TEST_SEED={os.environ['QC_TEST_SEED']} repeats these random choices)"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m serial` alone, the second half of `make test`, imports only files that may hold such a test."""
    if config.option.markexpr != "serial" or collection_path.is_dir() or PERFORMANCE in collection_path.as_posix():
        return None
    return "mark.serial" not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if PERFORMANCE in item.nodeid and item.get_closest_marker("counted") is None:
            item.add_marker(pytest.mark.serial)
        for name in _hazards(item):
            if not _HAZARD.match(name):
                raise pytest.UsageError(f"{item.nodeid}: {name!r} is no hazard id")
    wanted = set(config.getoption("--hazard"))
    if wanted:
        kept = [item for item in items if wanted & _hazards(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


@pytest.fixture(autouse=True)
def logging_stays() -> Iterator[None]:
    """A command that runs in the tests' own process says where logs go; every test hears them as the first one does."""
    _listen_again()
    yield
    _listen_again()


_LEVEL, _CONFIGURED = logging.getLogger().level, structlog.get_config()


def _listen_again() -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        root.removeHandler(handler)
    root.setLevel(_LEVEL)
    structlog.configure(**_CONFIGURED)


def _hazards(item: pytest.Item) -> set[str]:
    return {str(name) for mark in item.iter_markers("hazard") for name in mark.args}


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number for this test in this run: other for each test, the same again with the same QC_TEST_SEED."""
    return zlib.crc32(f"{os.environ['QC_TEST_SEED']} {request.node.nodeid}".encode())


@pytest.fixture
def rng(seed: int) -> random.Random:
    """Randomness that a second run with the same QC_TEST_SEED repeats."""
    return random.Random(seed)


@pytest.fixture(scope="module")
def shared_rng(request: pytest.FixtureRequest) -> random.Random:
    """The same for what the tests of one file share."""
    return random.Random(f"{os.environ['QC_TEST_SEED']} {request.node.nodeid}")

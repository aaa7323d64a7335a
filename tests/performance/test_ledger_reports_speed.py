"""How fast the ledger reports the past, and that a long report needs no more memory than a short one.

Goal: a trial balance at any of 1,000,000 entries within 200 ms; 100,000 postings as a statement within a second; memory that
does not grow with the report.
Method: a ledger of that size, filled past the engine, once; processor time, for the machine is shared, and several times what was
measured as the bound; figures are printed. Memory is counted by tracemalloc, for statements of three lengths.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.app.bench import statements as bench
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.ledger import reports
from quantumcore.services.ledger.forms import form_of

POSTINGS = 96_000
PAST_MS = 200.0
FORM_S = {"json": 2.0, "csv": 2.5, "parquet": 3.5}
GROWTH_BYTES = 1 << 20
PEAK_BYTES = {"json": 8 << 20, "csv": 8 << 20, "parquet": 40 << 20}


def _ledger(directory: Path, entries: int, postings: int) -> Path:
    """Fill a ledger and return its file."""

    async def fill() -> None:
        await (await bench.filled(directory, int(os.environ["QC_TEST_SEED"]), entries, postings)).close()

    asyncio.run(fill())
    return directory / "ledger.sqlite"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _ledger(tmp_path_factory.mktemp("large"), bench.ENTRIES, bench.POSTINGS)


@pytest.fixture(scope="module")
def middling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _ledger(tmp_path_factory.mktemp("middling"), 2 * POSTINGS, POSTINGS)


async def processor_s(database: SqliteDatabase, work: Callable[[Connection], Any]) -> float:
    begun = time.process_time()
    await database.read(work)
    return time.process_time() - begun


@pytest.mark.timeout(300)
async def test_any_sequence_of_a_million_entries_is_reported_at_once(large: Path, rng: random.Random) -> None:
    database = await open_database(large, bench.MIGRATIONS)
    last = bench.ENTRIES // bench.PER_SEQUENCE
    spent = []
    for at in [1, last, *(rng.randrange(1, last) for _ in range(40))]:

        def work(connection: Connection, sequence: int = at) -> Any:
            told = reports.trial_balance(connection, sequence, bench.CATALOGUE)
            assert told.balanced
            return told

        spent.append(await processor_s(database, work) * 1e3)
    await database.close()
    print(f"trial balance: {sorted(spent)[len(spent) // 2]:.1f} ms, at most {max(spent):.1f} ms of a processor")
    assert max(spent) < PAST_MS


@pytest.mark.timeout(300)
async def test_a_hundred_thousand_postings_are_a_second_of_a_processor(large: Path) -> None:
    database = await open_database(large, bench.MIGRATIONS)
    last = bench.ENTRIES // bench.PER_SEQUENCE
    for form, bound in FORM_S.items():
        if not _there(form):
            continue
        best = float("inf")
        for _ in range(2):
            begun = time.process_time()
            size, _ = await bench.read(database, form, last)
            best = min(best, time.process_time() - begun)
        print(f"{bench.POSTINGS:,} postings as {form}: {best:.2f} s of a processor, {size / 1e6:.1f} MB")
        assert best < bound, form
    await database.close()


@pytest.mark.counted
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("middling")
@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
async def test_memory_does_not_grow_with_the_report(middling: Path, form: str) -> None:
    """Parquet keeps a row group and the place of each: it is measured from where one is full."""
    if not _there(form):
        pytest.skip("pyarrow is not installed")
    database = await open_database(middling, bench.MIGRATIONS)
    last = 2 * POSTINGS // bench.PER_SEQUENCE
    try:
        await bench.read(database, form, last)  # what is made once stays
        peaks = [await bench.peak(database, form, last * share // 4) for share in (1, 2, 4)]
    finally:
        await database.close()
    print(f"{form}: {', '.join(f'{peak / 1e6:.2f}' for peak in peaks)} MB for a quarter, a half, and all")
    assert max(peaks) - peaks[0] < GROWTH_BYTES
    assert max(peaks) < PEAK_BYTES[form]


def _there(form: str) -> bool:
    try:
        form_of(form)
    except InvalidCommand:
        return False
    return True

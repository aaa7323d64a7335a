"""SQLite behind the database port is a Database.

Goal: one meaning for every database; no connection is ever lost; migrations run once.
Method: the contract suite on a real file; then what is the file's own.
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from quantumcore.adapters import sql
from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.contracts.errors import Corrupted, Unavailable
from tests.support.contracts.database import MIGRATIONS, DatabaseContract, DatabaseTimesContract, add, count
from tests.support.migrations import assert_migrations_make
from tests.support.migrations_sample import metadata
from tests.support.waiting import eventually


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await open_database(tmp_path / "notes.db", MIGRATIONS)
    yield database
    await database.close()


class TestSqliteDatabase(DatabaseContract):
    """With the `database` of this file."""


@pytest.mark.serial
class TestSqliteDatabaseTimes(DatabaseTimesContract):
    """With the `database` of this file."""


async def test_migrations_and_code_mean_the_same_tables(tmp_path: Path) -> None:
    await assert_migrations_make(metadata, MIGRATIONS, tmp_path / "x.db")


def test_a_database_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    """In a process of its own, since this one has loaded it."""
    code = (
        "import asyncio, sys; from pathlib import Path; from quantumcore.adapters.sql import open_database\n"
        "async def main():\n"
        "    database = await open_database(Path(sys.argv[1]), Path(sys.argv[2])); await database.close()\n"
        "asyncio.run(main()); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.db"), str(MIGRATIONS)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    runs = [subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert runs == ["True\n", "False\n"]


async def test_a_database_of_newer_code_is_refused(tmp_path: Path) -> None:
    database = await open_database(tmp_path / "x.db", MIGRATIONS)
    await database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()
    with pytest.raises(Corrupted, match="9999"):
        await open_database(tmp_path / "x.db", MIGRATIONS)


async def test_what_is_no_database_is_corrupted(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database file, it only looks like one\n" * 100)
    with pytest.raises(Corrupted):
        await open_database(tmp_path / "x.db", MIGRATIONS)


async def test_past_the_queue_a_write_is_overloaded_and_does_not_happen(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "WRITE_QUEUE", 3)
    go = threading.Event()
    writes = [asyncio.create_task(database.write(lambda c: go.wait(5)))]
    writes += [asyncio.create_task(database.write(add(number))) for number in range(2)]
    await eventually(lambda: database.waiting_writes == 3)
    with pytest.raises(Unavailable) as caught:
        await database.write(add(99))
    assert caught.value.code == "overloaded"
    go.set()
    await asyncio.gather(*writes)
    assert await database.read(count) == 2


async def test_close_waits_for_what_runs_and_leaves_one_whole_file(tmp_path: Path) -> None:
    database = await open_database(tmp_path / "x.db", MIGRATIONS)
    writes = [asyncio.create_task(database.write(add(number))) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    assert not (tmp_path / "x.db-wal").exists() or (tmp_path / "x.db-wal").stat().st_size == 0
    again = await open_database(tmp_path / "x.db", MIGRATIONS)
    assert await again.read(count) == 50
    await again.close()


@pytest.mark.hazard("C4")
async def test_a_flush_that_fails_at_close_is_told_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await open_database(tmp_path / "x.db", MIGRATIONS)
    await database.write(add(1))

    def full(self: SqliteDatabase) -> None:
        raise _disk_full()

    monkeypatch.setattr(SqliteDatabase, "_checkpoint", full)
    with pytest.raises(Unavailable):
        await database.close()
    monkeypatch.undo()
    again = await open_database(tmp_path / "x.db", MIGRATIONS)
    assert await again.read(count) == 1
    await again.close()


def _disk_full() -> Exception:
    import sqlite3

    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error

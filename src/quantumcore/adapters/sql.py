"""A service's database as one SQLite file.

Many read at once, one writes: readers have READERS connections, each with its own thread and snapshot; all writes go
through one thread. Limits: a read waits READ_WAIT_S for a connection, WRITE_QUEUE writes may wait; past either the
caller hears Unavailable and nothing happened. The place of a caller that is cancelled is free again when its thread is
done with the connection, no sooner and no later; a write that had begun is then committed or rolled back whole.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from prometheus_client.core import Metric
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from quantumcore.adapters.migrations import directory, upgrade
from quantumcore.contracts.errors import Corrupted, Unavailable
from quantumcore.ports.telemetry import Durations, gauge

T = TypeVar("T")

READERS = 10
READ_WAIT_S = 2.0
WRITE_QUEUE = 1_000
BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 16_384
CHECKPOINT_PAGES = 4_000  # 16 MiB: a page that every commit changes goes into the file once for many of them
_GONE = {
    5,
    6,
    7,
    8,
    9,
    10,
    13,
    14,
}  # SQLite: busy, locked, out of memory, read-only, interrupted, I/O, full, cannot open
_DAMAGED = {11, 26}  # SQLite: malformed, not a database
_NO_TEXT = "Could not decode to UTF-8"  # Python's own words for a damaged value; they have no code


async def open_database(path: Path, migrations: Path | str, *, synchronous: str = "NORMAL") -> "SqliteDatabase":
    """Open the file, make it if need be, and bring its tables to the newest revision.

    Args:
        path: The file; its directory is made.
        migrations: Directory of the migrations, or the dotted name of their package.
        synchronous: FULL for what cannot be rebuilt; NORMAL (a crash of the machine loses the last commits) for the rest.

    Raises:
        Unavailable: The file cannot be opened.
        Corrupted: It is damaged, or newer code made it.
    """
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    database = SqliteDatabase(path, synchronous)
    try:
        await database.write(lambda connection: upgrade(connection, directory(migrations)))
    except BaseException:
        await database.close()
        raise
    return database


@contextmanager
def read_only(path: Path) -> Iterator[Connection]:
    """Open the file for reading alone, in one transaction, also while another process writes; nothing is changed.

    Raises:
        Unavailable, Corrupted: As SqliteDatabase.
    """
    # Without a write-ahead log nobody writes, and SQLite would have to make one to read in mode=ro.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    address = f"file:{quote(str(path))}?{how}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "connect", _plain_transactions)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with translated(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


class SqliteDatabase:
    """Runs units of work in threads; used from one event loop. Made by open_database()."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self._path = path
        self._reading = _engine(path, synchronous, READERS, "BEGIN", "PRAGMA query_only=ON")
        self._writing = _engine(path, synchronous, 1, "BEGIN IMMEDIATE", "PRAGMA journal_mode=WAL")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"read-{path.stem}")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"write-{path.stem}")
        self._places = asyncio.Semaphore(READERS)
        self._writes = 0
        self._closed = False
        self._name = path.stem.removeprefix("quantumcore_")
        self._commits = Durations("qc_database_commit_seconds", "Time of one commit", database=self._name)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how commits go, what waits, and how large the files are."""
        yield from self._commits.collect()
        name = self._name
        yield gauge("qc_database_waiting_writes", "Writes that wait or run", self._writes, database=name)
        yield gauge("qc_database_connections_in_use", "Connections at work", self.in_use, database=name)
        size = sum(
            file.stat().st_size
            for file in (self._path, self._path.with_name(f"{self._path.name}-wal"))
            if file.exists()
        )
        yield gauge("qc_database_bytes", "Size of the file and its write-ahead log", size, database=name)

    @property
    def in_use(self) -> int:
        """Connections somebody works on now; never over READERS + 1."""
        return sum(engine.pool.checkedout() for engine in (self._reading, self._writing))  # type: ignore[attr-defined]

    @property
    def waiting_writes(self) -> int:
        """Writes that wait or run."""
        return self._writes

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent view and return what it returns.

        Raises:
            Unavailable: No connection within READ_WAIT_S (`database.busy`), or the database is closed or gone.
            Corrupted: The file is damaged.
        """
        try:
            async with asyncio.timeout(READ_WAIT_S):
                await self._places.acquire()
        except TimeoutError as error:
            raise Unavailable("database.busy", f"no connection within {READ_WAIT_S:g} s", retry_after=1.0) from error
        return await self._in_thread(self._readers, self._reading, work, self._places.release)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction: committed when it returns, rolled back whole when it raises.

        Raises:
            Unavailable: `overloaded`, or the database is closed, full or gone; nothing was committed.
            Corrupted: The file is damaged.
        """
        if self._writes >= WRITE_QUEUE:
            raise Unavailable("overloaded", f"{WRITE_QUEUE} writes wait for {self._path.name}", retry_after=0.5)
        self._writes += 1
        return await self._in_thread(self._writer, self._writing, self._timed(work), self._written)

    async def close(self) -> None:
        """Refuse new work, finish what runs, fold the write-ahead log into the file; a second close does nothing.

        Raises:
            Unavailable: The file could not be flushed; what was committed is still in the write-ahead log.
        """
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    async def _in_thread(
        self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], T], done: Callable[[], None]
    ) -> T:
        """Run `work` in one of `threads`; `done` is called on the loop when the connection is free again, whatever happened."""
        loop = asyncio.get_running_loop()
        if self._closed:
            done()
            raise Unavailable("unavailable", f"database {self._path.name} is closed")
        running = threads.submit(_run, engine, work)
        running.add_done_callback(lambda _: _on_loop(loop, done))
        return await asyncio.wrap_future(running)

    def _timed(self, work: Callable[[Connection], T]) -> Callable[[Connection], T]:
        """Return `work` with its commit, the time of which is counted in the writer's thread."""

        def run(connection: Connection) -> T:
            result = work(connection)
            began = time.perf_counter()
            connection.commit()
            self._commits.observe(time.perf_counter() - began)
            return result

        return run

    def _written(self) -> None:
        self._writes -= 1

    def _close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        try:
            with translated():
                self._checkpoint()
        finally:
            self._reading.dispose()
            self._writing.dispose()

    def _checkpoint(self) -> None:
        raw = self._writing.raw_connection()  # a checkpoint runs outside of transactions
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


def _run(engine: Engine, work: Callable[[Connection], T]) -> T:
    with translated(), engine.begin() as connection:
        return work(connection)


@contextmanager
def translated() -> Iterator[None]:
    """Say in the house's words what SQLite means; a broken rule of a table or a wrong statement stays what it is."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        said = getattr(error, "orig", error)
        code = getattr(said, "sqlite_errorcode", 0) & 0xFF
        if code in _GONE:
            raise Unavailable("unavailable", "the database did not take it", retry_after=1.0) from error
        if code in _DAMAGED or str(said).startswith(_NO_TEXT):
            raise Corrupted("corrupted", "the database file is damaged") from error
        raise
    except UnicodeDecodeError as error:  # what SQLite says of a damaged schema quotes its bytes
        raise Corrupted("corrupted", "the database file is damaged") from error


def _engine(path: Path, synchronous: str, size: int, begin: str, *pragmas: str) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=READ_WAIT_S,
        hide_parameters=True,  # values would reach logs with every error
        connect_args={"check_same_thread": False},
    )

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        _plain_transactions(connection, _record)
        for pragma in (
            f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
            *pragmas,
            "PRAGMA foreign_keys=ON",
            f"PRAGMA synchronous={synchronous}",
            f"PRAGMA cache_size=-{CACHE_KIB}",
            f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            connection.execute(pragma)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _plain_transactions(connection: sqlite3.Connection, _record: Any) -> None:
    """Let transactions begin where we say, not where the driver guesses."""
    connection.isolation_level = None


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Run `call` on `loop` soon; a loop that is gone has nobody left who counts."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)

"""A service's own tables. SQL is written once, as SQLAlchemy Core over integers and text."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Insert, Table, Update, bindparam, insert, update

KEYS_PER_QUERY = 500

T = TypeVar("T")
Key = TypeVar("Key", int, str)


class Database(Protocol):
    """Runs a unit of work, a plain function of a Connection, off the loop: SQLite in threads, PostgreSQL through asyncpg."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent view and return what it returns.

        Raises:
            Unavailable: No connection within 2 s, or the database is gone.
        """

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction: committed when it returns, rolled back whole when it raises.

        Raises:
            Unavailable: Not committed; nothing happened.
        """

    async def close(self) -> None:
        """Finish what runs, flush, release files and connections."""


class Many:
    """A statement that runs once per row; its rows are tuples whose values stand in the order of `names`.

    Compiled once per dialect and handed to the driver as it is: SQLAlchemy's own way costs as much per row as everything
    else, and its compiler as much per statement as a hundred rows.
    """

    def __init__(self, statement: Insert | Update, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[str, tuple[str, Callable[[Any], Any] | None]] = {}

    def on(self, connection: Connection) -> tuple[str, Callable[[Any], Any] | None]:
        """Return the text for this connection's driver, and what puts a row in the order of its parameters if need be."""
        known = self._compiled.get(connection.dialect.name)
        if known is None:
            compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(self._names))
            wanted = compiled.positiontup
            assert wanted is not None, "both drivers number their parameters"
            same = tuple(wanted) == self._names
            known = str(compiled), None if same else itemgetter(*map(self._names.index, wanted))
            self._compiled[connection.dialect.name] = known
        return known


def adding(table: Table) -> Many:
    """Return what adds rows; they are tuples in the order of the table's columns."""
    return Many(insert(table), *table.columns.keys())


def updating(table: Table) -> Many:
    """Return what updates rows by their key; they are the same tuples."""
    statement = update(table)
    for column in table.primary_key:
        statement = statement.where(column == bindparam(f"of_{column.name}"))
    changed: dict[str, Any] = {
        column.name: bindparam(f"new_{column.name}") for column in table.columns if not column.primary_key
    }
    names = (f"{'of' if column.primary_key else 'new'}_{column.name}" for column in table.columns)
    return Many(statement.values(changed), *names)


def execute_many(connection: Connection, many: Many, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run `many` once per row."""
    if rows:
        text, ordered = many.on(connection)
        connection.exec_driver_sql(text, list(rows) if ordered is None else list(map(ordered, rows)))


def chunks(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Yield `keys` in order, at most KEYS_PER_QUERY at a time: databases limit the parameters of a statement."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), KEYS_PER_QUERY):
        yield ordered[start : start + KEYS_PER_QUERY]

"""A service's own tables. SQL is written once, as SQLAlchemy Core over integers and text."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Insert, Update

T = TypeVar("T")


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


def execute_many(connection: Connection, statement: Insert | Update, rows: Sequence[dict[str, Any]]) -> None:
    """Run `statement` once per row; every row has the keys of the first.

    Compiled here and handed to the driver as tuples: SQLAlchemy's own way costs as much per row as everything else.
    """
    if not rows:
        return
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names = compiled.positiontup
    assert names is not None, "both drivers number their parameters"
    values: Callable[[dict[str, Any]], Any] = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    connection.exec_driver_sql(str(compiled), [values(row) for row in rows])

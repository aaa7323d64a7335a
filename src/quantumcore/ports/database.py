"""A service's own tables. SQL is written once, as SQLAlchemy Core over integers and text."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

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

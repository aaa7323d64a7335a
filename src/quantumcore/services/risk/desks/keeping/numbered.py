"""Rows that are written down under ascending numbers, and pages of them. Functions with `tx` are part of one transaction of their caller's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, func, insert, select, update

from quantumcore.contracts.errors import check_count
from quantumcore.contracts.risk import MAX_PAGE
from quantumcore.ports.database import Database
from quantumcore.services.risk.parameters import version_of

UNFINISHED = 1_000
"""How many are taken up at once of those that wait for something."""


class Numbered(Protocol):
    """What is written down."""

    @property
    def number(self) -> int:
        """From 1."""


N = TypeVar("N", bound=Numbered)


def next_number(tx: Connection, table: Table) -> int:
    """Return the number of the next row."""
    return (tx.execute(select(func.max(table.c.number))).scalar() or 0) + 1


def add(tx: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Write a row down."""
    tx.execute(insert(table), dict(row))


def change(tx: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    """Change a row."""
    tx.execute(update(table).where(table.c.number == number).values(dict(values)))


def find(tx: Connection, table: Table, number: int) -> Row[Any]:
    """Return a row that exists."""
    return tx.execute(select(table).where(table.c.number == number)).one()


def oldest(tx: Connection, table: Table, *where: ColumnElement[bool]) -> Iterable[Row[Any]]:
    """Return the oldest rows of which this is true."""
    return tx.execute(select(table).where(*where).order_by(table.c.number).limit(UNFINISHED))


def newest(tx: Connection, table: Table, before: int, limit: int, *where: ColumnElement[bool]) -> Iterable[Row[Any]]:
    """Return up to `limit` rows below the number `before` (0: the newest), newest first."""
    below = (table.c.number < before,) if before else ()
    return tx.execute(select(table).where(*below, *where).order_by(table.c.number.desc()).limit(limit))


async def page(
    own: Database, read: Callable[..., Sequence[N]], limit: int, cursor: str, **whose: Any
) -> tuple[Sequence[N], str | None]:
    """Return a page of what `read(tx, before=, limit=, **whose)` finds, newest first, and where the next one begins.

    Raises:
        InvalidCommand: limit or cursor.
    """
    check_count(limit, MAX_PAGE)
    before = version_of(cursor) if cursor else 0
    found = await own.read(partial(read, before=before, limit=limit + 1, **whose))
    return found[:limit], str(found[limit - 1].number) if len(found) > limit else None

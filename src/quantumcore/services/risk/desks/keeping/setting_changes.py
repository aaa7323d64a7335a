"""The rows of what was set, each of which is one command of the engine. What takes `tx` is part of one transaction of its caller's."""

from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, func, select

from quantumcore.services.risk.desks.keeping import numbered

S = TypeVar("S")
_encode = msgspec.json.Encoder().encode


class State(IntEnum):
    """What became of a change; the number is stored, the name is shown."""

    ASKED = 1
    DONE = 2
    REFUSED = 3


class Change(NamedTuple, Generic[S]):
    """A setting, and the bytes of the command that makes it so.

    Attributes:
        subject: Under what it is listed. kind: The tag of `what`.
    """

    number: int
    subject: str
    kind: str
    what: S
    command: bytes
    state: State
    who: str
    reason: str
    time_ns: int
    sequence: int = 0
    code: str = ""


class SettingChanges(Generic[S]):
    """The changes that one desk keeps."""

    def __init__(self, table: Table, settings: Any) -> None:
        """Take the table, and the type of what is set: a union of tagged structs."""
        self._table = table
        self._what = msgspec.json.Decoder(settings).decode

    def add(self, tx: Connection, change: Change[S]) -> Change[S]:
        """Write a change down under the next number; return it."""
        made = change._replace(number=numbered.next_number(tx, self._table))
        row = made._asdict() | {"what": _encode(made.what).decode(), "state": int(made.state)}
        numbered.add(tx, self._table, row)
        return made

    def ended(self, tx: Connection, number: int, state: State, sequence: int, code: str) -> None:
        """Write down what became of a change."""
        numbered.change(tx, self._table, number, {"state": int(state), "sequence": sequence, "code": code})

    def unfinished(self, tx: Connection) -> list[Change[S]]:
        """Return changes that are written down and not done, the oldest first."""
        return [self._change(row) for row in numbered.oldest(tx, self._table, self._table.c.state == State.ASKED)]

    def find(self, tx: Connection, number: int) -> Change[S]:
        """Return a change that exists."""
        return self._change(numbered.find(tx, self._table, number))

    def last(self, tx: Connection, kind: str) -> list[S]:
        """Return, of each subject, what was done last of a kind."""
        c = self._table.c
        done = select(func.max(c.number)).where(c.kind == kind, c.state == State.DONE).group_by(c.subject)
        rows = tx.execute(select(self._table).where(c.number.in_(done)).order_by(c.number))
        return [self._change(row).what for row in rows]

    def page(self, tx: Connection, subject: str, before: int, limit: int) -> list[Change[S]]:
        """Return up to `limit` changes below the number `before` (0: the newest), newest first; of a subject, or of all ("")."""
        whose: tuple[ColumnElement[bool], ...] = (self._table.c.subject == subject,) if subject else ()
        return [self._change(row) for row in numbered.newest(tx, self._table, before, limit, *whose)]

    def _change(self, row: Any) -> Change[S]:
        number, subject, kind, what, command, state, *rest = row
        return Change(number, subject, kind, self._what(what), command, State(state), *rest)

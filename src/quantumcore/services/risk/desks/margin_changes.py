"""The rows of what was set of margin. Each function is part of one transaction of its caller's."""

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from quantumcore.contracts.risk_margin import MarginSetting, RiskArray
from quantumcore.services.risk.tables import margin_changes

_encode = msgspec.json.Encoder().encode
_setting = msgspec.json.Decoder(MarginSetting).decode
UNFINISHED = 1_000
ARRAY = "array"


class State(IntEnum):
    """What became of a change; the number is stored, the name is shown."""

    ASKED = 1
    DONE = 2
    REFUSED = 3


class Change(NamedTuple):
    """A setting, and the bytes of the command that makes it so."""

    number: int
    subject: str
    kind: str
    what: MarginSetting
    command: bytes
    state: State
    who: str
    reason: str
    time_ns: int
    sequence: int = 0
    code: str = ""


def add(tx: Connection, change: Change) -> Change:
    """Write a change down under the next number; return it."""
    number = (tx.execute(select(func.max(margin_changes.c.number))).scalar() or 0) + 1
    made = change._replace(number=number)
    row = made._asdict() | {"what": _encode(made.what).decode(), "state": int(made.state)}
    tx.execute(insert(margin_changes), row)
    return made


def ended(tx: Connection, number: int, state: State, sequence: int, code: str) -> None:
    """Write down what became of a change."""
    values = {"state": int(state), "sequence": sequence, "code": code}
    tx.execute(update(margin_changes).where(margin_changes.c.number == number).values(values))


def unfinished(tx: Connection) -> list[Change]:
    """Return changes that are written down and not done, the oldest first."""
    c = margin_changes.c
    wanted = select(margin_changes).where(c.state == State.ASKED).order_by(c.number).limit(UNFINISHED)
    return [_change(row) for row in tx.execute(wanted)]


def find(tx: Connection, number: int) -> Change:
    """Return a change that exists."""
    return _change(tx.execute(select(margin_changes).where(margin_changes.c.number == number)).one())


def arrays(tx: Connection) -> list[RiskArray]:
    """Return, of each symbol, what was done last about its array."""
    c = margin_changes.c
    done = select(func.max(c.number)).where(c.kind == ARRAY, c.state == State.DONE).group_by(c.subject)
    rows = tx.execute(select(margin_changes).where(c.number.in_(done)).order_by(c.number))
    return [change.what for change in map(_change, rows) if isinstance(change.what, RiskArray)]


def page(tx: Connection, subject: str, before: int, limit: int) -> list[Change]:
    """Return up to `limit` changes below the number `before` (0: the newest), newest first; of a subject, or of all ("")."""
    wanted = select(margin_changes).order_by(margin_changes.c.number.desc()).limit(limit)
    if before:
        wanted = wanted.where(margin_changes.c.number < before)
    if subject:
        wanted = wanted.where(margin_changes.c.subject == subject)
    return [_change(row) for row in tx.execute(wanted)]


def _change(row: Any) -> Change:
    number, subject, kind, what, command, state, *rest = row
    return Change(number, subject, kind, _setting(what), command, State(state), *rest)

"""The rows of what was set of margin. Each function is part of one transaction of its caller's."""

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from quantumcore.contracts.risk_margin import LotGreeks, MarginSetting, Modelled, RiskArray
from quantumcore.services.risk.desks import numbered
from quantumcore.services.risk.tables import margin_changes

_encode = msgspec.json.Encoder().encode
_setting = msgspec.json.Decoder(MarginSetting).decode
MODELLED = ("array", "greeks")


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
    made = change._replace(number=numbered.next_number(tx, margin_changes))
    row = made._asdict() | {"what": _encode(made.what).decode(), "state": int(made.state)}
    numbered.add(tx, margin_changes, row)
    return made


def ended(tx: Connection, number: int, state: State, sequence: int, code: str) -> None:
    """Write down what became of a change."""
    numbered.change(tx, margin_changes, number, {"state": int(state), "sequence": sequence, "code": code})


def unfinished(tx: Connection) -> list[Change]:
    """Return changes that are written down and not done, the oldest first."""
    return [_change(row) for row in numbered.oldest(tx, margin_changes, margin_changes.c.state == State.ASKED)]


def find(tx: Connection, number: int) -> Change:
    """Return a change that exists."""
    return _change(numbered.find(tx, margin_changes, number))


def modelled(tx: Connection) -> list[Modelled]:
    """Return, of each symbol, what was done last about its array, and about its greeks."""
    c = margin_changes.c
    done = select(func.max(c.number)).where(c.kind.in_(MODELLED), c.state == State.DONE).group_by(c.kind, c.subject)
    rows = tx.execute(select(margin_changes).where(c.number.in_(done)).order_by(c.number))
    return [change.what for change in map(_change, rows) if isinstance(change.what, RiskArray | LotGreeks)]


def page(tx: Connection, subject: str, before: int, limit: int) -> list[Change]:
    """Return up to `limit` changes below the number `before` (0: the newest), newest first; of a subject, or of all ("")."""
    whose = (margin_changes.c.subject == subject,) if subject else ()
    return [_change(row) for row in numbered.newest(tx, margin_changes, before, limit, *whose)]


def _change(row: Any) -> Change:
    number, subject, kind, what, command, state, *rest = row
    return Change(number, subject, kind, _setting(what), command, State(state), *rest)

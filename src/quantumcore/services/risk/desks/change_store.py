"""The rows of what was set of limits. Each function is part of one transaction of its caller's."""

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from quantumcore.services.risk.tables import limit_changes

_encode = msgspec.json.Encoder().encode
_numbers = msgspec.json.Decoder(dict[str, int]).decode
UNFINISHED = 1_000


class State(IntEnum):
    """What became of a change; the number is stored, the name is shown."""

    ASKED = 1
    STANDING = 2
    REPLACED = 3
    REVERTED = 4
    REFUSED = 5


class Change(NamedTuple):
    """A change of the records of an account in an instrument.

    Attributes:
        instrument: 0: of the account, whatever it trades. currency: Of its values; 0: it has none.
        given, before: By name, in lots, counts and minor units; what is not set is not there.
    """

    number: int
    account: int
    instrument: int
    currency: int
    state: State
    given: dict[str, int]
    before: dict[str, int]
    who: str
    reason: str
    time_ns: int
    expires_ns: int
    sequence: int = 0
    code: str = ""

    @property
    def subject(self) -> tuple[int, int, int]:
        """Whose records it is of."""
        return self.account, self.instrument, self.currency


def add(tx: Connection, change: Change) -> Change:
    """Add a change under the next number; one of the same records that stands until an expiry is replaced by it."""
    number = (tx.execute(select(func.max(limit_changes.c.number))).scalar() or 0) + 1
    c = limit_changes.c
    same = c.account == change.account, c.instrument == change.instrument, c.currency == change.currency
    tx.execute(update(limit_changes).where(*same, c.state == State.STANDING).values(state=State.REPLACED))
    made = change._replace(number=number)
    row = made._asdict() | {"given": _encode(made.given).decode(), "before": _encode(made.before).decode()}
    tx.execute(insert(limit_changes), row | {"state": int(made.state)})
    return made


def ended(tx: Connection, number: int, state: State, sequence: int = 0, code: str = "") -> None:
    """Write down what became of a change."""
    values = {"state": int(state), "sequence": sequence, "code": code}
    tx.execute(update(limit_changes).where(limit_changes.c.number == number).values(values))


def reverted(tx: Connection, over: Change, change: Change) -> Change:
    """Let what stood before `over` come back: both are written as one."""
    made = add(tx, change)
    tx.execute(update(limit_changes).where(limit_changes.c.number == over.number).values(state=int(State.REVERTED)))
    return made


def unfinished(tx: Connection) -> list[Change]:
    """Return changes that are written down and not done, the oldest first."""
    c = limit_changes.c
    wanted = select(limit_changes).where(c.state == State.ASKED).order_by(c.number).limit(UNFINISHED)
    return [_change(row) for row in tx.execute(wanted)]


def expired(tx: Connection, now_ns: int) -> list[Change]:
    """Return changes that stand beyond their time, the oldest expiry first."""
    c = limit_changes.c
    over = c.state == State.STANDING, c.expires_ns > 0, c.expires_ns <= now_ns
    return [
        _change(row) for row in tx.execute(select(limit_changes).where(*over).order_by(c.expires_ns).limit(UNFINISHED))
    ]


def find(tx: Connection, number: int) -> Change:
    """Return a change that exists."""
    return _change(tx.execute(select(limit_changes).where(limit_changes.c.number == number)).one())


def page(tx: Connection, account: int, before: int, limit: int) -> list[Change]:
    """Return up to `limit` changes below the number `before` (0: the newest), newest first; of an account, or of all (0)."""
    wanted = select(limit_changes).order_by(limit_changes.c.number.desc()).limit(limit)
    if before:
        wanted = wanted.where(limit_changes.c.number < before)
    if account:
        wanted = wanted.where(limit_changes.c.account == account)
    return [_change(row) for row in tx.execute(wanted)]


def _change(row: Any) -> Change:
    number, account, instrument, currency, state, given, before, *rest = row
    return Change(number, account, instrument, currency, State(state), _numbers(given), _numbers(before), *rest)

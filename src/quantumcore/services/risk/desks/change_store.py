"""The rows of what was set of limits. Each function is part of one transaction of its caller's."""

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select, update

from quantumcore.contracts.reasons import Scope
from quantumcore.services.risk.desks.keeping import numbered
from quantumcore.services.risk.levels import Level, level_of
from quantumcore.services.risk.tables import limit_changes

_encode = msgspec.json.Encoder().encode
_numbers = msgspec.json.Decoder(dict[str, int]).decode


class State(IntEnum):
    """What became of a change; the number is stored, the name is shown."""

    ASKED = 1
    STANDING = 2
    REPLACED = 3
    REVERTED = 4
    REFUSED = 5


class Change(NamedTuple):
    """A change of the records of a level.

    Attributes:
        account: 0: of none. instrument: 0: whatever is traded. currency: Of its values; 0: it has none.
        scope: As of contracts/reasons. other: The firm or the group.
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
    scope: int = Scope.ACCOUNT
    other: int = 0

    @property
    def level(self) -> Level:
        """Whose records it is of."""
        return level_of(self.scope, account=self.account, instrument=self.instrument, other=self.other)


def add(tx: Connection, change: Change) -> Change:
    """Add a change under the next number; one of the same records that stands until an expiry is replaced by it."""
    c = limit_changes.c
    same = (
        c.scope == int(change.scope),
        c.account == change.account,
        c.other == change.other,
        c.instrument == change.instrument,
        c.currency == change.currency,
    )
    tx.execute(update(limit_changes).where(*same, c.state == State.STANDING).values(state=State.REPLACED))
    made = change._replace(number=numbered.next_number(tx, limit_changes))
    row = made._asdict() | {"given": _encode(made.given).decode(), "before": _encode(made.before).decode()}
    numbered.add(tx, limit_changes, row | {"state": int(made.state), "scope": int(made.scope)})
    return made


def ended(tx: Connection, number: int, state: State, sequence: int = 0, code: str = "") -> None:
    """Write down what became of a change."""
    numbered.change(tx, limit_changes, number, {"state": int(state), "sequence": sequence, "code": code})


def reverted(tx: Connection, over: Change, change: Change) -> Change:
    """Let what stood before `over` come back: both are written as one."""
    made = add(tx, change)
    numbered.change(tx, limit_changes, over.number, {"state": int(State.REVERTED)})
    return made


def unfinished(tx: Connection) -> list[Change]:
    """Return changes that are written down and not done, the oldest first."""
    return [_change(row) for row in numbered.oldest(tx, limit_changes, limit_changes.c.state == State.ASKED)]


def expired(tx: Connection, now_ns: int) -> list[Change]:
    """Return changes that stand beyond their time, the oldest expiry first."""
    c = limit_changes.c
    over = c.state == State.STANDING, c.expires_ns > 0, c.expires_ns <= now_ns
    wanted = select(limit_changes).where(*over).order_by(c.expires_ns).limit(numbered.UNFINISHED)
    return [_change(row) for row in tx.execute(wanted)]


def find(tx: Connection, number: int) -> Change:
    """Return a change that exists."""
    return _change(numbered.find(tx, limit_changes, number))


def page(tx: Connection, account: int, before: int, limit: int) -> list[Change]:
    """Return up to `limit` changes below the number `before` (0: the newest), newest first; of an account, or of all (0)."""
    whose = (limit_changes.c.account == account,) if account else ()
    return [_change(row) for row in numbered.newest(tx, limit_changes, before, limit, *whose)]


def _change(row: Any) -> Change:
    number, account, instrument, currency, state, given, before, *rest = row
    return Change(number, account, instrument, currency, State(state), _numbers(given), _numbers(before), *rest)

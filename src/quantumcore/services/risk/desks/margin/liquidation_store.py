"""The rows of liquidations: each step is written before its orders are sent. Each function is part of one transaction of its caller's."""

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from quantumcore.contracts.orders import HOUSE_ID
from quantumcore.services.risk.desks.keeping import numbered
from quantumcore.services.risk.margin.book import Place
from quantumcore.services.risk.margin.ladder import Cause, Rung
from quantumcore.services.risk.tables import liquidations

_encode = msgspec.json.Encoder().encode
_cause = msgspec.json.Decoder(Cause).decode
_sizes = msgspec.json.Decoder(dict[str, int]).decode
_texts = msgspec.json.Decoder(list[str]).decode


class State(IntEnum):
    """What became of a step; the number is stored, the name is shown."""

    ASKED = 1
    DONE = 2
    DROPPED = 3


class Row(NamedTuple):
    """A step as it was decided, and what became of it.

    Attributes:
        episode: The sequence of the assessment that began the liquidation. attempt: From 1.
        assessed: The sequence of the assessment that caused this step.
        begun: Sizes of the positions when the partials began, in lots.
        commands: Wire bytes, in their order. failed: Partials that have not filled, this one included.
        filled: Lots; None: nobody has told. sequence: Of the last command; 0: none.
    """

    number: int
    account: int
    currency: int
    episode: int
    attempt: int
    rung: Rung
    assessed: int
    cause: Cause
    begun: dict[str, int]
    commands: list[bytes]
    state: State
    failed: int
    filled: int | None
    time_ns: int
    sequence: int

    @property
    def place(self) -> Place:
        """Whose it is."""
        return self.account, self.currency

    @property
    def came_to_nothing(self) -> bool:
        """Whether the engine had it, and nothing of it was done."""
        return self.state is State.DONE and self.filled == 0

    @property
    def name(self) -> str:
        """What the ids of its commands begin with."""
        return f"{HOUSE_ID}{self.currency}-{self.episode:x}-{self.attempt}"


def add(tx: Connection, row: Row) -> Row:
    """Write a step down under the next number; return it."""
    made = row._replace(number=numbered.next_number(tx, liquidations))
    stored = made._asdict() | {
        "rung": int(made.rung),
        "cause": _encode(made.cause).decode(),
        "begun": _encode(made.begun).decode(),
        "commands": _encode([one.hex() for one in made.commands]).decode(),
        "state": int(made.state),
        "filled": _text(made.filled),
    }
    numbered.add(tx, liquidations, stored)
    return made


def ended(tx: Connection, row: Row) -> None:
    """Write down what became of a step."""
    values = {"state": int(row.state), "failed": row.failed, "filled": _text(row.filled), "sequence": row.sequence}
    numbered.change(tx, liquidations, row.number, values)


def going_on(tx: Connection) -> list[Row]:
    """Return the last step of each liquidation that is not over."""
    c = liquidations.c
    last = select(func.max(c.number)).group_by(c.account, c.currency)
    rows = tx.execute(select(liquidations).where(c.number.in_(last), c.rung >= int(Rung.PARTIAL)).order_by(c.number))
    return [_row(row) for row in rows]


def page(tx: Connection, account: int, before: int, limit: int) -> list[Row]:
    """Return up to `limit` steps below the number `before` (0: the newest), newest first; of an account, or of all (0)."""
    whose = (liquidations.c.account == account,) if account else ()
    return [_row(row) for row in numbered.newest(tx, liquidations, before, limit, *whose)]


def _text(filled: int | None) -> str:
    return "" if filled is None else str(filled)


def _row(row: Any) -> Row:
    (
        number,
        account,
        currency,
        episode,
        attempt,
        rung,
        assessed,
        cause,
        begun,
        commands,
        state,
        failed,
        filled,
        *rest,
    ) = row
    return Row(
        number,
        account,
        currency,
        episode,
        attempt,
        Rung(rung),
        assessed,
        _cause(cause),
        _sizes(begun),
        [bytes.fromhex(one) for one in _texts(commands)],
        State(state),
        failed,
        int(filled) if filled else None,
        *rest,
    )

"""What the accounts of a firm or a group have and want together. Plain functions of a Connection, as of store.py."""

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from quantumcore.contracts.reasons import Scope
from quantumcore.ports.database import chunks
from quantumcore.services.risk.levels import Level
from quantumcore.services.risk.state import Working
from quantumcore.services.risk.store import working_of
from quantumcore.services.risk.tables import drawn, members, orders, positions

MOST_ACCOUNTS = 10_000
MOST_ORDERS = 100_000
"""Of which the use of the limits of a firm or a group is summed."""

_SOME: Any = bindparam("some", expanding=True)
_ORDERS_OF = select(orders).where(orders.c.account.in_(_SOME)).limit(bindparam("most"))
_POSITIONS_OF = select(positions.c.instrument, positions.c.lots).where(positions.c.account.in_(_SOME))


class Together(NamedTuple):
    """What counts for the limits of a firm or a group.

    Attributes:
        accounts: How many it has. whole: Whether the rest is known: False when it has more accounts or orders than are summed.
        lots: Of its positions, by instrument; of a group. orders: Those that work.
        drawn: What has filled since its line was set, by currency, in minor units; of a firm.
    """

    accounts: int
    whole: bool
    lots: Counter[int]
    orders: list[Working]
    drawn: dict[int, int]


def read_together(connection: Connection, level: Level) -> Together:
    """Return what counts for a firm or a group."""
    mine = (members.c.scope == int(level.scope)) & (members.c.number == level.number)
    count = connection.execute(select(func.count()).select_from(members).where(mine)).scalar() or 0
    found = Together(count, count <= MOST_ACCOUNTS, Counter(), [], {})
    accounts = connection.execute(select(members.c.account).where(mine)).scalars().all() if found.whole else ()
    for some in chunks(accounts):
        left = MOST_ORDERS + 1 - len(found.orders)
        found.orders.extend(map(working_of, connection.execute(_ORDERS_OF, {"some": some, "most": left})))
        if len(found.orders) > MOST_ORDERS:
            found.orders.clear()
            return found._replace(whole=False)
        if level.scope == Scope.GROUP:
            for instrument, lots in connection.execute(_POSITIONS_OF, {"some": some}):
                found.lots[instrument] += int(lots)
    if level.scope == Scope.FIRM:
        line = select(drawn.c.currency, drawn.c.filled).where(drawn.c.firm == level.number)
        found.drawn.update({currency: int(filled) for currency, filled in connection.execute(line)})
    return found

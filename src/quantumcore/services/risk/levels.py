"""Whose a limit or a kill switch is, and what the engine has told of it (docs/reference/engine.md, sections 14 and 15). Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Scope

MAX_OPEN_ORDERS = "open_orders"
OPEN_EACH, ORDER_QUANTITY, LONG, SHORT = "open_each", "order_quantity", "long", "short"
ORDER_VALUE, OPEN_VALUE, CREDIT = "order_value", "open_value", "credit"


class Level(NamedTuple):
    """Whose a limit or a switch is.

    Attributes:
        number: Of the account, the firm, the group or the session; 0: the level has none.
        instrument: Where; 0: in every one.
    """

    scope: int
    number: int = 0
    instrument: int = 0


VENUE = Level(Scope.VENUE)

LimitKey = tuple[int, int, int, str]
"""(scope, number, instrument, name): a level and the name of one of its limits; of a value with its currency."""


class Limit(NamedTuple):
    """What the engine enforces, in its own unit; sequence: since when."""

    value: int
    sequence: int


class Engaged(NamedTuple):
    """A kill switch that is engaged.

    Attributes:
        mode: As of SetKill: 1 all, 2 reduce_only.
    """

    mode: int
    sequence: int
    time_ns: int


def level_of(scope: int, *, account: int = 0, instrument: int = 0, other: int = 0) -> Level:
    """Return the level of a command or an event; `other`: its firm, group or session."""
    return Level(scope, account or other, instrument)


def level_of_record(event: wire.QuantityLimitsChanged | wire.MoneyLimitsChanged) -> Level:
    """Return whose record was replaced."""
    other = event.group if isinstance(event, wire.QuantityLimitsChanged) else event.firm
    return level_of(event.scope, account=event.account, instrument=event.instrument, other=other)


def numbers_of(event: wire.QuantityLimitsChanged | wire.MoneyLimitsChanged) -> Mapping[str, int]:
    """Return all that a record has, by name; of values the currency belongs to the name."""
    if isinstance(event, wire.MoneyLimitsChanged):
        values = {ORDER_VALUE: event.max_order_notional, OPEN_VALUE: event.max_open_notional, CREDIT: event.credit}
        return {value_name(name, event.currency): value for name, value in values.items()}
    numbers = {
        OPEN_EACH: event.max_open_each,
        ORDER_QUANTITY: event.max_order_lots,
        LONG: event.max_long,
        SHORT: event.max_short,
    }
    return numbers if event.instrument else numbers | {MAX_OPEN_ORDERS: event.max_open_orders}


def value_name(name: str, currency: int) -> str:
    """Return the name of a limit of money."""
    return f"{name} {currency}"

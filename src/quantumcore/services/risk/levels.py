"""Whose a limit or a kill switch is, and what the engine has told of it (docs/reference/engine.md, sections 14 and 15). Pure."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.wire.limit_commands import NOT_SET

MAX_OPEN_ORDERS = "open_orders"
OPEN_EACH, ORDER_QUANTITY, LONG, SHORT = "open_each", "order_quantity", "long", "short"
INTEREST, VOLUME = "interest_share", "volume_share"
OPEN_INTEREST, DAILY_VOLUME = "open_interest", "daily_volume"
SIZE_OF = {INTEREST: OPEN_INTEREST, VOLUME: DAILY_VOLUME}
"""Of what a share is one: how large a market is stands with the limits of its instrument."""
SHARE_PLACES = 6
ORDER_VALUE, OPEN_VALUE, CREDIT = "order_value", "open_value", "credit"


Record: TypeAlias = wire.QuantityLimitsChanged | wire.MoneyLimitsChanged | wire.MarketSharesChanged
"""What tells a record of limits."""


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


def level_of_record(event: Record) -> Level:
    """Return whose record was replaced."""
    other = event.firm if isinstance(event, wire.MoneyLimitsChanged) else event.group
    return level_of(event.scope, account=event.account, instrument=event.instrument, other=other)


def numbers_of(event: Record | wire.MarketSizeChanged) -> Mapping[str, int]:
    """Return all that a record has, by name; of values the currency belongs to the name."""
    if isinstance(event, wire.MarketSharesChanged):
        return {INTEREST: event.interest or NOT_SET, VOLUME: event.volume or NOT_SET}
    if isinstance(event, wire.MarketSizeChanged):
        return {OPEN_INTEREST: event.open_interest or NOT_SET, DAILY_VOLUME: event.daily_volume or NOT_SET}
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

"""What a record of each level can hold: from what people write to numbers, and from those to the engine's commands. Pure."""

from collections.abc import Mapping

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.levels import only_one
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.risk_limits import GetLevelLimits, SetLimits
from quantumcore.contracts.values import I64_MAX
from quantumcore.services.risk.levels import (
    CREDIT,
    INTEREST,
    LONG,
    MAX_OPEN_ORDERS,
    OPEN_EACH,
    OPEN_VALUE,
    ORDER_QUANTITY,
    ORDER_VALUE,
    SHARE_PLACES,
    SHORT,
    VOLUME,
    Level,
    level_of,
    value_name,
)
from quantumcore.services.risk.units import multiples, units

OF_QUANTITIES = {
    ORDER_QUANTITY: "max_order_lots",
    LONG: "max_long",
    SHORT: "max_short",
    MAX_OPEN_ORDERS: "max_open_orders",
    OPEN_EACH: "max_open_each",
}
OF_VALUES = {ORDER_VALUE: "max_order_notional", OPEN_VALUE: "max_open_notional", CREDIT: "credit"}
OF_SHARES = {INTEREST: "interest", VOLUME: "volume"}
"""Limits of each command, by the names of its fields."""
SHARES = (INTEREST, VOLUME)
LOTS = (ORDER_QUANTITY, LONG, SHORT)
VALUES = (ORDER_VALUE, OPEN_VALUE)
_SCOPES = {"": Scope.VENUE, "account": Scope.ACCOUNT, "firm": Scope.FIRM, "group": Scope.GROUP}


def scope_of(asked: SetLimits | GetLevelLimits) -> Scope:
    """Return of which level something is asked.

    Raises:
        InvalidCommand: A number of more than 32 bits; more than one that is named, but for an account in a symbol.
    """
    numbers = {"firm": asked.firm, "group": asked.group}
    if isinstance(asked, SetLimits):
        scope = _SCOPES[only_one(account=asked.account, **numbers)]
    else:
        scope = _SCOPES[only_one(**numbers)]
    if asked.symbol and scope in (Scope.FIRM, Scope.GROUP):
        detail = f"limits of a {scope.name.lower()} are of every symbol"
        raise invalid("range", detail, field="symbol", actual=asked.symbol[:24])
    return Scope.INSTRUMENT if asked.symbol and scope is Scope.VENUE else scope


def holds(scope: Scope, *, symbol: bool) -> tuple[str, ...]:
    """Return the limits that a record of a level has."""
    match scope:
        case Scope.FIRM:
            return (*VALUES, CREDIT)
        case Scope.GROUP:
            return (OPEN_EACH, *LOTS, *SHARES)
        case Scope.VENUE:
            return (MAX_OPEN_ORDERS, OPEN_EACH, *LOTS, *SHARES, *VALUES)
        case Scope.ACCOUNT if not symbol:
            return (MAX_OPEN_ORDERS, OPEN_EACH, *SHARES, *VALUES)
        case _:
            return (OPEN_EACH, *LOTS, *SHARES, *VALUES)


def numbers_of(
    command: SetLimits, scope: Scope, instrument: Instrument | None, currency: Currency | None
) -> dict[str, int]:
    """Return what is set, in lots, counts, 10^-6 and minor units.

    Raises:
        InvalidCommand: A limit that this level does not have, or that is none.
    """
    counts = {MAX_OPEN_ORDERS: command.max_open_orders, OPEN_EACH: command.max_open_each}
    lots = {ORDER_QUANTITY: command.max_order_quantity, LONG: command.max_long, SHORT: command.max_short}
    shares = {INTEREST: command.max_interest_share, VOLUME: command.max_volume_share}
    values = {ORDER_VALUE: command.max_order_value, OPEN_VALUE: command.max_open_value, CREDIT: command.credit}
    known = holds(scope, symbol=instrument is not None)
    for name, given in (counts | lots | shares | values).items():
        if given is not None and name not in known:
            raise _stranger(name, scope, known)
    if currency is None and (scope is Scope.FIRM or any(given is not None for given in values.values())):
        name = next((name for name, given in values.items() if given is not None), "")
        field = _field(name) if name else "currency"
        raise invalid("range", f"{field or 'a limit of a firm'} is set with a currency", field=field)
    if currency is not None and scope is Scope.GROUP:
        raise invalid("range", "limits of a group are of quantities", field="currency", actual=currency.code)
    size, scale = (instrument.lot, instrument.lot_scale) if instrument else (1, 0)
    found = {name: count for name, count in counts.items() if count is not None}
    found |= {name: multiples(text, _field(name), size, scale) for name, text in lots.items() if text is not None}
    places = currency.scale if currency else 0
    found |= {name: multiples(text, _field(name), 1, places) for name, text in values.items() if text is not None}
    found |= {
        name: units(text, _field(name), SHARE_PLACES, 1, wire.MAX_SHARE)
        for name, text in shares.items()
        if text is not None
    }
    for name, number in found.items():
        if not 0 <= number <= I64_MAX:
            raise invalid("range", f"{_field(name)} is from 0", field=_field(name), limit="0", actual=str(number))
    return found


def stored_names(currency: int) -> dict[str, str]:
    """Return by which names the room keeps the limits that one change replaces, and their own; currency 0: no values."""
    values = {value_name(name, currency): name for name in OF_VALUES} if currency else {}
    return {name: name for name in (*OF_QUANTITIES, *OF_SHARES)} | values


def commands(level: Level, currency: int, given: Mapping[str, int]) -> list[bytes]:
    """Return what replaces the records of a level; values without a currency are not touched."""
    scope, number, instrument = level
    place = {"scope": scope, "instrument": instrument, "account": number if scope == Scope.ACCOUNT else 0}
    found = []
    if scope != Scope.FIRM:
        quantities = {field: given[name] for name, field in OF_QUANTITIES.items() if name in given}
        group = number if scope == Scope.GROUP else 0
        found.append(wire.SetQuantityLimits(**place, group=group, **quantities).encode())
        shares = {field: given[name] for name, field in OF_SHARES.items() if name in given}
        found.append(wire.SetMarketShares(**place, group=group, **shares).encode())
    if currency:
        values = {field: given[name] for name, field in OF_VALUES.items() if name in given}
        firm = number if scope == Scope.FIRM else 0
        found.append(wire.SetMoneyLimits(**place, firm=firm, currency=currency, **values).encode())
    return found


def level_asked(asked: SetLimits | GetLevelLimits, scope: Scope, instrument: int) -> Level:
    """Return the level as the room keeps it."""
    account = asked.account if isinstance(asked, SetLimits) else 0
    return level_of(scope, account=account, instrument=instrument, other=asked.firm or asked.group)


def _stranger(name: str, scope: Scope, known: tuple[str, ...]) -> InvalidCommand:
    whose = "an account without a symbol" if scope is Scope.ACCOUNT and name in LOTS else f"this {scope.name.lower()}"
    has = ", ".join(_field(one) for one in known)
    return invalid("range", f"{_field(name)} is no limit of {whose}", field=_field(name), limit=has)


def _field(name: str) -> str:
    return name if name == CREDIT else f"max_{name}"

"""What the engine has told of guards last, in the units of people: records that stand, and pauses. Pure."""

from typing import NamedTuple, TypeAlias

from quantumcore.contracts import wire
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.risk_guards import (
    CAUSES,
    COMMANDS,
    PRODUCTS,
    Entitlements,
    GuardRecord,
    InstrumentClass,
    Locate,
    Patterns,
    Pause,
    Protection,
    Restriction,
    Throttle,
)
from quantumcore.contracts.values import I64_MAX, show
from quantumcore.services.risk.guards.commands import ALL_PRODUCTS, NANO_PLACES, NEEDS_LOCATE, PRICE_TEST
from quantumcore.services.risk.units import MODEL_PLACES

GuardEvent: TypeAlias = (
    wire.InstrumentClassChanged
    | wire.EntitlementsChanged
    | wire.RestrictionChanged
    | wire.LocateChanged
    | wire.ThrottleChanged
    | wire.PatternsChanged
    | wire.ProtectionChanged
    | wire.PauseChanged
)
EVENTS: dict[str, type[GuardEvent]] = {
    "class": wire.InstrumentClassChanged,
    "entitlements": wire.EntitlementsChanged,
    "restriction": wire.RestrictionChanged,
    "locate": wire.LocateChanged,
    "throttle": wire.ThrottleChanged,
    "patterns": wire.PatternsChanged,
    "protection": wire.ProtectionChanged,
    "pause": wire.PauseChanged,
}
"""By the tags of the settings that they tell of, and what is a pause."""


class Key(NamedTuple):
    """Of what an event is the last one.

    Attributes:
        kind: The event's.
        number: The group, the session or the underlying; 0: none.
        part: The class of a throttle, the cause of a pause; 0: of nothing else.
    """

    kind: int
    account: int
    instrument: int
    number: int
    part: int


def key_of(event: GuardEvent) -> Key:
    """Return of what `event` is the last one."""
    number = part = 0
    match event:
        case wire.RestrictionChanged():
            number = event.group
        case wire.ThrottleChanged():
            number, part = event.session, event.throttle_class
        case wire.ProtectionChanged():
            number = event.underlying
        case wire.PauseChanged():
            number, part = event.underlying, event.cause
        case _:
            pass
    return Key(event.KIND, event.account, event.instrument, number, part)


def stands(event: GuardEvent) -> bool:
    """Tell whether there is something, and it is not as if it had never been set."""
    match event:
        case wire.InstrumentClassChanged():
            return any((event.underlying, event.product, event.class_flags, event.outside_ns))
        case wire.EntitlementsChanged():
            return event.products != ALL_PRODUCTS or not event.enabled
        case wire.RestrictionChanged():
            return bool(event.restricted)
        case wire.LocateChanged():
            return bool(event.lots)
        case wire.ThrottleChanged():
            return bool(event.rate)
        case wire.PatternsChanged():
            return any((event.ratio, event.executions, event.duplicates))
        case wire.ProtectionChanged():
            return bool(event.window_ns)
        case wire.PauseChanged():
            return bool(event.paused)


def record_of(event: GuardEvent, names: Catalogue) -> GuardRecord:
    """Return a record as people set it.

    Args:
        event: No PauseChanged.
        names: They know its instrument.
    """
    match event:
        case wire.InstrumentClassChanged():
            return InstrumentClass(
                symbol=symbol_of(event.instrument, names),
                underlying=symbol_of(event.underlying, names) if event.underlying else "",
                product=event.product,
                needs_locate=bool(event.class_flags & NEEDS_LOCATE),
                price_test=bool(event.class_flags & PRICE_TEST),
                outside_s=_plain(event.outside_ns),
            )
        case wire.EntitlementsChanged():
            return Entitlements(account=event.account, products=_products(event.products), enabled=bool(event.enabled))
        case wire.RestrictionChanged():
            return Restriction(
                symbol=symbol_of(event.instrument, names),
                account=event.account,
                group=event.group,
                restricted=bool(event.restricted),
            )
        case wire.LocateChanged():
            instrument = names.instruments[event.instrument]
            return Locate(account=event.account, symbol=instrument.symbol, quantity=instrument.quantity(event.lots))
        case wire.ThrottleChanged():
            return Throttle(
                command=COMMANDS[event.throttle_class - 1],
                account=event.account,
                session=event.session,
                rate=event.rate,
                burst=event.burst,
            )
        case wire.PatternsChanged():
            return Patterns(
                account=event.account,
                ratio=event.ratio,
                free_orders=event.free_orders,
                ratio_s=_plain(event.ratio_ns),
                executions=event.executions,
                executions_s=_plain(event.executions_ns),
                duplicates=event.duplicates,
                duplicates_s=_plain(event.duplicates_ns),
            )
        case wire.ProtectionChanged():
            return Protection(
                account=event.account,
                underlying=symbol_of(event.underlying, names),
                window_s=_plain(event.window_ns),
                fills=event.fills,
                quantity=str(event.quantity),
                frozen_s=_plain(event.frozen_ns),
                delta=_plain(event.delta, MODEL_PLACES),
                vega=_plain(event.vega, MODEL_PLACES),
            )
        case wire.PauseChanged():
            raise AssertionError("a pause is no record")


def pause_of(event: wire.PauseChanged, names: Catalogue) -> Pause:
    """Return a pause as people read it."""
    return Pause(
        account_id=str(event.account),
        cause=CAUSES[event.cause - 1],
        underlying=symbol_of(event.underlying, names) if event.underlying else None,
        until_ns=None if event.until_ns == I64_MAX else event.until_ns,
        sequence=event.sequence,
        time_ns=event.time_ns,
    )


def symbol_of(number: int, names: Catalogue) -> str:
    """Return the symbol of an instrument; of an underlying that is none, its number."""
    known = names.instruments.get(number)
    return known.symbol if known else str(number)


def _products(bits: int) -> list[int] | None:
    """Return which products have a bit; None: every one."""
    return None if bits == ALL_PRODUCTS else [product for product in range(PRODUCTS) if bits >> product & 1]


def _plain(number: int, places: int = NANO_PLACES) -> str:
    """Return a decimal without zeros at its end."""
    text = show(number, places).rstrip("0")
    return text.rstrip(".")

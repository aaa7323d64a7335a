"""From what people set of guards to the engine's commands: names become numbers, decimals its integers, each bound by its field. Pure."""

from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.levels import MAX_NUMBER, only_one
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.risk_guards import (
    CAUSES,
    COMMANDS,
    MOST_BURST,
    MOST_DUPLICATES,
    MOST_EXECUTIONS,
    MOST_FILLS,
    MOST_RATE,
    MOST_TIME_S,
    PRODUCTS,
    Entitlements,
    GuardSetting,
    InstrumentClass,
    Locate,
    Patterns,
    Protection,
    Restriction,
    Resume,
    Throttle,
)
from quantumcore.contracts.values import I64_MAX
from quantumcore.services.risk.units import MODEL_PLACES, multiples, outside, units, whole

ALL_PRODUCTS = (1 << PRODUCTS) - 1
NEEDS_LOCATE, PRICE_TEST = 1, 2
NANO_PLACES = 9
PROTECTION = "protection"
MOST_TIME_NS = MOST_TIME_S * 10**NANO_PLACES


def subject_of(what: GuardSetting) -> str:
    """Return under what a setting is listed: the account that is named, else the symbol, else the session; 0: the venue."""
    match what:
        case InstrumentClass() | Restriction(account=0):
            return what.symbol
        case Throttle(account=0, session=session) if session:
            return f"session-{session}"
        case _:
            return str(what.account)


def account_of(what: GuardSetting) -> int | None:
    """Return the account that is named; None: none is to be.

    Raises:
        InvalidCommand: A number of more than 32 bits, or a second name.
    """
    match what:
        case InstrumentClass():
            return None
        case Restriction(account=account, group=group):
            return account if only_one(account_id=account, group=group) == "account_id" else None
        case Throttle(account=account, session=session):
            return account if only_one(account_id=account, session=session) == "account_id" else None
        case _:
            return whole(what.account, "account_id", 1, MAX_NUMBER)


def symbols_of(what: GuardSetting) -> dict[str, str]:
    """Return the symbols that are named, by field."""
    optional = isinstance(what, InstrumentClass | Resume)
    named = {field: getattr(what, field) for field in ("symbol", "underlying") if hasattr(what, field)}
    return {field: symbol for field, symbol in named.items() if symbol or not (optional and field == "underlying")}


def command_of(what: GuardSetting, names: Catalogue) -> wire.Command:
    """Return the command that makes it so.

    Raises:
        NotFound: A symbol.
        InvalidCommand: A bound, by its field.
    """
    match what:
        case InstrumentClass():
            return wire.SetInstrumentClass(
                instrument=names.symbol(what.symbol).number,
                underlying=names.symbol(what.underlying).number if what.underlying else 0,
                product=whole(what.product, "product", 0, PRODUCTS - 1),
                class_flags=(NEEDS_LOCATE if what.needs_locate else 0) | (PRICE_TEST if what.price_test else 0),
                outside_ns=_time(what.outside_s, "outside_s"),
            )
        case Entitlements():
            return wire.SetEntitlements(
                account=what.account, products=_products(what.products), enabled=int(what.enabled)
            )
        case Restriction():
            return wire.SetRestriction(
                instrument=names.symbol(what.symbol).number,
                account=what.account,
                group=what.group,
                scope=_scope(what.account, Scope.GROUP if what.group else Scope.VENUE),
                restricted=int(what.restricted),
            )
        case Locate():
            instrument = names.symbol(what.symbol)
            lots = _lots(what.quantity, instrument)
            return wire.SetLocate(account=what.account, instrument=instrument.number, lots=lots)
        case Throttle():
            return _throttle(what)
        case Patterns():
            return _patterns(what)
        case Protection():
            return _protection(what, names.symbol(what.underlying))
        case Resume():
            whole(what.pause, "pause", 0, I64_MAX)
            cause = _one_of(what.cause, CAUSES, "cause")
            if (what.cause == PROTECTION) != bool(what.underlying):
                detail = "an underlying is named exactly where a protection has frozen the account"
                raise invalid("range", detail, field="underlying", limit=PROTECTION, actual=what.underlying[:64])
            underlying = names.symbol(what.underlying).number if what.underlying else 0
            return wire.Resume(account=what.account, cause=cause, underlying=underlying)


def _throttle(what: Throttle) -> wire.SetThrottle:
    rate = whole(what.rate, "rate", 0, MOST_RATE)
    return wire.SetThrottle(
        account=what.account,
        session=what.session,
        scope=_scope(what.account, Scope.SESSION if what.session else Scope.VENUE),
        throttle_class=_one_of(what.command, COMMANDS, "command"),
        rate=rate,
        burst=whole(what.burst, "burst", int(rate > 0), MOST_BURST if rate else 0),
    )


def _patterns(what: Patterns) -> wire.SetPatterns:
    most = {"ratio": MAX_NUMBER, "executions": MOST_EXECUTIONS, "duplicates": MOST_DUPLICATES}
    given: dict[str, Any] = {}
    for name, bound in most.items():
        number, seconds = getattr(what, name), f"{name}_s"
        given[name] = whole(number, name, 0, bound)
        given[f"{name}_ns"] = _time(getattr(what, seconds), seconds, least=int(number > 0), off=not number)
    free = whole(what.free_orders, "free_orders", 0, MAX_NUMBER if what.ratio else 0)
    return wire.SetPatterns(account=what.account, free_orders=free, **given)


def _protection(what: Protection, underlying: Instrument) -> wire.SetProtection:
    window = _time(what.window_s, "window_s")
    quantity = multiples(what.quantity, "quantity", 1, 0)
    return wire.SetProtection(
        account=what.account,
        underlying=underlying.number,
        window_ns=window,
        fills=whole(what.fills, "fills", 0, MOST_FILLS if window else 0),
        quantity=whole(quantity, "quantity", 0, I64_MAX if window else 0),
        frozen_ns=_time(what.frozen_s, "frozen_s", off=not window),
        delta=units(what.delta, "delta", MODEL_PLACES, 0, I64_MAX if window else 0),
        vega=units(what.vega, "vega", MODEL_PLACES, 0, I64_MAX if window else 0),
    )


def _products(products: list[int] | None) -> int:
    """Return the products as a bit each."""
    if products is None:
        return ALL_PRODUCTS
    whole(len(products), "products", 0, PRODUCTS)
    found = 0
    for at, product in enumerate(products):
        found |= 1 << whole(product, f"products[{at}]", 0, PRODUCTS - 1)
    return found


def _scope(account: int, otherwise: Scope) -> Scope:
    return Scope.ACCOUNT if account else otherwise


def _lots(text: str, instrument: Instrument) -> int:
    lots = multiples(text, "quantity", instrument.lot, instrument.lot_scale)
    if not 0 <= lots <= I64_MAX:
        most = instrument.quantity(I64_MAX)
        raise outside("quantity", instrument.quantity(0), most, text[:64], below=lots < 0)
    return lots


def _time(seconds: str, field: str, *, least: int = 0, off: bool = False) -> int:
    """Return seconds as nanoseconds; `off`: what they are of is off, and they are 0."""
    return units(seconds, field, NANO_PLACES, least, 0 if off else MOST_TIME_NS)


def _one_of(word: str, words: tuple[str, ...], field: str) -> int:
    """Return the number of a word, from 1.

    Raises:
        InvalidCommand: It is none of them.
    """
    if word not in words:
        raise _unknown(word, words, field)
    return words.index(word) + 1


def _unknown(word: str, words: tuple[str, ...], field: str) -> InvalidCommand:
    return invalid("range", f"{field} must be one of {', '.join(words)}", field=field, actual=word[:64])

"""How much of what it may do an account uses, and the accounts of a firm or a group together. Pure; exact.

Of the records that apply to an account in an instrument the tightest counts (docs/reference/engine.md, Limits); of equal ones the first of
venue, account, instrument, account in the instrument.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from msgspec import structs

from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.risk import LimitUse
from quantumcore.contracts.risk_limits import LimitRecord
from quantumcore.contracts.values import show
from quantumcore.services.risk.levels import (
    CREDIT,
    DAILY_VOLUME,
    INTEREST,
    LONG,
    MAX_OPEN_ORDERS,
    OPEN_EACH,
    OPEN_INTEREST,
    OPEN_VALUE,
    ORDER_QUANTITY,
    SHARE_PLACES,
    SHORT,
    SIZE_OF,
    VENUE,
    VOLUME,
    Level,
    Limit,
    LimitKey,
)
from quantumcore.services.risk.state import BUY, SELL, Working
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.together import Together
from quantumcore.services.risk.valuation.at_work import lots_at_work, worth_at_work
from quantumcore.services.risk.valuation.valuing import Valued, shown

DEFAULT_OPEN_ORDERS = 10_000
"""What the engine starts with (docs/reference/limits.md)."""
USE_PLACES = 4
OWN, COMMON, OF_INSTRUMENT = "account", "venue", "instrument"
QUANTITIES = (ORDER_QUANTITY, LONG, SHORT, OPEN_INTEREST, DAILY_VOLUME)
ANY = 0
"""The instrument of a record that is of every one."""


def of_orders(
    number: int, account: Account, instruments: Mapping[int, Instrument], currencies: Mapping[int, Currency]
) -> list[LimitUse]:
    """Return every limit of positions and working orders of which something is used, and that on all orders."""
    lots = Counter({at: one.lots for at, one in account.positions.items()})

    def tightest(name: str, at: int) -> tuple[str, int] | None:
        return _tightest(name, number, at, account.limits)

    found = [_open_orders(number, account), *_in_instruments(lots, account.orders, instruments, tightest)]
    for (scope, _, at, name), limit in sorted(account.limits.items()):
        value, _, currency = name.partition(" ")
        if value != OPEN_VALUE or scope != Scope.ACCOUNT:
            continue
        worth = worth_at_work([o for o in account.orders if at in (ANY, o.instrument)], instruments)
        if int(currency) in worth:
            symbol = instruments[at].symbol if at else None
            found.append(_money(OPEN_VALUE, OWN, limit.value, worth[int(currency)], currencies[int(currency)], symbol))
    return found


def of_level(
    level: Level,
    limits: Mapping[str, Limit],
    together: Together,
    sizes: Mapping[LimitKey, Limit],
    instruments: Mapping[int, Instrument],
    currencies: Mapping[int, Currency],
) -> list[LimitUse] | None:
    """Return how much all accounts of a firm or a group use of its limits; None: there is too much of it.

    `sizes`: the limits of instruments, which say how large their markets are.
    Of a group those of which something is used, by instrument; of a firm what works (`open_value`), and what it has drawn of its line.
    """
    if not together.whole:
        return None
    scope = Scope(level.scope).name.lower()
    if level.scope == Scope.GROUP:

        def standing(name: str, at: int) -> tuple[str, int] | None:
            most = _enforced(name, limits.get(name), at, sizes)
            return None if most is None else (scope, most)

        return _in_instruments(together.lots, together.orders, instruments, standing)
    found, worth = [], worth_at_work(together.orders, instruments)
    for key, limit in sorted(limits.items()):
        name, _, number = key.partition(" ")
        if name in (OPEN_VALUE, CREDIT):
            filled = together.drawn.get(int(number), 0) if name == CREDIT else 0
            currency = currencies[int(number)]
            found.append(_money(name, scope, limit.value, worth[currency.number] + filled, currency, told=True))
    return found


def of_money(valued: Valued, initial: Fraction, reporting: Currency, daily_loss: int) -> list[LimitUse]:
    """Return what of the equity margin takes, and what of what may be lost on a day is lost.

    Args:
        initial: The requirement, as it is shown.
        daily_loss: Percent of the opening equity and what flowed since.
    """
    lost = max(Fraction(0), -valued.profit)
    may = (valued.opening + valued.flow) * Fraction(daily_loss, 100)
    return [
        _used("margin", OWN, valued.equity, initial, reporting.scale),
        _used("daily_loss", COMMON, may, lost, reporting.scale),
    ]


def records(
    account: Account, instruments: Mapping[int, Instrument], currencies: Mapping[int, Currency]
) -> list[LimitRecord]:
    """Return the numbers that apply to an account as they stand; those of all in instruments that it does not touch are left out."""
    touched = account.positions.keys() | {order.instrument for order in account.orders}
    return [
        record(key, limit, instruments, currencies)
        for key, limit in sorted(account.limits.items())
        if key[0] != Scope.INSTRUMENT or key[2] in touched
    ]


def record(
    key: LimitKey, limit: Limit, instruments: Mapping[int, Instrument], currencies: Mapping[int, Currency]
) -> LimitRecord:
    """Return a number of a record as it stands."""
    scope, _, at, named = key
    name, _, number = named.partition(" ")
    currency = currencies[int(number)] if number else None
    value = currency.show(limit.value) if currency else str(limit.value)
    if name in SIZE_OF:
        value = show(limit.value, SHARE_PLACES)
    if name in QUANTITIES and at:
        value = instruments[at].quantity(limit.value)
    symbol = instruments[at].symbol if at else None
    return LimitRecord(
        name, Scope(scope).name.lower(), symbol, currency.code if currency else None, value, limit.sequence
    )


def over(limit: LimitUse, line: int) -> int:
    """Return 1 where more than `line` percent of a limit is used, -1 where less is, 0 where it is just that.

    A margin that stands against no equity at all is over every line.
    """
    most, used = Fraction(limit.limit), Fraction(limit.used)
    if most <= 0:
        return 1 if limit.name in ("margin", "initial_margin") and used > 0 else -1
    share = used * 100 - most * line
    return (share > 0) - (share < 0)


def name_of(limit: LimitUse) -> str:
    """Return the name under which a limit is remembered."""
    return f"{limit.name} {limit.symbol}" if limit.symbol else limit.name


def nothing_of(name: str) -> LimitUse:
    """Return what is used of a limit that is gone, or of whose subject nothing is left."""
    limit, _, symbol = name.partition(" ")
    return LimitUse(limit, OWN, symbol or None, "0", "0", None)


def _open_orders(number: int, account: Account) -> LimitUse:
    """Of an account its own counts, else the venue's, else the engine's."""
    own = account.limits.get((*Level(Scope.ACCOUNT, number), MAX_OPEN_ORDERS))
    standing = own or account.limits.get((*VENUE, MAX_OPEN_ORDERS)) or Limit(DEFAULT_OPEN_ORDERS, 0)
    scope = OWN if own else COMMON
    return _used(MAX_OPEN_ORDERS, scope, Fraction(standing.value), Fraction(len(account.orders)), 0)


def _in_instruments(
    lots: Mapping[int, int],
    orders: Sequence[Working],
    instruments: Mapping[int, Instrument],
    tightest: Callable[[str, int], tuple[str, int] | None],
) -> list[LimitUse]:
    """Return what is used in each instrument of limits of a position at its worst, and of working orders.

    Args:
        lots: Of positions, by instrument. tightest: Whose limit of a name counts in an instrument, and how much it is.
    """
    found = []
    works, count = lots_at_work(orders), Counter(order.instrument for order in orders)
    touched = {at for at, held in lots.items() if held} | count.keys()
    for instrument in sorted((instruments[at] for at in touched), key=lambda one: one.symbol):
        at = instrument.number
        held, buys, sells = lots.get(at, 0), works[at, BUY], works[at, SELL]
        worst = max(held + buys, sells - held)
        uses = {LONG: held + buys, SHORT: sells - held, INTEREST: worst, VOLUME: worst, OPEN_EACH: count[at]}
        for name, used in uses.items():
            standing = tightest(name, at)
            if standing is None or used <= 0:
                continue
            scope, value = standing
            size = Fraction(1) if name == OPEN_EACH else Fraction(instrument.lot, 10**instrument.lot_scale)
            places = 0 if name == OPEN_EACH else instrument.lot_scale
            found.append(_used(name, scope, value * size, used * size, places, instrument.symbol))
    return found


def _tightest(name: str, number: int, instrument: int, limits: Mapping[LimitKey, Limit]) -> tuple[str, int] | None:
    """Return whose limit counts, and how much it is; None: there is none."""
    levels = (
        (COMMON, VENUE),
        (OWN, Level(Scope.ACCOUNT, number)),
        (OF_INSTRUMENT, Level(Scope.INSTRUMENT, 0, instrument)),
        (OWN, Level(Scope.ACCOUNT, number, instrument)),
    )
    found = [(scope, _enforced(name, limits.get((*level, name)), instrument, limits)) for scope, level in levels]
    return min(((scope, most) for scope, most in found if most is not None), key=lambda one: one[1], default=None)


def _enforced(name: str, limit: Limit | None, instrument: int, sizes: Mapping[LimitKey, Limit]) -> int | None:
    """Return what a limit comes to in an instrument: a share of its market in lots; None: that, or the market, is not known."""
    if limit is None or name not in SIZE_OF:
        return None if limit is None else limit.value
    size = sizes.get((*Level(Scope.INSTRUMENT, 0, instrument), SIZE_OF[name]))
    return None if size is None else limit.value * size.value // 10**SHARE_PLACES


def _money(
    name: str, scope: str, limit: int, used: int, currency: Currency, symbol: str | None = None, *, told: bool = False
) -> LimitUse:
    """Return how much of a limit of money is used; told: in which currency it is says the limit itself."""
    minor = Fraction(1, 10**currency.scale)
    found = _used(name, scope, limit * minor, used * minor, currency.scale, symbol)
    return structs.replace(found, currency=currency.code) if told else found


def _used(name: str, scope: str, limit: Fraction, used: Fraction, places: int, symbol: str | None = None) -> LimitUse:
    share = shown(Fraction(used, limit), USE_PLACES) if limit > 0 else None
    return LimitUse(name, scope, symbol, shown(limit, places), shown(used, places), share)

"""Profile A: size × price × volatility × 2.5, symbol by symbol. Pure; integers, so that no size is too large to be exact.

A requirement is a function of what it is given: nothing is remembered between two calls, so a new price, position or
setting counts at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.margin.amounts import RATE, ceiling, money, worst_lots

DEFAULT_VOLATILITY = 2_000_000
"""2 %, of a symbol for which none is set."""
MAX_VOLATILITY = 10 * RATE
"""1,000 %: beyond it somebody has mistaken the unit."""
FACTOR = 5
HALVES = 2
"""2.5 = FACTOR / HALVES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An account's position and working orders in one instrument; all holdings of one sum settle in one currency.

    Attributes:
        lots: The position, signed. buys, sells: Lots of working orders, >= 0.
        price: In ticks: the mark, else the average entry (`price_of`); its size counts where it is negative.
        unit, per: One tick of one lot is unit / per minor units.
        volatility: In 10^-8, 0 < volatility <= 10^9. floor: Least requirement as a share of the notional, in 10^-8.
    """

    symbol: str
    lots: int
    price: int | Fraction
    unit: int
    per: int = 1
    buys: int = 0
    sells: int = 0
    volatility: int = DEFAULT_VOLATILITY
    floor: int = 0


def price_of(symbol: str, mark: int | None, average: Fraction | None) -> int | Fraction:
    """Return the price at which margin counts: the mark, else the average entry, in ticks.

    Raises:
        InvalidCommand: `risk.price.missing`: neither is there. A missing price is never 0.
    """
    if mark is not None:
        return mark
    if average is None:
        raise InvalidCommand("risk.price.missing", f"{symbol} has neither mark nor average entry", field=symbol)
    return average


def initial(holdings: Iterable[Holding]) -> int:
    """Return the requirement of positions and working orders, in minor units, up to the next one.

    Raises:
        InvalidCommand: `risk.volatility.bad`, `order.amount.overflow`.
    """
    return _required((holding, worst_lots(holding.lots, holding.buys, holding.sells)) for holding in holdings)


def maintenance(holdings: Iterable[Holding]) -> int:
    """Return the requirement of positions alone; otherwise as `initial`."""
    return _required((holding, holding.lots) for holding in holdings)


def _required(sized: Iterable[tuple[Holding, int]]) -> int:
    sums: dict[int, int | Fraction] = {}
    for holding, lots in sized:
        volatility, floor = holding.volatility, holding.floor
        if not 0 < volatility <= MAX_VOLATILITY or not 0 <= floor <= MAX_VOLATILITY:
            _refuse(holding)
        rate = max(volatility * FACTOR, floor * HALVES)
        size = lots * holding.price
        charge = (size if size >= 0 else -size) * (rate * holding.unit)
        sums[holding.per] = sums.get(holding.per, 0) + charge
    total = sum((Fraction(charge, per * RATE * HALVES) for per, charge in sums.items()), Fraction(0))
    return money(ceiling(total.numerator, total.denominator))


def _refuse(holding: Holding) -> None:
    name, actual = (
        ("volatility", holding.volatility) if 0 <= holding.floor <= MAX_VOLATILITY else ("floor", holding.floor)
    )
    detail = f"{name} of {holding.symbol} is outside (0, {MAX_VOLATILITY}] of 10^-8"
    raise InvalidCommand("risk.volatility.bad", detail, field=name, limit=str(MAX_VOLATILITY), actual=str(actual))

"""Profile C: what a portfolio loses under the scenarios of a grid. Pure; it only adds integers of 10^-6 currency.

Per underlying: max(minimum, scan + calendar + delivery - inter-commodity credit) + concentration, less net option value.
Charges are rounded up to 10^-6 and credits down; the sum is rounded up to the minor unit, once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.margin.amounts import RATE, ceiling, money
from quantumcore.services.risk.margin.grid import Grid

PLACES = 6
MILLIONTH = 10**PLACES


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A position in one contract, with its working orders and what the option model says of the contract.

    Attributes:
        lots: Signed. buys, sells: Working, >= 0. expiry: Any number, equal for equal days; 0 without one.
        losses: The risk array: what one long contract loses in each scenario of the grid, in 10^-6 currency.
        short_minimum: What each short lot of it needs at least, in 10^-6 currency; the larger of it and an option's charge counts.
        delta: Of one long contract, in 10^-6 of the underlying's unit. value: Of one long option, in 10^-6 currency; 0 of
            a future, whose gains are settled. option: Whether it is one. delivering: Whether it is in its delivery month.
    """

    symbol: str
    underlying: str
    lots: int
    losses: tuple[int, ...]
    delta: int
    buys: int = 0
    sells: int = 0
    expiry: int = 0
    value: int = 0
    option: bool = False
    delivering: bool = False
    short_minimum: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """Settings of an underlying; amounts in 10^-6 currency, >= 0.

    Attributes:
        calendar: For each unit of delta that is long in one month and short in another.
        delivery: For each unit of net delta in a delivery month.
        short_option: Least requirement of each short option. contract: Of each contract, long or short.
        concentrated: For each unit of net delta over `concentrated_from` (in 10^-6 of the unit).
    """

    calendar: int = 0
    delivery: int = 0
    short_option: int = 0
    contract: int = 0
    concentrated: int = 0
    concentrated_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Two underlyings whose risks offset: `credit` (10^-8, at most all of it) of the price risk of what is spread.

    Attributes:
        first, second: Underlyings; opposite net deltas are spread. of_first, of_second: Units of delta of one spread, > 0.
    """

    first: str
    second: str
    credit: int
    of_first: int = 1
    of_second: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one underlying needs and why, in 10^-6 currency; `scenario` counts from 1, 0: none of them loses."""

    underlying: str
    scan: int
    scenario: int
    calendar: int
    delivery: int
    credit: int
    minimum: int
    concentration: int
    net_option_value: int

    @property
    def risk(self) -> int:
        """Before option values."""
        return max(self.minimum, self.scan + self.calendar + self.delivery - self.credit) + self.concentration


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The requirement of a portfolio, in minor units, and its parts.

    Attributes:
        risk: Before option values: for whoever counts the value of options in equity.
        requirement: Less net option value, >= 0: for whoever does not. One of both, never both.
    """

    risk: int
    requirement: int
    parts: tuple[Part, ...]


def requirement(
    lines: Iterable[Line],
    grid: Grid,
    charges: Mapping[str, Charges],
    *,
    spreads: Sequence[Spread] = (),
    places: int = 2,
    orders: bool = True,
) -> Portfolio:
    """Return what a portfolio needs, all of it in one currency.

    Args:
        charges: By underlying; one that is not named has none. spreads: The first ones are served first.
        places: Of the currency, at most 9. orders: Count working orders, each scenario with the worse of all buys and all
            sells (initial); otherwise positions alone (maintenance).

    Raises:
        InvalidCommand: `risk.array.bad`: a risk array that is not of this grid; `order.amount.overflow`.
    """
    held: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if len(line.losses) != len(grid.scenarios):
            raise InvalidCommand(
                "risk.array.bad",
                f"{line.symbol} has {len(line.losses)} losses, the grid {len(grid.scenarios)} scenarios",
                field=line.symbol,
                limit=str(len(grid.scenarios)),
                actual=str(len(line.losses)),
            )
        held[line.underlying].append(line)
    losses = {name: scenario_losses(of, orders=orders) for name, of in held.items()}
    given = _credits(held, losses, grid, spreads)
    parts = tuple(
        _part(name, of, losses[name], charges.get(name, Charges()), given[name], orders=orders)
        for name, of in sorted(held.items())
    )
    risk = sum(part.risk for part in parts)
    net = max(0, risk - sum(part.net_option_value for part in parts))
    return Portfolio(risk=_units(risk, places), requirement=_units(net, places), parts=parts)


def scenario_losses(lines: Sequence[Line], *, orders: bool) -> list[int]:
    """Return what lines lose in each scenario, in 10^-6 currency; a gain is negative."""
    totals = [0] * len(lines[0].losses)
    for line in lines:
        lots = line.lots
        if orders and (line.buys or line.sells):
            bought, sold = lots + line.buys, lots - line.sells
            losses = [max(bought * loss, sold * loss) for loss in line.losses]
        else:
            losses = [lots * loss for loss in line.losses]
        totals = list(map(int.__add__, totals, losses))
    return totals


def _part(name: str, lines: Sequence[Line], losses: Sequence[int], of: Charges, credit: int, *, orders: bool) -> Part:
    scan = max(0, *losses)
    months: defaultdict[int, int] = defaultdict(int)
    delivering = 0
    for line in lines:
        months[line.expiry] += line.lots * line.delta
        delivering += line.lots * line.delta if line.delivering else 0
    long = sum(delta for delta in months.values() if delta > 0)
    short = sum(-delta for delta in months.values() if delta < 0)
    over = max(0, abs(long - short) - of.concentrated_from)
    shorts = sum(
        max(0, (line.sells if orders else 0) - line.lots) * max(line.short_minimum, of.short_option * line.option)
        for line in lines
    )
    contracts = sum(
        max(abs(line.lots + line.buys), abs(line.lots - line.sells)) if orders else abs(line.lots) for line in lines
    )
    return Part(
        underlying=name,
        scan=scan,
        scenario=losses.index(scan) + 1 if scan else 0,
        calendar=ceiling(min(long, short) * of.calendar, MILLIONTH),
        delivery=ceiling(abs(delivering) * of.delivery, MILLIONTH),
        credit=credit,
        minimum=shorts + contracts * of.contract,
        concentration=ceiling(over * of.concentrated, MILLIONTH),
        net_option_value=sum(line.lots * line.value for line in lines),
    )


def _credits(
    held: Mapping[str, Sequence[Line]], losses: Mapping[str, Sequence[int]], grid: Grid, spreads: Sequence[Spread]
) -> defaultdict[str, int]:
    """Return the credit of each underlying: for delta that is spread, its part of the price risk, by the spread's rate."""
    net = {name: sum(line.lots * line.delta for line in lines) for name, lines in held.items()}
    left, given = dict(net), defaultdict[str, int](int)
    for spread in spreads:
        if not 0 <= spread.credit <= RATE or spread.of_first <= 0 or spread.of_second <= 0:
            detail = f"the spread of {spread.first} and {spread.second} has a bad credit or ratio"
            raise InvalidCommand("risk.spread.bad", detail, field="credit", limit=str(RATE), actual=str(spread.credit))
        first, second = left.get(spread.first, 0), left.get(spread.second, 0)
        if first * second >= 0:
            continue
        count = min(abs(first) // spread.of_first, abs(second) // spread.of_second)
        for name, used in ((spread.first, count * spread.of_first), (spread.second, count * spread.of_second)):
            risk = price_risk(losses[name], grid)
            given[name] += risk * used * spread.credit // (abs(net[name]) * RATE)
            left[name] -= used if left[name] > 0 else -used
    return given


def price_risk(losses: Sequence[int], grid: Grid) -> int:
    """Return the part of a scan that prices make: the mean over volatilities at its worst price, less that at none.

    At most the scan, at least 0; in 10^-6 currency, rounded down.
    """
    scan = max(0, *losses)
    if not scan:
        return 0
    worst = grid.scenarios[losses.index(scan)].price
    return max(0, min(scan, _mean_at(losses, grid, worst) - _mean_at(losses, grid, 0)))


def _mean_at(losses: Sequence[int], grid: Grid, price: object) -> int:
    at = [loss for loss, scenario in zip(losses, grid.scenarios, strict=True) if scenario.price == price]
    return sum(at) // len(at) if at else 0


def _units(amount: int, places: int) -> int:
    return money(ceiling(amount * 10**places, MILLIONTH))

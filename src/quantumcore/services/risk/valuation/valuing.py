"""What an account is worth, is exposed to, and needs: from what it has and wants, the prices and the parameters. Pure; exact rationals.

Equity is every balance at what its currency or asset is worth: what is held is fully paid, and a balance carries it. Margin of profile `cash`
counts only what is not spot, of profile `volatility` everything; it is summed in each currency, rounded up there, and brought over.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from quantumcore.contracts.marks import Mark
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.services.risk.margin import volatility as margin
from quantumcore.services.risk.parameters import CASH, Parameters
from quantumcore.services.risk.state import BUY, ONE, Balance, Holding, Working
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.valuation.worths import Worths

SPOT = 1
_WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


class Market(NamedTuple):
    """What is alike for all accounts.

    Attributes:
        instruments, currencies: By number. marks: By instrument.
        worths: At prices of now. opening: At those with which the day began.
    """

    instruments: Mapping[int, Instrument]
    currencies: Mapping[int, Currency]
    marks: Mapping[int, Mark]
    worths: Worths
    opening: Worths
    parameters: Parameters
    reporting: Currency


class Line(NamedTuple):
    """A position with a price.

    Attributes:
        value: Signed, in the reporting currency, exact. units: Its quantity × multiplier × what its quote is worth.
        price: Of one unit, in the quote currency.
        mark: None: it counts at its average entry.
    """

    instrument: Instrument
    lots: int
    value: Fraction
    units: Fraction
    price: Fraction
    mark: Mark | None


class Valued(NamedTuple):
    """An account's worth and needs, in the reporting currency, exact.

    Attributes:
        lines: Positions that are not flat, by symbol.
        equity, opening: Now, and when the day began. flow: What came since by deposit, at what it is worth now.
        initial, maintenance: Requirements.
        unpriced: Symbols and assets that never had a price; they are in none of the figures.
    """

    lines: tuple[Line, ...]
    equity: Fraction
    opening: Fraction
    flow: Fraction
    initial: Fraction
    maintenance: Fraction
    unpriced: tuple[str, ...]

    @property
    def profit(self) -> Fraction:
        """What was made since the day began."""
        return self.equity - self.opening - self.flow


def value(number: int, account: Account, market: Market, day: int) -> Valued:
    """Value an account.

    Raises:
        Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
        InvalidCommand: `order.amount.overflow`: a requirement that no account could hold.
    """
    unpriced: set[str] = set()
    lines = _lines(account.positions, market, unpriced)
    equity, opening, flow = _equity(account.balances, market, day, unpriced)
    initial, maintenance = _margin(number, account, market, unpriced)
    return Valued(lines, equity, opening, flow, initial, maintenance, tuple(sorted(unpriced)))


def _lines(positions: Mapping[int, Holding], market: Market, unpriced: set[str]) -> tuple[Line, ...]:
    found = []
    for number, holding in positions.items():
        if not holding.lots:
            continue
        instrument = market.instruments[number]
        ticks, worth = _ticks(instrument, holding, market), market.worths.of(instrument.quote.code)
        if ticks is None or worth is None:
            unpriced.add(instrument.symbol)
            continue
        price = ticks * Fraction(instrument.tick, 10**instrument.tick_scale)
        size = Fraction(holding.lots * instrument.lot * instrument.multiplier, 10**instrument.lot_scale)
        units = size * worth
        found.append(Line(instrument, holding.lots, units * price, units, price, market.marks.get(number)))
    return tuple(sorted(found, key=lambda line: line.instrument.symbol))


def _ticks(instrument: Instrument, holding: Holding, market: Market) -> Fraction | None:
    """Return the price at which a position counts, in ticks: the mark, else the average entry; None: there is neither."""
    mark = market.marks.get(instrument.number)
    if mark is not None:
        return Fraction(mark.price)
    if holding.cost is None or not holding.lots:
        return None
    return Fraction(holding.cost, holding.lots * ONE)


def _equity(
    balances: Mapping[int, Balance], market: Market, day: int, unpriced: set[str]
) -> tuple[Fraction, Fraction, Fraction]:
    equity = opening = flow = Fraction(0)
    for number, balance in balances.items():
        began, flowed = balance.on(day)
        if not (balance.total or began or flowed):
            continue
        currency = market.currencies[number]
        now = market.worths.of(currency.code)
        if now is None:
            unpriced.add(currency.code)
            continue
        then = market.opening.of(currency.code)
        unit = Fraction(1, 10**currency.scale)
        equity += balance.total * unit * now
        opening += began * unit * (now if then is None else then)  # what had no price then has made nothing yet
        flow += flowed * unit * now
    return equity, opening, flow


def _margin(number: int, account: Account, market: Market, unpriced: set[str]) -> tuple[Fraction, Fraction]:
    needs_all = market.parameters.profile(number) != CASH
    working = _by_instrument(account.orders)
    holdings: dict[str, list[margin.Holding]] = {}
    for at in sorted(account.positions.keys() | working.keys()):
        instrument = market.instruments[at]
        holding, (buys, sells) = account.positions.get(at, Holding()), working.get(at, (0, 0))
        if not (holding.lots or buys or sells) or not (needs_all or instrument.kind != SPOT):
            continue
        ticks = _ticks(instrument, holding, market)
        if ticks is None:
            ticks = _asked(at, account.orders)
        if ticks is None:
            unpriced.add(instrument.symbol)
            continue
        unit, per = instrument.unit.as_integer_ratio()
        one = margin.Holding(
            symbol=instrument.symbol,
            lots=holding.lots,
            price=int(ticks) if ticks.denominator == 1 else ticks,
            unit=unit,
            per=per,
            buys=buys,
            sells=sells,
            volatility=market.parameters.volatilities.get(instrument.symbol, margin.DEFAULT_VOLATILITY),
            floor=market.parameters.floors.get(instrument.symbol, 0),
        )
        holdings.setdefault(instrument.quote.code, []).append(one)
    initial = maintenance = Fraction(0)
    codes = {currency.code: currency for currency in market.currencies.values()}
    for code, some in holdings.items():
        worth = market.worths.of(code)
        if worth is None:
            unpriced.add(code)
            continue
        minor = Fraction(worth, 10 ** codes[code].scale)
        initial += margin.initial(some) * minor
        maintenance += margin.maintenance(some) * minor
    return initial, maintenance


def _by_instrument(orders: Iterable[Working]) -> dict[int, tuple[int, int]]:
    """Return lots that work to buy and to sell, by instrument."""
    found: dict[int, tuple[int, int]] = {}
    for order in orders:
        buys, sells = found.get(order.instrument, (0, 0))
        bought = order.leaves if order.side == BUY else 0
        found[order.instrument] = buys + bought, sells + order.leaves - bought
    return found


def _asked(instrument: int, orders: Iterable[Working]) -> Fraction | None:
    """Return the dearest price that is asked for in an instrument that never had one."""
    prices = [order.price for order in orders if order.instrument == instrument and order.price > 0]
    return Fraction(max(prices)) if prices else None


def decimal(exact: Fraction) -> Decimal:
    """Return a rational as a decimal of 400 digits."""
    return _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def shown(exact: Fraction, places: int) -> str:
    """Return a rational with `places` decimals, half-even."""
    return f"{Decimal(round(exact * 10**places)).scaleb(-places, context=_WIDE):f}"


def raised(exact: Fraction, places: int) -> Fraction:
    """Return a requirement, up to the next unit of `places` decimals."""
    return Fraction(-(-exact.numerator * 10**places // exact.denominator), 10**places)

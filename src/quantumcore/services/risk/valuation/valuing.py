"""What an account is worth, is exposed to, and needs: from what it has and wants, the prices and the parameters. Pure; exact rationals.

Equity is every balance at what its currency or asset is worth: what is held is fully paid, and a balance carries it. What is needed for it is
counted in `requirements`.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from quantumcore.contracts.marks import Mark
from quantumcore.contracts.reference import Instrument
from quantumcore.services.risk.state import Balance, Holding
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.valuation.market import Market, ticks_of
from quantumcore.services.risk.valuation.requirements import requirements

_WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


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
        unpriced: Symbols and assets that never had a price, and are in none of the figures; options that have expired, which no margin counts.
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
    initial, maintenance = requirements(number, account, market, unpriced, day)
    return Valued(lines, equity, opening, flow, initial, maintenance, tuple(sorted(unpriced)))


def _lines(positions: Mapping[int, Holding], market: Market, unpriced: set[str]) -> tuple[Line, ...]:
    found = []
    for number, holding in positions.items():
        if not holding.lots:
            continue
        instrument = market.instruments[number]
        ticks, worth = ticks_of(instrument, holding, market), market.worths.of(instrument.quote.code)
        if ticks is None or worth is None:
            unpriced.add(instrument.symbol)
            continue
        price = ticks * Fraction(instrument.tick, 10**instrument.tick_scale)
        size = Fraction(holding.lots * instrument.lot * instrument.multiplier, 10**instrument.lot_scale)
        units = size * worth
        found.append(Line(instrument, holding.lots, units * price, units, price, market.marks.get(number)))
    return tuple(sorted(found, key=lambda line: line.instrument.symbol))


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


def decimal(exact: Fraction) -> Decimal:
    """Return a rational as a decimal of 400 digits."""
    return _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def shown(exact: Fraction, places: int) -> str:
    """Return a rational with `places` decimals, half-even."""
    return f"{Decimal(round(exact * 10**places)).scaleb(-places, context=_WIDE):f}"


def raised(exact: Fraction, places: int) -> Fraction:
    """Return a requirement, up to the next unit of `places` decimals."""
    return Fraction(-(-exact.numerator * 10**places // exact.denominator), 10**places)

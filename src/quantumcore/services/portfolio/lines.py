"""The lines of a portfolio, one for each position, and what they add up to. Pure; exact, rounded once where it is shown.

A thousand lines are to take milliseconds, and a call costs Python as much as the arithmetic in it. So the lines of a
currency are computed a column at a time, in decimals, which are exact here: 200 digits hold every product and sum of what
other rooms show. A quotient is cut so that rounding it once more, where it is shown, is as if it were the only time.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_05UP, ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction
from itertools import compress, repeat
from operator import mul
from typing import NamedTuple

from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.portfolio import Line
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.reference import Currency
from quantumcore.services.portfolio import carried as days
from quantumcore.services.portfolio.carried import Carried
from quantumcore.services.portfolio.exact import SHOWN, ZERO, shown
from quantumcore.services.portfolio.pnl import PnlSums
from quantumcore.services.portfolio.prices import Listed, Worths

_TRAPS = [InvalidOperation, DivisionByZero, Overflow]
EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=_TRAPS)
_ROUNDED = Context(prec=80, rounding=ROUND_HALF_EVEN, traps=_TRAPS).quantize
_QUOTIENT = Context(prec=100, rounding=ROUND_05UP, traps=_TRAPS).divide
"""A cut quotient ends in no 0 and no 5, so that it makes or loses no tie. What is shown has 80 digits at most, amounts of 128
bits and rates of 64 fewer than 60 before the point; more is no number to `_ROUNDED`."""
NOTHING = Decimal(0)
_ONE, _HUNDRED = Decimal(1), Decimal(100)
_EIGHTH = Decimal(1).scaleb(-SHOWN)


class Rate(NamedTuple):
    """What one unit of a currency is worth in the reporting currency, as a fraction."""

    over: Decimal
    under: Decimal


NO_RATE = Rate(NOTHING, _ONE)  # of what has no worth, which is not in the total


class Unit(NamedTuple):
    """The smallest unit of a currency, and how nothing of it is shown."""

    size: Decimal
    nothing: str

    @classmethod
    def of(cls, currency: Currency) -> "Unit":
        """Return the unit of `currency`."""
        return cls(Decimal(1).scaleb(-currency.scale), shown(0, currency.scale))


class _Columns(NamedTuple):
    """Lines of one currency, of which the weights are still open.

    Attributes:
        places: Where each stands among all lines.
        gross: How much each weighs, in the reporting currency; the rest as it is shown.
    """

    places: Sequence[int]
    views: Sequence[PositionView]
    market: Iterable[str]
    unrealised: Iterable[str]
    percent: Iterable[str]
    income: Iterable[str]
    value: Iterable[str]
    fx: Iterable[str]
    gross: Sequence[Decimal]


class Lines:
    """The lines and their sums: quantities by base, money by currency. Works within the context EXACT.

    Attributes:
        explained: Quantities by the base whose balance carries them.
        assets: Market values that balances carry, by currency. unsettled: What is unrealised of positions that none carries.
        priced: Bases of which positions have counted all that they explain.
        stale, unpriced: Symbols.
        pnl: Of all lines.
    """

    def __init__(self, listed: Listed, worths: Worths, reporting: Currency, carried: Mapping[str, Carried]) -> None:
        self.explained: dict[str, Decimal] = {}
        self.assets: dict[str, Decimal] = {}
        self.unsettled: dict[str, Decimal] = {}
        self.priced: set[str] = set()
        self.stale: set[str] = set()
        self.unpriced: set[str] = set()
        self.pnl = PnlSums()
        self._listed = listed
        self._worths = worths
        self._own = reporting.code
        self._unit = Unit.of(reporting)
        self._carried = carried
        self._columns: list[_Columns] = []
        self._without: dict[int, PositionView] = {}

    def take(self, positions: Sequence[PositionView]) -> None:
        """Count all positions of the account.

        Raises:
            Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
        """
        groups: dict[str, list[int]] = {}
        for place, view in enumerate(positions):
            groups.setdefault(view.currency, []).append(place)
        for code, places in groups.items():
            try:
                self._take(code, places, [positions[place] for place in places])
            except QuantumCoreError as error:
                error.context.setdefault("symbol", positions[places[0]].symbol)
                raise

    def _take(self, code: str, places: Sequence[int], views: Sequence[PositionView]) -> None:
        """Count positions of one currency; one that has no price, or whose currency has no worth, counts nowhere."""
        rate = self.rate(code)
        quantities = list(map(Decimal, [view.quantity for view in views]))
        bases = self._explain(views, quantities)
        priced = [
            not amount or (view.mark is not None and rate is not None)
            for view, amount in zip(views, quantities, strict=True)
        ]
        if not all(priced):
            without = {place: view for place, view, known in zip(places, views, priced, strict=True) if not known}
            self._without |= without
            self.unpriced.update([view.symbol for view in without.values()])
            places, views, quantities, bases = (
                list(compress(places, priced)),
                list(compress(views, priced)),
                list(compress(quantities, priced)),
                list(compress(bases, priced)),
            )
        self._count(code, rate or NO_RATE, places, views, quantities, bases)

    def _explain(self, views: Sequence[PositionView], quantities: Sequence[Decimal]) -> list[str]:
        """Count what balances have by positions; return the base of each whose balance carries it, "" for none."""
        paid, explained = self._listed.paid, self.explained
        bases = [paid.get(view.symbol, "") if view.contract != "inverse" else "" for view in views]
        for base, quantity in zip(bases, quantities, strict=True):
            if base and quantity:
                explained[base] = explained.get(base, NOTHING) + quantity
        return bases

    def _count(
        self,
        code: str,
        rate: Rate,
        places: Sequence[int],
        views: Sequence[PositionView],
        quantities: Sequence[Decimal],
        bases: Sequence[str],
    ) -> None:
        markets = list(map(mul, quantities, map(Decimal, [view.mark or ZERO for view in views])))
        for n in [n for n, view in enumerate(views) if view.multiplier != "1" or view.contract == "inverse"]:
            markets[n] = _market(views[n], quantities[n], markets[n])
        unrealised = [
            view.unrealised or ZERO if amount else ZERO for view, amount in zip(views, quantities, strict=True)
        ]
        incomes = list(map(days.income, views))
        changes, costs = list(map(Decimal, unrealised)), list(map(Decimal, [view.cost for view in views]))
        unit = self._unit if code == self._own else Unit.of(self._listed.currencies[code])
        rounded = list(map(_ROUNDED, markets, repeat(unit.size)))
        market = _texts(rounded, unit.nothing)
        fx: Iterable[str]
        if code == self._own:  # as most are
            here, fx = rounded, repeat(ZERO)
            self.pnl.own(views, incomes, changes)
        else:
            here = self.converted(markets, rate)
            fx = self._foreign(code, views, changes, costs, rate)
        values, gross = self._add(code, rate, views, bases, markets, changes, here)
        value = market if code == self._own and values == rounded else _texts(values, self._unit.nothing)
        percents = [
            _QUOTIENT(change * _HUNDRED, abs(cost)) if change and cost else NOTHING
            for change, cost in zip(changes, costs, strict=True)
        ]
        self.stale.update(
            [view.symbol for view, amount in zip(views, quantities, strict=True) if view.stale and amount]
        )
        self._columns.append(_Columns(places, views, market, unrealised, _eighths(percents), incomes, value, fx, gross))

    def _add(
        self,
        code: str,
        rate: Rate,
        views: Sequence[PositionView],
        bases: Sequence[str],
        markets: Sequence[Decimal],
        changes: Sequence[Decimal],
        here: Sequence[Decimal],
    ) -> tuple[Sequence[Decimal], Sequence[Decimal]]:
        """Count what lines add to the total; return it and how much each weighs, rounded.

        Args:
            markets: The market values, exact. here: The same in the reporting currency, rounded.
        """
        values, gross = list(here), list(map(abs, here))
        alone, own, assets = self._listed.alone, self._own, NOTHING
        for n, (view, base) in enumerate(zip(views, bases, strict=True)):
            if base and base != own and view.symbol in alone and view.mark is not None and rate is not NO_RATE:
                self.priced.add(base)  # as most are: no other instrument could price it
                assets += markets[n]
            elif base:
                values[n] = self._add_carried(view, base, markets[n], here[n])
                gross[n] = abs(values[n])
            else:
                self.unsettled[code] = self.unsettled.get(code, NOTHING) + changes[n]
                values[n] = self.converted([changes[n]], rate)[0]
        self.assets[code] = self.assets.get(code, NOTHING) + assets
        return values, gross

    def _add_carried(self, view: PositionView, base: str, market: Decimal, here: Decimal) -> Decimal:
        """Count a position that the balance of `base` carries, at what prices that; return it in the reporting currency."""
        pricing = self._worths.pricing(base)
        if pricing is None:
            return NOTHING  # its balance is cash: of the reporting currency, or of one that only rates price
        self.priced.add(base)
        quote = pricing.quote.code
        if pricing.symbol != view.symbol:  # several instruments have this base, and another prices it
            market = Decimal(view.quantity) * self._worths.each(pricing)
            here = self.converted([market], self.rate(quote) or NO_RATE)[0]
        self.assets[quote] = self.assets.get(quote, NOTHING) + market
        return here

    def _foreign(
        self,
        code: str,
        views: Sequence[PositionView],
        changes: Sequence[Decimal],
        costs: Sequence[Decimal],
        rate: Rate,
    ) -> list[str]:
        """Count the P&L of lines in another currency; return the FX results on their open cost."""
        worth = Fraction(int(rate.over), int(rate.under))
        seen = map(self._carried.get, [view.symbol for view in views])
        carried = [
            known if known is not None and known.sequence >= view.sequence else days.after(known, view, worth)
            for known, view in zip(seen, views, strict=True)
        ]
        self.pnl.foreign(code, changes, costs, carried)
        now = map(mul, costs, repeat(rate.over.scaleb(days.SCALE)))
        then = map(mul, map(Decimal, [known.base_cost for known in carried]), repeat(rate.under))
        results = [cost - before for cost, before in zip(now, then, strict=True)]
        return _eighths(map(_QUOTIENT, results, repeat(rate.under.scaleb(days.SCALE))))

    def rate(self, code: str) -> Rate | None:
        """Return what one unit of a currency is worth; None: nobody knows.

        Raises:
            Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
        """
        worth = self._worths.of(code)
        return None if worth is None else Rate(Decimal(worth.numerator), Decimal(worth.denominator))

    def converted(self, amounts: Sequence[Decimal], rate: Rate) -> list[Decimal]:
        """Return amounts in the reporting currency, rounded."""
        exact = map(_QUOTIENT, map(mul, amounts, repeat(rate.over)), repeat(rate.under))
        return list(map(_ROUNDED, exact, repeat(self._unit.size)))

    # ------------------------------------------------------------------------------------------------- result

    def weights(self) -> list[tuple[str, Decimal]]:
        """Return how much each symbol weighs, in the reporting currency; only those that weigh anything."""
        return [
            (view.symbol, gross)
            for columns in self._columns
            for view, gross in zip(columns.views, columns.gross, strict=True)
            if gross
        ]

    def shown(self, weighed: Decimal) -> list[Line]:
        """Return all lines as they are shown, in the order in which they came.

        Args:
            weighed: What everything weighs.
        """
        lines = {place: _unpriced(view) for place, view in self._without.items()}
        for columns in self._columns:
            weights = shares(columns.gross, weighed)
            lines |= zip(columns.places, map(_line, *columns[1:-1], weights), strict=True)
        return [lines[place] for place in range(len(lines))]


def _line(
    view: PositionView, market: str, unrealised: str, percent: str, income: str, value: str, fx: str, weight: str
) -> Line:
    return Line(  # by place: names cost a third more
        view.symbol,
        view.contract,
        view.quantity,
        view.average,
        view.mark,
        view.mark_source,
        view.mark_sequence,
        view.stale,
        view.currency,
        view.cost,
        market,
        market.removeprefix("-"),
        unrealised,
        percent,
        view.realised,
        view.fees,
        income,
        value,
        fx,
        weight,
    )


def _unpriced(view: PositionView) -> Line:
    """Return a line that has no price, or whose currency has no worth."""
    known = view.symbol, view.contract, view.quantity, view.average, view.mark, view.mark_source
    price = view.mark_sequence, view.stale, view.currency, view.cost
    return Line(*known, *price, None, None, None, None, view.realised, view.fees, days.income(view), None, None, None)


def _market(view: PositionView, quantity: Decimal, market: Decimal) -> Decimal:
    """Return what quantity × price is worth in a contract that is not simply that; exact but of an inverse one."""
    if view.contract == "inverse":  # a quotient: the positions room's own, at its places
        return Decimal(view.value or ZERO) if quantity else NOTHING
    return market * Decimal(view.multiplier)


def shares(gross: Iterable[Decimal], weighed: Decimal) -> list[str]:
    """Show how much each is of all that weighs; 0 of nothing."""
    return _eighths(map(_QUOTIENT, gross, repeat(weighed or _ONE)))


def _eighths(exact: Iterable[Decimal]) -> list[str]:
    """Show numbers with 8 places, half-even."""
    return _texts(list(map(_ROUNDED, exact, repeat(_EIGHTH))), ZERO)


def _texts(numbers: Sequence[Decimal], nothing: str) -> list[str]:
    """Show rounded numbers: `str` takes a third of what the format without exponents takes, and seldom has an exponent."""
    return [
        (text if "E" not in text else f"{number:f}") if number else nothing
        for number, text in zip(numbers, map(str, numbers), strict=True)
    ]

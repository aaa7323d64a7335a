"""What an account is worth. Pure: no clock, no I/O, no await; integers and exact rationals, rounded once where they are shown.

    total = cash + assets + unsettled

    cash       balances that no instrument prices × rate
    assets     balances that one does × its price × multiplier × rate of its quote
    unsettled  unrealised P&L of positions that no balance carries × rate

So everything that an account has counts once: positions that a balance carries only explain it. What a balance has beyond
them is a holding. Hence also: total = cash + the value of every line + the value of every holding.

A thousand lines are to take milliseconds, so a line is computed in integers at 10^-54 and its texts are made once.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from heapq import nlargest
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.ledger import Balance
from quantumcore.contracts.portfolio import CashLine, Concentration, Holding, Line, Pnl, Portfolio
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.services.portfolio import carried as days
from quantumcore.services.portfolio.carried import Carried
from quantumcore.services.portfolio.exact import (
    PLACES,
    POWERS,
    RATE_SHOWN,
    SHOWN,
    ZERO,
    eight,
    exact,
    half_even,
    number,
    rounded,
    scaled,
    shown,
)
from quantumcore.services.portfolio.fx import Snapshot
from quantumcore.services.portfolio.prices import Listed, Price, Worths

TOP = 5
_HUNDRED = 100 * POWERS[SHOWN]
_LINE: Callable[..., Line] = Line  # its texts are gathered one by one, in the order of its fields
_NO_RATE = (0, 1)  # of what has no worth, which is not in the total


class Inputs(Struct, frozen=True, kw_only=True):
    """Everything that one valuation looks at; nothing else is asked while it is computed.

    Attributes:
        balances, positions: Of the account, after exactly `sequence`.
        last: Prices of instruments in which it has no position with a mark.
        fx: The one snapshot; fx_stale: why it is too old to be used, else "".
        carried: Of positions in another currency than the reporting one, as last seen.
    """

    account_id: str
    sequence: int
    priced_to: int
    time_ns: int
    reporting: Currency
    balances: list[Balance]
    positions: list[PositionView]
    listed: Listed
    last: Mapping[str, Price] = {}
    fx: Snapshot | None = None
    fx_stale: str = ""
    carried: Mapping[str, Carried] = {}


def worths_of(inputs: Inputs) -> Worths:
    """Return what things are worth to this valuation."""
    return Worths(inputs.listed, inputs.positions, inputs.last, inputs.reporting.code, inputs.fx, inputs.fx_stale)


def value(inputs: Inputs, worths: Worths | None = None) -> Portfolio:
    """Return the account's worth.

    Raises:
        Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
    """
    valuation = _Valuation(inputs, worths or worths_of(inputs))
    about = ""
    try:
        for view in inputs.positions:
            about = view.symbol
            valuation.take_position(view)
        for balance in inputs.balances:
            about = balance.currency
            valuation.take_balance(balance)
    except QuantumCoreError as error:
        error.context.setdefault("symbol", about)
        raise
    return valuation.result()


class _Valuation:
    """The sums on their way. Quantities by base, money by currency, all at 10^-54."""

    def __init__(self, inputs: Inputs, worths: Worths) -> None:
        self._in = inputs
        self._worths = worths
        self._scale = inputs.reporting.scale
        self._zero = shown(0, self._scale)
        self._rates: dict[str, tuple[int, int] | None] = {}
        self._explained: dict[str, int] = {}
        self._assets: dict[str, int] = {}
        self._unsettled: dict[str, int] = {}
        self._cash = Fraction(0)
        self._pnl = _PnlSums()
        self._lines: list[tuple[list[Any], int | None]] = []
        self._cash_lines: list[CashLine] = []
        self._holdings: list[tuple[Holding, int]] = []
        self._stale: set[str] = set()
        self._unpriced: set[str] = set()

    # ---------------------------------------------------------------------------------------------- positions

    def take_position(self, view: PositionView) -> None:
        listed, symbol, code = self._in.listed, view.symbol, view.currency
        instrument = listed.symbols[symbol]
        quantity, places = number(view.quantity)
        base = instrument.base.code if listed.carried_by_balance(view) else ""
        if base and quantity:
            self._explained[base] = self._explained.get(base, 0) + quantity * POWERS[PLACES - places]
        rate = self._rates[code] if code in self._rates else self._rate(code)
        if quantity and (view.mark is None or rate is None):
            self._take_unpriced(view)
            return
        if quantity:
            market, places = _market(view, quantity, places)
            unrealised = view.unrealised or ZERO
            if view.stale:
                self._stale.add(symbol)
        else:
            market, places, unrealised = 0, 0, ZERO
        change, cost = eight(unrealised), eight(view.cost)
        scale = listed.currencies[code].scale
        units = market * POWERS[scale - places] if places <= scale else half_even(market, POWERS[places - scale])
        text = shown(units, scale)
        percent = shown(half_even(change * _HUNDRED, abs(cost)), SHOWN) if change and cost else ZERO
        if code == self._in.reporting.code:  # as most are
            here, fx = units, ZERO
            self._pnl.own(view, change)
        else:
            here = self._converted(market, places, rate or _NO_RATE)
            fx = self._foreign(view, change, cost, rate or _NO_RATE)
        adds, gross = self._adds(view, base, market, places, change, here)
        self._lines.append(
            (
                [
                    symbol,
                    view.contract,
                    view.quantity,
                    view.average,
                    view.mark,
                    view.mark_source,
                    view.mark_sequence,
                    view.stale,
                    code,
                    view.cost,
                    text,
                    text if units >= 0 else text[1:],
                    unrealised,
                    percent,
                    view.realised,
                    view.fees,
                    view.funding,
                    shown(adds, self._scale) if adds else self._zero,
                    fx,
                ],
                gross,
            )
        )

    def _adds(self, view: PositionView, base: str, market: int, places: int, change: int, here: int) -> tuple[int, int]:
        """Count what a line adds to the total; return it and how much it weighs, in smallest units of the reporting currency.

        Args:
            base: Whose balance carries the position; "" for none.
            market, places: The market value, exact. here: The same in the reporting currency, rounded.
        """
        if not base:
            if change:
                self._unsettled[view.currency] = self._unsettled.get(view.currency, 0) + change * POWERS[PLACES - SHOWN]
            return self._converted(change, SHOWN, self._rate(view.currency) or _NO_RATE), abs(here)
        pricing = self._worths.pricing(base)
        if pricing is None:
            return 0, 0  # its balance is cash: of the reporting currency, or of one that only rates price
        quote = pricing.quote.code
        if pricing.symbol != view.symbol:  # several instruments have this base, and another prices it
            (quantity, places), (each, each_places) = number(view.quantity), self._worths.each(pricing)
            market, places = quantity * each, places + each_places
            here = self._converted(market, places, self._rate(quote) or _NO_RATE)
        self._assets[quote] = self._assets.get(quote, 0) + market * POWERS[PLACES - places]
        return here, abs(here)

    def _take_unpriced(self, view: PositionView) -> None:
        """Show a line that has no price, or whose currency has no worth; it counts nowhere."""
        self._unpriced.add(view.symbol)
        known: list[Any] = [view.symbol, view.contract, view.quantity, view.average, view.mark, view.mark_source]
        known += [view.mark_sequence, view.stale, view.currency, view.cost, None, None, None, None]
        self._lines.append(([*known, view.realised, view.fees, view.funding, None, None], None))

    def _foreign(self, view: PositionView, change: int, cost: int, rate: tuple[int, int]) -> str:
        """Count the P&L of a line in another currency; return the FX result on its open cost."""
        known = self._in.carried.get(view.symbol)
        if known is None or known.sequence < view.sequence:
            worth = Fraction(*rate)
            known = days.begin(view, worth) if known is None else days.carry(known, view, worth)
        self._pnl.foreign(view.currency, change, cost, known)
        numerator, denominator = rate
        fx = cost * days.TO_SCALE * numerator - known.base_cost * denominator
        return shown(half_even(fx, denominator * days.TO_SCALE), SHOWN)

    def _rate(self, code: str) -> tuple[int, int] | None:
        """Return what one unit of a currency is worth, as numerator and denominator; None: nobody knows."""
        if code not in self._rates:
            worth = self._worths.of(code)
            self._rates[code] = None if worth is None else (worth.numerator, worth.denominator)
        return self._rates[code]

    def _converted(self, amount: int, places: int, rate: tuple[int, int]) -> int:
        """Return an amount at 10^-places in smallest units of the reporting currency, half-even."""
        return half_even(amount * rate[0] * POWERS[self._scale], rate[1] * POWERS[places])

    # ----------------------------------------------------------------------------------------------- balances

    def take_balance(self, balance: Balance) -> None:
        code = balance.currency
        amount = scaled(balance.total)
        beyond = amount - self._explained.pop(code, 0)
        if code == self._in.reporting.code:
            self._take_cash(balance, amount, Fraction(1))
        elif amount or beyond:
            pricing = self._worths.pricing(code)
            if pricing is not None:
                if beyond:
                    self._hold(code, beyond, pricing)
                return
            worth = self._worths.of(code)
            if worth is not None:
                self._take_cash(balance, amount, worth)
                return
            self._unpriced.add(code)
            if beyond:
                quantity = self._quantity(code, beyond)
                nothing = Holding(code, quantity, None, None, None, 0, False, None, None, None, None)
                self._holdings.append((nothing, 0))

    def _take_cash(self, balance: Balance, amount: int, worth: Fraction) -> None:
        here = exact(amount) * worth
        self._cash += here
        money = balance.currency, balance.total, balance.held, balance.available
        self._cash_lines.append(CashLine(*money, rounded(worth, RATE_SHOWN), rounded(here, self._scale)))

    def _hold(self, code: str, beyond: int, instrument: Instrument) -> None:
        """Count what a balance has beyond positions."""
        price, quote = self._worths.price(instrument.symbol), instrument.quote
        each, places = self._worths.each(instrument)
        market = beyond * each // POWERS[places]  # exact: a balance has at most 9 places, a price 18
        self._assets[quote.code] = self._assets.get(quote.code, 0) + market
        here = self._converted(market, PLACES, self._rate(quote.code) or _NO_RATE)
        if price.stale:
            self._stale.add(instrument.symbol)
        holding = Holding(
            code,
            self._quantity(code, beyond),
            instrument.symbol,
            price.text,
            price.source,
            price.sequence,
            price.stale,
            shown(half_even(market, POWERS[PLACES - quote.scale]), quote.scale),
            quote.code,
            shown(here, self._scale),
            None,
        )
        self._holdings.append((holding, abs(here)))

    def _quantity(self, code: str, amount: int) -> str:
        scale = self._in.listed.currencies[code].scale
        return shown(amount // POWERS[PLACES - scale], scale)

    # ------------------------------------------------------------------------------------------------- result

    def result(self) -> Portfolio:
        for code in [
            code for code, quantity in self._explained.items() if quantity
        ]:  # no balance: all of it left again
            nothing = self._quantity(code, 0)
            self.take_balance(Balance(code, nothing, nothing, nothing))
        assets, unsettled = self._in_reporting(self._assets), self._in_reporting(self._unsettled)
        weighed = sum(gross or 0 for _, gross in self._lines) + sum(gross for _, gross in self._holdings)
        inputs, scale = self._in, self._scale
        return Portfolio(
            account_id=inputs.account_id,
            reporting_currency=inputs.reporting.code,
            sequence=inputs.sequence,
            priced_to=inputs.priced_to,
            fx_snapshot_id=inputs.fx.snapshot_id if inputs.fx is not None else "",
            time_ns=inputs.time_ns,
            total=rounded(self._cash + assets + unsettled, scale),
            cash=rounded(self._cash, scale),
            assets=rounded(assets, scale),
            unsettled=rounded(unsettled, scale),
            complete=not self._unpriced,
            stale=sorted(self._stale),
            unpriced=sorted(self._unpriced),
            pnl=self._pnl.shown(self._worths),
            concentration=self._concentration(weighed),
            cash_lines=self._cash_lines,
            holdings=[_weighed(holding, gross, weighed) for holding, gross in self._holdings],
            lines=[_LINE(*texts, None if gross is None else _share(gross, weighed)) for texts, gross in self._lines],
        )

    def _concentration(self, weighed: int) -> Concentration:
        parts = [(str(texts[0]), gross) for texts, gross in self._lines if gross]
        parts += [(holding.currency, gross) for holding, gross in self._holdings if gross]
        squares = sum(gross * gross for _, gross in parts)
        top = nlargest(TOP, sorted(parts), key=itemgetter(1))
        herfindahl = Fraction(squares, weighed * weighed) if weighed else Fraction(0)
        return Concentration(
            shown(weighed, self._scale),
            rounded(herfindahl, SHOWN),
            rounded(Fraction(1, herfindahl), SHOWN) if herfindahl else ZERO,
            [(name, _share(gross, weighed)) for name, gross in top],
            _share(sum(gross for _, gross in top), weighed),
        )

    def _in_reporting(self, sums: Mapping[str, int]) -> Fraction:
        total = Fraction(0)
        for code, amount in sums.items():
            total += exact(amount) * (self._worths.of(code) or 0)
        return total


class _PnlSums:
    """P&L of all lines: of those in the reporting currency at 10^-8, of others by currency at 10^-8 and, at the rates of
    their days, at 10^-18.
    """

    def __init__(self) -> None:
        self._own = [0, 0, 0, 0]
        self._days = [0, 0, 0, 0]
        self._unrealised: dict[str, int] = {}
        self._cost: dict[str, int] = {}
        self._base_cost = 0

    def own(self, view: PositionView, unrealised: int) -> None:
        """Count a line in the reporting currency."""
        own = self._own
        own[3] += unrealised
        if view.realised != ZERO:
            own[0] += eight(view.realised)
        if view.fees != ZERO:
            own[1] += eight(view.fees)
        if view.funding != ZERO:
            own[2] += eight(view.funding)

    def foreign(self, code: str, unrealised: int, cost: int, known: Carried) -> None:
        """Count a line in another currency."""
        days_ = self._days
        days_[0] += known.base_realised
        days_[1] += known.base_fees
        days_[2] += known.base_funding
        days_[3] += known.fx_realised
        self._unrealised[code] = self._unrealised.get(code, 0) + unrealised
        self._cost[code] = self._cost.get(code, 0) + cost
        self._base_cost += known.base_cost

    def shown(self, worths: Worths) -> Pnl:
        realised, fees, funding = (
            Fraction(own, POWERS[SHOWN]) + Fraction(at, POWERS[days.SCALE])
            for own, at in zip(self._own[:3], self._days[:3], strict=True)
        )
        unrealised, cost = Fraction(self._own[3], POWERS[SHOWN]), Fraction(0)
        for code, amount in self._unrealised.items():
            worth = worths.of(code) or Fraction(0)
            unrealised += Fraction(amount, POWERS[SHOWN]) * worth
            cost += Fraction(self._cost[code], POWERS[SHOWN]) * worth
        fx_realised = Fraction(self._days[3], POWERS[days.SCALE])
        fx_unrealised = cost - Fraction(self._base_cost, POWERS[days.SCALE])
        total = realised + unrealised + fx_realised + fx_unrealised - fees + funding
        parts = (realised, unrealised, fx_realised, fx_unrealised, fees, funding, total)
        return Pnl(*(rounded(part, SHOWN) for part in parts))


def _market(view: PositionView, quantity: int, places: int) -> tuple[int, int]:
    """Return quantity × value at the price, signed, as mantissa and places; exact but of an inverse contract."""
    if view.contract == "inverse":  # a quotient: the positions room's own, at its places
        return eight(view.value or ZERO), SHOWN
    price, price_places = number(view.mark or ZERO)
    if view.multiplier == "1":
        return quantity * price, places + price_places
    multiplier, multiplier_places = number(view.multiplier)
    return quantity * price * multiplier, places + price_places + multiplier_places


def _share(gross: int, weighed: int) -> str:
    return shown(half_even(gross * POWERS[SHOWN], weighed), SHOWN) if gross else ZERO


def _weighed(holding: Holding, gross: int, weighed: int) -> Holding:
    return holding if holding.value is None else replace(holding, weight=_share(gross, weighed))

"""What an account is worth. Pure: no clock, no I/O, no await; integers and exact rationals, rounded once where they are shown.

    total = cash + assets + unsettled

    cash       balances that no instrument prices × rate
    assets     balances that one does × its price × multiplier × rate of its quote
    unsettled  unrealised P&L of positions that no balance carries × rate

So everything that an account has counts once: positions that a balance carries only explain it. What a balance has beyond
them is a holding. Hence also: total = cash + the value of every line + the value of every holding.

A thousand lines are to take milliseconds, so lines are computed in decimals, which are exact here: 200 digits hold every
product and sum of what other rooms show. A quotient has as many and is rounded once more where it is shown, which makes or
loses no tie, for no denominator has half as many. What few of are needed, worths and totals, are exact rationals.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from heapq import nlargest
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import Internal, QuantumCoreError
from quantumcore.contracts.ledger import Balance
from quantumcore.contracts.portfolio import CashLine, Concentration, Holding, Line, Pnl, Portfolio
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.services.portfolio import carried as days
from quantumcore.services.portfolio.carried import Carried
from quantumcore.services.portfolio.exact import RATE_SHOWN, SHOWN, ZERO, rounded, shown
from quantumcore.services.portfolio.fx import Snapshot
from quantumcore.services.portfolio.prices import Listed, Price, Worths

TOP = 5
EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
_QUOTIENT = EXACT.divide
_RATIO = Context(prec=80, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]).divide
"""Quotients of what has 8 places or fewer: 80 digits lose no tie, and cost half of 200."""
_LINE: Callable[..., Line] = Line  # its texts are gathered one by one, in the order of its fields
_NOTHING = Decimal(0)
_EIGHTH = Decimal(1).scaleb(-SHOWN)
_NO_RATE = (_NOTHING, Decimal(1))  # of what has no worth, which is not in the total


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
        with localcontext(EXACT):
            for view in inputs.positions:
                about = view.symbol
                valuation.take_position(view)
            for balance in inputs.balances:
                about = balance.currency
                valuation.take_balance(balance)
            return valuation.result()
    except InvalidOperation as error:
        raise Internal("internal", "another room has shown what is no number", context={"symbol": about}) from error
    except QuantumCoreError as error:
        error.context.setdefault("symbol", about)
        raise


class _Valuation:
    """The sums on their way: quantities by base, money by currency."""

    def __init__(self, inputs: Inputs, worths: Worths) -> None:
        self._in = inputs
        self._worths = worths
        self._paid = inputs.listed.paid
        self._own = inputs.reporting.code
        self._scale = inputs.reporting.scale
        self._units: dict[str, tuple[Decimal, str]] = {}
        self._unit, self._nothing = self._unit_of(inputs.reporting.code)
        self._rates: dict[str, tuple[Decimal, Decimal] | None] = {}
        self._explained: dict[str, Decimal] = {}
        self._assets: dict[str, Decimal] = {}
        self._unsettled: dict[str, Decimal] = {}
        self._cash = Fraction(0)
        self._pnl = _PnlSums()
        self._lines: list[tuple[list[Any], Decimal | None]] = []
        self._cash_lines: list[CashLine] = []
        self._holdings: list[tuple[Holding, Decimal]] = []
        self._priced: set[str] = set()
        self._stale: set[str] = set()
        self._unpriced: set[str] = set()

    # ---------------------------------------------------------------------------------------------- positions

    def take_position(self, view: PositionView) -> None:
        symbol, code, quantity = view.symbol, view.currency, Decimal(view.quantity)
        base = self._paid.get(symbol, "") if view.contract != "inverse" else ""
        if base and quantity:
            self._explained[base] = self._explained.get(base, _NOTHING) + quantity
        rate = self._rates[code] if code in self._rates else self._rate(code)
        if not quantity:
            market, unrealised = _NOTHING, ZERO
        elif view.mark is None or rate is None:
            self._take_unpriced(view)
            return
        else:
            market, unrealised = _market(view, quantity), view.unrealised or ZERO
            if view.stale:
                self._stale.add(symbol)
        change, cost = Decimal(unrealised), Decimal(view.cost)
        unit, text = self._units[code] if code in self._units else self._unit_of(code)
        here = market.quantize(unit)
        if here:
            text = f"{here:f}"
        if code == self._own:  # as most are
            fx = ZERO
            self._pnl.own.append((view, change))
        else:
            here = self._converted(market, rate or _NO_RATE)
            fx = self._foreign(view, change, cost, rate or _NO_RATE)
        adds, gross = self._adds(view, base, market, change, here)
        percent = f"{_RATIO(change * 100, abs(cost)).quantize(_EIGHTH):f}" if change and cost else ZERO
        texts: list[Any] = [symbol, view.contract, view.quantity, view.average, view.mark, view.mark_source]
        texts += (view.mark_sequence, view.stale, code, view.cost, text, text.removeprefix("-"), unrealised, percent)
        texts += (view.realised, view.fees, view.income, f"{adds:f}" if adds else self._nothing, fx)
        self._lines.append((texts, gross))

    def _adds(
        self, view: PositionView, base: str, market: Decimal, change: Decimal, here: Decimal
    ) -> tuple[Decimal, Decimal]:
        """Count what a line adds to the total; return it and how much it weighs, both rounded.

        Args:
            base: Whose balance carries the position; "" for none.
            market: The market value, exact. here: The same in the reporting currency, rounded.
        """
        if not base:
            self._unsettled[view.currency] = self._unsettled.get(view.currency, _NOTHING) + change
            return self._converted(change, self._rate(view.currency) or _NO_RATE), abs(here)
        pricing = self._worths.pricing(base)
        if pricing is None:
            return _NOTHING, _NOTHING  # its balance is cash: of the reporting currency, or of one that only rates price
        self._priced.add(base)
        quote = pricing.quote.code
        if pricing.symbol != view.symbol:  # several instruments have this base, and another prices it
            market = Decimal(view.quantity) * self._worths.each(pricing)
            here = self._converted(market, self._rate(quote) or _NO_RATE)
        self._assets[quote] = self._assets.get(quote, _NOTHING) + market
        return here, abs(here)

    def _take_unpriced(self, view: PositionView) -> None:
        """Show a line that has no price, or whose currency has no worth; it counts nowhere."""
        self._unpriced.add(view.symbol)
        known: list[Any] = [view.symbol, view.contract, view.quantity, view.average, view.mark, view.mark_source]
        known += (view.mark_sequence, view.stale, view.currency, view.cost, None, None, None, None)
        self._lines.append(([*known, view.realised, view.fees, view.income, None, None], None))

    def _foreign(self, view: PositionView, change: Decimal, cost: Decimal, rate: tuple[Decimal, Decimal]) -> str:
        """Count the P&L of a line in another currency; return the FX result on its open cost."""
        known = self._in.carried.get(view.symbol)
        if known is None or known.sequence < view.sequence:
            worth = Fraction(int(rate[0]), int(rate[1]))
            known = days.begin(view, worth) if known is None else days.carry(known, view, worth)
        self._pnl.foreign(view.currency, change, cost, known)
        fx = (_QUOTIENT(cost * rate[0], rate[1]) - Decimal(known.base_cost).scaleb(-days.SCALE)).quantize(_EIGHTH)
        return f"{fx:f}" if fx else ZERO

    def _rate(self, code: str) -> tuple[Decimal, Decimal] | None:
        """Return what one unit of a currency is worth, as numerator and denominator; None: nobody knows."""
        if code not in self._rates:
            worth = self._worths.of(code)
            self._rates[code] = None if worth is None else (Decimal(worth.numerator), Decimal(worth.denominator))
        return self._rates[code]

    def _unit_of(self, code: str) -> tuple[Decimal, str]:
        """Return the smallest unit of a currency, and how nothing of it is shown."""
        if code not in self._units:
            scale = self._in.listed.currencies[code].scale if code != self._in.reporting.code else self._scale
            self._units[code] = Decimal(1).scaleb(-scale), shown(0, scale)
        return self._units[code]

    def _converted(self, amount: Decimal, rate: tuple[Decimal, Decimal]) -> Decimal:
        """Return an amount in the reporting currency, rounded."""
        return _QUOTIENT(amount * rate[0], rate[1]).quantize(self._unit)

    # ----------------------------------------------------------------------------------------------- balances

    def take_balance(self, balance: Balance) -> None:
        code, amount = balance.currency, Decimal(balance.total)
        beyond = amount - self._explained.pop(code, _NOTHING)
        if code == self._in.reporting.code:
            self._take_cash(balance, amount, Fraction(1))
        elif not beyond and code in self._priced:
            return  # its positions have counted all of it
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
                quantity = f"{beyond.quantize(self._unit_of(code)[0]):f}"
                nothing = Holding(code, quantity, None, None, None, 0, False, None, None, None, None)
                self._holdings.append((nothing, _NOTHING))

    def _take_cash(self, balance: Balance, amount: Decimal, worth: Fraction) -> None:
        here = Fraction(amount) * worth
        self._cash += here
        money = balance.currency, balance.total, balance.held, balance.available
        self._cash_lines.append(CashLine(*money, rounded(worth, RATE_SHOWN), rounded(here, self._scale)))

    def _hold(self, code: str, beyond: Decimal, instrument: Instrument) -> None:
        """Count what a balance has beyond positions."""
        price, quote = self._worths.price(instrument.symbol), instrument.quote.code
        market = beyond * self._worths.each(instrument)
        self._assets[quote] = self._assets.get(quote, _NOTHING) + market
        here = self._converted(market, self._rate(quote) or _NO_RATE)
        if price.stale:
            self._stale.add(instrument.symbol)
        unit, nothing = self._unit_of(quote)
        worth = market.quantize(unit)
        holding = Holding(
            code,
            f"{beyond.quantize(self._unit_of(code)[0]):f}",
            instrument.symbol,
            price.text,
            price.source,
            price.sequence,
            price.stale,
            f"{worth:f}" if worth else nothing,
            quote,
            f"{here:f}" if here else self._nothing,
            None,
        )
        self._holdings.append((holding, abs(here)))

    # ------------------------------------------------------------------------------------------------- result

    def result(self) -> Portfolio:
        gone = [code for code, quantity in self._explained.items() if quantity]  # no balance: all of it left again
        for code in gone:
            nothing = self._unit_of(code)[1]
            self.take_balance(Balance(code, nothing, nothing, nothing))
        assets, unsettled = self._in_reporting(self._assets), self._in_reporting(self._unsettled)
        weighed = sum([gross for _, gross in (*self._lines, *self._holdings) if gross], _NOTHING)
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

    def _concentration(self, weighed: Decimal) -> Concentration:
        parts = [(str(texts[0]), gross) for texts, gross in self._lines if gross]
        parts += [(holding.currency, gross) for holding, gross in self._holdings if gross]
        squares = sum([gross * gross for _, gross in parts], _NOTHING)
        top = nlargest(TOP, sorted(parts), key=itemgetter(1))
        herfindahl = Fraction(squares) * Fraction(1, Fraction(weighed) ** 2) if weighed else Fraction(0)
        return Concentration(
            f"{weighed:f}" if weighed else self._nothing,
            rounded(herfindahl, SHOWN),
            rounded(Fraction(1, herfindahl), SHOWN) if herfindahl else ZERO,
            [(name, _share(gross, weighed)) for name, gross in top],
            _share(sum((gross for _, gross in top), _NOTHING), weighed),
        )

    def _in_reporting(self, sums: Mapping[str, Decimal]) -> Fraction:
        total = Fraction(0)
        for code, amount in sums.items():
            total += Fraction(amount) * (self._worths.of(code) or 0)
        return total


class _PnlSums:
    """P&L of all lines: of others than the reporting currency by currency, and as it was at the rates of their days.

    Attributes:
        own: The lines in the reporting currency, with what is unrealised; summed at the end.
    """

    def __init__(self) -> None:
        self.own: list[tuple[PositionView, Decimal]] = []
        self._base_realised = self._base_fees = self._base_funding = self._fx_realised = self._base_cost = 0
        self._foreign: dict[str, tuple[Decimal, Decimal]] = {}

    def foreign(self, code: str, unrealised: Decimal, cost: Decimal, known: Carried) -> None:
        """Count a line in another currency."""
        before = self._foreign.get(code, (_NOTHING, _NOTHING))
        self._foreign[code] = before[0] + unrealised, before[1] + cost
        self._base_cost += known.base_cost
        self._base_realised += known.base_realised
        self._base_fees += known.base_fees
        self._base_funding += known.base_funding
        self._fx_realised += known.fx_realised

    def shown(self, worths: Worths) -> Pnl:
        realised, fees, funding, fx_realised, cost_then = (
            Fraction(own) + Fraction(of_days, 10**days.SCALE)
            for own, of_days in (
                (_sum([view.realised for view, _ in self.own]), self._base_realised),
                (_sum([view.fees for view, _ in self.own]), self._base_fees),
                (_sum([view.income for view, _ in self.own]), self._base_funding),
                (_NOTHING, self._fx_realised),
                (_NOTHING, self._base_cost),
            )
        )
        unrealised, cost_now = Fraction(sum([change for _, change in self.own], _NOTHING)), Fraction(0)
        for code, (change, cost) in self._foreign.items():
            worth = worths.of(code) or Fraction(0)
            unrealised += Fraction(change) * worth
            cost_now += Fraction(cost) * worth
        fx_unrealised = cost_now - cost_then
        total = realised + unrealised + fx_realised + fx_unrealised - fees + funding
        parts = (realised, unrealised, fx_realised, fx_unrealised, fees, funding, total)
        return Pnl(*(rounded(part, SHOWN) for part in parts))


def _sum(texts: Iterable[str]) -> Decimal:
    return sum([Decimal(text) for text in texts if text != ZERO], _NOTHING)  # a list: a generator is a call for each


def _market(view: PositionView, quantity: Decimal) -> Decimal:
    """Return quantity × value at the price, signed; exact but of an inverse contract."""
    if view.contract == "inverse":  # a quotient: the positions room's own, at its places
        return Decimal(view.value or ZERO)
    market = quantity * Decimal(view.mark or ZERO)
    return market if view.multiplier == "1" else market * Decimal(view.multiplier)


def _share(gross: Decimal, weighed: Decimal) -> str:
    return f"{_RATIO(gross, weighed).quantize(_EIGHTH):f}" if gross else ZERO


def _weighed(holding: Holding, gross: Decimal, weighed: Decimal) -> Holding:
    return holding if holding.value is None else replace(holding, weight=_share(gross, weighed))

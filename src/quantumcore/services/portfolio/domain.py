"""What an account is worth. Pure: no clock, no I/O, no await; integers and exact rationals, rounded once where they are shown.

    total = cash + assets + unsettled

    cash       balances that no instrument prices × rate
    assets     balances that one does × its price × multiplier × rate of its quote
    unsettled  unrealised P&L of positions that no balance carries × rate

So everything that an account has counts once: positions that a balance carries only explain it. What a balance has beyond
them is a holding. Hence also: total = cash + the value of every line + the value of every holding.

Lines are computed by the thousand (lines.py), in decimals that are exact; what there are few of, worths and totals, are
exact rationals.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction
from heapq import nlargest

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import Internal, QuantumCoreError
from quantumcore.contracts.ledger import Balance
from quantumcore.contracts.portfolio import CashLine, Concentration, Holding, Portfolio
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.services.portfolio.carried import Carried
from quantumcore.services.portfolio.exact import RATE_SHOWN, SHOWN, ZERO, is_decimal, rounded
from quantumcore.services.portfolio.fx import Snapshot
from quantumcore.services.portfolio.lines import EXACT, NO_RATE, NOTHING, Lines, Unit, shares
from quantumcore.services.portfolio.prices import Listed, Price, Worths

TOP = 5


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
            valuation.lines.take(inputs.positions)
            for balance in inputs.balances:
                about = balance.currency
                valuation.take_balance(balance)
            return valuation.result()
    except InvalidOperation as error:
        about = next((view.symbol for view in inputs.positions if not _is_shown(view)), about)
        raise Internal("internal", "another room has shown what is no number", context={"symbol": about}) from error
    except QuantumCoreError as error:
        error.context.setdefault("symbol", about)
        raise


def _is_shown(view: PositionView) -> bool:
    """Tell whether all amounts of a position are numbers."""
    amounts = view.quantity, view.cost, view.multiplier, view.realised, view.fees, view.funding, view.dividends
    known = [text for text in (view.mark, view.value, view.unrealised) if text is not None]
    return all(map(is_decimal, (*amounts, *known)))


class _Valuation:
    """The sums on their way."""

    def __init__(self, inputs: Inputs, worths: Worths) -> None:
        self.lines = Lines(inputs.listed, worths, inputs.reporting, inputs.carried)
        self._in = inputs
        self._worths = worths
        self._scale = inputs.reporting.scale
        self._nothing = Unit.of(inputs.reporting).nothing
        self._cash = Fraction(0)
        self._cash_lines: list[CashLine] = []
        self._holdings: list[tuple[Holding, Decimal]] = []

    def _unit(self, code: str) -> Unit:
        own = self._in.reporting
        return Unit.of(own if code == own.code else self._in.listed.currencies[code])

    def take_balance(self, balance: Balance) -> None:
        code, amount = balance.currency, Decimal(balance.total)
        explained = self.lines.explained.pop(code, NOTHING)
        if amount == explained and code in self.lines.priced:
            return  # its positions have counted all of it
        beyond = amount - explained
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
            self.lines.unpriced.add(code)
            if beyond:
                quantity = f"{beyond.quantize(self._unit(code).size):f}"
                nothing = Holding(code, quantity, None, None, None, 0, False, None, None, None, None)
                self._holdings.append((nothing, NOTHING))

    def _take_cash(self, balance: Balance, amount: Decimal, worth: Fraction) -> None:
        here = Fraction(amount) * worth
        self._cash += here
        money = balance.currency, balance.total, balance.held, balance.available
        self._cash_lines.append(CashLine(*money, rounded(worth, RATE_SHOWN), rounded(here, self._scale)))

    def _hold(self, code: str, beyond: Decimal, instrument: Instrument) -> None:
        """Count what a balance has beyond positions."""
        price, quote = self._worths.price(instrument.symbol), instrument.quote.code
        market = beyond * self._worths.each(instrument)
        self.lines.assets[quote] = self.lines.assets.get(quote, NOTHING) + market
        here = self.lines.converted([market], self.lines.rate(quote) or NO_RATE)[0]
        if price.stale:
            self.lines.stale.add(instrument.symbol)
        unit = self._unit(quote)
        worth = market.quantize(unit.size)
        holding = Holding(
            code,
            f"{beyond.quantize(self._unit(code).size):f}",
            instrument.symbol,
            price.text,
            price.source,
            price.sequence,
            price.stale,
            f"{worth:f}" if worth else unit.nothing,
            quote,
            f"{here:f}" if here else self._nothing,
            None,
        )
        self._holdings.append((holding, abs(here)))

    # ------------------------------------------------------------------------------------------------- result

    def result(self) -> Portfolio:
        gone = [code for code, quantity in self.lines.explained.items() if quantity]  # no balance: all of it left again
        for code in gone:
            nothing = self._unit(code).nothing
            self.take_balance(Balance(code, nothing, nothing, nothing))
        assets, unsettled = self._in_reporting(self.lines.assets), self._in_reporting(self.lines.unsettled)
        weights = self.lines.weights()
        weights += [(holding.currency, gross) for holding, gross in self._holdings if gross]
        weighed = sum([gross for _, gross in weights], NOTHING)
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
            complete=not self.lines.unpriced,
            stale=sorted(self.lines.stale),
            unpriced=sorted(self.lines.unpriced),
            pnl=self.lines.pnl.shown(self._worths),
            concentration=self._concentration(weights, weighed),
            cash_lines=self._cash_lines,
            holdings=[_weighed(holding, gross, weighed) for holding, gross in self._holdings],
            lines=self.lines.shown(weighed),
        )

    def _concentration(self, weights: Sequence[tuple[str, Decimal]], weighed: Decimal) -> Concentration:
        least = min(nlargest(TOP, [gross for _, gross in weights]), default=NOTHING)
        top = sorted([one for one in weights if one[1] >= least], key=lambda one: (-one[1], one[0]))[:TOP]
        squares = sum([gross * gross for _, gross in weights], NOTHING)
        herfindahl = Fraction(squares) * Fraction(1, Fraction(weighed) ** 2) if weighed else Fraction(0)
        return Concentration(
            f"{weighed:f}" if weighed else self._nothing,
            rounded(herfindahl, SHOWN),
            rounded(Fraction(1, herfindahl), SHOWN) if herfindahl else ZERO,
            [(name, _share(gross, weighed)) for name, gross in top],
            _share(sum((gross for _, gross in top), NOTHING), weighed),
        )

    def _in_reporting(self, sums: Mapping[str, Decimal]) -> Fraction:
        total = Fraction(0)
        for code, amount in sums.items():
            total += Fraction(amount) * (self._worths.of(code) or 0)
        return total


def _share(gross: Decimal, weighed: Decimal) -> str:
    return shares([gross], weighed)[0]


def _weighed(holding: Holding, gross: Decimal, weighed: Decimal) -> Holding:
    return holding if holding.value is None else replace(holding, weight=_share(gross, weighed))

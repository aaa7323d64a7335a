"""What an account needs, by its profile: from what it has and wants, the prices, and what was set. Pure; exact rationals.

Profile `cash` counts only what is not spot, the others everything: `volatility` by profile A, `strategies` by B and `scenarios` by C, where what
these cannot count, or the engine's terms keep from them (`always_volatility`), is counted by A. Amounts are summed in each currency, rounded up
there (B once for each underlying), and brought over.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from quantumcore.contracts.days import month_of
from quantumcore.contracts.greeks import GreeksRefused
from quantumcore.contracts.reference import Instrument
from quantumcore.services.risk.margin import scenarios, strategy_book, volatility
from quantumcore.services.risk.margin.amounts import ceiling, money
from quantumcore.services.risk.margin.contracts import Contract
from quantumcore.services.risk.margin.grid import SIXTEEN
from quantumcore.services.risk.margin.models import lot_delta
from quantumcore.services.risk.margin.pairing import RULES
from quantumcore.services.risk.margin.scenarios import MILLIONTH
from quantumcore.services.risk.margin.strategy_book import OptionLine, ShareLine
from quantumcore.services.risk.parameters import CASH, SCENARIOS, STRATEGIES
from quantumcore.services.risk.state import BUY, Holding, Working
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.valuation.market import Market, margin_ticks

SPOT = 1


class Touched(NamedTuple):
    """What an account has and wants of one instrument; contract: None, it is a stock of itself."""

    instrument: Instrument
    lots: int
    buys: int
    sells: int
    contract: Contract | None


class Needs:
    """Requirements by the number of their currency, in minor units, and what had no price."""

    def __init__(self, account: Account, market: Market, unpriced: set[str], day: int) -> None:
        self.account = account
        self.market = market
        self.unpriced = unpriced
        self.day = day
        self.sums: dict[int, tuple[int, int]] = {}

    def add(self, currency: int, initial: int, maintenance: int) -> None:
        """Count amounts in a currency."""
        before = self.sums.get(currency, (0, 0))
        self.sums[currency] = before[0] + initial, before[1] + maintenance


def requirements(
    number: int, account: Account, market: Market, unpriced: set[str], day: int
) -> tuple[Fraction, Fraction]:
    """Return what an account needs at first and to keep what it has, in the reporting currency.

    Args:
        unpriced: Takes in what no figure counts: what never had a price, and options that have expired.

    Raises:
        Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
        InvalidCommand: `order.amount.overflow`: no account could hold it.
    """
    profile = market.parameters.profile(number)
    needs = Needs(account, market, unpriced, day)
    touched = _touched(account, market)
    if profile == STRATEGIES:
        touched = _by_strategies(touched, needs)
    elif profile == SCENARIOS:
        touched = _by_scenarios(touched, needs)
    elif profile == CASH:
        touched = [one for one in touched if one.instrument.kind != SPOT]
    _by_volatility(touched, needs)
    initial = maintenance = Fraction(0)
    for at, sums in needs.sums.items():
        currency = market.currencies[at]
        worth = market.worths.of(currency.code)
        if worth is None:
            unpriced.add(currency.code)
            continue
        minor = Fraction(worth, 10**currency.scale)
        initial += money(sums[0]) * minor
        maintenance += money(sums[1]) * minor
    return initial, maintenance


def _touched(account: Account, market: Market) -> list[Touched]:
    working = _by_instrument(account.orders)
    found = []
    for at in sorted(account.positions.keys() | working.keys()):
        instrument = market.instruments[at]
        lots, (buys, sells) = account.positions.get(at, Holding()).lots, working.get(at, (0, 0))
        if lots or buys or sells:
            found.append(Touched(instrument, lots, buys, sells, market.contracts.get(instrument.symbol)))
    return found


def _by_instrument(orders: Iterable[Working]) -> dict[int, tuple[int, int]]:
    """Return lots that work to buy and to sell, by instrument."""
    found: dict[int, tuple[int, int]] = {}
    for order in orders:
        buys, sells = found.get(order.instrument, (0, 0))
        bought = order.leaves if order.side == BUY else 0
        found[order.instrument] = buys + bought, sells + order.leaves - bought
    return found


# --------------------------------------------------------------------------------------------- profile A


def _by_volatility(touched: Iterable[Touched], needs: Needs) -> None:
    market, holdings = needs.market, dict[int, list[volatility.Holding]]()
    for one in touched:
        instrument = one.instrument
        ticks = margin_ticks(instrument, needs.account, market)
        if ticks is None:
            needs.unpriced.add(instrument.symbol)
            continue
        unit, per = instrument.unit.as_integer_ratio()
        holding = volatility.Holding(
            symbol=instrument.symbol,
            lots=one.lots,
            price=int(ticks) if ticks.denominator == 1 else ticks,
            unit=unit,
            per=per,
            buys=one.buys,
            sells=one.sells,
            volatility=market.parameters.volatilities.get(instrument.symbol, volatility.DEFAULT_VOLATILITY),
            floor=market.parameters.floors.get(instrument.symbol, 0),
        )
        holdings.setdefault(instrument.quote.number, []).append(holding)
    for currency, some in holdings.items():
        needs.add(currency, volatility.initial(some), volatility.maintenance(some))


def _always_volatility(instrument: Instrument, market: Market) -> bool:
    terms = market.book.terms.get(instrument.number)
    return terms is not None and bool(terms.profile)


def _expired(one: Touched, needs: Needs) -> bool:
    """Tell whether it is an option that is no more, which no profile counts: it is named as what has no price is."""
    if one.contract is None or not one.contract.expired(needs.market.now_ns):
        return False
    needs.unpriced.add(one.instrument.symbol)
    return True


# --------------------------------------------------------------------------------------------- profile B


def _by_strategies(touched: Iterable[Touched], needs: Needs) -> list[Touched]:
    """Count what strategies can, by underlying; return the others."""
    market, others = needs.market, list[Touched]()
    held: dict[str, list[Touched]] = {}
    for one in touched:
        underlying = _underlying(one, market)
        if _expired(one, needs):
            continue
        if underlying is None or _always_volatility(one.instrument, market):
            others.append(one)
        else:
            held.setdefault(underlying.symbol, []).append(one)
    for symbol, some in held.items():
        underlying = market.symbols[symbol]
        ticks = margin_ticks(underlying, needs.account, market)
        prices = [(one, margin_ticks(one.instrument, needs.account, market)) for one in some]
        priced = [(one, price) for one, price in prices if price is not None]
        needs.unpriced.update(one.instrument.symbol for one, price in prices if price is None)
        if ticks is None:
            needs.unpriced.add(symbol)
        elif ticks <= 0 or any(price < 0 for _, price in priced):  # no strategy has a rule for such prices
            others += [one for one, _ in priced]
        else:
            spot = ticks * Fraction(underlying.tick, 10**underlying.tick_scale)
            _on_one(priced, underlying, spot, needs)
    return others


def _underlying(one: Touched, market: Market) -> Instrument | None:
    """Return on what a strategy may have it: the underlying of an option in the same currency, or itself; None: none may."""
    contract, instrument = one.contract, one.instrument
    if contract is None or (not contract.option and contract.underlying == instrument.symbol):
        return instrument
    underlying = market.symbols.get(contract.underlying)
    if not contract.option or underlying is None or underlying.quote.code != instrument.quote.code:
        return None
    return underlying


def _on_one(priced: Iterable[tuple[Touched, Fraction]], underlying: Instrument, spot: Fraction, needs: Needs) -> None:
    options, shares, places = list[OptionLine](), None, underlying.quote.scale
    for one, price in priced:
        instrument, contract = one.instrument, one.contract
        if contract is None or not contract.option:
            units = Fraction(instrument.lot * instrument.multiplier, 10**instrument.lot_scale)
            shares = ShareLine(lots=one.lots, units=units, buys=one.buys, sells=one.sells)
            continue
        option = OptionLine(
            right=contract.right,
            lots=one.lots,
            premium=Fraction(price * instrument.unit, 10**places * contract.multiplier),
            strike=contract.strike,
            expiry=contract.day,
            multiplier=contract.multiplier,
            buys=one.buys,
            sells=one.sells,
            number=instrument.number,
        )
        options.append(option)
    exact = strategy_book.account_requirement(options, shares, spot, RULES)
    initial, maintenance = (ceiling(one.numerator * 10**places, one.denominator) for one in exact)
    needs.add(underlying.quote.number, initial, maintenance)


# --------------------------------------------------------------------------------------------- profile C


def _by_scenarios(touched: Iterable[Touched], needs: Needs) -> list[Touched]:
    """Count what has a risk array, by underlying; return the others."""
    market, others = needs.market, list[Touched]()
    lines: dict[int, list[scenarios.Line]] = {}
    for one in touched:
        if _expired(one, needs):
            continue
        array = market.book.arrays.get(one.instrument.number)
        if array is None or not array.given or _always_volatility(one.instrument, market):
            others.append(one)
            continue
        contract = one.contract
        line = scenarios.Line(
            symbol=one.instrument.symbol,
            underlying=contract.underlying if contract else one.instrument.symbol,
            lots=one.lots,
            losses=array.losses,
            delta=_delta(one, needs),
            buys=one.buys,
            sells=one.sells,
            expiry=contract.day if contract else 0,
            option=contract is not None and contract.option,
            delivering=contract is not None and month_of(contract.day) == month_of(needs.day),
            short_minimum=array.short_minimum,
        )
        lines.setdefault(one.instrument.quote.number, []).append(line)
    parameters = market.parameters
    for currency, some in lines.items():
        places = market.currencies[currency].scale
        initial, maintenance = (
            scenarios.requirement(
                some, SIXTEEN, parameters.charges, spreads=parameters.spreads, places=places, orders=orders
            ).risk  # equity counts the value of options
            for orders in (True, False)
        )
        needs.add(currency, initial, maintenance)
    return others


def _delta(one: Touched, needs: Needs) -> int:
    """Return the delta of a lot, in 10^-6 of the underlying's unit; 0 without a model, and where nothing that is set asks for it."""
    contract, market = one.contract, needs.market
    if contract is None or not _asks_for_delta(contract.underlying, market):
        return 0
    if not contract.option:
        units: int = round(contract.multiplier * MILLIONTH)
        return units
    underlying = market.symbols.get(contract.underlying)
    ticks = None if underlying is None else margin_ticks(underlying, needs.account, market)
    if underlying is None or ticks is None:
        needs.unpriced.add(contract.underlying)
        return 0
    try:
        return lot_delta(contract.model, ticks * Fraction(underlying.tick, 10**underlying.tick_scale), market.now_ns)
    except GreeksRefused:
        needs.unpriced.add(one.instrument.symbol)
        return 0


def _asks_for_delta(underlying: str, market: Market) -> bool:
    charges, spreads = market.parameters.charges.get(underlying), market.parameters.spreads
    if charges is not None and (charges.calendar or charges.delivery or charges.concentrated):
        return True
    return any(underlying in (spread.first, spread.second) for spread in spreads)

"""Accounts to value, and a second opinion on what they are worth: slow, in exact rationals, from the definitions alone."""

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from quantumcore.contracts.ledger import Balance
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.services.portfolio.domain import Inputs
from quantumcore.services.portfolio.fx import Rate, Snapshot
from quantumcore.services.portfolio.prices import Listed, Price

USD, EUR, GBP, JPY = (Currency(n, c, s) for n, c, s in ((1, "USD", 2), (2, "EUR", 2), (3, "GBP", 2), (4, "JPY", 0)))
BTC, ETH, AAPL, ES = (Currency(n, c, s) for n, c, s in ((5, "BTC", 8), (6, "ETH", 8), (7, "AAPL", 0), (8, "ESH7", 0)))
CURRENCIES = (USD, EUR, GBP, JPY, BTC, ETH, AAPL, ES)
T0 = 1_700_000_000_000_000_000
NO_CURRENCY = "XXX"
"""ISO 4217 gives this code to what is no currency, so that no venue ever has one of that name."""


def instrument(symbol: str, base: Currency, quote: Currency, number: int = 1, **changes: Any) -> Instrument:
    """Return a spot instrument; `changes` change it."""
    values: dict[str, Any] = dict.fromkeys(Instrument.__struct_fields__, 0)
    values |= {"number": number, "symbol": symbol, "kind": 1, "status": 1, "base": base, "quote": quote}
    values |= {"tick": 1, "tick_scale": 2, "lot": 1, "lot_scale": base.scale, "multiplier": 1}
    return Instrument(**{**values, **changes})


INSTRUMENTS = (
    instrument("BTC-USD", BTC, USD),
    instrument("BTC-EUR", BTC, EUR, 2),
    instrument("ETH-BTC", ETH, BTC, 3, tick_scale=5),
    instrument("AAPL", AAPL, USD, 4),
    instrument("ESH7", ES, USD, 5, kind=2, multiplier=50),
)
LISTED = Listed(INSTRUMENTS, CURRENCIES)
MARGINED = Listed(INSTRUMENTS, CURRENCIES, frozenset({"spot"}))


def text(value: Fraction, places: int) -> str:
    """Return `value` half-even with `places` decimals: Python's own rounding of exact rationals."""
    units = round(value * 10**places)
    digits = str(abs(units)).zfill(places + 1)
    shown = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{shown}" if units < 0 else shown


def view(
    symbol: str,
    quantity: str,
    cost: str,
    mark: str | None,
    *,
    multiplier: str = "1",
    currency: str = "USD",
    **changes: Any,
) -> PositionView:
    """Return a position as the positions room shows it: value, unrealised and average follow from what is given."""
    q, c, m = Fraction(quantity), Fraction(cost), Fraction(multiplier)
    worth = None if mark is None else q * Fraction(mark) * m
    values: dict[str, Any] = {
        "account_id": "1001",
        "symbol": symbol,
        "contract": "linear",
        "method": "average",
        "quantity": quantity,
        "average": None if q == 0 else text(c / q / m, 8),
        "cost": text(c, 8),
        "currency": currency,
        "multiplier": multiplier,
        "mark": mark,
        "mark_source": None if mark is None else "mark",
        "mark_sequence": 0 if mark is None else 1,
        "stale": False,
        "value": None if worth is None else text(worth, 8),
        "realised": "0.00000000",
        "unrealised": None if worth is None else text(worth - c, 8),
        "fees": "0.00000000",
        "funding": "0.00000000",
        "cycles": 0,
        "version": 1,
        "sequence": 1,
    }
    return PositionView(**{**values, **changes})


def balance(currency: str, total: str) -> Balance:
    """Return a balance of which nothing is held."""
    return Balance(currency, total, "0", total)


def snapshot(snapshot_id: str = "fx-1", **rates: str) -> Snapshot:
    """Return a snapshot; EUR_USD="1.10": one EUR costs 1.10 USD. A fraction may stand as "11/10"."""
    pairs = ((*name.split("_"), Fraction(rate)) for name, rate in rates.items())
    return Snapshot(snapshot_id, "test", T0, tuple(Rate(base, quote, value) for base, quote, value in pairs))


def inputs(**changes: Any) -> Inputs:
    """Return what a valuation of account 1001 in USD looks at; `changes` change it."""
    values: dict[str, Any] = {
        "account_id": "1001",
        "sequence": 7,
        "priced_to": 7,
        "time_ns": T0,
        "reporting": USD,
        "balances": [],
        "positions": [],
        "listed": LISTED,
    }
    return Inputs(**{**values, **changes})


class Opinion(NamedTuple):
    """What an account is worth, exact, by currency of its balances and of its margined positions."""

    cash: Fraction
    assets: Fraction
    unsettled: Fraction

    @property
    def total(self) -> Fraction:
        """All of it."""
        return self.cash + self.assets + self.unsettled


def opinion(of: Inputs) -> Opinion:
    """Return what `of` is worth by the definition: balance × price × multiplier × rate, and what is unrealised.

    The price of an asset is the mark of the account's own position, else the last price of the market; of two instruments
    that whose quote is the reporting currency, else the first by name.
    """
    marks = {symbol: Fraction(price.text) for symbol, price in of.last.items()}
    marks |= {one.symbol: Fraction(one.mark) for one in of.positions if one.mark is not None}
    rates = {(r.base, r.quote): r.value for r in of.fx.rates} if of.fx else {}
    rates |= {(quote, base): 1 / value for (base, quote), value in list(rates.items())}
    fully_paid = {one.base.code for ones in of.listed.by_base.values() for one in ones}

    def unit(code: str) -> Fraction:
        if code == of.reporting.code:
            return Fraction(1)
        ways = [one for one in of.listed.symbols.values() if one.base.code == code and one.symbol in marks]
        ways = [one for one in ways if code in fully_paid]
        ways.sort(key=lambda one: (one.quote.code != of.reporting.code, one.symbol))
        if ways:
            return marks[ways[0].symbol] * ways[0].multiplier * unit(ways[0].quote.code)
        if (code, of.reporting.code) in rates:
            return rates[code, of.reporting.code]
        middles = sorted(
            c for c in {pair[0] for pair in rates} if (code, c) in rates and (c, of.reporting.code) in rates
        )
        return rates[code, middles[0]] * rates[middles[0], of.reporting.code]

    cash = assets = unsettled = Fraction(0)
    for one in of.balances:
        amount = Fraction(one.total)
        if not amount:
            continue
        priced = one.currency != of.reporting.code and any(
            i.base.code == one.currency and i.symbol in marks for i in of.listed.by_base.get(one.currency, [])
        )
        if priced:
            assets += amount * unit(one.currency)
        else:
            cash += amount * unit(one.currency)
    for position in of.positions:
        if not carried_by_balance(of.listed, position) and position.unrealised is not None:
            unsettled += Fraction(position.unrealised) * unit(position.currency)
    return Opinion(cash, assets, unsettled)


def carried_by_balance(listed: Listed, one: PositionView) -> bool:
    """Tell whether a balance has what the position says, so that only one of both counts: if it was paid for in full."""
    paid = {known.symbol for ones in listed.by_base.values() for known in ones}
    return one.symbol in paid and one.contract != "inverse"


RATES = {"EUR_USD": "1.0825", "GBP_USD": "6337/5000", "USD_JPY": "149.37"}


def random_inputs(rng: random.Random, listed: Sequence[Listed] = (LISTED, MARGINED)) -> Inputs:
    """Return an account with positions, deposits, several currencies and any of four reporting currencies."""
    chosen = rng.choice(listed)
    positions, explained = [], dict.fromkeys((c.code for c in CURRENCIES), Fraction(0))
    for known in INSTRUMENTS:
        if rng.random() < 0.3:
            continue
        lots = rng.choice((0, rng.randrange(-(10**6), 10**6), rng.randrange(-(10**11), 10**11)))
        quantity = text(Fraction(lots, 10**known.lot_scale), known.lot_scale)
        mark = text(Fraction(rng.randrange(1, 10**7), 10**known.tick_scale), known.tick_scale)
        cost = text(Fraction(lots * rng.randrange(1, 10**10), 10 ** (known.lot_scale + 2)), 8) if lots else "0.00000000"
        one = view(
            known.symbol,
            quantity,
            cost,
            mark,
            multiplier=str(known.multiplier),
            currency=known.quote.code,
            realised=text(Fraction(rng.randrange(-(10**12), 10**12), 10**6), 8),
            fees=text(Fraction(rng.randrange(10**9), 10**6), 8),
            stale=rng.random() < 0.1,
        )
        positions.append(one)
        if carried_by_balance(chosen, one):
            explained[known.base.code] += Fraction(quantity)
    balances = []
    for currency in CURRENCIES:
        if currency is ES and chosen is MARGINED:
            continue  # nobody has a balance of a margined contract
        if rng.random() < 0.2 and not explained[currency.code]:
            continue
        extra = Fraction(rng.choice((0, rng.randrange(10**12))), 10**currency.scale)
        amount = explained[currency.code] + extra
        if currency.code == "USD":
            amount -= rng.randrange(10**9)  # cash may be negative
        balances.append(balance(currency.code, text(amount, currency.scale)))
    last: Mapping[str, Price] = {
        known.symbol: Price(
            text(Fraction(rng.randrange(1, 10**7), 10**known.tick_scale), known.tick_scale), "trade", 3, False
        )
        for known in INSTRUMENTS
        if all(one.symbol != known.symbol for one in positions)
    }
    return inputs(
        reporting=rng.choice((USD, EUR, GBP, JPY)),
        balances=balances,
        positions=positions,
        listed=chosen,
        last=last,
        fx=snapshot(**RATES),
    )

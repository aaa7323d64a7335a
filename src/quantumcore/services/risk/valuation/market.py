"""What is alike for all accounts when one is valued, and at which price what it touches counts. Pure; exact rationals."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from quantumcore.contracts.marks import Mark
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.services.risk.margin.book import Book
from quantumcore.services.risk.margin.contracts import Contract
from quantumcore.services.risk.parameters import Parameters
from quantumcore.services.risk.state import ONE, Holding, Working
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.valuation.worths import Worths


class Market(NamedTuple):
    """What is alike for all accounts.

    Attributes:
        instruments, currencies: By number. symbols: Instruments by symbol. marks: By instrument.
        worths: At prices of now. opening: At those with which the day began.
        book: Terms and risk arrays, as the engine has told them. contracts: By symbol, of what somebody has set a model.
        now_ns: By which options expire.
    """

    instruments: Mapping[int, Instrument]
    symbols: Mapping[str, Instrument]
    currencies: Mapping[int, Currency]
    marks: Mapping[int, Mark]
    worths: Worths
    opening: Worths
    parameters: Parameters
    reporting: Currency
    book: Book
    contracts: Mapping[str, Contract]
    now_ns: int


def ticks_of(instrument: Instrument, holding: Holding, market: Market) -> Fraction | None:
    """Return the price at which a position counts, in ticks: the mark, else the average entry; None: there is neither."""
    market.worths.looked.add(instrument.number)
    mark = market.marks.get(instrument.number)
    if mark is not None:
        return Fraction(mark.price)
    if holding.cost is None or not holding.lots:
        return None
    return Fraction(holding.cost, holding.lots * ONE)


def margin_ticks(instrument: Instrument, account: Account, market: Market) -> Fraction | None:
    """Return the price at which margin counts, in ticks: that of a position, else the dearest that is asked for."""
    found = ticks_of(instrument, account.positions.get(instrument.number, Holding()), market)
    return _asked(instrument.number, account.orders) if found is None else found


def _asked(instrument: int, orders: Iterable[Working]) -> Fraction | None:
    prices = [order.price for order in orders if order.instrument == instrument and order.price > 0]
    return Fraction(max(prices)) if prices else None

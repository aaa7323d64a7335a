"""What trades say that an account has done, and what the ledger says of the same trades. Pure.

Counts, quantities and fees must be equal, and so must money where every price times quantity is a whole number of minor
units. Of a fractional instrument an order pays the ceiling of its sum and receives the floor (money.md 1.4): the books may be
less than one unit for each fill above, or below, what the prices say, and never on the other side.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from msgspec import Struct

from quantumcore.contracts.orders import Fill
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.values import Scaled
from quantumcore.services.ledger.postings import Why

_PRINCIPAL = (Why.PRINCIPAL, Why.ROUNDING)
_FEES = (Why.TAKER_FEE, Why.MAKER_FEE, Why.TAKER_REBATE, Why.MAKER_REBATE)


class Tally(Struct):
    """Sums of one account in one currency, in minor units.

    Attributes:
        trades: Sides of trades in this asset.
        fees: Paid, less rebates.
        paid, received: Of the ledger what was moved, of trades price × quantity, exact.
        fractional_buys, fractional_sells: Fills whose price × quantity need not be a whole number.
    """

    trades: int = 0
    bought: int = 0
    sold: int = 0
    fees: int = 0
    paid: Fraction = Fraction()
    received: Fraction = Fraction()
    fractional_buys: int = 0
    fractional_sells: int = 0


Tallies = dict[str, Tally]
"""By currency code."""


class Moved(NamedTuple):
    """Sum over an account's postings of one kind.

    Attributes:
        debit: The account is on the debit side: it gave.
    """

    why: int
    code: str
    debit: bool
    postings: int
    amount: int


class Unequal(NamedTuple):
    """One number of which there are two."""

    code: str
    what: str
    ledger: str
    trades: str


def add_fills(tallies: Tallies, fills: Iterable[Fill], instrument_of: Callable[[str], Instrument]) -> None:
    """Count `fills` as they were made; a bust afterwards is another posting and no other trade."""
    for fill in fills:
        instrument = instrument_of(fill.symbol)
        base, quote = instrument.base, instrument.quote
        quantity, price = exact(fill.quantity), exact(fill.price)
        of_asset, of_money = tallies.setdefault(base.code, Tally()), tallies.setdefault(quote.code, Tally())
        amount = quantity * 10**base.scale
        assert amount.denominator == 1, "a lot is a whole number of the asset's minor units"
        money = price * quantity * instrument.multiplier * 10**quote.scale
        fractional = instrument.unit.denominator != 1
        of_asset.trades += 1
        of_money.fees += int(exact(fill.fee) * 10**quote.scale)
        if fill.side == "buy":
            of_asset.bought += int(amount)
            of_money.paid += money
            of_money.fractional_buys += fractional
        else:
            of_asset.sold += int(amount)
            of_money.received += money
            of_money.fractional_sells += fractional


def add_moved(tallies: Tallies, moved: Iterable[Moved]) -> None:
    """Count postings; those of transfers, busts and positions that were taken over are none of a trade."""
    for one in moved:
        tally = tallies.setdefault(one.code, Tally())
        if one.why == Why.ASSET:
            tally.trades += one.postings
            if one.debit:
                tally.sold += one.amount
            else:
                tally.bought += one.amount
        elif one.why in _FEES:
            tally.fees += one.amount if one.debit else -one.amount
        elif one.why in _PRINCIPAL and one.debit:
            tally.paid += one.amount
        elif one.why in _PRINCIPAL:
            tally.received += one.amount


def unequal(ledger: Tallies, trades: Tallies) -> Iterator[Unequal]:
    """Yield where the two part."""
    nothing = Tally()
    for code in sorted(ledger.keys() | trades.keys()):
        ours, theirs = ledger.get(code, nothing), trades.get(code, nothing)
        for what in ("trades", "bought", "sold", "fees"):
            mine, other = getattr(ours, what), getattr(theirs, what)
            if mine != other:
                yield Unequal(code, what, str(mine), str(other))
        above = ours.paid - theirs.paid
        if above and not 0 < above < theirs.fractional_buys:
            yield Unequal(code, "paid", str(int(ours.paid)), str(ceil(theirs.paid)))
        below = theirs.received - ours.received
        if below and not 0 < below < theirs.fractional_sells:
            yield Unequal(code, "received", str(int(ours.received)), str(floor(theirs.received)))


def exact(text: str) -> Fraction:
    """Return the number that a decimal string spells."""
    number = Scaled.parse(text, "number")
    return Fraction(number.mantissa, 10**number.scale)

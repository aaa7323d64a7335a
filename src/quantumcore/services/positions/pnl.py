"""What a quantity is worth at a price, and how such numbers are rounded and shown (money.md 5.1). Pure integers.

Amounts are integers of 10^-18 of the settlement currency. A linear contract (and an option's premium) is worth
price × multiplier in the quote currency; an inverse one multiplier / price in the base currency. Whatever does not fit into
10^-18 is rounded half-even, once, when a fill is valued. An average is never stored: it is computed to be shown.
"""

from enum import IntEnum
from math import gcd
from typing import NamedTuple

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.values import I64_MAX, half_even, show

PLACES = 18
ONE = 10**PLACES
SHOWN_PLACES = 8
I128_MAX = 2**127 - 1
_SHOWN = 10 ** (PLACES - SHOWN_PLACES)


class Form(IntEnum):
    """How a price becomes a value; the number is stored, the name is shown."""

    LINEAR = 1
    INVERSE = 2
    OPTION = 3

    @property
    def text(self) -> str:
        """The name as it is shown."""
        return self.name.lower()


FORMS = {1: Form.LINEAR, 2: Form.LINEAR}
"""Form by the engine's kind of instrument: spot, future."""


class Contract(NamedTuple):
    """What turns lots and ticks into money.

    Attributes:
        numerator, denominator: Linear: the value of a lot at a tick in 10^-18. Inverse: the value of a lot at a price of
            one tick; at n ticks it is an n-th of that. Lowest terms; both > 0.
        lot, lot_scale, tick, tick_scale, multiplier: As they are defined, for what is shown.
    """

    form: Form
    numerator: int
    denominator: int
    lot: int
    lot_scale: int
    tick: int
    tick_scale: int
    multiplier: int

    @property
    def gain(self) -> int:
        """1 where a rising price raises the value of a contract, -1 where it lowers it."""
        return -1 if self.form is Form.INVERSE else 1

    def value(self, lots: int, ticks: int) -> int:
        """Return what `lots` (signed) are worth at `ticks`, half-even at 10^-18; within i128.

        Raises:
            InvalidCommand: `position.price`: an inverse contract has no value at a price that is not over zero;
                `position.overflow`.
        """
        return bounded(self.worth(lots, ticks))

    def worth(self, lots: int, ticks: int) -> int:
        """Return the same without a bound: for what is shown and never kept.

        Raises:
            InvalidCommand: `position.price`.
        """
        if self.form is Form.INVERSE:
            if ticks <= 0:
                raise InvalidCommand(
                    "position.price", "an inverse contract wants a price over zero", limit="0", actual=str(ticks)
                )
            return half_even(lots * self.numerator, self.denominator * ticks)
        if self.denominator == 1:
            return lots * ticks * self.numerator
        return half_even(lots * ticks * self.numerator, self.denominator)

    def price(self, lots: int, value: int) -> int:
        """Return the ticks at which `lots` would be worth `value`, half-even, at most 63 bits either way; 0 where there are none.

        It orders lots and is shown; no amount depends on it.
        """
        over, under = value * self.denominator, lots * self.numerator
        if self.form is Form.INVERSE:
            over, under = under, over
        if under == 0:
            return 0
        if under < 0:
            over, under = -over, -under
        return max(-I64_MAX, min(half_even(over, under), I64_MAX))

    def part_worth(self, lots: int, parts: int, ticks: int) -> int:
        """Return what lots / parts of a lot are worth at `ticks` (at 0 nothing), half-even at 10^-18."""
        if not ticks:
            return 0
        if self.form is Form.INVERSE:
            return half_even(lots * self.numerator, self.denominator * ticks * parts)
        return half_even(lots * ticks * self.numerator, self.denominator * parts)


def contract(
    form: Form, *, tick: int = 1, tick_scale: int = 0, lot: int = 1, lot_scale: int = 0, multiplier: int = 1
) -> Contract:
    """Return the contract of this form whose tick and lot are these mantissas with these places."""
    if form is Form.INVERSE:
        over, under = lot * multiplier * 10 ** (PLACES + tick_scale), tick * 10**lot_scale
    else:
        over, under = tick * lot * multiplier * ONE, 10 ** (tick_scale + lot_scale)
    common = gcd(over, under)
    return Contract(form, over // common, under // common, lot, lot_scale, tick, tick_scale, multiplier)


def contract_of(instrument: Instrument) -> Contract:
    """Return the contract of an instrument as the engine defines it."""
    return contract(
        FORMS[instrument.kind],
        tick=instrument.tick,
        tick_scale=instrument.tick_scale,
        lot=instrument.lot,
        lot_scale=instrument.lot_scale,
        multiplier=instrument.multiplier,
    )


def settlement(instrument: Instrument) -> Currency:
    """Return the currency in which an instrument is valued: its quote; of an inverse contract its base."""
    return instrument.base if FORMS[instrument.kind] is Form.INVERSE else instrument.quote


def toward_zero(numerator: int, denominator: int) -> int:
    """Return the quotient as an integer, cut; `denominator` > 0."""
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)


def bounded(amount: int) -> int:
    """Return `amount` if it fits into 128 bits.

    Raises:
        InvalidCommand: `position.overflow`; nothing was changed.
    """
    if -I128_MAX <= amount <= I128_MAX:
        return amount
    raise InvalidCommand(
        "position.overflow", "an amount does not fit into 128 bits", limit=str(I128_MAX), actual=str(amount)
    )


def show_amount(amount: int) -> str:
    """Return an amount of 10^-18 as a decimal string with 8 places, half-even."""
    return show(half_even(amount, _SHOWN), SHOWN_PLACES)


def average(terms: Contract, quantity: int, cost: int) -> str | None:
    """Return the price at which `quantity` lots cost `cost`, with 8 places; None when flat."""
    if quantity == 0:
        return None
    units = quantity * terms.lot * terms.multiplier
    over, under = cost * 10**terms.lot_scale, units * ONE
    if terms.form is Form.INVERSE:
        over, under = under, over
    if under == 0:
        return None
    if under < 0:
        over, under = -over, -under
    return show(half_even(over * 10**SHOWN_PLACES, under), SHOWN_PLACES)

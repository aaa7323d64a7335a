"""Foreign exchange: what a conversion gives, what it leaves, and a quote that is good once (money.md 1.5). Pure.

    customer A -> pool A       the amount
    pool B -> customer B       received = floor(amount × customer rate)
    pool B -> fx_spread        spread = floor(amount × mid) - received
    stays in pool B            residue = amount × mid - floor(amount × mid), 0 <= residue < 1 unit

The quote:  offered ──use──▶ used       after its expiry: never
"""

from fractions import Fraction
from math import floor

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import Conflict, invalid
from quantumcore.contracts.values import I64_MAX, Scaled, show_time

U64_MAX = 2**64 - 1


class Quote(Struct, frozen=True, kw_only=True):
    """A rate that is held for a customer, in units of `bought` per unit of `sold`.

    Attributes:
        scale_sold, scale_bought: Decimals of the two currencies' minor units.
        customer, mid: Over zero, 64 bits above and below in lowest terms; customer <= mid.
        source, time_ns: Where the mid comes from, and of when it is.
        expires_ns: The last instant at which it may be used.
        account: Who alone may use it; 0: whoever comes first.
        used_by: The conversion that used it; empty while it is offered.
    """

    quote_id: str
    sold: str
    bought: str
    scale_sold: int
    scale_bought: int
    customer: Fraction
    mid: Fraction
    source: str
    time_ns: int
    expires_ns: int
    account: int = 0
    used_by: str = ""

    def check(self) -> "Quote":
        """Return it, or say what is wrong with it.

        Raises:
            InvalidCommand: The rates are no rates, or the customer's is better than mid: then A -> B -> A would gain.
        """
        for field, rate in (("customer", self.customer), ("mid", self.mid)):
            if rate <= 0 or max(rate.numerator, rate.denominator) > U64_MAX:
                raise invalid("range", f"{field} is no rate of 64 bits over zero", field=field, limit=str(U64_MAX))
        if self.customer > self.mid:
            raise invalid("range", "the customer's rate is better than mid", field="customer", limit=str(self.mid))
        if self.sold == self.bought:
            raise invalid("range", "a currency is not changed into itself", field="bought", actual=self.bought)
        return self

    def use(self, conversion_id: str, now_ns: int) -> "Quote":
        """Return the quote as used; the same conversion again changes nothing, however late.

        Raises:
            Conflict: `fx.quote.used`, `fx.quote.expired`.
        """
        if self.used_by == conversion_id:
            return self
        if self.used_by:
            raise Conflict("fx.quote.used", "the quote has been used by another conversion", field="quote_id")
        if now_ns > self.expires_ns:
            detail = f"the quote expired at {show_time(self.expires_ns)}"
            limit, actual = show_time(self.expires_ns), show_time(now_ns)
            raise Conflict("fx.quote.expired", detail, field="quote_id", limit=limit, actual=actual)
        return replace(self, used_by=conversion_id)


class Conversion(Struct, frozen=True, kw_only=True):
    """What was exchanged, with everything it was reckoned from; amounts in minor units.

    Attributes:
        residue: What the floors leave in the pool, 0 <= residue < 1 minor unit of the bought currency.
    """

    quote: Quote
    paid: int
    received: int
    spread: int
    residue: Fraction


def convert(paid: int, quote: Quote) -> Conversion:
    """Return what `paid` minor units give at `quote`.

    Raises:
        InvalidCommand: `paid` is not over zero; the result is over 63 bits; the rates are wrong (see Quote.check).
    """
    quote.check()
    if not 0 < paid <= I64_MAX:
        raise invalid("range", "the amount must be over zero, within 63 bits", field="amount", actual=str(paid))
    units = paid * Fraction(10**quote.scale_bought, 10**quote.scale_sold)
    exact = units * quote.mid
    if exact > I64_MAX:
        raise invalid("overflow", "the result needs more than 63 bits", field="amount", limit=str(I64_MAX))
    received, whole = floor(units * quote.customer), floor(exact)
    return Conversion(quote=quote, paid=paid, received=received, spread=whole - received, residue=exact - whole)


class Residues(Struct, frozen=True, kw_only=True):
    """What conversions have left in the pool of one currency since the last end of day, exact."""

    left: Fraction = Fraction()

    def after(self, conversion: Conversion) -> "Residues":
        """Return the sum with what `conversion` leaves."""
        return Residues(left=self.left + conversion.residue)

    def end_of_day(self) -> tuple["Residues", int]:
        """Return (what stays, 0 <= left < 1, and the whole units that go from the pool to `rounding`)."""
        whole = floor(self.left)
        return Residues(left=self.left - whole), whole


def rate(text: str, field: str) -> Fraction:
    """Return the rate that a decimal string spells.

    Raises:
        InvalidCommand: No decimal over zero.
    """
    number = Scaled.parse(text, field)
    if number.mantissa <= 0:
        raise invalid("range", f"{field} must be over zero", field=field, actual=text[:64])
    return Fraction(number.mantissa, 10**number.scale)

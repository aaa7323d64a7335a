"""Tax, and totals that are shared out (money.md 1.2). Pure.

A tax is taken once, on the total of its base per tax and document; never per line (5 % on three lines of 1.10 is 0.16, by
lines it would be 0.18), and never on a tax that was rounded. Over periods what is due is the tax of everything so far,
less what was charged, so that roundings do not add up.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import invalid
from quantumcore.services.ledger.rounding import Mode, rounded

RATE_UNITS = 10**8  # a rate is a whole number of 10^-8


class Tax(Struct, frozen=True, kw_only=True):
    """The record of a tax.

    Attributes:
        rate: In 10^-8; 5 % is 5,000,000.
        mode: How the tax of a document is rounded to minor units.
        upon: Taxes whose exact, unrounded amounts belong to this one's base; each stands before it in the list.
    """

    code: str
    rate: int
    mode: Mode = "half_even"
    upon: tuple[str, ...] = ()


class Line(Struct, frozen=True, kw_only=True):
    """One line of a document: `amount` minor units, negative for what is given back, and the taxes it is liable to."""

    amount: int
    taxes: tuple[str, ...]


class TaxDue(Struct, frozen=True, kw_only=True):
    """What one tax takes of one document.

    Attributes:
        base: The total it is taken on, in minor units; whole unless the tax is taken upon others.
        amount: Minor units.
    """

    code: str
    base: Fraction
    amount: int


def taxes_of(lines: Iterable[Line], taxes: Sequence[Tax]) -> list[TaxDue]:
    """Return what each of `taxes` takes of a document, in their order; a tax without any line takes nothing.

    Raises:
        InvalidCommand: A line, or a tax upon taxes, names one that is not there (before it).
    """
    totals: dict[str, int] = {tax.code: 0 for tax in taxes}
    for line in lines:
        for code in dict.fromkeys(line.taxes):
            if code not in totals:
                raise _unknown(code)
            totals[code] += line.amount
    exact: dict[str, Fraction] = {}
    due = []
    for tax in taxes:
        base = Fraction(totals[tax.code])
        for code in tax.upon:
            if code not in exact:
                raise _unknown(code)
            base += exact[code]
        exact[tax.code] = base * Fraction(tax.rate, RATE_UNITS)
        due.append(TaxDue(code=tax.code, base=base, amount=rounded(exact[tax.code], tax.mode)))
    return due


class Periods(Struct, frozen=True, kw_only=True):
    """One tax over the periods of a year.

    Attributes:
        tax: As it is in force; its rate may have been another one before.
        exact: Sum of the exact taxes so far, in minor units.
        charged: Sum of what was charged.
    """

    tax: Tax
    exact: Fraction = Fraction()
    charged: int = 0

    def after(self, base: Fraction | int) -> tuple["Periods", int]:
        """Return (what stands after a period with this base, what is due for it); off by less than a unit however many."""
        exact = self.exact + exact_tax(self.tax, base)
        owed = rounded(exact, self.tax.mode)
        return replace(self, exact=exact, charged=owed), owed - self.charged


def exact_tax(tax: Tax, base: Fraction | int) -> Fraction:
    """Return the tax on a base before it is rounded."""
    return base * Fraction(tax.rate, RATE_UNITS)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """Return `total` shared out in proportion to `weights`; the sum is exact.

    Each has the floor of its share; one unit each goes to the largest remainders, of equal ones to the lower index.

    Raises:
        InvalidCommand: A weight below zero, or none above.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise invalid("range", "weights must not be negative, and one must be over zero", field="weights")
    parts = [divmod(total * weight, whole) for weight in weights]
    found = [floor for floor, _ in parts]
    left = total - sum(found)
    for index in sorted(range(len(parts)), key=lambda at: (-parts[at][1], at))[:left]:
        found[index] += 1
    return found


def _unknown(code: str) -> Exception:
    return invalid("range", f"no tax {code[:32]!r} stands there", field="taxes", actual=code[:64])

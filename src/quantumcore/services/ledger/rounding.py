"""Rounding of exact rationals to whole units; the modes mean what they are called (money.md 1.2). Pure.

floor goes to -infinity, ceil to +infinity; of a tie half-up goes away from zero, half-down toward zero, half-even to the
even digit.
"""

from fractions import Fraction
from typing import Literal

Mode = Literal["floor", "ceil", "half_up", "half_down", "half_even"]


def rounded(value: Fraction, mode: Mode = "half_even") -> int:
    """Return `value` as a whole number."""
    whole, rest = divmod(value.numerator, value.denominator)  # 0 <= rest < denominator
    if not rest or mode == "floor":
        return whole
    twice = 2 * rest - value.denominator
    if mode == "ceil" or twice > 0:
        return whole + 1
    if twice < 0:
        return whole
    match mode:  # exactly between `whole` and the next
        case "half_up":
            return whole + 1 if whole >= 0 else whole
        case "half_down":
            return whole if whole >= 0 else whole + 1
        case _:
            return whole + (whole & 1)

"""Exact numbers as text and back. Pure; integers only."""

import re
from fractions import Fraction

from quantumcore.contracts.errors import Internal
from quantumcore.contracts.values import half_even

SHOWN = 8  # of P&L and averages
RATE_SHOWN = 12
ZERO = "0.00000000"

_DECIMAL = re.compile(r"-?[0-9]{1,60}(?:\.[0-9]{1,18})?\Z", re.ASCII)


def number(text: str) -> tuple[int, int]:
    """Return (mantissa, places) of a decimal that another room has shown.

    Raises:
        Internal: It is no decimal.
    """
    whole, _, fraction = text.partition(".")
    try:
        return int(whole + fraction), len(fraction)
    except ValueError as error:
        raise Internal("internal", f"{text[:64]!r} is no decimal") from error


def eight(text: str) -> int:
    """Return a decimal of 8 places, as costs and results are shown, as an integer at 10^-8.

    Raises:
        Internal: It has other places, or is no decimal.
    """
    if text[-9:-8] != ".":
        raise Internal("internal", f"{text[:64]!r} has not 8 places")
    try:
        return int(text[:-9] + text[-8:])
    except ValueError as error:
        raise Internal("internal", f"{text[:64]!r} is no decimal") from error


def is_decimal(text: str) -> bool:
    """Tell whether `text` is a decimal of at most 18 places: no exponent, no sign alone, no blank."""
    return _DECIMAL.match(text) is not None


def shown(mantissa: int, places: int) -> str:
    """Return mantissa × 10^-places as text; as contracts.values.show, without a memory that thousands of values would only churn."""
    if places == 0:
        return str(mantissa)
    if mantissa < 0:
        return f"-{shown(-mantissa, places)}"
    digits = str(mantissa)
    if len(digits) <= places:
        digits = digits.zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}"


def rounded(value: Fraction, places: int) -> str:
    """Return `value` as text with `places` decimals, half-even."""
    return shown(half_even(value.numerator * 10**places, value.denominator), places)

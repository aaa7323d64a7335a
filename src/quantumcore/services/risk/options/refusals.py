"""From the kernel's word to the refusal that a caller sees."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any

from quantumcore.contracts.greeks import (
    Expired,
    GreeksRefused,
    InvalidStrike,
    InvalidTerms,
    InvalidUnderlyingPrice,
    InvalidVolatility,
    IVConvergenceFailed,
    NegativeTimeToExpiry,
    NotRecoverable,
    PriceOutOfBounds,
)

YEARS_MAX = 100
RATE_MAX = 2
GROWTH_MAX = 50
BATCH_MAX = 1 << 20
LIMITS = {
    "years": str(YEARS_MAX),
    "rate": f"{RATE_MAX}, and {GROWTH_MAX} over all the time",
    "dividend_yield": f"{RATE_MAX}, and {GROWTH_MAX} over all the time",
    "option_price": "1e15",
    "days_per_year": "365 or 252",
    "rows": f"one length of at most {BATCH_MAX}",
}
FOUND, OUT_OF_BOUNDS, NOT_RECOVERABLE, NOT_CONVERGED, TOO_HIGH = range(5)


def refusal(word: str, given: Mapping[str, Any]) -> GreeksRefused:
    """Return the refusal for the kernel's `word`: the name of a field, in a batch followed by a row.

    Args:
        word: The text of its ValueError; one that is no field's name is the conversion's own.
        given: What was given, by field; arrays for a batch.
    """
    name, _, row = word.partition(" ")
    if name not in given and name not in LIMITS:
        return InvalidTerms("terms", word[:64])
    value = given.get(name)
    field = f"{name}[{row}]" if row else name
    if row and value is not None:
        value = value[int(row)]
    actual = shown(value)
    if name == "spot":
        return InvalidUnderlyingPrice(actual, field)
    if name == "strike":
        return InvalidStrike(actual, field)
    if name == "volatility":
        return InvalidVolatility(actual, field)
    if name == "years" and value is not None and (years := _finite(value)) <= 0:
        return NegativeTimeToExpiry(shown(value * 365), field) if years else Expired()
    return InvalidTerms(field, actual, LIMITS.get(name, ""))


def implied_refusal(answer: tuple[int, float, int, float, float, float], price: object) -> GreeksRefused:
    """Return the refusal for an answer of the kernel that is not FOUND."""
    outcome, volatility, iterations, bound, lower, upper = answer
    if outcome == OUT_OF_BOUNDS:
        return PriceOutOfBounds(f"{lower:.8f}", f"{upper:.8f}", shown(price))
    if outcome == NOT_CONVERGED:
        return IVConvergenceFailed(iterations)
    if outcome == TOO_HIGH:
        return InvalidVolatility(f"{volatility:.8f}", "option_price")
    return NotRecoverable(f"{bound:.3g}")


def _finite(years: Any) -> float:
    """Return a time as a float; what is none, or too long, as one year, for it is neither over nor below zero."""
    try:
        return float(years) if isfinite(years) else 1.0
    except (ValueError, OverflowError, TypeError):
        return 1.0


def shown(value: object) -> str:
    """Return a number as text, without the name of its type and of bounded length."""
    if isinstance(value, Fraction):
        value = float(value)
    if isinstance(value, Decimal | float | int):
        return str(value)[:64]
    return "" if value is None else f"{value}"[:64]

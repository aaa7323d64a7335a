"""The European formulas in 50 digits, for whoever will not trust a float. Slow: some milliseconds an option."""

from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from quantumcore.services.risk.options.terms import OptionTerms

DIGITS = 50
PLACES = 8
_GUARD = 15  # digits that cancel and round away


@cache
def _context() -> Any:
    """A context of our own: mpmath's is shared, and its precision would be everybody's."""
    from mpmath import MPContext

    context = MPContext()
    context.dps = DIGITS + _GUARD
    return context


def precise_greeks(terms: OptionTerms, volatility: Decimal, days_per_year: int) -> tuple[Decimal, ...]:
    """Return price, delta, gamma, theta a day, vega and rho per 1 %, each rounded half-even to 8 places.

    The terms are those that the kernel has taken: nothing is checked again.
    """
    return tuple(eight_places(value) for value in precise_values(terms, volatility, days_per_year))


def precise_values(terms: OptionTerms, volatility: Decimal, days_per_year: int) -> tuple[Any, ...]:
    """Return the same unrounded, as numbers of mpmath."""
    mp = _context()
    w = 1 if terms.call else -1
    spot, strike, years, r, q, s = (
        _number(value)
        for value in (terms.spot, terms.strike, terms.years, terms.rate, terms.dividend_yield, volatility)
    )
    root = mp.sqrt(years)
    paid, discounted = spot * mp.exp(-q * years), strike * mp.exp(-r * years)
    x = mp.log(spot / strike) + (r - q) * years
    if s == 0:
        within = mp.mpf(1 if w * x > 0 else 0)
        one = two = within
        decay = gamma = vega = mp.mpf(0)
    else:
        d1 = x / (s * root) + s * root / 2
        d2 = d1 - s * root
        one, two = _below(w * d1), _below(w * d2)
        density = mp.exp(-d1 * d1 / 2) / mp.sqrt(2 * mp.pi)
        gamma = paid * density / (spot * spot * s * root)
        vega = paid * density * root / 100
        decay = paid * density * s / (2 * root)
    return (
        w * (paid * one - discounted * two),
        w * paid / spot * one,
        gamma,
        (-decay + w * (q * paid * one - r * discounted * two)) / days_per_year,
        vega,
        w * years * discounted * two / 100,
    )


def eight_places(value: Any) -> Decimal:
    """Round a number of mpmath half-even to 8 places; never a negative zero."""
    units = int(_context().nint(value * 10**PLACES))
    return Decimal((int(units < 0), tuple(map(int, str(abs(units)))), -PLACES))


def _number(value: Decimal | Fraction) -> Any:
    numerator, denominator = value.as_integer_ratio()
    return _context().mpf(numerator) / denominator


def _below(x: Any) -> Any:
    """N(x), its lower tail with all its digits."""
    mp = _context()
    return mp.erfc(-x / mp.sqrt(2)) / 2

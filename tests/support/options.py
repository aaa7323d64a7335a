"""The golden table of options, random options, and the same formulas in 60 digits by another hand."""

import csv
import math
import random
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import pytest

from quantumcore.services.risk.options.terms import OptionTerms

GOLDEN = Path(__file__).parents[2].parent / "shared" / "data" / "options" / "golden_options.csv"
needs_golden = pytest.mark.skipif(
    not GOLDEN.exists(),
    reason=f"{GOLDEN.name} is not beside the project: its rows are not compared; random options against 60 digits run",
)
GREEKS = ("price", "delta", "gamma", "theta_per_day365", "vega_per_1pct", "rho_per_1pct")


def golden(kind: str) -> list[dict[str, str]]:
    """Return the golden rows of a kind; none where the table is not beside the project."""
    if not GOLDEN.exists():
        return []
    with GOLDEN.open(newline="") as table:
        return [row for row in csv.DictReader(table) if row["kind"] == kind]


def names(row: dict[str, str]) -> str:
    return row["id"]


def terms_of_row(row: dict[str, str], *, american: bool = False) -> OptionTerms:
    """Return what a golden row says of its option."""
    spot, strike, years, rate, dividend_yield = (
        Decimal(row[name]) for name in ("spot", "strike", "t_years", "rate", "div_yield")
    )
    return OptionTerms(
        call=row["type"] == "C",
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        american=american,
    )


def floats_of_row(row: dict[str, str]) -> tuple[Any, ...]:
    """Return call, spot, strike, years, rate and dividend yield."""
    return (row["type"] == "C", *(float(row[name]) for name in ("spot", "strike", "t_years", "rate", "div_yield")))


class Random(NamedTuple):
    """One option as the kernel takes it."""

    call: bool
    spot: float
    strike: float
    years: float
    rate: float
    dividend_yield: float
    volatility: float


def random_option(rng: random.Random) -> Random:
    """From minutes to years, from quiet to wild, from the money to thirty deviations out of it."""
    years = math.exp(rng.uniform(math.log(1e-4), math.log(5)))
    volatility = math.exp(rng.uniform(math.log(0.03), math.log(3)))
    spot = math.exp(rng.uniform(math.log(0.01), math.log(5_000)))
    reach = rng.choice((0.0, 1.0, 3.0, 10.0, 30.0)) * volatility * math.sqrt(years)
    strike = spot * math.exp(max(-8.0, min(8.0, rng.uniform(-1, 1) * reach)))
    rate, dividend_yield = rng.uniform(-0.05, 0.15), rng.choice((0.0, rng.uniform(-0.03, 0.1)))
    return Random(rng.random() < 0.5, spot, strike, years, rate, dividend_yield, volatility)


class Exact(NamedTuple):
    """Greeks in 60 digits, and the largest of theta's terms, of which its error is a share."""

    values: tuple[Any, ...]
    theta_scale: Any


@cache
def digits() -> Any:
    context = mpmath.MPContext()
    context.dps = 60
    return context


def exact_greeks(option: Random) -> Exact:
    """Return price, delta, gamma, theta a day, vega and rho per 1 % from the textbook, by nothing of the product."""
    mp = digits()
    w = 1 if option.call else -1
    s, k, t, r, q, v = (mp.mpf(value) for value in option[1:])
    d1 = (mp.log(s / k) + (r - q + v * v / 2) * t) / (v * mp.sqrt(t))
    d2 = d1 - v * mp.sqrt(t)
    n1, n2 = (mp.erfc(-w * d / mp.sqrt(2)) / 2 for d in (d1, d2))
    density = mp.npdf(d1)
    paid, discounted = s * mp.exp(-q * t), k * mp.exp(-r * t)
    terms = (-paid * density * v / (2 * mp.sqrt(t)), w * q * paid * n1, -w * r * discounted * n2)
    values = (
        w * (paid * n1 - discounted * n2),
        w * mp.exp(-q * t) * n1,
        mp.exp(-q * t) * density / (s * v * mp.sqrt(t)),
        sum(terms) / 365,
        paid * density * mp.sqrt(t) / 100,
        w * t * discounted * n2 / 100,
    )
    return Exact(values, max(abs(term) for term in terms) / 365)


def far_from(option: Random, found: tuple[float, ...]) -> str:
    """Say what of `found` breaks the kernel's promise: 1e-12 over 1e-6, 1e-9 down to 1e-300, of theta's largest term."""
    exact = exact_greeks(option)
    for name, value, wanted in zip(GREEKS, found, exact.values, strict=True):
        scale = exact.theta_scale if name.startswith("theta") else abs(wanted)
        if scale < mpmath.mpf("1e-300"):
            continue
        bound = 1e-12 if scale > mpmath.mpf("1e-6") else 1e-9
        error = abs(value - wanted) / scale
        if not error <= bound:
            return f"{name} of {option}: {value!r}, not {float(wanted)!r}: {float(error):.1e}"
    return ""

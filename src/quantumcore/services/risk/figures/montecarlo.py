"""Value at risk by drawn returns: correlated normals, or a t-copula of them. Pure: the generator is given, seeded."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import Alpha, Basis, Floats, confidence, finite, money, tail, volatilities
from quantumcore.services.risk.figures.correlation import Correlations, root

MIN_PATHS = 100
MAX_PATHS = 1_000_000
MAX_DRAWN = 100_000_000
"""Paths × factors: seconds of a processor."""
MAX_FREEDOM = 200
BLOCK = 1 << 20
"""Returns that are drawn at a time, so that memory is bounded; what is drawn does not depend on the machine."""

Revalue = Callable[[Floats], Floats]
"""Results of the portfolio under returns: a row per path, a column per factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarloVar:
    """In the reporting currency, half-even, >= 0; `basis` names seed and paths.

    Attributes:
        error, es_error: Standard errors of `var` and `es`, of drawing no more paths.
        freedom: Degrees of the t-copula; None: normals.
    """

    basis: Basis
    confidence: Decimal
    var: Decimal
    error: Decimal
    es: Decimal
    es_error: Decimal
    freedom: int | None
    repaired: bool


def seeded(seed: int) -> np.random.Generator:
    """Return the generator of a seed: the same numbers for the same seed, on every machine."""
    return np.random.Generator(np.random.PCG64(seed))


def monte_carlo(
    revalue: Revalue,
    correlations: Correlations,
    spreads: Sequence[float | None],
    generator: np.random.Generator,
    basis: Basis,
    *,
    alpha: Alpha = "0.99",
    freedom: int | None = None,
    antithetic: bool = True,
    places: int = 2,
) -> MonteCarloVar:
    """Return VaR and expected shortfall of `basis.window` paths, with their standard errors.

    Args:
        spreads: Volatility of each factor over the horizon; None: 0.02.
        generator: `seeded(basis.seed)`; it moves on.
        freedom: Of a t-copula, 1 to 200; factors stay normal, but their extremes come together.
        antithetic: Draw half the paths, and take each with both signs.

    Raises:
        InvalidCommand: `risk.paths.bad`: not from 100 to 1,000,000, or odd and antithetic; `risk.freedom.bad`,
            `risk.confidence.bad`, `risk.volatility.bad`, `risk.not_finite`; `risk.correlation.bad`: of other factors; `risk.size`:
            paths times factors are over 100,000,000.
    """
    paths = basis.window
    if not MIN_PATHS <= paths <= MAX_PATHS or (antithetic and paths % 2):
        detail = f"{MIN_PATHS} to {MAX_PATHS} paths, an even number of antithetic ones"
        limit = f"{MIN_PATHS} .. {MAX_PATHS}"
        raise InvalidCommand("risk.paths.bad", detail, field="paths", limit=limit, actual=str(paths))
    if freedom is not None and not 1 <= freedom <= MAX_FREEDOM:
        detail = f"a t-copula has 1 to {MAX_FREEDOM} degrees of freedom"
        raise InvalidCommand("risk.freedom.bad", detail, field="freedom", limit=str(MAX_FREEDOM), actual=str(freedom))
    level = confidence(alpha)
    scale = volatilities(spreads, "spreads")
    if len(scale) != len(correlations.symbols):
        detail = "each factor has a volatility and a row of correlations"
        raise InvalidCommand(
            "risk.correlation.bad",
            detail,
            field="spreads",
            limit=str(len(correlations.symbols)),
            actual=str(len(scale)),
        )
    if paths * len(scale) > MAX_DRAWN:
        detail = f"paths times factors are over {MAX_DRAWN}"
        raise InvalidCommand("risk.size", detail, field="paths", limit=str(MAX_DRAWN), actual=str(paths * len(scale)))
    lower = root(correlations)
    step = max(1, BLOCK // max(1, len(scale)))
    draws = paths // 2 if antithetic else paths
    parts = []
    for first in range(0, draws, step):
        drawn = _normals(generator, min(step, draws - first), lower, freedom) * scale
        parts += [revalue(drawn), revalue(-drawn)] if antithetic else [revalue(drawn)]
    losses = np.sort(-finite(np.concatenate(parts), "results"))[::-1]
    return _of(losses, level, basis, freedom, repaired=correlations.repaired, places=places)


def _of(
    losses: Floats, level: Fraction, basis: Basis, freedom: int | None, *, repaired: bool, places: int
) -> MonteCarloVar:
    """The error of a quantile: half of what lies between the order statistics one standard deviation to both sides."""
    count, k = len(losses), tail(len(losses), level)
    beyond = float(1 - level)
    apart = max(1, round(math.sqrt(count * beyond * (1 - beyond))))
    low, high = min(count, k + apart), max(1, k - apart)
    worst = losses[:k]
    var, shortfall = float(losses[k - 1]), float(worst.mean())
    spread = float(worst.var()) + (1 - beyond) * (shortfall - var) ** 2
    return MonteCarloVar(
        basis=basis,
        confidence=Decimal(level.numerator) / Decimal(level.denominator),
        var=money(max(0.0, var), places),
        error=money(float(losses[high - 1] - losses[low - 1]) / 2, places),
        es=money(max(0.0, shortfall), places),
        es_error=money(math.sqrt(spread / k), places),
        freedom=freedom,
        repaired=repaired,
    )


def _normals(generator: np.random.Generator, count: int, lower: Floats, freedom: int | None) -> Floats:
    """Return `count` rows of standard normals, correlated; of a t-copula: with its dependence and normal margins."""
    normals: Floats = generator.standard_normal((count, len(lower))) @ lower.T
    if freedom is None:
        return normals
    mixing = np.sqrt(freedom / generator.chisquare(freedom, count))
    ts = normals * mixing[:, None]
    knots, values = _as_normal(freedom)
    copied: Floats = np.copysign(np.interp(np.arcsinh(np.abs(ts)), knots, values), ts)
    return copied


@lru_cache(maxsize=8)
def _as_normal(freedom: int) -> tuple[Floats, Floats]:
    """Return (asinh t, z) such that z is as rare of a normal as t of Student's t; flat beyond 1 in 10^12."""
    knots = np.linspace(0.0, math.asinh(1e12 if freedom == 1 else 1e6), 20_001)
    normal = NormalDist()
    rare = np.maximum(upper_tail(np.sinh(knots), freedom), 1e-12)
    return knots, np.array([-normal.inv_cdf(p) if p < 0.5 else 0.0 for p in rare.tolist()])


def upper_tail(t: Floats, freedom: int) -> Floats:
    """Return the probability of Student's t above each t >= 0; Abramowitz and Stegun 26.7.3 and 26.7.4."""
    theta = np.arctan(t / math.sqrt(freedom))
    cosine, sine = np.cos(theta), np.sin(theta)
    odd = freedom % 2
    term = cosine if odd else np.ones_like(theta)
    total = np.zeros_like(theta)
    for n in range(1 + odd, freedom, 2):
        total += term
        term = term * cosine**2 * (n / (n + 1))
    inside = 2 / math.pi * (theta + sine * total) if odd else sine * total
    left: Floats = np.clip((1 - inside) / 2, 0.0, 0.5)
    return left

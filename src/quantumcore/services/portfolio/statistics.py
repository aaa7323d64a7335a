"""What a series of points says: returns, drawdown, Sharpe ratio. Pure. Floats: no figure here is owed to anybody."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

YEAR_NS = 365 * 86_400 * 10**9


class Sample(NamedTuple):
    """The account at one point: what it was worth, and what of that came in (less what went out) since the point before."""

    time_ns: int
    total: Fraction
    flow: Fraction


class Figures(NamedTuple):
    """What was made; None where there are too few points, or nothing to divide by."""

    time_weighted_return: float | None
    drawdown: Fraction | None
    drawdown_share: float | None
    volatility: float | None
    sharpe: float | None


def figures(samples: Sequence[Sample], risk_free: float) -> Figures:
    """Return the figures of points in the order of their time.

    Args:
        risk_free: Per year.
    """
    if not samples:
        return Figures(None, None, None, None, None)
    returns = list(returns_of(samples))
    index = [1.0]
    for one in returns:
        index.append(index[-1] * (1 + one))
    weighted = index[-1] - 1 if returns else None
    spread, sharpe = _sharpe(returns, samples[-1].time_ns - samples[0].time_ns, risk_free)
    return Figures(weighted, drawdown(list(made_of(samples))), _fall(index), spread, sharpe)


def returns_of(samples: Sequence[Sample]) -> Iterator[float]:
    """Yield the return from point to point, flows taken out as if they came at its end: (total - flow) / total before - 1.

    From a point at which there was nothing, or less, there is no return: it is passed over.
    """
    for before, after in pairwise(samples):
        if before.total > 0:
            yield float((after.total - after.flow) / before.total - 1)


def made_of(samples: Sequence[Sample]) -> Iterator[Fraction]:
    """Yield the total without what came in since the first point: what falls in it is lost, not withdrawn."""
    flows = Fraction(0)
    for at, sample in enumerate(samples):
        flows += sample.flow if at else 0
        yield sample.total - flows


def drawdown(values: Sequence[Fraction]) -> Fraction:
    """Return the largest fall from a running peak: 1000, 1100, 1000, 900, 950 have fallen by 200."""
    peak, fallen = values[0], Fraction(0)
    for value in values:
        peak = max(peak, value)
        fallen = max(fallen, peak - value)
    return fallen


def _fall(index: Sequence[float]) -> float:
    peak, fallen = index[0], 0.0
    for value in index:
        peak = max(peak, value)
        fallen = max(fallen, (peak - value) / peak if peak > 0 else 0.0)
    return fallen


def _sharpe(returns: Sequence[float], span_ns: int, risk_free: float) -> tuple[float | None, float | None]:
    """Return (volatility, Sharpe ratio) per year; the sample deviation, scaled by the root of points per year."""
    if len(returns) < 2 or span_ns <= 0:
        return None, None
    per_year = len(returns) * YEAR_NS / span_ns
    mean = math.fsum(returns) / len(returns)
    variance = math.fsum((one - mean) ** 2 for one in returns) / (len(returns) - 1)
    spread = math.sqrt(variance)
    if spread == 0:
        return 0.0, None
    return spread * math.sqrt(per_year), (mean - risk_free / per_year) / spread * math.sqrt(per_year)

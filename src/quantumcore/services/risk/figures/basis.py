"""What every figure says about itself, and how it becomes money. Pure. Figures are floats; none of them moves money."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from quantumcore.contracts.errors import Conflict, InvalidCommand

Floats: TypeAlias = npt.NDArray[np.float64]
Alpha: TypeAlias = Decimal | Fraction | str

DEFAULT_VOLATILITY = 0.02
"""Of a symbol's return over the horizon, where none is set."""
MAX_VOLATILITY = 10.0
"""1,000 %: beyond it somebody has mistaken the unit."""

WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)
"""Decimals of any length that occurs here, exactly."""
_TABLE = ((Fraction(99, 100), 2.326), (Fraction(95, 100), 1.645))


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a figure stands on; every answer carries it.

    Attributes:
        sequence: Positions are those after exactly this one. rates: Id of the snapshot of exchange rates.
        window: Past returns that were used, or paths that were drawn; 0: none. seed: Of the paths; None: nothing was drawn.
    """

    sequence: int
    rates: str = ""
    window: int = 0
    seed: int | None = None


def money(value: float, places: int) -> Decimal:
    """Return a figure at the currency's scale, half-even.

    Raises:
        InvalidCommand: `risk.not_finite`: the inputs were too large for a figure to come out.
    """
    if not math.isfinite(value):
        raise InvalidCommand("risk.not_finite", "the figure is not finite", field="figure", actual=str(value))
    rounded = Decimal(value).quantize(Decimal((0, (1,), -places)), context=WIDE)
    return rounded or abs(rounded)  # no negative zero


def finite(values: npt.ArrayLike, field: str) -> Floats:
    """Return `values` as floats.

    Raises:
        InvalidCommand: `risk.not_finite`: one of them is NaN or infinite; `actual` says where.
    """
    array = np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(array)
    if bad.any():
        at = tuple(int(n) for n in np.argwhere(bad)[0])
        detail = f"{field} has a number that is not finite"
        raise InvalidCommand("risk.not_finite", detail, field=field, actual=f"{array[at]} at {list(at)}")
    return array


def volatilities(given: Sequence[float | None], field: str = "volatility") -> Floats:
    """Return volatilities as floats, 0.02 where None is given.

    Raises:
        InvalidCommand: `risk.not_finite`; `risk.volatility.bad`: outside (0, 10].
    """
    array = finite([DEFAULT_VOLATILITY if one is None else one for one in given], field)
    bad = (array <= 0) | (array > MAX_VOLATILITY)
    if bad.any():
        at = int(np.argmax(bad))
        detail = f"{field}[{at}] is outside (0, {MAX_VOLATILITY}]"
        raise InvalidCommand(
            "risk.volatility.bad", detail, field=field, limit=str(MAX_VOLATILITY), actual=str(array[at])
        )
    return array


def confidence(alpha: Alpha) -> Fraction:
    """Return a confidence level, as 0.99, exactly.

    Raises:
        InvalidCommand: `risk.confidence.bad`: not from 0.5 to below 1; a float has lost what was meant.
    """
    try:
        level = Fraction(alpha) if isinstance(alpha, Decimal | Fraction | str) else None
    except (ValueError, OverflowError, ZeroDivisionError):
        level = None
    if level is None or not Fraction(1, 2) <= level < 1:
        detail = "a confidence level is a decimal from 0.5 to below 1"
        raise InvalidCommand(
            "risk.confidence.bad", detail, field="confidence", limit="0.5 .. 1", actual=str(alpha)[:64]
        )
    return level


def quantile(level: Fraction, *, exact: bool) -> float:
    """Return how many standard deviations a confidence level is: of the table 2.326, 1.645 and 1.0, or exactly."""
    if exact:
        return NormalDist().inv_cdf(float(level))
    return next((z for least, z in _TABLE if level >= least), 1.0)


def expected(level: Fraction) -> float:
    """Return the mean of a normal loss beyond its exact quantile, in standard deviations: density / (1 - level)."""
    normal = NormalDist()
    return normal.pdf(normal.inv_cdf(float(level))) / float(1 - level)


def tail(count: int, level: Fraction) -> int:
    """Return how many of `count` losses are the tail: floor(count × (1 - level)), at least one, by exact rationals.

    Raises:
        Conflict: `risk.history.empty`.
    """
    if count == 0:
        raise Conflict("risk.history.empty", "there are no returns to go by", field="history", limit="1", actual="0")
    return max(1, math.floor(count * (1 - level)))


def times(matrix: Floats, vector: Floats) -> Floats:
    """Return matrix × vector on the caller's thread: BLAS would wake threads for what takes 0.4 ms, and sum by their number."""
    product: Floats = np.einsum("ij,j->i", matrix, vector)
    return product

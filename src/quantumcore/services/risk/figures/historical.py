"""Value at risk by what has happened: today's portfolio under past returns. Pure."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from quantumcore.contracts.errors import Conflict, InvalidCommand
from quantumcore.services.risk.figures.basis import Alpha, Basis, Floats, confidence, finite, money, tail

DECAY = 0.94
"""Of a variance from one day to the next."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalVar:
    """In the reporting currency, half-even, >= 0: results that are all gains have no loss.

    Attributes:
        tail: How many of the worst results `es` is the mean of; `var` is the last of them.
    """

    basis: Basis
    confidence: Decimal
    var: Decimal
    es: Decimal
    tail: int


def historical(profits: npt.ArrayLike, basis: Basis, *, alpha: Alpha = "0.99", places: int = 2) -> HistoricalVar:
    """Return the k-th worst loss and the mean of the k worst; k = max(1, floor(n × (1 - alpha))), by exact rationals.

    Args:
        profits: Of today's portfolio under each past return (`revaluation.results`); n of them.

    Raises:
        InvalidCommand: `risk.not_finite`, `risk.confidence.bad`. Conflict: `risk.history.empty`.
    """
    losses = np.sort(-finite(profits, "profits"))[::-1]
    level = confidence(alpha)
    k = tail(len(losses), level)
    return HistoricalVar(
        basis=basis,
        confidence=Decimal(level.numerator) / Decimal(level.denominator),
        var=money(max(0.0, float(losses[k - 1])), places),
        es=money(max(0.0, float(losses[:k].mean())), places),
        tail=k,
    )


def age_weighted(
    profits: npt.ArrayLike, basis: Basis, *, decay: float, alpha: Alpha = "0.99", places: int = 2
) -> HistoricalVar:
    """Return the same with a result counting `decay` times as much as the one after it.

    The tail is as many of the worst results as together weigh at most 1 - alpha, at least one; `es` is their weighted mean.

    Args:
        profits: Oldest first. decay: 0 < decay <= 1; at 1 all count alike, as in `historical`.

    Raises:
        InvalidCommand: As `historical`; `risk.decay.bad`. Conflict: `risk.history.empty`.
    """
    _check_decay(decay, 1.0)
    losses = -finite(profits, "profits")
    level = confidence(alpha)
    tail(len(losses), level)  # refuses none
    weights = decay ** np.arange(len(losses) - 1, -1, -1, dtype=np.float64)
    weights /= weights.sum()
    order = np.argsort(-losses, kind="stable")
    losses, weights = losses[order], weights[order]
    k = max(1, int(np.searchsorted(np.cumsum(weights), float(1 - level) + _ROUNDING, side="right")))
    weight = weights[:k].sum()
    mean = float(losses[:k] @ weights[:k] / weight) if weight > 0 else float(losses[:k].mean())
    return HistoricalVar(
        basis=basis,
        confidence=Decimal(level.numerator) / Decimal(level.denominator),
        var=money(max(0.0, float(losses[k - 1])), places),
        es=money(max(0.0, mean), places),
        tail=k,
    )


def filtered(returns: npt.ArrayLike, *, decay: float = DECAY) -> Floats:
    """Return past returns as they would be at today's volatility: each times sigma now / sigma of its day.

    sigma is exponentially weighted: variance of day t = decay × that of t-1 + (1 - decay) × return of t-1 squared, the first
    being the mean square of all. A factor that never moved stays as it is.

    Args:
        returns: A row per day, oldest first; a column per factor. decay: 0 < decay < 1.

    Raises:
        InvalidCommand: `risk.not_finite`, `risk.decay.bad`. Conflict: `risk.history.empty`.
    """
    _check_decay(decay, 1.0 - _ROUNDING)
    rows = finite(returns, "returns")
    if not len(rows):
        raise Conflict("risk.history.empty", "there are no returns to go by", field="history", limit="1", actual="0")
    squares = rows**2
    variance = squares.mean(axis=0)
    variances = np.empty_like(rows)
    for day, square in enumerate(squares):
        variances[day] = variance
        variance = decay * variance + (1 - decay) * square
    moved = variances > 0
    scale = np.sqrt(np.divide(np.broadcast_to(variance, rows.shape), variances, where=moved, out=np.ones_like(rows)))
    scaled: Floats = rows * scale
    return scaled


def _check_decay(decay: float, most: float) -> None:
    if not 0 < decay <= most:
        raise InvalidCommand(
            "risk.decay.bad", "a decay is over 0 and at most 1", field="decay", limit="1", actual=str(decay)
        )

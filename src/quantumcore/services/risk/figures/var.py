"""Parametric value at risk: signed values, volatilities and correlations. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import (
    Alpha,
    Basis,
    confidence,
    expected,
    finite,
    money,
    quantile,
    times,
    volatilities,
)
from quantumcore.services.risk.figures.correlation import Correlations

ES_LEVEL = "0.975"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """A position as its value in the reporting currency.

    Attributes:
        value: Signed; of an option its delta's. volatility: Of its return over the horizon; None: 0.02.
    """

    symbol: str
    value: Decimal
    volatility: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A symbol's part: `component` sums to the VaR (but for the last digit), `marginal` is of one more unit of value."""

    symbol: str
    component: Decimal
    marginal: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ParametricVar:
    """In the reporting currency, half-even; 0 of a flat account.

    Attributes:
        sigma: Standard deviation of the portfolio's result over the horizon.
        es: Expected shortfall at 97.5 %, by the exact quantile.
        contributions: To the VaR at `confidence`.
    """

    basis: Basis
    confidence: Decimal
    exact: bool
    sigma: Decimal
    var: Decimal
    var_95: Decimal
    var_99: Decimal
    es: Decimal
    contributions: tuple[Contribution, ...]
    repaired: bool


def parametric(
    positions: Sequence[Exposed],
    correlations: Correlations,
    basis: Basis,
    *,
    alpha: Alpha = "0.99",
    exact: bool = False,
    places: int = 2,
) -> ParametricVar:
    """Return VaR and its parts: variance = sum of v_i v_j s_i s_j rho_ij.

    Args:
        correlations: Of the positions' symbols, in their order.
        exact: The normal quantile; otherwise the table: 2.326 from 0.99 on, 1.645 from 0.95 on, else 1.0.

    Raises:
        InvalidCommand: `risk.confidence.bad`, `risk.not_finite`, `risk.volatility.bad`; `risk.correlation.bad`: the matrix is
            of other symbols.
    """
    symbols = tuple(one.symbol for one in positions)
    if symbols != correlations.symbols:
        detail = "the correlations are not those of the positions, in their order"
        raise InvalidCommand("risk.correlation.bad", detail, field="symbols", actual=str(len(correlations.symbols)))
    level = confidence(alpha)
    spreads = volatilities([one.volatility for one in positions])
    values = finite([float(one.value) for one in positions], "value")
    with np.errstate(over="ignore", invalid="ignore"):  # `money` refuses what comes out
        risks = values * spreads
        covariances = times(correlations.matrix, risks)
        sigma = math.sqrt(max(0.0, float((risks * covariances).sum())))
    z = quantile(level, exact=exact)
    scale = z / sigma if sigma > 0 else 0.0
    return ParametricVar(
        basis=basis,
        confidence=Decimal(level.numerator) / Decimal(level.denominator),
        exact=exact,
        sigma=money(sigma, places),
        var=money(z * sigma, places),
        var_95=money(quantile(confidence("0.95"), exact=exact) * sigma, places),
        var_99=money(quantile(confidence("0.99"), exact=exact) * sigma, places),
        es=money(expected(confidence(ES_LEVEL)) * sigma, places),
        contributions=tuple(
            Contribution(symbol=symbol, component=money(component, places), marginal=marginal)
            for symbol, component, marginal in zip(
                symbols,
                (risks * covariances * scale).tolist(),
                (spreads * covariances * scale).tolist(),
                strict=True,
            )
        ),
        repaired=correlations.repaired,
    )

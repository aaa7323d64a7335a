"""Risk arrays of profile C: made outside the gate by an option model, rounded once, and when they are too old. Pure.

Floats here, for they are prices of a model; what leaves is integers of 10^-6 currency.
"""

from dataclasses import dataclass

import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import Floats, finite, volatilities
from quantumcore.services.risk.figures.revaluation import Option, OptionPrice, option_prices
from quantumcore.services.risk.margin.grid import Grid
from quantumcore.services.risk.margin.scenarios import MILLIONTH

MAX_AGE_NS = 60 * 10**9
LEAST_VOLATILITY = 0.0001
MAX_LOSS = 2**62
"""Of one contract, in 10^-6 currency: the gate adds in 128 bits, lots of 63 bits times losses of 63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What arrays are made at. price_range: Of the underlying, > 0; of a grid of prices its price. shift: Of volatilities."""

    spot: float
    volatility: float
    price_range: float
    shift: float
    rate: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When and at what arrays were made; prices in ticks, the volatility in 10^-8, so that the gate decides without floats."""

    time_ns: int
    spot: int
    price_range: int
    volatility: int


def risk_array(
    option: Option | None, market: Market, multiplier: float, grid: Grid, price: OptionPrice
) -> tuple[int, ...]:
    """Return what one long contract loses in each scenario, in 10^-6 currency, half-even.

    Args:
        option: None of a future. price: The option model; it is asked for all scenarios at once.

    Raises:
        InvalidCommand: `risk.not_finite`, `risk.volatility.bad`, `risk.scenario.bad` (a range that is not over 0),
            `risk.array.bad` (a loss that is too large).
    """
    if not market.price_range > 0 or not market.shift >= 0:
        detail = "the price range is over 0, the shift of volatility at least 0"
        raise InvalidCommand(
            "risk.scenario.bad", detail, field="price_range", limit="0", actual=str(market.price_range)
        )
    base = market.spot if grid.of_price else market.price_range
    moves = np.array([float(one.price) for one in grid.scenarios]) * base
    counted = np.array([float(one.counted) for one in grid.scenarios])
    spots = finite(np.append(market.spot + moves, market.spot), "spot")
    worth = spots
    if option is not None:
        worth = option_prices(option, spots, _shifted(market, grid), np.full(len(spots), market.rate), price)
    losses = (worth[-1] - worth[:-1]) * counted * multiplier * MILLIONTH
    array = tuple(round(loss) for loss in finite(losses, "losses").tolist())
    if max(map(abs, array)) > MAX_LOSS:
        detail = "a contract loses more than an array can say"
        raise InvalidCommand(
            "risk.array.bad", detail, field="losses", limit=str(MAX_LOSS), actual=str(max(map(abs, array)))
        )
    return array


def is_stale(stamp: Stamp, *, now_ns: int, spot: int, volatility: int) -> bool:
    """Tell whether arrays are to be made anew: a minute old, the price moved by 1/6 of its range, or another volatility.

    Older ones refuse opening orders (`STALE_REF`).
    """
    moved = abs(spot - stamp.spot) * 6 >= stamp.price_range
    return moved or volatility != stamp.volatility or now_ns - stamp.time_ns >= MAX_AGE_NS


def _shifted(market: Market, grid: Grid) -> Floats:
    """Return the volatility of each scenario and of now; a shift below 0 ends at 0.01 %."""
    today = volatilities([market.volatility])[0]
    shifts = np.array([float(one.volatility) for one in grid.scenarios] + [0.0]) * market.shift
    shifted: Floats = np.maximum(today + shifts, LEAST_VOLATILITY)
    return shifted

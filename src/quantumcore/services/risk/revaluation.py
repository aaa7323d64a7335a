"""A portfolio valued anew under moved prices, volatilities and rates, whole and signed. Pure.

The price of an option comes from a function that is given: this file knows no model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures import Floats, finite, volatilities

MAX_VALUES = 50_000_000
"""Positions × scenarios of one revaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What the price of an option depends on beside the market's moves; years > 0 to its expiry, rates per year."""

    strike: float
    years: float
    call: bool
    american: bool = False
    dividend: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A position as it is revalued, in the reporting currency.

    Attributes:
        symbol: Of the position. underlying: Whose price moves it; the symbol itself unless it is an option.
        units: Quantity × multiplier × exchange rate, signed. price: Of the underlying now.
        option: None for what is worth its underlying's price. volatility, rate: Of an option, per year.
        spread: Half of what is between bid and ask, per unit; >= 0.
    """

    symbol: str
    underlying: str
    units: float
    price: float
    option: Option | None = None
    volatility: float | None = None
    rate: float = 0.0
    spread: float = 0.0


class OptionPrice(Protocol):
    """The price of one unit under many markets: arrays of one length in, their prices out; spots are over 0."""

    def __call__(self, option: Option, spot: Floats, volatility: Floats, rate: Floats) -> Floats: ...


def results(
    positions: Sequence[Held],
    returns: Floats,
    price: OptionPrice,
    *,
    volatility: float | Floats = 1.0,
    rate: float | Floats = 0.0,
) -> Floats:
    """Return what a portfolio gains in each scenario; a loss is negative.

    Args:
        returns: A row per scenario, a column per position: the relative change of its underlying's price.
        volatility: What volatilities are multiplied by, one number or one per scenario. rate: What is added to rates, per year.

    Raises:
        InvalidCommand: `risk.not_finite`: an input or a price; `risk.size`: more than 50,000,000 values.
    """
    if returns.shape[0] * max(1, len(positions)) > MAX_VALUES:
        raise InvalidCommand(
            "risk.size",
            f"positions times scenarios are over {MAX_VALUES}",
            field="scenarios",
            limit=str(MAX_VALUES),
            actual=str(returns.shape[0] * len(positions)),
        )
    moves = finite(returns, "returns")
    assert moves.shape[1] == len(positions)
    plain = [at for at, one in enumerate(positions) if one.option is None]
    worth = finite([positions[at].units * positions[at].price for at in plain], "value")
    total = moves[:, plain] @ worth if len(plain) < len(positions) else moves @ worth
    factor = np.broadcast_to(finite(volatility, "volatility"), total.shape)
    added = np.broadcast_to(finite(rate, "rate"), total.shape)
    for at, one in enumerate(positions):
        if one.option is not None:
            total = total + _option_results(one, one.option, moves[:, at], factor, added, price)
    return finite(total, "results")


def option_prices(option: Option, spot: Floats, volatility: Floats, rate: Floats, price: OptionPrice) -> Floats:
    """Return an option's price at each spot; where the spot is not over 0, what it would pay there, as no model goes so far.

    Raises:
        InvalidCommand: `risk.not_finite`: the function gave a price that is none.
    """
    worth = np.maximum(0.0, spot - option.strike if option.call else option.strike - spot)
    alive = spot > 0
    if alive.any():
        worth[alive] = price(option, spot[alive], volatility[alive], rate[alive])
    return finite(worth, "price")


def _option_results(
    one: Held, option: Option, moves: Floats, factor: Floats, added: Floats, price: OptionPrice
) -> Floats:
    today = volatilities([one.volatility])
    now = option_prices(option, np.array([one.price]), today, np.array([one.rate]), price)
    then = option_prices(option, one.price * (1 + moves), today * factor, one.rate + added, price)
    gained: Floats = one.units * (then - now)
    return gained

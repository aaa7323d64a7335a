"""A portfolio valued anew under moved prices, volatilities and rates, whole and signed. Pure.

The price of an option comes from a function that is given: this file knows no model.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import Floats, finite, times, volatilities

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


OptionPrice: TypeAlias = Callable[[Option, Floats, Floats, Floats], Floats]
"""The price of one unit of an option under many markets: (option, spots, volatilities, rates), arrays of one length, spots over 0."""


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
        InvalidCommand: `risk.not_finite`: an input or a price; `risk.volatility.bad`; `risk.size`: more than 50,000,000 values.
    """
    moves = _checked(positions, returns)
    plain = [at for at, one in enumerate(positions) if one.option is None]
    worth = finite([positions[at].units * positions[at].price for at in plain], "value")
    with np.errstate(over="ignore", invalid="ignore"):  # what comes out is looked at below
        total = times(moves[:, plain] if len(plain) < len(positions) else moves, worth)
    for _, gained in _options(positions, moves, price, volatility, rate):
        total = total + gained
    return finite(total, "results")


def line_results(
    positions: Sequence[Held],
    returns: Floats,
    price: OptionPrice,
    *,
    volatility: float | Floats = 1.0,
    rate: float | Floats = 0.0,
) -> Floats:
    """Return the same position by position: a row per scenario, a column per position; otherwise as `results`."""
    moves = _checked(positions, returns)
    worth = finite([one.units * one.price if one.option is None else 0.0 for one in positions], "value")
    with np.errstate(over="ignore", invalid="ignore"):
        gains = moves * worth
    for at, gained in _options(positions, moves, price, volatility, rate):
        gains[:, at] = gained
    return finite(gains, "results")


def _checked(positions: Sequence[Held], returns: Floats) -> Floats:
    assert returns.shape[1] == len(positions)
    if returns.size > MAX_VALUES:
        detail = f"positions times scenarios are over {MAX_VALUES}"
        raise InvalidCommand("risk.size", detail, field="scenarios", limit=str(MAX_VALUES), actual=str(returns.size))
    return finite(returns, "returns")


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


def _options(
    positions: Sequence[Held], moves: Floats, price: OptionPrice, volatility: float | Floats, rate: float | Floats
) -> Iterator[tuple[int, Floats]]:
    """Yield each option's column and what it gains in each scenario."""
    factor = np.broadcast_to(finite(volatility, "volatility"), len(moves))
    added = np.broadcast_to(finite(rate, "rate"), len(moves))
    for at, one in enumerate(positions):
        if one.option is None:
            continue
        today = volatilities([one.volatility])
        now = option_prices(one.option, np.array([one.price]), today, np.array([one.rate]), price)
        then = option_prices(one.option, one.price * (1 + moves[:, at]), today * factor, one.rate + added, price)
        yield at, one.units * (then - now)

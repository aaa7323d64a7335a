"""Heavy computations as requests: each holds all that it needs, so that another process can do it. Pure."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.messages import Request
from quantumcore.contracts.risk import GetGreeks
from quantumcore.services.risk.figures.basis import Basis, Floats
from quantumcore.services.risk.figures.correlation import completed
from quantumcore.services.risk.figures.historical import historical
from quantumcore.services.risk.figures.montecarlo import monte_carlo, seeded
from quantumcore.services.risk.figures.revaluation import Held, Option, results
from quantumcore.services.risk.figures.stress import Shock, StressResult, reverse, stress
from quantumcore.services.risk.figures.var import Exposed
from quantumcore.services.risk.options.batch import answers

Pairs = list[tuple[str, str, float]]


class Position(msgspec.Struct, frozen=True):
    """What is held: units × price is its value in the reporting currency; volatility: of a day."""

    symbol: str
    units: float
    price: float
    volatility: float


class Tail(msgspec.Struct, frozen=True):
    """A VaR by simulation, in decimals of the reporting currency; losses: all of them, worst first, if they were wanted."""

    value_at_risk: Decimal
    shortfall: Decimal
    tail: int
    error: Decimal | None = None
    losses: list[float] = []


class Historical(Request[Tail], frozen=True, kw_only=True):
    """Today's positions under past returns.

    Attributes:
        returns: A row of float64 per day, oldest first, a column per position.
    """

    positions: list[Position]
    returns: bytes
    confidence: str
    places: int
    sequence: int
    losses: bool = False


class MonteCarlo(Request[Tail], frozen=True, kw_only=True):
    """Today's positions under drawn returns; freedom 0: normals."""

    positions: list[Position]
    correlations: Pairs
    confidence: str
    paths: int
    seed: int
    freedom: int
    places: int
    sequence: int
    losses: bool = False


class Shocked(msgspec.Struct, frozen=True):
    """What scenarios make of the positions; fall, rise: what ends the equity."""

    results: list[tuple[str, Decimal, list[str], str]]
    fall: float | None
    rise: float | None


class StressTest(Request[Shocked], frozen=True, kw_only=True):
    """Today's positions under scenarios; classes: by symbol."""

    positions: list[Position]
    shocks: list[Shock]
    classes: dict[str, str]
    equity: Decimal
    places: int
    sequence: int


def historical_tail(asked: Historical) -> Tail:
    """Return the VaR of past returns.

    Raises:
        InvalidCommand, Conflict: As historical.historical.
    """
    count = len(asked.positions)
    returns = np.frombuffer(asked.returns, dtype=np.float64).reshape(-1, count) if count else np.zeros((1, 0))
    profits = results(_held(asked.positions), returns, no_option)
    found = historical(
        profits, Basis(sequence=asked.sequence, window=len(returns)), alpha=asked.confidence, places=asked.places
    )
    return Tail(found.var, found.es, found.tail, None, _worst_first(profits) if asked.losses else [])


def monte_carlo_tail(asked: MonteCarlo) -> Tail:
    """Return the VaR of drawn returns.

    Raises:
        InvalidCommand: As montecarlo.monte_carlo, and of correlations.
    """
    held = _held(asked.positions)
    pairs = {(first, second): rho for first, second, rho in asked.correlations}
    correlations = completed([one.symbol for one in asked.positions], pairs)
    drawn: list[Floats] = []

    def revalue(returns: Floats) -> Floats:
        profits = results(held, returns, no_option)
        if asked.losses:
            drawn.append(profits)
        return profits

    found = monte_carlo(
        revalue,
        correlations,
        [one.volatility for one in asked.positions],
        seeded(asked.seed),
        Basis(sequence=asked.sequence, window=asked.paths, seed=asked.seed),
        alpha=asked.confidence,
        freedom=asked.freedom or None,
        places=asked.places,
    )
    losses = _worst_first(np.concatenate(drawn)) if drawn else []
    return Tail(found.var, found.es, 0, found.error, losses)


def shocked(asked: StressTest) -> Shocked:
    """Return what scenarios make of positions.

    Raises:
        InvalidCommand: As stress.stress.
    """
    held, basis = _held(asked.positions), Basis(sequence=asked.sequence)
    found: Sequence[StressResult] = stress(
        held, asked.shocks, no_option, basis, classes=asked.classes, places=asked.places
    ).results
    ends = reverse(held, asked.equity, no_option, basis)
    return Shocked([(one.name, one.result, list(one.unmoved), one.source) for one in found], ends.fall, ends.rise)


def no_option(option: Option, spot: Floats, volatility: Floats, rate: Floats) -> Floats:  # noqa: ARG001  # as OptionPrice has them
    """Price an option: no instrument of the engine is one.

    Raises:
        InvalidCommand: `risk.not_finite`.
    """
    raise InvalidCommand("risk.not_finite", "no instrument is an option", field="option", actual=str(option.strike))


def exposed(positions: Sequence[Position]) -> list[Exposed]:
    """Return positions as parametric figures take them."""
    return [
        Exposed(symbol=one.symbol, value=Decimal(one.units * one.price), volatility=one.volatility) for one in positions
    ]


def _held(positions: Sequence[Position]) -> list[Held]:
    return [
        Held(symbol=one.symbol, underlying=one.symbol, units=one.units, price=one.price, volatility=one.volatility)
        for one in positions
    ]


def _worst_first(profits: Floats) -> list[float]:
    losses: list[float] = np.sort(-profits)[::-1].tolist()
    return losses


WORK: dict[type[Request[Any]], Callable[[Any], object]] = {
    Historical: historical_tail,
    MonteCarlo: monte_carlo_tail,
    StressTest: shocked,
    GetGreeks: answers,
}
"""What a worker computes."""

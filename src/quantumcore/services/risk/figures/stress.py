"""What a portfolio loses when everything moves at once: full revaluation, signed. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import Alpha, Basis, finite, money
from quantumcore.services.risk.figures.correlation import perfect
from quantumcore.services.risk.figures.revaluation import Held, OptionPrice, line_results, results
from quantumcore.services.risk.figures.var import Exposed, ParametricVar, parametric

ALL = "*"
MAX_SCENARIOS = 1_000
MAX_FALL = -10.0
MAX_RISE = 10.0
PRICES = (1, 3, 5, 10, 20, 30)
REVERSE_STEP = 0.005
REVERSE_RISE = 3.0
REVERSE_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """A scenario.

    Attributes:
        prices: Relative moves by class or underlying; `*` is for all that are not named. A symbol goes before its class.
        volatility: What volatilities are multiplied by. rate: What is added to rates, per year. spread: What spreads are
            multiplied by: closing pays the difference.
        source: Where the numbers are from.
    """

    name: str
    prices: Mapping[str, float] = field(default_factory=dict)
    volatility: float = 1.0
    rate: float = 0.0
    spread: float = 1.0
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StressResult:
    """Result of a scenario in the reporting currency, half-even; a loss is negative.

    Attributes:
        lines: By position, in their order; they sum to `result` but for last digits.
        unmoved: Symbols that the scenario says nothing of; they count as they are.
    """

    name: str
    result: Decimal
    lines: tuple[tuple[str, Decimal], ...]
    unmoved: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """Scenarios of one portfolio."""

    basis: Basis
    results: tuple[StressResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseStress:
    """The least move of all prices that ends equity, down and up; None: none from -100 % to +300 % does."""

    basis: Basis
    fall: float | None
    rise: float | None


def standard() -> tuple[Shock, ...]:
    """Return prices ±1, 3, 5, 10, 20 and 30 %, volatility ±50 %, rates ±200 bp, spreads × 3."""
    moves = [
        Shock(name=f"prices {sign}{n} %", prices={ALL: float(f"{sign}{n}") / 100}) for n in PRICES for sign in "+-"
    ]
    return (
        *moves,
        Shock(name="volatility +50 %", volatility=1.5),
        Shock(name="volatility -50 %", volatility=0.5),
        Shock(name="rates +200 bp", rate=0.02),
        Shock(name="rates -200 bp", rate=-0.02),
        Shock(name="spreads x 3", spread=3.0),
    )


def stress(
    positions: Sequence[Held],
    shocks: Sequence[Shock],
    price: OptionPrice,
    basis: Basis,
    *,
    classes: Mapping[str, str] | None = None,
    places: int = 2,
) -> Stress:
    """Return what each scenario makes of the portfolio.

    Args:
        classes: Of underlyings, as named days name them: "equity", "oil", "crypto", ...

    Raises:
        InvalidCommand: `risk.scenario.bad`: more than 1,000, or a number outside its bounds; `risk.not_finite`,
            `risk.volatility.bad`.
    """
    if len(shocks) > MAX_SCENARIOS:
        detail = f"more than {MAX_SCENARIOS} scenarios"
        raise InvalidCommand(
            "risk.scenario.bad", detail, field="scenarios", limit=str(MAX_SCENARIOS), actual=str(len(shocks))
        )
    for shock in shocks:
        _check(shock)
    moves = [[_move(one, shock, classes or {}) for one in positions] for shock in shocks]
    known = np.array([[move or 0.0 for move in row] for row in moves]).reshape(len(shocks), len(positions))
    volatility, rate, wider = (
        np.array([getattr(shock, name) for shock in shocks], dtype=np.float64)
        for name in ("volatility", "rate", "spread")
    )
    gains = line_results(positions, known, price, volatility=volatility, rate=rate)
    gains -= np.outer(wider - 1, [abs(one.units) * one.spread for one in positions])
    return Stress(
        basis=basis,
        results=tuple(
            _result(positions, *of_one, places) for of_one in zip(shocks, moves, gains.tolist(), strict=True)
        ),
    )


def correlated(
    positions: Sequence[Exposed], basis: Basis, *, alpha: Alpha = "0.99", exact: bool = False, places: int = 2
) -> ParametricVar:
    """Return the VaR of a day on which all correlations are 1.

    Raises:
        InvalidCommand: As `var.parametric`.
    """
    alike = perfect([one.symbol for one in positions])
    return parametric(positions, alike, basis, alpha=alpha, exact=exact, places=places)


def reverse(positions: Sequence[Held], equity: Decimal, price: OptionPrice, basis: Basis) -> ReverseStress:
    """Return the least fall and the least rise of all prices together at which equity is gone, to 10^-6.

    Looked for in steps of 0.5 % from 0, then halved: of options whose result turns back within a step a shorter move may be missed.

    Raises:
        InvalidCommand: `risk.not_finite`, `risk.volatility.bad`.
    """
    worth = float(finite(float(equity), "equity"))
    return ReverseStress(
        basis=basis,
        fall=_least(positions, worth, price, -1.0),
        rise=_least(positions, worth, price, REVERSE_RISE),
    )


def _least(positions: Sequence[Held], equity: float, price: OptionPrice, end: float) -> float | None:
    def left(moves: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        column = np.asarray(moves, dtype=np.float64)[:, None]
        return equity + results(positions, np.repeat(column, len(positions), axis=1), price)

    moves = np.linspace(0.0, end, round(abs(end) / REVERSE_STEP) + 1).tolist()
    gone = np.flatnonzero(left(moves) <= 0)
    if not len(gone):
        return None
    high = float(moves[int(gone[0])])
    if high == 0:
        return 0.0
    low = float(moves[int(gone[0]) - 1])
    for _ in range(REVERSE_HALVINGS):
        middle = (low + high) / 2
        if left([middle])[0] <= 0:
            high = middle
        else:
            low = middle
    return round(high, 6)


def _result(
    positions: Sequence[Held], shock: Shock, moves: Sequence[float | None], gains: Sequence[float], places: int
) -> StressResult:
    return StressResult(
        name=shock.name,
        result=money(math.fsum(gains), places),
        lines=tuple((one.symbol, money(gain, places)) for one, gain in zip(positions, gains, strict=True)),
        unmoved=tuple(one.symbol for one, move in zip(positions, moves, strict=True) if move is None and shock.prices),
        source=shock.source,
    )


def _move(one: Held, shock: Shock, classes: Mapping[str, str]) -> float | None:
    for name in (one.underlying, classes.get(one.underlying, ""), ALL):
        if name in shock.prices:
            return shock.prices[name]
    return None


def _check(shock: Shock) -> None:
    for name, value, least, most in _bounds(shock):
        if not least <= value <= most:
            detail = f"{name} of the scenario {shock.name!r} is outside {least} .. {most}"
            raise InvalidCommand("risk.scenario.bad", detail, field=name, limit=f"{least} .. {most}", actual=str(value))


def _bounds(shock: Shock) -> Iterator[tuple[str, float, float, float]]:
    yield from ((f"prices.{name}", move, MAX_FALL, MAX_RISE) for name, move in shock.prices.items())
    yield "volatility", shock.volatility, 0.01, 100.0
    yield "rate", shock.rate, -1.0, 1.0
    yield "spread", shock.spread, 0.0, 1_000.0

"""Pictures of options: a smile of implied volatilities, and what a package pays. Needs the extra `plot`."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from quantumcore.app.plot import check_plot
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.options.arrays import float_greeks

PAYOFF_POINTS = 401
LEGS_MAX = 100
_MARGIN = 0.35  # of the outermost strike or spot, on either side


class SmilePoint(Struct, frozen=True):
    """A strike and the volatility that its option implies."""

    strike: Decimal
    volatility: Decimal


class Leg(Struct, frozen=True, kw_only=True):
    """One part of a package: so many units (below zero: sold), for each of which was paid `price`.

    Attributes:
        call: True, False, or None for the underlying itself, whose strike is then not looked at.
        volatility: With it today's value can be drawn beside the payoff.
    """

    call: bool | None
    quantity: Decimal
    price: Decimal
    strike: Decimal = Decimal(0)
    volatility: Decimal | None = None


class Today(Struct, frozen=True, kw_only=True):
    """What the value of a package before its expiry hangs on but the volatilities."""

    spot: Decimal
    years: Decimal
    rate: Decimal
    dividend_yield: Decimal = Decimal(0)
    american: bool = False


def plot_smile(title: str, smiles: dict[str, Sequence[SmilePoint]], spot: Decimal, file: Path) -> None:
    """Draw implied volatilities by strike, a line for each expiry by its name, into `file`; its suffix says the format.

    Raises:
        InvalidCommand: `plot.extra`; `plot.file`: the file cannot be written, or its format is unknown.
    """
    figure, axes = _canvas(title)
    for name, points in smiles.items():
        ordered = sorted(points, key=lambda point: point.strike)
        axes.plot(
            [float(point.strike) for point in ordered],
            [float(point.volatility) * 100 for point in ordered],
            "o-",
            label=name,
        )
    axes.axvline(float(spot), color="grey", linewidth=0.8, linestyle="--", label="spot")
    axes.set_xlabel("strike")
    axes.set_ylabel("implied volatility, % a year")
    axes.legend()
    _save(figure, file)


def plot_payoff(title: str, legs: Sequence[Leg], file: Path, today: Today | None = None) -> None:
    """Draw what a package has gained at expiry by the underlying's price, and beside it today's value, into `file`.

    Args:
        today: With it the value before expiry is drawn too; every option then needs its volatility.

    Raises:
        InvalidCommand: `plot.extra`; `plot.file`; `plot.legs`: none or over 100, or an option lacks its volatility.
        GreeksRefused: A value of `today` is outside its bounds.
    """
    if not 0 < len(legs) <= LEGS_MAX:
        raise InvalidCommand("plot.legs", f"a package has 1 to {LEGS_MAX} legs", actual=str(len(legs)))
    prices = payoff_range(legs, today)
    figure, axes = _canvas(title)
    axes.plot(prices, [gain_at_expiry(legs, price) for price in prices], label="at expiry")
    if today is not None:
        axes.plot(prices, [gain_today(legs, today, price) for price in prices], label="today")
        axes.axvline(float(today.spot), color="grey", linewidth=0.8, linestyle="--", label="spot")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlabel("price of the underlying")
    axes.set_ylabel("gained")
    axes.legend()
    _save(figure, file)


def payoff_range(legs: Sequence[Leg], today: Today | None = None) -> list[float]:
    """Return the underlying's prices at which a package is drawn: around all strikes and the spot, each strike among them."""
    strikes = [float(leg.strike) for leg in legs if leg.call is not None]
    centres = [*strikes, *([float(today.spot)] if today else [])] or [float(leg.price) for leg in legs]
    low, high = min(centres) * (1 - _MARGIN), max(centres) * (1 + _MARGIN)
    step = (high - low) / (PAYOFF_POINTS - 1)
    return sorted({*(low + step * point for point in range(PAYOFF_POINTS)), *strikes})


def gain_at_expiry(legs: Sequence[Leg], price: float) -> float:
    """Return what a package has gained when the underlying ends at `price`: a float, for it is only drawn."""
    return sum(float(leg.quantity) * (_worth_at_expiry(leg, price) - float(leg.price)) for leg in legs)


def gain_today(legs: Sequence[Leg], today: Today, price: float) -> float:
    """Return what a package has gained if the underlying goes to `price` now.

    Raises:
        InvalidCommand: `plot.legs`: an option lacks its volatility.
    """
    gained = 0.0
    for leg in legs:
        worth = price
        if leg.call is not None:
            if leg.volatility is None:
                raise InvalidCommand("plot.legs", "today's value needs a volatility for every option")
            worth = float_greeks(
                leg.call,
                price,
                float(leg.strike),
                float(today.years),
                float(today.rate),
                float(today.dividend_yield),
                float(leg.volatility),
                american=today.american,
            ).price
        gained += float(leg.quantity) * (worth - float(leg.price))
    return gained


def _worth_at_expiry(leg: Leg, price: float) -> float:
    if leg.call is None:
        return price
    return max(price - float(leg.strike) if leg.call else float(leg.strike) - price, 0.0)


def _canvas(title: str) -> tuple[Any, Any]:
    check_plot()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    return figure, figure.subplots()


def _save(figure: Any, file: Path) -> None:
    try:
        figure.savefig(file)
    except (OSError, ValueError) as error:
        raise InvalidCommand("plot.file", f"cannot write {file}: {error}") from error

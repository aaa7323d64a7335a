"""Pictures of options: a smile of implied volatilities, and what a package pays at expiry. Needs the extra `plot`."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from quantumcore.app.plot import canvas, save
from quantumcore.services.risk.margin.strategies import Leg, Right

BEYOND = Decimal("0.25")
"""How far a payoff is drawn beyond its outermost strikes and the underlying, as a part of them."""


class SmilePoint(Struct, frozen=True):
    """A strike and the volatility that its option implies."""

    strike: Decimal
    volatility: Decimal


def plot_smile(title: str, smiles: dict[str, Sequence[SmilePoint]], spot: Decimal, file: Path) -> None:
    """Draw implied volatilities by strike, a line for each expiry by its name, into `file`; its suffix says the format.

    Raises:
        InvalidCommand: `plot.extra`; `plot.file`: the file cannot be written, or its format is unknown.
    """
    figure, axes = canvas()
    figure.suptitle(title)
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
    save(figure, file)


def plot_payoff(legs: Sequence[Leg], underlying: Decimal, currency: str, file: Path) -> None:
    """Draw what a package of one underlying brings at expiry, premiums included, into `file`.

    Raises:
        InvalidCommand: `plot.extra`, `plot.file`.
    """
    figure, axes = canvas()
    points = payoff(legs, underlying)
    spots, paid = [float(spot) for spot, _ in points], [float(result) for _, result in points]
    axes.set_title(f"{len(legs)} legs at expiry")
    axes.plot(spots, paid)
    axes.fill_between(spots, paid, 0, where=[one < 0 for one in paid], interpolate=True, alpha=0.2, color="tab:red")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(float(underlying), color="grey", linestyle="--", label=f"now {underlying}")
    axes.set_xlabel("underlying")
    axes.set_ylabel(currency)
    axes.legend()
    save(figure, file)


def payoff(legs: Sequence[Leg], underlying: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Return (price of the underlying, result) where the result bends, and at both ends of what is drawn; straight between.

    Legs that expire later count what they would pay on the day of the first: a picture, not a price.
    """
    bends = sorted({underlying, *(leg.strike for leg in legs if leg.right is not Right.STOCK)})
    ends = (max(Decimal(0), bends[0] * (1 - BEYOND)), bends[-1] * (1 + BEYOND))
    return [(spot, sum((_result(leg, spot) for leg in legs), Decimal(0))) for spot in sorted({*bends, *ends})]


def _result(leg: Leg, spot: Decimal) -> Decimal:
    if leg.right is Right.STOCK:
        worth = spot
    else:
        worth = max(Decimal(0), spot - leg.strike if leg.right is Right.CALL else leg.strike - spot)
    return (worth - leg.price) * leg.quantity * leg.multiplier

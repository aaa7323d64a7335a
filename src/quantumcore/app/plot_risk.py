"""Pictures of risk: how results are distributed, and what a package pays at expiry. Needs the extra `plot`."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from quantumcore.app.plot import check_plot, save
from quantumcore.services.risk.margin.strategies import Leg, Right

BINS = 60
BEYOND = Decimal("0.25")
"""How far a payoff is drawn beyond its outermost strikes and the underlying, as a part of them."""


def plot_losses(profits: Sequence[float], marks: Mapping[str, Decimal], currency: str, file: Path) -> None:
    """Draw a histogram of results into `file`, with a line at each of the named losses.

    Args:
        profits: As `historical` or `monte_carlo` takes them; a loss is negative.
        marks: Losses, >= 0, by what they are called, as {"VaR 99 %": ..., "ES": ...}.

    Raises:
        InvalidCommand: `plot.extra`, `plot.file`.
    """
    figure, axes = _figure()
    axes.set_title(f"Results of {len(profits):,} scenarios")
    axes.hist(profits, bins=BINS, color="tab:blue", alpha=0.7)
    for at, (name, loss) in enumerate(marks.items()):
        axes.axvline(-float(loss), color=f"C{at + 1}", label=f"{name}: {loss} {currency}")
    axes.set_xlabel(currency)
    axes.set_ylabel("scenarios")
    if marks:
        axes.legend()
    save(figure, file)


def plot_payoff(legs: Sequence[Leg], underlying: Decimal, currency: str, file: Path) -> None:
    """Draw what a package of one underlying brings at expiry, premiums included, into `file`.

    Raises:
        InvalidCommand: `plot.extra`, `plot.file`.
    """
    figure, axes = _figure()
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


def _figure() -> tuple[Any, Any]:
    check_plot()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()

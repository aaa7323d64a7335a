"""A picture of risk: how results are distributed. Needs the extra `plot`."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from quantumcore.app.plot import canvas, save

BINS = 60


def plot_losses(profits: Sequence[float], marks: Mapping[str, Decimal], currency: str, file: Path) -> None:
    """Draw a histogram of results into `file`, with a line at each of the named losses.

    Args:
        profits: As `historical` or `monte_carlo` takes them; a loss is negative.
        marks: Losses, >= 0, by what they are called, as {"VaR 99 %": ..., "ES": ...}.

    Raises:
        InvalidCommand: `plot.extra`, `plot.file`.
    """
    figure, axes = canvas()
    axes.set_title(f"Results of {len(profits):,} scenarios")
    axes.hist(profits, bins=BINS, color="tab:blue", alpha=0.7)
    for at, (name, loss) in enumerate(marks.items()):
        axes.axvline(-float(loss), color=f"C{at + 1}", label=f"{name}: {loss} {currency}")
    axes.set_xlabel(currency)
    axes.set_ylabel("scenarios")
    if marks:
        axes.legend()
    save(figure, file)

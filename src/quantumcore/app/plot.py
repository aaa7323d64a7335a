"""Pictures of an account: what it consists of, and how it went. Needs the extra `plot`."""

from importlib import import_module
from pathlib import Path
from typing import Any

from quantumcore.contracts.errors import InvalidCommand

SLICES = 9
"""Parts that are shown by themselves; all others are one more."""
NS = 10**9


def check_plot() -> None:
    """See that pictures can be drawn.

    Raises:
        InvalidCommand: `plot.extra`: the extra is not installed.
    """
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise InvalidCommand("plot.extra", "pictures need the extra: pip install 'quantumcore[plot]'") from error


def plot_portfolio(worth: dict[str, Any], points: list[dict[str, Any]], file: Path) -> None:
    """Draw allocation and equity curve into `file`; its suffix says the format.

    Args:
        worth: The reply to GetPortfolio. points: Of the history, oldest first.

    Raises:
        InvalidCommand: `plot.extra`; `plot.file`: the file cannot be written, or its format is unknown.
    """
    figure, (left, right) = canvas(12, columns=2)
    currency = worth["reporting_currency"]
    figure.suptitle(f"account {worth['account_id']}: {worth['total']} {currency} at sequence {worth['sequence']}")
    _allocation(left, worth, currency)
    _equity(right, points, currency)
    save(figure, file)


def canvas(width: float = 9, columns: int = 1) -> tuple[Any, Any]:
    """Return a figure of `width` by 5 inches, and its axes: an array of them where there is more than one column.

    Raises:
        InvalidCommand: `plot.extra`: the extra is not installed.
    """
    check_plot()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)


def save(figure: Any, file: Path) -> None:
    """Write a picture; the file's suffix says the format.

    Raises:
        InvalidCommand: `plot.file`: the file cannot be written, or its format is unknown.
    """
    try:
        figure.savefig(file)
    except (OSError, ValueError) as error:
        raise InvalidCommand("plot.file", f"cannot write {file}: {error}") from error


def parts_of(worth: dict[str, Any]) -> list[tuple[str, float]]:
    """Return what an account consists of, the largest first, in the reporting currency: floats, for they are only drawn."""
    values = [(one["symbol"], one["value"]) for one in worth["lines"]]
    values += [(f"{one['currency']} (held)", one["value"]) for one in worth["holdings"]]
    values += [(f"{one['currency']} cash", one["value"]) for one in worth["cash_lines"]]
    parts = sorted(((name, float(value)) for name, value in values if value), key=lambda part: -abs(part[1]))
    parts = [part for part in parts if part[1]]
    rest = sum(value for _, value in parts[SLICES:])
    return parts[:SLICES] + ([("others", rest)] if len(parts) > SLICES else [])


def _allocation(axes: Any, worth: dict[str, Any], currency: str) -> None:
    parts = parts_of(worth)[::-1]
    axes.set_title("Allocation")
    axes.barh([name for name, _ in parts], [value for _, value in parts])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(currency)


def _equity(axes: Any, points: list[dict[str, Any]], currency: str) -> None:
    from datetime import UTC, datetime

    axes.set_title("Total" if points else "Total: no points of history yet")
    axes.plot([datetime.fromtimestamp(p["time_ns"] // NS, UTC) for p in points], [float(p["total"]) for p in points])
    axes.set_ylabel(currency)
    axes.tick_params(axis="x", rotation=30)

"""How a figure is taken and shown."""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: the median of its repeats, their spread, and what was promised.

    Attributes:
        samples: Empty when it could not be measured; the note says why.
        bound: What it should be at most (at least, when `higher_is_better`); None when it is only shown.
        note: Stands beside the figure.
    """

    name: str
    unit: str
    samples: Sequence[float]
    bound: float | None = None
    higher_is_better: bool = False
    note: str = ""

    @property
    def median(self) -> float:
        """The median of the samples, of which there must be one."""
        return statistics.median(self.samples)

    @property
    def met(self) -> bool | None:
        """Whether the bound is met; None without one, and without samples."""
        if self.bound is None or not self.samples:
            return None
        return self.median >= self.bound if self.higher_is_better else self.median <= self.bound


def repeat(work: Callable[[], float], repeats: int = REPEATS) -> list[float]:
    """Return what `work` measured, `repeats` times, after one run that does not count."""
    work()
    return [work() for _ in range(repeats)]


def machine() -> str:
    """Name the machine: processor, cores, memory, system, interpreter."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.1f}"
    )


def show(title: str, figures: Sequence[Figure], console: Console) -> None:
    """Print figures as a table."""
    table = Table(title=title)
    for column, justify in (
        ("what", "left"),
        ("median", "right"),
        ("min - max", "right"),
        ("promised", "right"),
        ("", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # the literals are its own
    for figure in figures:
        sign = ">=" if figure.higher_is_better else "<="
        table.add_row(
            figure.name,
            f"{_number(figure.median)} {figure.unit}" if figure.samples else "-",
            f"{_number(min(figure.samples))} - {_number(max(figure.samples))}" if figure.samples else "",
            "" if figure.bound is None else f"{sign} {_number(figure.bound)}",
            figure.note or {True: "met", False: "missed", None: ""}[figure.met],
        )
    console.print(table)


def as_json(figures: Sequence[Figure]) -> list[dict[str, object]]:
    """Return figures as plain values; median, min and max are None without samples."""
    return [
        {
            "name": figure.name,
            "unit": figure.unit,
            "median": figure.median if figure.samples else None,
            "min": min(figure.samples, default=None),
            "max": max(figure.samples, default=None),
            "bound": figure.bound,
            "met": figure.met,
            "note": figure.note,
        }
        for figure in figures
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3f}"

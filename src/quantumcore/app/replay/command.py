"""`quantumcore replay FILE`: drive, show progress, compare at checkpoints, sum up."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from quantumcore.app.replay.driver import Replay
from quantumcore.app.replay.opening import Opening
from quantumcore.app.replay.records import Tape, events, read_tape
from quantumcore.app.venue import Venue
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reasons import CODES, Reason

CHECKPOINTS = 100
"""Comparisons of the whole book, evenly over the events that are played (and one at the end)."""


def replay(
    path: Path,
    *,
    start_ns: int = 0,
    instrument: int | None = None,
    execute: bool = False,
    opening: bool = False,
    console: Console | None = None,
) -> dict[str, Any]:
    """Replay one instrument of `path` into a fresh venue and return the figures.

    Args:
        start_ns: Before this time only the tape's own book moves; at the first closed, uncrossed event at or after it the
            book is loaded into the venue in its priority.
        instrument: The venue's number of the instrument; the busiest by default.
        execute: Send the tape's trades as IOC orders.
        opening: Gather orders in an opening call until the tape's first trade, and uncross there; from the first message on.

    Raises:
        InvalidCommand: The file cannot be read, nothing in it is after `start_ns`, or nothing is before its open.
    """
    tape = read_tape(path)
    counts: dict[int, int] = {}
    for record in tape.records:
        counts[record.instrument] = counts.get(record.instrument, 0) + 1
    chosen = instrument if instrument is not None else max(counts, key=lambda number: counts[number], default=-1)
    if chosen not in counts:
        raise InvalidCommand("replay.file", f"{path} has no orders of instrument {chosen}")
    venue = Venue([])
    driver = Replay(venue, tape, chosen, execute=execute)
    todo = list(events(record for record in tape.records if record.instrument == chosen))
    if opening and start_ns:
        raise InvalidCommand("replay.start", "an opening call begins with the tape, not at a later time")
    first = _warm_up(driver, todo, start_ns)
    if first == len(todo):
        raise InvalidCommand("replay.start", f"{path} ends before the start that was asked for")
    began = time.perf_counter()
    opened = _play(driver, todo[first:], console or Console(stderr=True), opening=opening)
    figures = _figures(
        driver, tape, chosen, skipped=sum(len(event) for event in todo[:first]), seconds=time.perf_counter() - began
    )
    return figures if opened is None else figures | {"opening": opened.figures()}


def _warm_up(driver: Replay, todo: list[Any], start_ns: int) -> int:
    """Move only the tape's book up to the start; return the index of the first event to play."""
    if start_ns == 0:
        return 0
    for index, event in enumerate(todo):
        if event[-1].time_ns >= start_ns and event[-1].last and not driver.book.crossed and index:
            driver.load()
            return index
        driver.skip(event)
    return len(todo)


def _play(driver: Replay, todo: list[Any], console: Console, *, opening: bool) -> Opening | None:
    """Play every event; with `opening`, the first one with a trade is the open."""
    opened = None
    if opening:
        driver.call()
    every = max(1, len(todo) // CHECKPOINTS)
    with Progress(
        TextColumn("replay"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task("replay", total=len(todo))
        for number, event in enumerate(todo, start=1):
            if opening and opened is None and any(record.action == "T" for record in event):
                opened = driver.open(event)
            else:
                driver.play(event)
            if number % every == 0 or number == len(todo):
                driver.compare()
                progress.update(bar, completed=number)
    return opened


def _figures(driver: Replay, tape: Tape, instrument: int, *, skipped: int, seconds: float) -> dict[str, Any]:
    tally = driver.tally
    return {
        "symbol": tape.symbols.get(instrument, str(instrument)),
        "messages": sum(tally.actions.values()),
        "messages_before_start": skipped,
        "actions": dict(sorted(tally.actions.items())),
        "commands": tally.commands,
        "refused": {CODES[Reason(reason)]: count for reason, count in sorted(tally.refused.items())},
        "seconds": round(seconds, 3),
        "checkpoints": tally.checkpoints,
        "differences": tally.differences,
        "resting_orders": len(driver.book.orders),
        "venue_trades": tally.trades,
        "tape_trades": tally.tape_trades,
        "tape_fills": tally.tape_fills,
        "fills_reproduced": tally.reproduced,
        "fills_explained": dict(tally.unexplained.most_common()),
    }


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def show_figures(figures: dict[str, Any], console: Console) -> None:
    """Print the summary as a table."""
    table = Table(title=f"Replay of {figures['symbol']}", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for key, value in figures.items():
        shown = (
            "\n".join(f"{name}: {_shown(told)}" for name, told in value.items()) if isinstance(value, dict) else value
        )
        table.add_row(key.replace("_", " "), f"{shown:,}" if isinstance(shown, int) else str(shown))
    console.print(table)

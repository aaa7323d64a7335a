"""`quantumcore positions`: what an account holds, as a table; and a rebuild with a bar that shows how far it is."""

import asyncio
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from quantumcore.app.offline import Ask, asking
from quantumcore.app.settings import Settings
from quantumcore.contracts.positions import RebuildPositions

LOOK_S = 0.1
COLUMNS = (
    "symbol quantity average mark value unrealised realised fees currency method",
    "symbol/method/currency quantity/average/mark value/unrealised realised/fees",
    "symbol/method/currency/quantity/average/mark value/unrealised/realised/fees",
)
"""What stands in a column of a position, from the widest table to the narrowest: the first that fits is shown."""
_WORDS = ("symbol", "method", "currency")


def show_positions(found: dict[str, Any], console: Console) -> None:
    """Print the positions of an account, on as many lines each as it takes to keep every number whole."""
    tables = (_table(found, columns) for columns in COLUMNS)
    unbound = console.options.update(width=10_000)
    fits = (table for table in tables if console.measure(table, options=unbound).maximum <= console.width)
    console.print(next(fits, None) or _table(found, COLUMNS[-1]))


def _table(found: dict[str, Any], columns: str) -> Table:
    names = [column.split("/") for column in columns.split()]
    height = len(names[0])
    table = Table(title=f"account {found['account_id']} at sequence {found['sequence']}", show_lines=height > 1)
    for column in names:
        heading = "\n".join(column) + "\n" * (height - len(column))
        table.add_column(heading, justify="left" if column[0] in _WORDS else "right", overflow="fold")
    for one in found["positions"]:
        mark = "-" if one["mark"] is None else f"{one['mark']} {one['mark_source']}{' stale' if one['stale'] else ''}"
        shown = {**one, "mark": mark}
        table.add_row(
            *("\n".join("-" if shown[name] is None else str(shown[name]) for name in column) for column in names)
        )
    return table


async def rebuild(settings: Settings, console: Console) -> dict[str, Any]:
    """Fold the event log of a venue anew, running or opened for it, and return how that ended.

    Raises:
        QuantumCoreError: The venue cannot be asked, or not be opened.
    """
    async with asking(settings) as ask:
        return await _follow(ask, console)


async def _follow(ask: Ask, console: Console) -> dict[str, Any]:
    """Begin one and wait for its end; the venue that ran it may be gone meanwhile, then the one opened instead begins anew."""
    state: dict[str, Any] = {"state": "none"}
    columns = (TextColumn("rebuild"), BarColumn(), MofNCompleteColumn(), TextColumn("sequences"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("rebuild", total=None)
        while state["state"] in ("none", "running"):
            state = await ask(RebuildPositions(start=state["state"] == "none"))
            progress.update(task, completed=state["sequence"], total=state["target"] or None)
            if state["state"] == "running":
                await asyncio.sleep(LOOK_S)
    return state


def show_rebuild(state: dict[str, Any], console: Console) -> None:
    """Print how a rebuild ended."""
    table = Table(title=f"positions rebuilt: {state['state']}", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name in ("sequence", "events", "positions", "milliseconds"):
        table.add_row(name, f"{state[name]:,}")
    for name in ("live", "rebuilt", "detail"):
        if state[name]:
            table.add_row(name, state[name])
    console.print(table)

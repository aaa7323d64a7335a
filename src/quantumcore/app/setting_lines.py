"""What the command line says of settings that are one command of the engine each: margin and guards."""

import json
from typing import Any

import typer


def tell_change(told: dict[str, Any], *, as_json: bool) -> None:
    """Print what became of a change."""
    typer.echo(
        json.dumps(told) if as_json else f"change {told['number']} {told['state']} at sequence {told['sequence']}"
    )


def tell_changes(told: dict[str, Any], *, as_json: bool) -> None:
    """Print a page of changes."""
    if as_json:
        typer.echo(json.dumps(told))
        return
    for one in told["items"]:
        what = ", ".join(f"{name} {value}" for name, value in one["what"].items() if value not in (None, [], ""))
        typer.echo(f"{one['number']} {one['state']} {one['code']} {one['who']}: {what} ({one['reason']})")

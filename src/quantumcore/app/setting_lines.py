"""What the command line says of settings that are one command of the engine each: margin and guards."""

from typing import Any

from quantumcore.app.terminal import tell


def tell_change(told: dict[str, Any], *, as_json: bool) -> None:
    """Print what became of a change."""
    tell(told, [f"change {told['number']} {told['state']} at sequence {told['sequence']}"], as_json=as_json)


def tell_changes(told: dict[str, Any], *, as_json: bool) -> None:
    """Print a page of changes."""
    tell(told, map(_line, told["items"]), as_json=as_json)


def _line(one: dict[str, Any]) -> str:
    what = ", ".join(f"{name} {value}" for name, value in one["what"].items() if value not in (None, [], ""))
    return f"{one['number']} {one['state']} {one['code']} {one['who']}: {what} ({one['reason']})"

"""What every command of the command line has: its options, whom it asks, and one sentence for what went wrong.

Nothing heavy is imported here: `quantumcore --help` and the start of a venue wait for it.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.messages import Request

if TYPE_CHECKING:
    from rich.console import Console

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where the venue keeps its data (default: data).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Account = Annotated[int, typer.Argument(min=1, max=2**32 - 1, help="Number of the account.")]
Symbol = Annotated[str, typer.Argument(help="Such as BTC-USD.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept for ever.")]
HowMany = Annotated[int, typer.Option(min=1, max=1_000, help="How many.")]
T = TypeVar("T")


def ask_venue(data_dir: Path | None, request: Request[Any]) -> dict[str, Any]:
    """Ask the running venue, or open the venue for this one request if none runs; end when there is no answer."""
    from quantumcore.app.offline import asking
    from quantumcore.app.settings import load_settings

    async def go() -> dict[str, Any]:
        async with asking(load_settings(data_dir=data_dir)) as ask:
            return await ask(request)

    return or_exit(lambda: asyncio.run(go()))


def or_exit(work: Callable[[], T]) -> T:
    """Return what `work` returns; what it raises is told in one sentence, and the exit code is 1."""
    try:
        return work()
    except QuantumCoreError as error:
        typer.echo(f"quantumcore: {error.detail} ({error.code})", err=True)
        raise typer.Exit(1) from error


def from_file(file: Path, kind: type[T], field: str) -> T:
    """Return what a JSON file holds, or end as `or_exit` does: it cannot be read, or holds something else."""
    return or_exit(lambda: _decoded(file, kind, field))


def _decoded(file: Path, kind: type[T], field: str) -> T:
    import msgspec

    from quantumcore.contracts.errors import InvalidCommand

    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidCommand("request.invalid", f"{file} holds no {field}: {error}", field=field) from error


def operator() -> str:
    """Return who signs what comes through the operator's door."""
    return f"operator uid {os.getuid()}"


def tell(reply: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print a reply: as JSON, or in the lines that people read."""
    for line in (json.dumps(reply),) if as_json else lines:
        typer.echo(line)


def tell_in_tables(reply: T, show: Callable[[T, "Console"], None], *, as_json: bool) -> None:
    """Print a reply: as JSON, or as `show` draws it on a terminal."""
    if as_json:
        typer.echo(json.dumps(reply))
        return
    from rich.console import Console

    show(reply, Console())

"""The command line: quantumcore run · demo · replay · bench · verify · audit · status · rooms · positions · portfolio · risk · options · snapshot · user · account."""

import time

_BEGAN = time.monotonic()  # before anything heavy is imported: the ready line counts from here

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from quantumcore.app.account_commands import account_app, portfolio, positions
from quantumcore.app.audit_commands import audit_app
from quantumcore.app.option_commands import options_app
from quantumcore.app.risk_commands import risk_app
from quantumcore.app.terminal import AsJson, DataDir, ask_venue, or_exit, tell, tell_in_tables

app = typer.Typer(no_args_is_help=True, add_completion=False, help="An exchange in a box.")
user_app = typer.Typer(no_args_is_help=True, help="Users of a venue.")
app.add_typer(user_app, name="user")
app.add_typer(audit_app, name="audit")
app.add_typer(account_app, name="account")
app.add_typer(risk_app, name="risk")
app.add_typer(options_app, name="options")


@app.command()
def run(
    data_dir: DataDir = None,
    port_base: Annotated[int | None, typer.Option(help="Port of the gateway; the others follow.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    instruments: Annotated[Path | None, typer.Option(help="TOML file that replaces the packaged instruments.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; the environment wins over it.")] = None,
) -> None:
    """Serve a venue until SIGTERM."""
    from quantumcore.app.settings import Source
    from quantumcore.app.start import start

    source = Source(config, data_dir=data_dir, port_base=port_base, host=host, instruments=instruments)
    raise typer.Exit(start(source, _BEGAN))


@user_app.command("create")
def create_user(
    email: str,
    role: Annotated[list[str], typer.Option(help="Role; may be given several times.")] = ["trader"],  # noqa: B006  # typer copies it
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from one line of standard input.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create a user with an account, also while the venue runs."""
    from quantumcore.contracts.auth import CreateUser

    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    reply = ask_venue(data_dir, CreateUser(email=email, password=password, roles=role))
    tell(reply, [f"user {reply['user_id']} with account {reply['account_id']}"], as_json=as_json)


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Tell where the engine of a venue stands."""
    from quantumcore.contracts.matching import GetEngineStatus

    reply = ask_venue(data_dir, GetEngineStatus())
    tell(reply, (f"{key:18} {value}" for key, value in reply.items()), as_json=as_json)


@app.command()
def rooms(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Tell which rooms of a running venue are there, where, and why one is not ready."""
    from quantumcore.app.operator import ask
    from quantumcore.app.settings import Source
    from quantumcore.contracts.directory import GetRooms

    where = or_exit(lambda: Source(data_dir=data_dir).read().data_dir)
    reply = or_exit(lambda: asyncio.run(ask(where, GetRooms())))
    lines = (
        f"{room['name']:10} {', '.join(room['endpoints']) or '-':22} {'; '.join(room['reasons']) or 'ready'}"
        for room in reply["rooms"]
    )
    tell(reply, lines, as_json=as_json)


app.command()(positions)
app.command()(portfolio)


@app.command()
def snapshot(data_dir: DataDir = None) -> None:
    """Write a snapshot of the engine now."""
    from quantumcore.contracts.matching import TakeSnapshot

    ask_venue(data_dir, TakeSnapshot())
    typer.echo("snapshot written")


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="core, peers, journal, recovery, positions, http, ledger, statements, portfolio, risk, options (default: all)."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the generated work.")] = 1,
    scale: Annotated[float, typer.Option(help="Share of the full work; below 1 for a quick look.")] = 1.0,
    dump: Annotated[
        Path | None, typer.Option(help="Measure nothing: write the workloads there as messages for other engines.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure this machine."""
    from rich.console import Console

    from quantumcore.app.bench.command import BENCHES
    from quantumcore.app.bench.command import bench as measure

    unknown = [name for name in names or [] if name not in BENCHES]
    if unknown:
        typer.echo(f"quantumcore: no bench {unknown[0]!r}; there are {', '.join(BENCHES)}", err=True)
        raise typer.Exit(2)
    if dump is not None:
        from quantumcore.app.bench.peers import dump_all

        try:
            files = dump_all(dump, seed, scale)
        except OSError as error:
            typer.echo(f"quantumcore: cannot write the workloads: {error}", err=True)
            raise typer.Exit(1) from error
        for file in files:
            typer.echo(str(file))
        return
    results = or_exit(lambda: measure(names or [], seed=seed, scale=scale, console=Console(stderr=as_json)))
    if as_json:
        typer.echo(json.dumps(results))


@app.command()
def verify(
    data_dir: DataDir = None,
    public_key: Annotated[str, typer.Option(help="Of the audit's roots, in hex (default: the venue's own).")] = "",
    as_json: AsJson = False,
) -> None:
    """Check a venue's data: journal, snapshots, the engine's invariants, the event log, the ledger and its audit."""
    from rich.console import Console

    from quantumcore.app.audit import known_public_key
    from quantumcore.app.settings import load_settings
    from quantumcore.app.verify import show_report
    from quantumcore.app.verify import verify as check

    settings = or_exit(lambda: load_settings(data_dir=data_dir))
    key = public_key or or_exit(lambda: known_public_key(settings))
    where, most, console = settings.data_dir, settings.max_orders, Console(stderr=True)
    kept = settings.ledger_retention_days
    report = or_exit(lambda: check(where, console=console, max_orders=most, public_key=key, retention_days=kept))
    tell_in_tables(report, show_report, as_json=as_json)
    raise typer.Exit(0 if report["sound"] else 1)


@app.command()
def demo(
    seconds: Annotated[float, typer.Option(help="How long; 0 runs until interrupted.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the participants.")] = 7,
    port_base: Annotated[int, typer.Option(help="Port of the gateway; the others follow.")] = 8000,
    as_json: AsJson = False,
) -> None:
    """Show a venue with simulated participants, from nothing."""
    from rich.console import Console

    from quantumcore.app.demo.command import demo as show

    figures = or_exit(lambda: show(seconds=seconds, seed=seed, port_base=port_base, console=Console(stderr=as_json)))
    if as_json:
        typer.echo(json.dumps(figures))


@app.command()
def replay(
    file: Path,
    start: Annotated[str, typer.Option("--from", help="RFC 3339 time; before it only the tape's own book moves.")] = "",
    instrument: Annotated[
        int | None, typer.Option(help="The venue's number of the instrument (default: the busiest).")
    ] = None,
    execute: Annotated[bool, typer.Option("--execute", help="Send the tape's trades as IOC orders.")] = False,
    opening: Annotated[
        bool, typer.Option("--opening", help="Gather orders in a call until the tape's first trade; uncross there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Replay a recorded exchange (DBN or ITCH 5.0) into a venue and compare the books."""
    from quantumcore.app.replay.command import replay as drive
    from quantumcore.app.replay.command import show_figures
    from quantumcore.contracts.values import parse_time

    start_ns = or_exit(lambda: parse_time(start, "--from")) if start else 0
    figures = or_exit(lambda: drive(file, start_ns=start_ns, instrument=instrument, execute=execute, opening=opening))
    tell_in_tables(figures, show_figures, as_json=as_json)
    raise typer.Exit(0 if figures["differences"] == 0 else 1)


def main() -> None:
    """Entry point of the command."""
    app()

"""The command line: quantumcore run · demo · replay · bench · verify · audit · status · rooms · positions · portfolio · snapshot · user · account."""

import time

_BEGAN = time.monotonic()  # before anything heavy is imported: the ready line counts from here

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.contracts.messages import Request

app = typer.Typer(no_args_is_help=True, add_completion=False, help="An exchange in a box.")
user_app = typer.Typer(no_args_is_help=True, help="Users of a venue.")
app.add_typer(user_app, name="user")
audit_app = typer.Typer(no_args_is_help=True, help="Proofs of the ledger's audit.")
app.add_typer(audit_app, name="audit")
account_app = typer.Typer(no_args_is_help=True, help="Accounts of a venue.")
app.add_typer(account_app, name="account")

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where the venue keeps its data (default: data).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
    reply = _ask(data_dir, CreateUser(email=email, password=password, roles=role))
    if as_json:
        typer.echo(json.dumps(reply))
    else:
        typer.echo(f"user {reply['user_id']} with account {reply['account_id']}")


@account_app.command("balances")
def account_balances(
    account: Annotated[int, typer.Argument(help="Number of the account.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what an account has, holds and may use."""
    from rich.console import Console

    from quantumcore.app.accounts import balances, show_balances
    from quantumcore.app.settings import load_settings

    told = _or_exit(lambda: asyncio.run(balances(load_settings(data_dir=data_dir), account)))
    if as_json:
        typer.echo(json.dumps(told))
    else:
        show_balances(told, Console())


@account_app.command("statement")
def account_statement(
    account: Annotated[int, typer.Argument(help="Number of the account.")],
    begin: Annotated[str, typer.Option("--from", help="RFC 3339 time or sequence; inclusive.")] = "",
    end: Annotated[str, typer.Option("--to", help="RFC 3339 time or sequence; exclusive.")] = "",
    currency: Annotated[str, typer.Option(help="Only this one.")] = "",
    as_known: Annotated[int, typer.Option(help="Last sequence that may count (default: what is known now).")] = 0,
    form: Annotated[
        str, typer.Option("--format", help="json, csv or parquet, whole; without it the first lines as a table.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="File for it; it has its name when it is whole.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show an account's statement: opening balances, every posting with its running balance, closing balances."""
    from rich.console import Console

    from quantumcore.app.accounts import PAGE, show_statement, statement
    from quantumcore.app.settings import load_settings
    from quantumcore.contracts.ledger_reports import GetStatement

    query = GetStatement(account=account, begin=begin, end=end, currency=currency, as_known=as_known, limit=PAGE)
    wanted = form or ("json" if as_json or out else "")
    errors = Console(stderr=True)
    settings = _or_exit(lambda: load_settings(data_dir=data_dir))
    if wanted:
        lines = _or_exit(lambda: asyncio.run(statement(settings, query, wanted, out, errors)))
        if out is not None:
            errors.print(f"{out}: {lines:,} lines")
    else:
        _or_exit(lambda: asyncio.run(show_statement(settings, query, Console())))


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Tell where the engine of a venue stands."""
    from quantumcore.contracts.matching import GetEngineStatus

    reply = _ask(data_dir, GetEngineStatus())
    if as_json:
        typer.echo(json.dumps(reply))
    else:
        for key, value in reply.items():
            typer.echo(f"{key:18} {value}")


@app.command()
def rooms(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Tell which rooms of a running venue are there, where, and why one is not ready."""
    from quantumcore.app.operator import ask
    from quantumcore.app.settings import Source
    from quantumcore.contracts.directory import GetRooms

    where = _or_exit(lambda: Source(data_dir=data_dir).read().data_dir)
    reply = _or_exit(lambda: asyncio.run(ask(where, GetRooms())))
    if as_json:
        typer.echo(json.dumps(reply))
    else:
        for room in reply["rooms"]:
            state = "; ".join(room["reasons"]) or "ready"
            typer.echo(f"{room['name']:10} {', '.join(room['endpoints']) or '-':22} {state}")


@app.command()
def portfolio(
    account: Annotated[int, typer.Argument(min=1, max=2**32 - 1, help="Number of the account.")],
    plot: Annotated[
        Path | None, typer.Option(help="Draw allocation and equity curve into this file (needs the extra plot).")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what an account is worth and what it has made."""
    from rich.console import Console

    from quantumcore.app.plot import check_plot, plot_portfolio
    from quantumcore.app.portfolio import show_portfolio
    from quantumcore.contracts.portfolio import GetPerformance, GetPortfolio

    if plot is not None:
        _or_exit(check_plot)
    worth = _ask(data_dir, GetPortfolio(account=account))
    made = _ask(data_dir, GetPerformance(account=account))
    if as_json:
        typer.echo(json.dumps({**worth, "performance": made}))
    else:
        show_portfolio(worth, made, Console())
    if plot is not None:
        points = _history(data_dir, account)
        _or_exit(lambda: plot_portfolio(worth, points, plot))
        typer.echo(f"drawn: {plot}", err=True)


@app.command()
def positions(
    account: Annotated[int | None, typer.Argument(help="Number of the account.")] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Fold the event log anew and compare with what the venue has.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what an account holds, what it cost and what it made; or prove it from the event log."""
    from rich.console import Console

    from quantumcore.app import positions as shown
    from quantumcore.app.settings import load_settings
    from quantumcore.contracts.positions import GetPositions

    if rebuild == (account is not None):
        typer.echo("quantumcore: give an account, or --rebuild", err=True)
        raise typer.Exit(2)
    if account is not None:
        reply = _ask(data_dir, GetPositions(account=account))
    else:
        settings = _or_exit(lambda: load_settings(data_dir=data_dir))
        reply = _or_exit(lambda: asyncio.run(shown.rebuild(settings, Console(stderr=True))))
    if as_json:
        typer.echo(json.dumps(reply))
    elif account is not None:
        shown.show_positions(reply, Console())
    else:
        shown.show_rebuild(reply, Console())
    raise typer.Exit(1 if rebuild and reply["state"] != "equal" else 0)


@app.command()
def snapshot(data_dir: DataDir = None) -> None:
    """Write a snapshot of the engine now."""
    from quantumcore.contracts.matching import TakeSnapshot

    _ask(data_dir, TakeSnapshot())
    typer.echo("snapshot written")


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="core, peers, journal, recovery, positions, http, ledger, portfolio (default: all)."),
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
    results = _or_exit(lambda: measure(names or [], seed=seed, scale=scale, console=Console(stderr=as_json)))
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

    settings = _or_exit(lambda: load_settings(data_dir=data_dir))
    key = public_key or _or_exit(lambda: known_public_key(settings))
    bounds = {"max_orders": settings.max_orders, "public_key": key}
    report = _or_exit(lambda: check(settings.data_dir, console=Console(stderr=True), **bounds))
    if as_json:
        typer.echo(json.dumps(report))
    else:
        show_report(report, Console())
    raise typer.Exit(0 if report["sound"] else 1)


@audit_app.command("prove")
def audit_prove(
    position: Annotated[str, typer.Argument(help="sequence.index.leg of the entry.")] = "",
    account: Annotated[int, typer.Option(help="The account that it must be of; 0 is any.")] = 0,
    transfer: Annotated[str, typer.Option(help="Instead of a position: the id of a transfer of --account.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Print the proof that an entry of a published day was recorded; also while the venue runs."""
    from quantumcore.app.audit import encoded, prove_entry
    from quantumcore.app.settings import Source

    settings = _or_exit(lambda: Source(data_dir=data_dir).read())
    typer.echo(encoded(_or_exit(lambda: prove_entry(settings, position, account, transfer))))


@audit_app.command("check")
def audit_check(
    file: Annotated[Path, typer.Argument(help="A proof, as `audit prove` prints it.")],
    public_key: Annotated[
        str, typer.Option("--public-key", help="The venue's key in hex (default: that of the venue in --data-dir).")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check a proof with the public key alone, and show the entry that it proves."""
    from quantumcore.app.audit import check_proof
    from quantumcore.app.audit import public_key as key_of
    from quantumcore.app.settings import Source

    key = public_key or _or_exit(lambda: key_of(Source(data_dir=data_dir).read()))
    proven = _or_exit(lambda: check_proof(file, key))
    if as_json:
        typer.echo(json.dumps(proven))
    else:
        for name, value in proven.items():
            typer.echo(f"{name:12} {value}")


@audit_app.command("key")
def audit_public_key(data_dir: DataDir = None) -> None:
    """Print the public key with which a venue's roots must be signed."""
    from quantumcore.app.audit import public_key as key_of
    from quantumcore.app.settings import Source

    typer.echo(_or_exit(lambda: key_of(Source(data_dir=data_dir).read())))


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

    figures = _or_exit(lambda: show(seconds=seconds, seed=seed, port_base=port_base, console=Console(stderr=as_json)))
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
    from rich.console import Console

    from quantumcore.app.replay.command import replay as drive
    from quantumcore.app.replay.command import show_figures
    from quantumcore.contracts.values import parse_time

    start_ns = _or_exit(lambda: parse_time(start, "--from")) if start else 0
    figures = _or_exit(lambda: drive(file, start_ns=start_ns, instrument=instrument, execute=execute, opening=opening))
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        show_figures(figures, Console())
    raise typer.Exit(0 if figures["differences"] == 0 else 1)


def _history(data_dir: Path | None, account: int) -> list[dict[str, Any]]:
    """Return the points of an account's history, oldest first."""
    from quantumcore.app.portfolio import PAGE, PAGES
    from quantumcore.contracts.portfolio import GetValuationHistory

    points: list[dict[str, Any]] = []
    cursor: str | None = ""
    for _ in range(PAGES):
        page = _ask(data_dir, GetValuationHistory(account=account, limit=PAGE, cursor=cursor or "", ascending=True))
        points += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return points


def _ask(data_dir: Path | None, request: Request[Any]) -> dict[str, Any]:
    """Ask the running venue, or open the venue for this one request if none runs."""
    from quantumcore.app.offline import ask_offline
    from quantumcore.app.operator import ask
    from quantumcore.app.settings import load_settings

    async def go() -> dict[str, Any]:
        settings = load_settings(data_dir=data_dir)
        try:
            return await ask(settings.data_dir, request)
        except Unavailable:
            return await ask_offline(settings, request)

    reply: dict[str, Any] = _or_exit(lambda: asyncio.run(go()))
    return reply


def _or_exit(work: Any) -> Any:
    try:
        return work()
    except QuantumCoreError as error:
        typer.echo(f"quantumcore: {error.detail} ({error.code})", err=True)
        raise typer.Exit(1) from error


def main() -> None:
    """Entry point of the command."""
    app()

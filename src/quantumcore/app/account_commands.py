"""What the command line shows of one account: `account balances`, `account statement`, `positions`, `portfolio`."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from quantumcore.app.terminal import Account, AsJson, DataDir, ask_venue, or_exit, tell_in_tables

account_app = typer.Typer(no_args_is_help=True, help="Accounts of a venue.")


@account_app.command("balances")
def account_balances(
    account: Annotated[int, typer.Argument(help="Number of the account.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what an account has, holds and may use."""
    from quantumcore.app.accounts import balances, show_balances
    from quantumcore.app.settings import load_settings

    told = or_exit(lambda: asyncio.run(balances(load_settings(data_dir=data_dir), account)))
    tell_in_tables(told, show_balances, as_json=as_json)


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
    settings = or_exit(lambda: load_settings(data_dir=data_dir))
    if wanted:
        lines = or_exit(lambda: asyncio.run(statement(settings, query, wanted, out, errors)))
        if out is not None:
            errors.print(f"{out}: {lines:,} lines")
    else:
        or_exit(lambda: asyncio.run(show_statement(settings, query, Console())))


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
        reply = ask_venue(data_dir, GetPositions(account=account))
    else:
        settings = or_exit(lambda: load_settings(data_dir=data_dir))
        reply = or_exit(lambda: asyncio.run(shown.rebuild(settings, Console(stderr=True))))
    tell_in_tables(reply, shown.show_rebuild if account is None else shown.show_positions, as_json=as_json)
    raise typer.Exit(1 if rebuild and reply["state"] != "equal" else 0)


def portfolio(
    account: Account,
    plot: Annotated[
        Path | None, typer.Option(help="Draw allocation and equity curve into this file (needs the extra plot).")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what an account is worth and what it has made."""
    from rich.console import Console

    from quantumcore.app import portfolio as asked
    from quantumcore.app.plot import check_plot, plot_portfolio
    from quantumcore.app.settings import load_settings

    if plot is not None:
        or_exit(check_plot)
    settings = or_exit(lambda: load_settings(data_dir=data_dir))
    worth, made, points = or_exit(lambda: asyncio.run(asked.portfolio(settings, account, history=plot is not None)))
    if as_json:
        typer.echo(json.dumps({**worth, "performance": made}))
    else:
        asked.show_portfolio(worth, made, Console())
    if plot is not None:
        or_exit(lambda: plot_portfolio(worth, points, plot))
        typer.echo(f"drawn: {plot}", err=True)

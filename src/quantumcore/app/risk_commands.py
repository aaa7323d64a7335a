"""What the command line does about risk: `risk show`, `risk stress`, `risk kill`."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from quantumcore.app.terminal import AsJson, DataDir, ask_venue, or_exit

risk_app = typer.Typer(no_args_is_help=True, help="What accounts could lose, and the kill switch.")
Account = Annotated[int, typer.Argument(min=1, max=2**32 - 1, help="Number of the account.")]


@risk_app.command("show")
def show(
    account: Account,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the losses of a simulated day into this file (needs the extra plot).")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show exposure, margin, value at risk and the use of limits."""
    from rich.console import Console

    from quantumcore.app import risk
    from quantumcore.app.plot import check_plot
    from quantumcore.app.settings import load_settings

    if plot is not None:
        or_exit(check_plot)
    settings = or_exit(lambda: load_settings(data_dir=data_dir))
    found, drawn = or_exit(lambda: asyncio.run(risk.figures(settings, account, drawn=plot is not None)))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        risk.show_figures(found, Console())
    if plot is not None and drawn is not None:
        or_exit(lambda: risk.plot(drawn, plot))
        typer.echo(f"drawn: {plot}", err=True)


@risk_app.command("stress")
def stress(account: Account, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show what the standard scenarios and named days make of an account."""
    from rich.console import Console

    from quantumcore.app import risk
    from quantumcore.app.settings import load_settings

    settings = or_exit(lambda: load_settings(data_dir=data_dir))
    found = or_exit(lambda: asyncio.run(risk.stressed(settings, account)))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        risk.show_stress(found, Console())


@risk_app.command("kill")
def kill(
    account: Annotated[int, typer.Argument(min=0, max=2**32 - 1, help="Number of the account; 0: the venue.")],
    lift: Annotated[bool, typer.Option("--lift", help="Let orders in again.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Refuse new orders and cancel the working ones, of an account or of the venue (0)."""
    from quantumcore.contracts.risk_limits import EngageKillSwitch, LiftKillSwitch

    request = LiftKillSwitch(account=account) if lift else EngageKillSwitch(account=account)
    reply = ask_venue(data_dir, request)
    if as_json:
        typer.echo(json.dumps(reply))
    else:
        whose = f"account {reply['account_id']}" if reply["account_id"] else "the venue"
        state = "engaged" if reply["engaged"] else "lifted"
        typer.echo(f"kill switch of {whose} {state}: {reply['cancelled']} orders cancelled")

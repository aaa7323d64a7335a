"""What the command line does about options: `options package`, `options smile`; no venue is asked."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from quantumcore.app.terminal import AsJson, or_exit

options_app = typer.Typer(no_args_is_help=True, help="Packages of options and the volatilities that prices imply.")
Picture = Annotated[Path | None, typer.Option(help="Draw it into this file (needs the extra plot).")]
Rate = Annotated[str, typer.Option(help="Continuous, a year: 0.05 is 5 %.")]


@options_app.command("package")
def package(
    underlying: Annotated[str, typer.Argument(help="Price of the underlying now.")],
    legs: Annotated[
        list[str],
        typer.Argument(
            help="call,QUANTITY,STRIKE,PREMIUM[,EXPIRY-DATE], put,... or stock,QUANTITY,PRICE; below 0: sold."
        ),
    ],
    multiplier: Annotated[int, typer.Option(min=1, help="Units of a contract.")] = 100,
    currency: Annotated[str, typer.Option(help="What amounts are called.")] = "USD",
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Show what a package pays at expiry, premiums included, and the margin that it needs by strategy."""
    from rich.console import Console

    from quantumcore.app import packages
    from quantumcore.app.plot import check_plot

    if plot is not None:
        or_exit(check_plot)
    found = or_exit(lambda: packages.package(underlying, legs, multiplier))
    if as_json:
        typer.echo(json.dumps(packages.told(found)))
    else:
        packages.show_package(found, currency, Console())
    if plot is not None:
        from quantumcore.app.plot_options import plot_payoff

        or_exit(lambda: plot_payoff(found.legs, found.underlying, currency, plot))
        typer.echo(f"drawn: {plot}", err=True)


@options_app.command("smile")
def smile(
    spot: Annotated[str, typer.Argument(help="Price of the underlying now.")],
    quotes: Annotated[list[str], typer.Argument(help="call,STRIKE,PRICE[,YEARS] or put,...; as many as there are.")],
    years: Annotated[str, typer.Option(help="To the expiry of quotes that do not say it; 0.25 is a quarter.")] = "",
    rate: Rate = "0",
    dividend_yield: Rate = "0",
    american: Annotated[bool, typer.Option("--american", help="With early exercise.")] = False,
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Show the volatility that each price implies, by strike, a line for each expiry."""
    from rich.console import Console

    from quantumcore.app import smiles
    from quantumcore.app.plot import check_plot

    if plot is not None:
        or_exit(check_plot)
    market: dict[str, Any] = {"rate": rate, "dividend_yield": dividend_yield, "american": american}
    found = or_exit(lambda: smiles.smile(spot, quotes, years, **market))
    if as_json:
        typer.echo(json.dumps([one.told() for one in found]))
    else:
        smiles.show_smile(found, Console())
    if plot is not None:
        or_exit(lambda: smiles.plot(spot, found, plot))
        typer.echo(f"drawn: {plot}", err=True)

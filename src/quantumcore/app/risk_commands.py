"""What the command line does about risk: `risk show`, `risk preview`, `risk stress`, `risk kill`, `risk switches`, `risk limits`, ..."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from quantumcore.app.guard_commands import guards_app
from quantumcore.app.limit_commands import limits_app
from quantumcore.app.margin_commands import margin_app
from quantumcore.app.parameter_commands import parameters_app
from quantumcore.app.terminal import Account, AsJson, DataDir, ask_venue, or_exit, tell, tell_in_tables

risk_app = typer.Typer(
    no_args_is_help=True,
    help="What accounts could lose, what orders would do, limits, margin, guards, parameters, and the kill switch.",
)
risk_app.add_typer(limits_app, name="limits")
risk_app.add_typer(margin_app, name="margin")
risk_app.add_typer(guards_app, name="guards")
risk_app.add_typer(parameters_app, name="parameters")


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
    from quantumcore.app import risk
    from quantumcore.app.plot import check_plot
    from quantumcore.app.settings import load_settings

    if plot is not None:
        or_exit(check_plot)
    settings = or_exit(lambda: load_settings(data_dir=data_dir))
    found, drawn = or_exit(lambda: asyncio.run(risk.figures(settings, account, drawn=plot is not None)))
    tell_in_tables(found, risk.show_figures, as_json=as_json)
    if plot is not None and drawn is not None:
        or_exit(lambda: risk.plot(drawn, plot))
        typer.echo(f"drawn: {plot}", err=True)


@risk_app.command("preview")
def risk_preview(
    account: Account,
    side: Annotated[str, typer.Argument(help="buy or sell.")],
    quantity: Annotated[str, typer.Argument(help="How much, a decimal.")],
    symbol: Annotated[str, typer.Argument(help="Of what, such as BTC-USD.")],
    price: Annotated[str | None, typer.Option(help="The limit.")] = None,
    order_type: Annotated[
        str | None, typer.Option("--type", help="limit, market, stop ... (default: limit with a price, else market).")
    ] = None,
    time_in_force: Annotated[
        str | None, typer.Option(help="gtc, ioc, fok, day ... (default: gtc; of a market order ioc).")
    ] = None,
    stop_price: Annotated[str | None, typer.Option(help="Where a stop or a touched order triggers.")] = None,
    display: Annotated[str | None, typer.Option(help="What an iceberg shows.")] = None,
    budget: Annotated[str | None, typer.Option(help="The most that a buy may spend, fees included.")] = None,
    post_only: Annotated[bool, typer.Option("--post-only", help="It never takes.")] = False,
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="It only reduces the position.")] = False,
    short_exempt: Annotated[
        bool, typer.Option("--short-exempt", help="A short sale that the price test does not hold back.")
    ] = False,
    client_order_id: Annotated[str, typer.Option(help="Look whether this id is known.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what an order would do if it came now, without sending it: checks, hold, trades, fees. It promises nothing."""
    from quantumcore.app.previews import show_preview
    from quantumcore.contracts.orders import SubmitOrder
    from quantumcore.contracts.orders_preview import PreviewOrder
    from quantumcore.contracts.terms import OrderTerms

    terms = OrderTerms(
        stop_price=stop_price, display=display, budget=budget, reduce_only=reduce_only, short_exempt=short_exempt
    )
    kind = order_type or ("market" if price is None else "limit")
    order = SubmitOrder(
        account=account,
        client_order_id=client_order_id,
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=time_in_force or ("ioc" if kind == "market" else "gtc"),
        quantity=quantity,
        price=price,
        post_only=post_only,
        terms=None if terms == OrderTerms() else terms,
    )
    told: dict[str, Any] = ask_venue(data_dir, PreviewOrder(order=order))
    tell_in_tables(told, show_preview, as_json=as_json)
    raise typer.Exit(1 if told["outcome"] == "refused" else 0)


@risk_app.command("stress")
def stress(account: Account, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show what the standard scenarios and named days make of an account."""
    from quantumcore.app import risk
    from quantumcore.app.settings import load_settings

    settings = or_exit(lambda: load_settings(data_dir=data_dir))
    found = or_exit(lambda: asyncio.run(risk.stressed(settings, account)))
    tell_in_tables(found, risk.show_stress, as_json=as_json)


@risk_app.command("kill")
def kill(
    account: Annotated[
        int | None, typer.Argument(min=0, max=2**32 - 1, help="Number of the account; 0: the venue.")
    ] = None,
    firm: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all accounts of this firm.")] = 0,
    session: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of what comes by this connection.")] = 0,
    symbol: Annotated[str, typer.Option(help="Of this instrument.")] = "",
    reduce_only: Annotated[
        bool, typer.Option("--reduce-only", help="What brings a position nearer to zero goes on.")
    ] = False,
    lift: Annotated[bool, typer.Option("--lift", help="Let orders in again.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Refuse new orders and cancel the working ones: of an account, a firm, a session, an instrument, or of the venue (0)."""
    from quantumcore.app.risk import whose
    from quantumcore.contracts.risk_kill import EngageKillSwitch, LiftKillSwitch

    if account is None and not (firm or session or symbol):
        raise typer.BadParameter("name an account (0: the venue), a firm, a session or a symbol")
    named: dict[str, Any] = {"account": account or 0, "firm": firm, "session": session, "symbol": symbol}
    mode = "reduce_only" if reduce_only else "all"
    reply = ask_venue(data_dir, LiftKillSwitch(**named) if lift else EngageKillSwitch(**named, mode=mode))
    state = {"off": "lifted", "all": "engaged", "reduce_only": "engaged, reduce-only"}[reply["mode"]]
    said = f"kill switch of {whose(reply)} {state}: {reply['cancelled']} orders cancelled"
    tell(reply, [said], as_json=as_json)


@risk_app.command("switches")
def switches(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the kill switches that are engaged."""
    from quantumcore.app import risk
    from quantumcore.contracts.risk_kill import GetKillSwitches

    found = ask_venue(data_dir, GetKillSwitches())
    tell_in_tables(found, risk.show_switches, as_json=as_json)

"""What the command line says of risk: `risk preview`."""

import json
from typing import Annotated, Any

import typer

from quantumcore.app.terminal import AsJson, DataDir, ask_venue

risk_app = typer.Typer(no_args_is_help=True, help="What orders would do.")


@risk_app.command("preview")
def risk_preview(
    account: Annotated[int, typer.Argument(min=1, max=2**32 - 1, help="Number of the account.")],
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
    client_order_id: Annotated[str, typer.Option(help="Look whether this id is known.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what an order would do if it came now, without sending it: checks, hold, trades, fees. It promises nothing."""
    from rich.console import Console

    from quantumcore.app.risk import show_preview
    from quantumcore.contracts.orders import SubmitOrder
    from quantumcore.contracts.orders_preview import PreviewOrder
    from quantumcore.contracts.terms import OrderTerms

    terms = OrderTerms(stop_price=stop_price, display=display, budget=budget, reduce_only=reduce_only)
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
    if as_json:
        typer.echo(json.dumps(told))
    else:
        show_preview(told, Console())
    raise typer.Exit(1 if told["outcome"] == "refused" else 0)

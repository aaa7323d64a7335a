"""`quantumcore risk preview`: what an order would do, as tables."""

from typing import Any

from rich.console import Console
from rich.table import Table


def show_preview(told: dict[str, Any], console: Console) -> None:
    """Print what an order would do.

    Args:
        told: The reply to PreviewOrder.
    """
    console.print(f"account {told['account_id']}: {told['side']} {told['symbol']} at sequence {told['sequence']}")
    match told["outcome"]:
        case "refused":
            whose = "" if told["scope"] is None else f", by a limit of the {told['scope']}"
            named = "" if told["order_id"] is None else f" (order {told['order_id']})"
            console.print(f"refused: {told['text']} ({told['reason']}{whose}){named}")
        case "known":
            console.print(f"known: order {told['order_id']} has this id and asked for the same")
        case _:
            _show_accepted(told, console)
    margin = told["margin"]
    if margin is not None:
        needs = f"equity {margin['equity'] or '-'}, initial {margin['initial'] or '-'}"
        if margin["initial_after"] is not None:
            needs += f"; with the order {margin['equity_after']}, {margin['initial_after']}"
        console.print(f"margin in {margin['currency']} (rung {margin['rung']}): {needs}")


def _show_accepted(told: dict[str, Any], console: Console) -> None:
    if told["trades"]:
        trades = Table(title="It would trade")
        trades.add_column("price", justify="right")
        trades.add_column("quantity", justify="right")
        for one in told["trades"]:
            trades.add_row(one["price"], one["quantity"])
        console.print(trades)
    table = Table(title="It would be accepted")
    table.add_column("")
    table.add_column("", justify="right")
    pays = "pays" if told["side"] == "buy" else "receives"
    rows = (
        ("price", told["price"]),
        ("quantity", told["quantity"]),
        ("hold", f"{told['hold']} {told['hold_currency']}"),
        ("trades at once", told["traded"]),
        ("average price", told["average_price"]),
        ("worst price", told["worst_price"]),
        (pays, f"{told['amount']} {told['currency']}"),
        ("fees", f"{told['fees']} {told['currency']}"),
        ("waits" if told["waits"] else "rests", told["left"]),
        ("cancelled at once", told["cancel_reason"]),
    )
    for name, value in rows:
        table.add_row(name, "-" if value is None else value)
    console.print(table)
    if not told["complete"]:
        console.print("the book was looked at up to a limit: more may trade")

"""`quantumcore portfolio ACCOUNT`: what an account is worth, asked and as tables."""

from typing import Any

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from quantumcore.app.offline import Ask, asking
from quantumcore.app.settings import Settings
from quantumcore.contracts.portfolio import GetPerformance, GetPortfolio, GetValuationHistory

PAGE = 1_000
PAGES = 100
"""Pages of the history that are drawn at most; a venue keeps fewer points of an account."""


async def portfolio(
    settings: Settings, account: int, *, history: bool
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Return what an account is worth, what it has made, and the points of its history, oldest first, if they are wanted.

    Raises:
        QuantumCoreError: What the venue answered, or what keeps it from answering.
    """
    async with asking(settings) as ask:
        worth = await ask(GetPortfolio(account=account))
        made = await ask(GetPerformance(account=account))
        return worth, made, await _points(ask, account) if history else []


async def _points(ask: Ask, account: int) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = []
    query = GetValuationHistory(account=account, limit=PAGE, ascending=True)
    for _ in range(PAGES):
        page = await ask(query)
        points += page["items"]
        if page["next_cursor"] is None:
            break
        query = replace(query, cursor=page["next_cursor"])
    return points


def show_portfolio(worth: dict[str, Any], made: dict[str, Any], console: Console) -> None:
    """Print an account's worth and what it has made.

    Args:
        worth: The reply to GetPortfolio. made: That to GetPerformance.
    """
    currency = worth["reporting_currency"]
    rates = f", rates of {worth['fx_snapshot_id']}" if worth["fx_snapshot_id"] else ""
    console.print(f"account {worth['account_id']} at sequence {worth['sequence']}{rates}")
    if worth["lines"]:
        console.print(_lines(worth, currency))
    if worth["holdings"]:
        console.print(_holdings(worth, currency))
    if worth["cash_lines"]:
        console.print(_cash(worth, currency))
    console.print(_sums(worth, made, currency))
    for what, names in (("at a stale price", worth["stale"]), ("without a price, not in the total", worth["unpriced"])):
        if names:
            console.print(f"{what}: {', '.join(names)}")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at == 0 else "right")
    return table


def _lines(worth: dict[str, Any], currency: str) -> Table:
    columns = ("symbol", "quantity", "average cost", "price", "market value", "", "unrealised", "%")
    table = _table("Positions", *columns, f"value {currency}", "weight")
    for line in worth["lines"]:
        price = f"{_or_dash(line['current_price'])}{' (stale)' if line['stale'] else ''}"
        money = (line["market_value"], line["currency"], line["unrealised"], _places(line["percent"], 2))
        row = (line["quantity"], _places(line["average_cost"], 4), price, *money, line["value"], _share(line["weight"]))
        table.add_row(line["symbol"], *map(_or_dash, row))
    return table


def _holdings(worth: dict[str, Any], currency: str) -> Table:
    table = _table(
        "Holdings beyond positions (cost unknown)", "asset", "quantity", "by", "price", f"value {currency}", "weight"
    )
    for one in worth["holdings"]:
        row = (one["quantity"], one["symbol"], one["current_price"], one["value"], _share(one["weight"]))
        table.add_row(one["currency"], *map(_or_dash, row))
    return table


def _cash(worth: dict[str, Any], currency: str) -> Table:
    table = _table("Cash", "currency", "total", "available", "rate", f"value {currency}")
    for one in worth["cash_lines"]:
        table.add_row(one["currency"], one["total"], one["available"], one["rate"], one["value"])
    return table


def _sums(worth: dict[str, Any], made: dict[str, Any], currency: str) -> Table:
    table = _table(f"In {currency}", "", "")
    for name in ("cash", "assets", "unsettled", "total"):
        table.add_row(name, worth[name], style="bold" if name == "total" else None)
    table.add_section()
    for name, amount in worth["pnl"].items():
        table.add_row(f"P&L: {name.replace('_', ' ')}", _places(amount, 2))
    table.add_section()
    concentration = worth["concentration"]
    table.add_row("gross value", concentration["gross_value"])
    table.add_row("Herfindahl", _places(concentration["herfindahl"], 4))
    table.add_row(f"largest {len(concentration['top'])}", _share(concentration["top_share"]))
    if made["points"]:
        table.add_section()
        table.add_row("points of the history", str(made["points"]))
        for name in ("time_weighted_return", "max_drawdown", "max_drawdown_percent", "volatility", "sharpe"):
            table.add_row(name.replace("_", " "), _or_dash(made[name]))
    return table


def _or_dash(value: str | None) -> str:
    return "-" if value is None else value


def _places(text: str | None, places: int) -> str | None:
    """Return a decimal with fewer places, cut off: to look at, not to count with."""
    if text is None:
        return None
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction[:places]}" if fraction else whole


def _share(weight: str | None) -> str | None:
    return None if weight is None else f"{float(weight):.1%}"

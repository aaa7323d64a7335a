"""`quantumcore risk`: what an account could lose, asked and as tables."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from quantumcore.app.offline import asking
from quantumcore.app.settings import Settings
from quantumcore.contracts.risk import GetRiskMetrics, GetStress, GetVar
from quantumcore.contracts.values import show_time

PATHS = 20_000
DRAWN = "monte_carlo"


async def figures(settings: Settings, account: int, *, drawn: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return what an account could lose, and the distribution of a simulated day, if it is wanted.

    Raises:
        QuantumCoreError: What the venue answered, or what keeps it from answering.
    """
    async with asking(settings) as ask:
        found = await ask(GetRiskMetrics(account=account))
        if not drawn:
            return found, None
        return found, await ask(GetVar(account=account, method=DRAWN, paths=PATHS, losses=True))


async def stressed(settings: Settings, account: int) -> dict[str, Any]:
    """Return what the standard scenarios and named days make of an account.

    Raises:
        QuantumCoreError: As `figures`.
    """
    async with asking(settings) as ask:
        return await ask(GetStress(account=account))


def show_figures(found: dict[str, Any], console: Console) -> None:
    """Print what an account could lose.

    Args:
        found: The reply to GetRiskMetrics.
    """
    currency = found["currency"]
    rates = f", rates of {found['fx_snapshot_id']}" if found["fx_snapshot_id"] else ""
    killed = {None: "", "all": ", KILLED", "reduce_only": ", REDUCE ONLY"}[found["kill_mode"]]
    console.print(f"account {found['account_id']} at sequence {found['sequence']}{rates}{killed}")
    sums = _table(f"In {currency}", "", "")
    names = (
        "equity",
        "margin_used",
        "margin_available",
        "total_exposure",
        "net_exposure",
        "var_95",
        "var_99",
        "es_975",
    )
    for name in (*names, "max_drawdown", "daily_profit"):
        sums.add_row(name.replace("_", " "), found[name] or "-")
    console.print(sums)
    if found["by_symbol"]:
        marks = {mark["symbol"]: mark for mark in found["marks"]}
        lines = _table("Exposure", "symbol", "gross", "net", "price", "age s")
        for one in found["by_symbol"]:
            mark = marks.get(one["name"])
            price = f"{mark['price']}{' (stale)' if mark['stale'] else ''}" if mark else "-"
            lines.add_row(one["name"], one["gross"], one["net"], price, mark["age_s"] if mark else "-")
        console.print(lines)
    _show_margin(found["engine_margin"], console)
    _show_use("Limits", found["limits"], console)
    if found["unpriced"]:
        console.print(f"without a price, in no figure: {', '.join(found['unpriced'])}")


def _show_use(title: str, limits: list[dict[str, Any]], console: Console) -> None:
    """Print how much of limits is used."""
    uses = _table(title, "limit", "used", "of", "use")
    for one in limits:
        name = " ".join(one[part] for part in ("name", "symbol", "currency") if one[part])
        uses.add_row(name, one["used"], one["limit"], "-" if one["use"] is None else f"{Decimal(one['use']):.1%}")
    console.print(uses)


def _show_margin(standings: list[dict[str, Any]], console: Console) -> None:
    """Print how an account stands on margin by the engine; nothing of one that is not."""
    if not standings:
        return
    columns = ("equity", "initial", "maintenance", "use", "rung", "day_result", "day_peak")
    table = _table("Margin by the engine", "in", *(name.replace("_", " ") for name in columns), "last assessed")
    for one in standings:
        use = "-" if one["use"] is None else f"{Decimal(one['use']):.1%}"
        rung = "stale" if one["stale"] else "too large" if one["too_large"] else one["rung"]
        told = one | {"use": use, "rung": rung}
        assessed = show_time(one["assessed_ns"]) if one["assessed_ns"] else "-"
        table.add_row(f"{one['currency']} ({one['profile']})", *(told[name] or "-" for name in columns), assessed)
    console.print(table)


def show_stress(found: dict[str, Any], console: Console) -> None:
    """Print what scenarios make of an account.

    Args:
        found: The reply to GetStress.
    """
    console.print(f"account {found['account_id']} at sequence {found['sequence']}: equity {found['equity']}")
    table = _table(f"Stress in {found['currency']}", "scenario", "profit", "equity", "says nothing of")
    for one in found["results"]:
        worst = one["name"] == found["worst"]
        table.add_row(
            one["name"], one["profit"], one["equity"], ", ".join(one["unmoved"]), style="bold red" if worst else None
        )
    console.print(table)
    ends = [f"{name} of {found[name]}" for name in ("fall", "rise") if found[name] is not None]
    console.print(f"ends the equity: {' or '.join(ends) or 'no move of all prices together from -1 to 3'}")
    console.print(f"VaR 99 % if everything moved together: {found['correlated_var']}")


def whose(found: dict[str, Any]) -> str:
    """Return in words whose a limit or a kill switch is, as answers name it."""
    number = next((found[field] for field in ("account_id", "firm", "group", "session") if found.get(field)), "")
    symbol = found["symbol"] or ""
    if found["scope"] == "venue":
        return "the venue"
    return f"{found['scope']} {number or symbol}" + (f" in {symbol}" if number and symbol else "")


def show_switches(found: dict[str, Any], console: Console) -> None:
    """Print which kill switches are engaged.

    Args:
        found: The reply to GetKillSwitches.
    """
    table = _table(f"Kill switches at sequence {found['sequence']}", "of", "mode", "since sequence")
    for one in found["items"]:
        table.add_row(whose(one), one["mode"].replace("_", " "), str(one["sequence"]))
    console.print(table)
    if not found["complete"]:
        console.print("there are more than these")


def show_records(found: dict[str, Any], console: Console) -> None:
    """Print the records of limits that stand.

    Args:
        found: The reply to GetLimits or GetLevelLimits.
    """
    level = "scope" in found
    of = whose(found) if level else f"account {found['account_id']}"
    table = _table(
        f"Limits of {of} at sequence {found['sequence']}", "limit", "of", "symbol", "value", "since sequence"
    )
    for one in found["records"]:
        value = f"{one['value']} {one['currency']}" if one["currency"] else one["value"]
        table.add_row(one["name"], one["scope"], one["symbol"] or "", value, str(one["sequence"]))
    console.print(table)
    if level and found["limits"] is not None:
        _show_use(f"What its {found['accounts']} accounts use together", found["limits"], console)
    elif level and found["accounts"] is not None:
        console.print(f"it has {found['accounts']} accounts: what they use together is too much to sum")


def show_changes(found: dict[str, Any], console: Console) -> None:
    """Print what was set of limits.

    Args:
        found: The reply to GetLimitChanges.
    """
    table = _table("Changes of limits, newest first", "number", "of", "what became", "who", "reason", "set", "before")
    for one in found["items"]:
        numbers = [", ".join(f"{name} {value}" for name, value in one[part].items()) for part in ("given", "before")]
        table.add_row(str(one["number"]), whose(one), one["state"], one["who"], one["reason"], *numbers)
    console.print(table)
    if found["next_cursor"]:
        console.print("there are older ones")


def show_guards(found: dict[str, Any], kind: str, console: Console) -> None:
    """Print the records of a kind that stand.

    Args:
        found: The reply to GetGuards.
    """
    names = [name for name in (found["items"][0]["what"] if found["items"] else {}) if name != "type"]
    title = f"{kind} at sequence {found['sequence']}"
    table = _table(title, *(name.replace("_", " ") for name in names), "since sequence")
    for one in found["items"]:
        table.add_row(*(_shown(one["what"][name]) for name in names), str(one["sequence"]))
    console.print(table)
    if found["next_cursor"]:
        console.print("there are more than these")


def show_pauses(found: dict[str, Any], console: Console) -> None:
    """Print who is paused or frozen now.

    Args:
        found: The reply to GetPauses.
    """
    table = _table(
        f"Pauses at sequence {found['sequence']}", "account", "cause", "underlying", "until", "since sequence"
    )
    for one in found["items"]:
        until = "somebody resumes it" if one["until_ns"] is None else show_time(one["until_ns"])
        table.add_row(one["account_id"], one["cause"], one["underlying"] or "", until, str(one["sequence"]))
    console.print(table)
    if found["next_cursor"]:
        console.print("there are more than these")


def plot(found: dict[str, Any], file: Path) -> None:
    """Draw the distribution of a simulated day into `file`; its suffix says the format.

    Args:
        found: The reply to GetVar with its losses.

    Raises:
        InvalidCommand: `plot.extra`, `plot.file`.
    """
    from quantumcore.app.plot_risk import plot_losses

    marks = {f"VaR {found['confidence']}": Decimal(found["value_at_risk"]), "ES": Decimal(found["shortfall"])}
    plot_losses([-float(loss) for loss in found["losses"]], marks, found["currency"], file)


def _shown(value: Any) -> str:
    """Return a field of a record: a list with commas, yes or no, nothing for what is not named."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "none"
        case None:
            return "all"
        case _:
            return str(value)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at == 0 else "right")
    return table

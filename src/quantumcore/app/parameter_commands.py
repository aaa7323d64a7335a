"""What the command line does about what is set for figures: `risk parameters show`, `volatility`, `floor`, `sector`, `profile`, `charges`, `spreads`.

Decimals go to the venue as they were typed; each setting is a version, kept for ever.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumcore.app.terminal import (
    Account,
    AsJson,
    DataDir,
    HowMany,
    Reason,
    Symbol,
    ask_venue,
    from_file,
    operator,
    tell,
)

if TYPE_CHECKING:
    from quantumcore.contracts.messages import Request
    from quantumcore.contracts.risk_parameters import Parameter

parameters_app = typer.Typer(
    no_args_is_help=True,
    help="What is set for figures: volatilities, floors, sectors, margin profiles of accounts, charges and spreads.",
)
Charge = Annotated[str, typer.Option(help="Money, a decimal with 6 places.")]


@parameters_app.command("show")
def show(
    kind: Annotated[str, typer.Option(help="Of this kind, such as profile, charges or spreads.")] = "",
    subject: Annotated[str, typer.Option(help="Of this symbol or account.")] = "",
    limit: HowMany = 20,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was set, by whom and why, newest first."""
    from quantumcore.contracts.risk_parameters import GetParameters

    told = ask_venue(data_dir, GetParameters(kind=kind, subject=subject, limit=limit))
    tell(told, map(_line, told["items"]), as_json=as_json)


@parameters_app.command("volatility")
def volatility(
    symbol: Symbol,
    value: Annotated[str, typer.Argument(help="Of a day, such as 0.02.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Set the volatility of a symbol's day."""
    from quantumcore.contracts.risk_parameters import SetVolatility

    request = SetVolatility(symbol=symbol, volatility=value, who=operator(), reason=reason)
    _set(request, data_dir, as_json=as_json)


@parameters_app.command("floor")
def floor(
    symbol: Symbol,
    value: Annotated[str, typer.Argument(help="Share of the value, such as 0.1.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Set the least requirement of a symbol."""
    from quantumcore.contracts.risk_parameters import SetMarginFloor

    _set(SetMarginFloor(symbol=symbol, floor=value, who=operator(), reason=reason), data_dir, as_json=as_json)


@parameters_app.command("sector")
def sector(
    symbol: Symbol,
    value: Annotated[str, typer.Argument(help='Such as tech; "" takes it out.')],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put a symbol into a sector."""
    from quantumcore.contracts.risk_parameters import SetSector

    _set(SetSector(symbol=symbol, sector=value, who=operator(), reason=reason), data_dir, as_json=as_json)


@parameters_app.command("profile")
def profile(
    account: Account,
    name: Annotated[str, typer.Argument(help="cash, volatility, strategies or scenarios.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how the margin of an account counts."""
    from quantumcore.contracts.risk_parameters import SetMarginProfile

    _set(SetMarginProfile(account=account, profile=name, who=operator(), reason=reason), data_dir, as_json=as_json)


@parameters_app.command("charges")
def charges(
    symbol: Symbol,
    reason: Reason,
    calendar: Charge = "0",
    delivery: Charge = "0",
    short_option: Charge = "0",
    contract: Charge = "0",
    concentrated: Charge = "0",
    concentrated_from: Annotated[str, typer.Option(help="Units of the underlying.")] = "0",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Replace whole what scenarios charge on an underlying beside the scan: what is left out is 0."""
    from quantumcore.contracts.risk_parameters import SetCharges, UnderlyingCharges

    given = UnderlyingCharges(
        calendar=calendar,
        delivery=delivery,
        short_option=short_option,
        contract=contract,
        concentrated=concentrated,
        concentrated_from=concentrated_from,
    )
    _set(SetCharges(symbol=symbol, charges=given, who=operator(), reason=reason), data_dir, as_json=as_json)


@parameters_app.command("spreads")
def spreads(
    file: Annotated[Path, typer.Argument(help="A JSON file with the list (docs/reference/risk.md).")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Replace all spreads between underlyings; what is first is served first."""
    from quantumcore.contracts.risk_parameters import SetSpreads, SpreadCredit

    given = from_file(file, list[SpreadCredit], "spreads")
    _set(SetSpreads(spreads=given, who=operator(), reason=reason), data_dir, as_json=as_json)


def _set(request: "Request[Parameter]", data_dir: Path | None, *, as_json: bool) -> None:
    told = ask_venue(data_dir, request)
    tell(told, [_line(told)], as_json=as_json)


def _line(one: dict[str, Any]) -> str:
    return f"{one['version']} {one['kind']} {one['subject']} {one['who']}: {_shown(one['value'])} ({one['reason']})"


def _shown(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {amount}" for name, amount in value.items())
        case list():
            return (
                "; ".join(" ".join(map(str, one.values() if isinstance(one, dict) else one)) for one in value) or "none"
            )
        case _:
            return str(value)

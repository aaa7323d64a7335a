"""What the command line does about margin of the engine: `risk margin terms`, `array`, `greeks`, `account`, `limits`, `day`, `assess`, ...

Decimals go to the venue as they were typed; each record is replaced whole.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumcore.app.setting_lines import tell_change, tell_changes
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
    from quantumcore.contracts.risk_margin import LotModel, MarginSetting

margin_app = typer.Typer(no_args_is_help=True, help="Margin of the engine: what is set, assessments, liquidations.")
Currency = Annotated[str, typer.Argument(help="Such as USD.")]
Model = Annotated[Path | None, typer.Option(help="A JSON file with the fields of a model (docs/reference/risk.md).")]
Amount = Annotated[str | None, typer.Option(help="Money, a decimal; left out: not set.")]
Share = Annotated[str | None, typer.Option(help="A fraction such as 0.25; left out: not set.")]


@margin_app.command("terms")
def terms(
    symbol: Symbol,
    initial: Annotated[str, typer.Argument(help="Share of the notional, such as 0.05.")],
    maintenance: Annotated[str, typer.Argument(help="Likewise; at most the initial.")],
    reason: Reason,
    slope: Annotated[str, typer.Option(help="What each lot adds to both.")] = "0",
    mark_age_s: Annotated[str, typer.Option(help="Seconds that a mark may be old; 0: for ever.")] = "0",
    array_age_s: Annotated[str, typer.Option(help="Seconds that a risk array may be old; 0: for ever.")] = "0",
    always_volatility: Annotated[bool, typer.Option("--always-volatility", help="Whatever the profile says.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Set what a position in a symbol needs."""
    from quantumcore.contracts.risk_margin import MarginTerms

    what = MarginTerms(
        symbol=symbol,
        initial=initial,
        maintenance=maintenance,
        slope=slope,
        mark_age_s=mark_age_s,
        array_age_s=array_age_s,
        always_volatility=always_volatility,
    )
    _set(what, reason, data_dir, as_json=as_json)


@margin_app.command("array")
def array(
    symbol: Symbol,
    reason: Reason,
    losses: Annotated[str, typer.Option(help="16 decimals with commas between.")] = "",
    model: Model = None,
    short_minimum: Annotated[str, typer.Option(help="What a short lot needs at least.")] = "0",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Set what a lot loses in each scenario: by losses, or a model; with neither it is taken away."""
    from quantumcore.contracts.risk_margin import RiskArray

    given = losses.split(",") if losses else []
    what = RiskArray(symbol=symbol, losses=given, model=_model(model), short_minimum=short_minimum)
    _set(what, reason, data_dir, as_json=as_json)


@margin_app.command("greeks")
def greeks(
    symbol: Symbol,
    reason: Reason,
    delta: Annotated[str, typer.Option(help="Of one lot, in the quote currency.")] = "0",
    gamma: Annotated[str, typer.Option(help="Likewise.")] = "0",
    vega: Annotated[str, typer.Option(help="Likewise.")] = "0",
    model: Model = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Set what a lot adds to delta, gamma and vega: by numbers, or a model."""
    from quantumcore.contracts.risk_margin import LotGreeks

    what = LotGreeks(symbol=symbol, delta=delta, gamma=gamma, vega=vega, model=_model(model))
    _set(what, reason, data_dir, as_json=as_json)


@margin_app.command("account")
def account_profile(
    account: Account,
    currency: Currency,
    profile: Annotated[str, typer.Argument(help="none, volatility or scenarios.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how an account is margined in a currency."""
    from quantumcore.contracts.risk_margin import AccountMargin

    _set(AccountMargin(account=account, currency=currency, profile=profile), reason, data_dir, as_json=as_json)


@margin_app.command("limits")
def limits(
    currency: Currency,
    reason: Reason,
    account: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of one account; 0: of every one.")] = 0,
    gross: Amount = None,
    net: Amount = None,
    share: Share = None,
    delta: Amount = None,
    gamma: Amount = None,
    vega: Amount = None,
    loss: Amount = None,
    drawdown: Amount = None,
    loss_rate: Share = None,
    drawdown_rate: Share = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Set what may be risked in a currency, all at once."""
    from quantumcore.contracts.risk_margin import RiskLimits

    what = RiskLimits(
        account=account,
        currency=currency,
        gross=gross,
        net=net,
        share=share,
        delta=delta,
        gamma=gamma,
        vega=vega,
        loss=loss,
        drawdown=drawdown,
        loss_rate=loss_rate,
        drawdown_rate=drawdown_rate,
    )
    _set(what, reason, data_dir, as_json=as_json)


@margin_app.command("day")
def day(
    account: Account, currency: Currency, reason: Reason, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Let the day of an account in a currency begin, anew if one is open."""
    from quantumcore.contracts.risk_margin import RiskDay

    _set(RiskDay(account=account, currency=currency), reason, data_dir, as_json=as_json)


@margin_app.command("assess")
def assess(account: Account, currency: Currency, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Look at an account in a currency now, and do what its state asks for."""
    from quantumcore.contracts.risk_margin import AssessAccount

    told = ask_venue(data_dir, AssessAccount(account=account, currency=currency))
    known = "stale" if told["stale"] else "too large" if told["too_large"] else f"rung {told['rung']}"
    numbers = ", ".join(f"{name} {told[name] or '-'}" for name in ("equity", "initial", "maintenance", "day_result"))
    tell(told, [f"account {account} in {currency}: {known}; {numbers}"], as_json=as_json)


@margin_app.command("changes")
def changes(
    subject: Annotated[str, typer.Option(help="Of one symbol or account (0: the venue).")] = "",
    limit: HowMany = 20,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was set of margin, newest first."""
    from quantumcore.contracts.risk_margin import GetMarginChanges

    tell_changes(ask_venue(data_dir, GetMarginChanges(subject=subject, limit=limit)), as_json=as_json)


@margin_app.command("liquidations")
def liquidations(
    account: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of one account; 0: of all.")] = 0,
    limit: HowMany = 20,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List steps of liquidations with the numbers that caused them, newest first."""
    from quantumcore.contracts.risk_margin import GetLiquidations

    told = ask_venue(data_dir, GetLiquidations(account=account, limit=limit))
    tell(told, map(_step, told["items"]), as_json=as_json)


def _step(one: dict[str, Any]) -> str:
    sent = [f"{o['side']} {o['quantity']} {o['symbol']} at {o['price']}" for o in one["orders"]]
    sent += [f"{t['quantity']} {t['symbol']} to {t['account_id']} for {t['money']}" for t in one["taken"]]
    sent += [f"{one['paid']} paid by the fund"] if one["paid"] else []
    return (
        f"{one['number']} account {one['account_id']} {one['episode']}.{one['attempt']} {one['rung']} {one['state']}: {', '.join(sent) or 'nothing sent'}; "
        f"equity {one['equity']}, initial {one['initial']}, maintenance {one['maintenance']}, filled {one['filled']}"
    )


def _set(what: "MarginSetting", reason: str, data_dir: Path | None, *, as_json: bool) -> None:
    from quantumcore.contracts.risk_margin import SetMargin

    tell_change(ask_venue(data_dir, SetMargin(what=what, who=operator(), reason=reason)), as_json=as_json)


def _model(file: Path | None) -> "LotModel | None":
    from quantumcore.contracts.risk_margin import LotModel

    return None if file is None else from_file(file, LotModel, "model")

"""What the command line does about guards of the engine: `risk guards show`, `set`, `pauses`, `resume`, `changes`.

Decimals and seconds go to the venue as they were typed; each record is replaced whole.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    operator,
    tell_in_tables,
)

if TYPE_CHECKING:
    from quantumcore.contracts.risk_guards import GuardSetting

guards_app = typer.Typer(no_args_is_help=True, help="Who may trade what and how often, and who is paused.")
set_app = typer.Typer(no_args_is_help=True, help="Replace a record whole: what is left out is off there.")
guards_app.add_typer(set_app, name="set")
OfAccount = Annotated[int, typer.Option("--account", min=0, max=2**32 - 1, help="Of this account.")]
OfSymbol = Annotated[str, typer.Option("--symbol", help="Of this symbol; of protections: of this underlying.")]
Underlying = Annotated[str, typer.Argument(help="The symbol under which protections count.")]
Number = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="0: off.")]
Seconds = Annotated[str, typer.Option(help="A decimal.")]
Cursor = Annotated[str, typer.Option(help="The next_cursor of the page before, as --json shows it.")]


@set_app.command("class")
def instrument_class(
    symbol: Symbol,
    reason: Reason,
    underlying: Annotated[str, typer.Option(help="The symbol under which protections count it.")] = "",
    product: Annotated[int, typer.Option(help="Which permission it needs, 0 to 63.")] = 0,
    needs_locate: Annotated[bool, typer.Option("--needs-locate", help="A short sale needs a locate.")] = False,
    price_test: Annotated[bool, typer.Option("--price-test", help="A short sale is at the best bid at least.")] = False,
    outside_s: Annotated[str, typer.Option(help="Seconds that a reference from outside may be old; 0: none is.")] = "0",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what a symbol is to the gate."""
    from quantumcore.contracts.risk_guards import InstrumentClass

    what = InstrumentClass(
        symbol=symbol,
        underlying=underlying,
        product=product,
        needs_locate=needs_locate,
        price_test=price_test,
        outside_s=outside_s,
    )
    _set(what, reason, data_dir, as_json=as_json)


@set_app.command("entitlements")
def entitlements(
    account: Account,
    reason: Reason,
    product: Annotated[list[int] | None, typer.Option(help="One that it may trade; without any: all.")] = None,
    nothing: Annotated[bool, typer.Option("--disabled", help="It may trade nothing at all.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say which products an account may trade, and whether it may trade at all."""
    from quantumcore.contracts.risk_guards import Entitlements

    what = Entitlements(account=account, products=product or None, enabled=not nothing)
    _set(what, reason, data_dir, as_json=as_json)


@set_app.command("restriction")
def restriction(
    symbol: Symbol,
    reason: Reason,
    account: OfAccount = 0,
    group: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of this group.")] = 0,
    lift: Annotated[bool, typer.Option("--lift", help="Take it off the list.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put a symbol on the list of an account, a group, or the venue (neither is named)."""
    from quantumcore.contracts.risk_guards import Restriction

    what = Restriction(symbol=symbol, account=account, group=group, restricted=not lift)
    _set(what, reason, data_dir, as_json=as_json)


@set_app.command("locate")
def locate(
    account: Account,
    symbol: Symbol,
    quantity: Annotated[str, typer.Argument(help="How much it may be short of, a decimal; 0: nothing.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how much of a symbol an account may be short of."""
    from quantumcore.contracts.risk_guards import Locate

    _set(Locate(account=account, symbol=symbol, quantity=quantity), reason, data_dir, as_json=as_json)


@set_app.command("throttle")
def throttle(
    command: Annotated[str, typer.Argument(help="new, replace, cancel or mass_cancel.")],
    rate: Annotated[int, typer.Argument(min=0, help="How often in a second; 0: not set.")],
    reason: Reason,
    burst: Annotated[int, typer.Option(min=0, help="How many at once.")] = 0,
    account: OfAccount = 0,
    session: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of what comes by this connection.")] = 0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how often something may come: of an account, a session, or each one without another (neither is named)."""
    from quantumcore.contracts.risk_guards import Throttle

    what = Throttle(command=command, account=account, session=session, rate=rate, burst=burst)
    _set(what, reason, data_dir, as_json=as_json)


@set_app.command("patterns")
def patterns(
    account: Account,
    reason: Reason,
    ratio: Number = 0,
    free_orders: Number = 0,
    ratio_s: Seconds = "0",
    executions: Number = 0,
    executions_s: Seconds = "0",
    duplicates: Number = 0,
    duplicates_s: Seconds = "0",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what is looked at of an account over time: orders for its trades, trades in a row, the same order again."""
    from quantumcore.contracts.risk_guards import Patterns

    what = Patterns(
        account=account,
        ratio=ratio,
        free_orders=free_orders,
        ratio_s=ratio_s,
        executions=executions,
        executions_s=executions_s,
        duplicates=duplicates,
        duplicates_s=duplicates_s,
    )
    _set(what, reason, data_dir, as_json=as_json)


@set_app.command("protection")
def protection(
    account: Account,
    underlying: Underlying,
    window_s: Annotated[str, typer.Argument(help="In how many seconds; 0: no protection.")],
    reason: Reason,
    fills: Annotated[int, typer.Option(min=0, help="More fills freeze it; 0: more than 256.")] = 0,
    quantity: Annotated[str, typer.Option(help="More whole lots freeze it; 0: any number is fine.")] = "0",
    frozen_s: Annotated[str, typer.Option(help="For how many seconds; 0: until it is resumed.")] = "0",
    delta: Annotated[str, typer.Option(help="More delta, bought less sold, freezes it; 0: any is fine.")] = "0",
    vega: Annotated[str, typer.Option(help="Likewise.")] = "0",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how much an account may trade in an underlying before it is frozen there."""
    from quantumcore.contracts.risk_guards import Protection

    what = Protection(
        account=account,
        underlying=underlying,
        window_s=window_s,
        fills=fills,
        quantity=quantity,
        frozen_s=frozen_s,
        delta=delta,
        vega=vega,
    )
    _set(what, reason, data_dir, as_json=as_json)


@guards_app.command("resume")
def resume(
    account: Account,
    cause: Annotated[str, typer.Argument(help="executions or protection.")],
    reason: Reason,
    underlying: Annotated[str, typer.Option(help="Of a protection.")] = "",
    pause: Annotated[int, typer.Option(min=0, help="Its sequence, if only that one is meant.")] = 0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Lift a pause that stands; its count begins anew."""
    from quantumcore.contracts.risk_guards import Resume

    what = Resume(account=account, cause=cause, underlying=underlying, pause=pause)
    _set(what, reason, data_dir, as_json=as_json)


@guards_app.command("show")
def show(
    kind: Annotated[
        str, typer.Argument(help="class, entitlements, restriction, locate, throttle, patterns or protection.")
    ],
    account: OfAccount = 0,
    symbol: OfSymbol = "",
    limit: HowMany = 100,
    cursor: Cursor = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the records of a kind that stand."""
    from quantumcore.app import risk
    from quantumcore.contracts.risk_guards import GetGuards

    question = GetGuards(kind=kind, account=account, symbol=symbol, limit=limit, cursor=cursor)
    found = ask_venue(data_dir, question)
    tell_in_tables(found, lambda told, console: risk.show_guards(told, kind, console), as_json=as_json)


@guards_app.command("pauses")
def pauses(
    account: OfAccount = 0, limit: HowMany = 100, cursor: Cursor = "", data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """List who is paused or frozen now, and until when."""
    from quantumcore.app import risk
    from quantumcore.contracts.risk_guards import GetPauses

    found = ask_venue(data_dir, GetPauses(account=account, limit=limit, cursor=cursor))
    tell_in_tables(found, risk.show_pauses, as_json=as_json)


@guards_app.command("changes")
def changes(
    subject: Annotated[str, typer.Option(help="Of one account, symbol or session-7 (0: the venue).")] = "",
    limit: HowMany = 20,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was set of guards and who was resumed, newest first."""
    from quantumcore.contracts.risk_guards import GetGuardChanges

    tell_changes(ask_venue(data_dir, GetGuardChanges(subject=subject, limit=limit)), as_json=as_json)


def _set(what: "GuardSetting", reason: str, data_dir: Path | None, *, as_json: bool) -> None:
    from quantumcore.contracts.risk_guards import SetGuard

    request = SetGuard(what=what, who=operator(), reason=reason)
    tell_change(ask_venue(data_dir, request), as_json=as_json)

"""What the command line does about limits: `risk limits show`, `risk limits set`, `risk limits changes`."""

from typing import Annotated

import typer

from quantumcore.app.terminal import AsJson, DataDir, HowMany, ask_venue, operator, or_exit, tell, tell_in_tables

limits_app = typer.Typer(
    no_args_is_help=True,
    help="Limits of the venue, of firms, groups and instruments, of accounts and of accounts in a symbol.",
)
Account = Annotated[int | None, typer.Argument(min=0, max=2**32 - 1, help="Number of the account; 0: the venue.")]
Firm = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all accounts of this firm together.")]
Group = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all accounts of this group together.")]
Symbol = Annotated[str, typer.Option(help="Of this instrument; with an account: of the account there.")]
Most = Annotated[str | None, typer.Option(help="A decimal of the symbol; without one, whole lots.")]
Share = Annotated[str | None, typer.Option(help="Of the size of its market that a position may come to, such as 0.1.")]
Count = Annotated[int | None, typer.Option(min=0, help="A number of working orders.")]
Money = Annotated[str | None, typer.Option(help="Money in the currency, or in the quote of the symbol.")]


@limits_app.command("show")
def show(
    account: Account = None,
    firm: Firm = 0,
    group: Group = 0,
    symbol: Symbol = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the records that stand of a level, or all that apply to an account."""
    from quantumcore.app import risk
    from quantumcore.contracts.risk_limits import GetLevelLimits, GetLimits

    _check_named(account, firm, group, symbol)
    if account:
        found = ask_venue(data_dir, GetLimits(account=account, symbol=symbol))
    else:
        found = ask_venue(data_dir, GetLevelLimits(firm=firm, group=group, symbol=symbol))
    tell_in_tables(found, risk.show_records, as_json=as_json)


@limits_app.command("set")
def set_limits(
    reason: Annotated[str, typer.Option(help="Why; it is kept for ever.")],
    account: Account = None,
    firm: Firm = 0,
    group: Group = 0,
    symbol: Symbol = "",
    max_open_orders: Count = None,
    max_open_each: Count = None,
    max_order_quantity: Most = None,
    max_long: Most = None,
    max_short: Most = None,
    max_interest_share: Share = None,
    max_volume_share: Share = None,
    currency: Annotated[str, typer.Option(help="Of values, where no symbol says it.")] = "",
    max_order_value: Money = None,
    max_open_value: Money = None,
    credit: Annotated[str | None, typer.Option(help="The line of a firm: what works and what has filled.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="When what stands now comes back by itself (2026-12-24T17:00:00Z).")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Replace a record whole: what is left out is not limited there any more."""
    from quantumcore.app.risk import whose
    from quantumcore.contracts.risk_limits import SetLimits
    from quantumcore.services.gateway.codec import instant

    _check_named(account, firm, group, symbol)
    request = SetLimits(
        account=account or 0,
        firm=firm,
        group=group,
        symbol=symbol,
        currency=currency,
        max_open_orders=max_open_orders,
        max_open_each=max_open_each,
        max_order_quantity=max_order_quantity,
        max_long=max_long,
        max_short=max_short,
        max_interest_share=max_interest_share,
        max_volume_share=max_volume_share,
        max_order_value=max_order_value,
        max_open_value=max_open_value,
        credit=credit,
        who=operator(),
        reason=reason,
        expires_ns=or_exit(lambda: instant(expires, "expires")) if expires else 0,
    )
    change = ask_venue(data_dir, request)
    until = f", until {expires}" if expires else ""
    said = f"limits of {whose(change)} {change['state']} since sequence {change['sequence']}{until}"
    tell(change, [said], as_json=as_json)


@limits_app.command("changes")
def changes(
    account: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of this account alone.")] = 0,
    limit: HowMany = 20,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was set of limits, by whom and why, and what became of it; newest first."""
    from quantumcore.app import risk
    from quantumcore.contracts.risk_limits import GetLimitChanges

    found = ask_venue(data_dir, GetLimitChanges(account=account, limit=limit))
    tell_in_tables(found, risk.show_changes, as_json=as_json)


def _check_named(account: int | None, firm: int, group: int, symbol: str) -> None:
    """End unless somebody said of what: nothing named is the venue for nobody by mistake."""
    if account is None and not (firm or group or symbol):
        raise typer.BadParameter("name an account (0: the venue), a firm, a group or a symbol")
    if account and (firm or group):
        raise typer.BadParameter("name an account or a firm or a group")

"""What an account may do: whether it is open, and how far below zero it may go."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin.accounts import CLOSED, FROZEN, Account, Balance
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def check_debit(account: Account) -> None:
    """ACCOUNT_FROZEN, ACCOUNT_CLOSED: nothing may be taken from it, nor newly held."""
    if account.state == FROZEN:
        raise Refusal(Reason.ACCOUNT_FROZEN, Scope.ACCOUNT)
    check_credit(account)


def check_credit(account: Account) -> None:
    """ACCOUNT_CLOSED: nothing may be given to it."""
    if account.state == CLOSED:
        raise Refusal(Reason.ACCOUNT_CLOSED, Scope.ACCOUNT)


def check_bound(venue: Venue, currency: int, *, given: int = 0, deeper: int = 0) -> None:
    """AMOUNT_OVERFLOW: a customer could come to have more than is kept."""
    bound = venue.houses[currency].bound(given=given, deeper=deeper)
    if bound > I64_MAX:
        decimals = venue.currencies[currency].scale
        raise Refusal(Reason.AMOUNT_OVERFLOW, Scope.VENUE, limit=I64_MAX, actual=bound, decimals=decimals)


def check_enough(venue: Venue, currency: int, there: int, amount: int) -> None:
    """INSUFFICIENT: more is asked of an account than is there."""
    if amount > there:
        decimals = venue.currencies[currency].scale
        raise Refusal(Reason.INSUFFICIENT, Scope.ACCOUNT, limit=there, actual=amount, decimals=decimals)


def check_available(venue: Venue, account: int, currency: int, amount: int) -> None:
    """INSUFFICIENT: more than is neither held nor spent."""
    check_enough(venue, currency, venue.accounts[account].available(currency), amount)


OF_STATE = (Reason.ACCOUNT_FROZEN, Reason.ACCOUNT_CLOSED, Reason.INSUFFICIENT)
"""It was how an account stood: who asked with an id must not get another answer when it stands otherwise, so the id has failed for ever."""


def set_terms(venue: Venue, command: wire.SetAccountTerms, out: Outbox) -> None:
    """Open, freeze or close an account; only what is empty may be closed."""
    account = venue.account(command.account)
    if command.state == CLOSED:
        _check_empty(venue, command.account, account)
    account.state = command.state
    out.tell(wire.AccountTermsChanged, account=command.account, state=command.state)


def _check_empty(venue: Venue, number: int, account: Account) -> None:
    """ACCOUNT_NOT_EMPTY: working orders, then by currency what is there or held on credit, each before what is collateral."""
    working = len(venue.working[number])
    if working:
        raise Refusal(Reason.ACCOUNT_NOT_EMPTY, Scope.ACCOUNT, actual=working)
    for currency in sorted({*account.balances, *account.collateral}):
        balance = account.balances.get(currency, Balance())
        for amount in (balance.total or balance.held, account.collateral.get(currency, 0)):
            if amount:
                decimals = venue.currencies[currency].scale
                raise Refusal(Reason.ACCOUNT_NOT_EMPTY, Scope.ACCOUNT, actual=amount, decimals=decimals)


def set_credit(venue: Venue, command: wire.SetCredit, out: Outbox) -> None:
    """Let a balance go as far below zero as the limit says; if more is used already, nothing new until it fits."""
    account = venue.account(command.account)
    if command.currency not in venue.currencies:
        raise Refusal(Reason.UNKNOWN_CURRENCY)
    known = account.balances.get(command.currency)
    used = known.held - known.total if known is not None else 0
    deeper = max(command.limit, used) - (known.floor if known is not None else 0)
    check_bound(venue, command.currency, deeper=deeper)
    if known is None and venue.balances_left <= 0:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    venue.houses[command.currency].floors += deeper
    balance = account.balances[command.currency]
    balance.limit = command.limit
    balance.overdrawn = max(0, -balance.spare)
    out.tell(
        wire.CreditChanged,
        account=command.account,
        limit=command.limit,
        available=balance.available,
        currency=command.currency,
    )

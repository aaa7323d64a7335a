"""Money and assets that enter, leave, or change hands. A transfer's id is remembered for ever."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import margin_checks
from quantumcore.core.twin.account_terms import OF_STATE, check_available, check_bound, check_credit, check_debit
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.client_ids import TransferRecord
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

DEPOSIT, WITHDRAWAL, BETWEEN = 1, 2, 3


def transfer(venue: Venue, command: wire.Transfer, out: Outbox) -> None:
    """Post a transfer once."""
    account = venue.account(command.account)
    key = (command.account, command.transfer_id)
    body = (command.transfer_kind, command.amount, command.currency, command.to_account)
    first = venue.transfers.get(key)
    if first is not None:
        _repeat(command, first, body, out)
        return
    try:
        _judge(venue, command)
    except Refusal as refusal:
        if refusal.reason in OF_STATE and _remembers_more(venue):
            venue.transfers[key] = TransferRecord(out.sequence, body, failed=True)
        raise

    venue.transfers[key] = TransferRecord(out.sequence, body, failed=False)
    house = venue.houses[command.currency]
    if command.transfer_kind == DEPOSIT:
        house.deposited += command.amount
        house.owed += command.amount
        _post(venue, command.account, command.currency, command.amount)
    elif command.transfer_kind == WITHDRAWAL:
        house.deposited -= command.amount
        house.owed -= command.amount
        _post(venue, command.account, command.currency, -command.amount)
    else:
        _post(venue, command.account, command.currency, -command.amount)
        _post(venue, command.to_account, command.currency, command.amount)
    balance = account.balances[command.currency]
    out.tell(
        wire.TransferPosted,
        account=command.account,
        amount=command.amount,
        to_account=command.to_account,
        total=balance.total,
        held=balance.held,
        currency=command.currency,
        transfer_kind=command.transfer_kind,
        transfer_id=command.transfer_id,
    )


def _post(venue: Venue, account: int, currency: int, change: int) -> None:
    venue.accounts[account].post(currency, change)
    venue.margin.note_deposit(account, currency, change)


def _repeat(command: wire.Transfer, first: TransferRecord, body: tuple[int, int, int, int], out: Outbox) -> None:
    if first.body != body:
        raise Refusal(Reason.DUPLICATE_ID, order_sequence=first.sequence)
    if first.failed:
        raise Refusal(Reason.ID_ALREADY_FAILED, order_sequence=first.sequence)
    tell_done(command, out, outcome=REPEAT, order_sequence=first.sequence)


def _remembers_more(venue: Venue) -> bool:
    return len(venue.transfers) < venue.bounds.max_transfers


def _judge(venue: Venue, command: wire.Transfer) -> None:
    _judge_amount(venue, command)
    if not _remembers_more(venue) or venue.balances_left <= 0:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


def _judge_amount(venue: Venue, command: wire.Transfer) -> None:
    if command.amount <= 0:
        raise Refusal(Reason.BAD_AMOUNT)
    if command.currency not in venue.currencies:
        raise Refusal(Reason.UNKNOWN_CURRENCY)
    if command.transfer_kind == BETWEEN:
        venue.account(command.to_account)
        if command.to_account == command.account:
            raise Refusal(Reason.BAD_COMMAND)
    elif command.to_account:
        raise Refusal(Reason.BAD_COMMAND)
    _judge_states(venue, command)
    if command.transfer_kind == DEPOSIT:
        check_bound(venue, command.currency, given=command.amount)
    else:
        check_available(venue, command.account, command.currency, command.amount)
        margin_checks.check_leaving(venue, command.account, command.currency, command.amount)


def _judge_states(venue: Venue, command: wire.Transfer) -> None:
    """ACCOUNT_FROZEN, ACCOUNT_CLOSED: of who gives, then of who is given to."""
    account = venue.accounts[command.account]
    if command.transfer_kind == DEPOSIT:
        check_credit(account)
        return
    check_debit(account)
    if command.transfer_kind == BETWEEN:
        check_credit(venue.accounts[command.to_account])

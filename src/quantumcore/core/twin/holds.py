"""Money that a client sets aside: placed once, captured many times, amended, released, or over when its time has come.

placed ──captured──▶ (a leg of a group takes it)     open = placed - captured - released; closed when nothing is open
   └──released, expired──▶ available again

A hold's id is remembered for ever in the name space of its account; a leg names the hold by the command that placed it.
"""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin.account_terms import OF_STATE, check_available, check_debit
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.hold_ids import Hold
from quantumcore.core.twin.margin_checks import check_leaving
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

PLACED, AMENDED, CAPTURED, RELEASED, EXPIRED, ADJUSTED = 1, 2, 3, 4, 5, 6  # why a hold changed

ACCOUNT, AMOUNT, EXPIRES_AT = 1, 2, 3  # which field of a hold that is known differs first


# ----------------------------------------------------------------------------------------------- commands


def place(venue: Venue, command: wire.PlaceHold, out: Outbox) -> None:
    """Set money aside, once."""
    venue.account(command.account)
    first = venue.holds.named(command.account, command.hold_id)
    if first is not None:
        _repeat(command, first, out)
        return
    try:
        _judge(venue, command, out.time_ns)
    except Refusal as refusal:
        if refusal.reason in OF_STATE and len(venue.holds) < venue.bounds.max_holds:
            venue.holds.remember(Hold(out.sequence, command, failed=True))
        raise

    hold = Hold(out.sequence, command, failed=False, placed=command.amount)
    venue.holds.remember(hold)
    _tell(venue, hold, command.amount, PLACED, out)


def amend(venue: Venue, command: wire.AmendHold, out: Outbox) -> None:
    """Let more or less have been placed: only the difference moves."""
    hold = _named(venue, command.account, command.hold_id)
    if command.amount <= 0:
        raise Refusal(Reason.BAD_AMOUNT)
    increase = command.amount - hold.placed
    check_taken(venue, hold, max(0, -increase))
    if increase > 0:
        check_debit(venue.accounts[hold.account])
        check_available(venue, hold.account, hold.currency, increase)
        check_leaving(venue, hold.account, hold.currency, increase)
    hold.placed += increase
    _tell(venue, hold, increase, AMENDED, out)


def release(venue: Venue, command: wire.ReleaseHold, out: Outbox) -> None:
    """Give a part of what is open, or all of it, back."""
    hold = _named(venue, command.account, command.hold_id)
    if command.amount < 0:
        raise Refusal(Reason.BAD_AMOUNT)
    check_taken(venue, hold, command.amount)
    amount = command.amount or hold.open
    hold.released += amount
    _tell(venue, hold, amount, RELEASED, out)


def capture(venue: Venue, hold: Hold, amount: int, out: Outbox) -> None:
    """Take `amount`, which `check_taken` has found to be open: the leg that captures it has taken it from the balance."""
    hold.captured += amount
    _tell(venue, hold, amount, CAPTURED, out)


def expire(venue: Venue, out: Outbox) -> None:
    """Release what is left of the holds that are over at the time of the command, the earliest first."""
    for hold in sorted(_ending(venue), key=lambda hold: (hold.expires_ns, hold.sequence)):
        if hold.expires_ns <= out.time_ns:
            _end(venue, hold, EXPIRED, out)


def end_all_of(venue: Venue, currency: int, out: Outbox) -> None:
    """Release what is left of all holds of a currency, in the order in which they were placed."""
    for hold in venue.holds:
        if hold.currency == currency and hold.open:
            _end(venue, hold, ADJUSTED, out)


def _end(venue: Venue, hold: Hold, cause: int, out: Outbox) -> None:
    rest = hold.open
    hold.released += rest
    _tell(venue, hold, rest, cause, out)


def deadlines(venue: Venue) -> list[int]:
    """Return every instant at which a hold is over."""
    return [hold.expires_ns for hold in _ending(venue)]


def _ending(venue: Venue) -> list[Hold]:
    return [hold for hold in venue.holds if hold.expires_ns and hold.open]


# ---------------------------------------------------------------------------------------------- judgement


def check_taken(venue: Venue, hold: Hold, amount: int, *, already: int = 0) -> None:
    """HOLD_CLOSED, HOLD_EXCEEDED: of what is open when `already` is taken, `amount` cannot be."""
    there = hold.open - already
    if there == 0:
        raise Refusal(Reason.HOLD_CLOSED, Scope.ACCOUNT)
    if amount > there:
        decimals = venue.currencies[hold.currency].scale
        raise Refusal(Reason.HOLD_EXCEEDED, Scope.ACCOUNT, limit=there, actual=amount, decimals=decimals)


def _named(venue: Venue, account: int, hold_id: str) -> Hold:
    """Return a hold by its id; raises UNKNOWN_ACCOUNT, HOLD_NOT_FOUND."""
    venue.account(account)
    hold = venue.holds.named(account, hold_id)
    if hold is None or hold.failed:
        raise Refusal(Reason.HOLD_NOT_FOUND)
    return hold


def _repeat(command: wire.PlaceHold, first: Hold, out: Outbox) -> None:
    if first.failed:
        raise Refusal(Reason.ID_ALREADY_FAILED, order_sequence=first.sequence)
    asked = first.command
    for number, name in ((ACCOUNT, "currency"), (AMOUNT, "amount"), (EXPIRES_AT, "expires_ns")):
        if getattr(asked, name) != getattr(command, name):
            raise Refusal(Reason.DUPLICATE_ID, actual=number, order_sequence=first.sequence)
    tell_done(command, out, outcome=REPEAT, order_sequence=first.sequence)


def _judge(venue: Venue, command: wire.PlaceHold, now_ns: int) -> None:
    if command.amount <= 0:
        raise Refusal(Reason.BAD_AMOUNT)
    if command.currency not in venue.currencies:
        raise Refusal(Reason.UNKNOWN_CURRENCY)
    if command.expires_ns != 0 and command.expires_ns <= now_ns:
        raise Refusal(Reason.BAD_EXPIRY, limit=now_ns, actual=command.expires_ns, decimals=9)
    check_debit(venue.accounts[command.account])
    check_available(venue, command.account, command.currency, command.amount)
    check_leaving(venue, command.account, command.currency, command.amount)
    if len(venue.holds) >= venue.bounds.max_holds:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


# ------------------------------------------------------------------------------------------------ telling


def _tell(venue: Venue, hold: Hold, amount: int, cause: int, out: Outbox) -> None:
    """Bring what the account holds to what is open, and tell the hold as it stands."""
    adds = cause in (PLACED, AMENDED)
    venue.accounts[hold.account].hold(hold.currency, amount if adds else -amount)
    out.tell(
        wire.HoldChanged,
        account=hold.account,
        amount=amount,
        placed=hold.placed,
        captured=hold.captured,
        released=hold.released,
        open=hold.open,
        expires_ns=hold.expires_ns,
        hold_sequence=hold.sequence,
        held=venue.accounts[hold.account].balances[hold.currency].held,
        currency=hold.currency,
        cause=cause,
        hold_id=hold.command.hold_id,
    )

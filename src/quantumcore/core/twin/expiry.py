"""Orders that end by the clock: by their instant, with their day, or because their owner is no longer heard (orders.md section 3)."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes
from quantumcore.core.twin.answers import tell_done
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import Terms
from quantumcore.core.twin.venue import Venue


def measure(command: wire.SubmitAdvancedOrder, terms: Terms, now_ns: int) -> None:
    """EXPIRED: an order with an instant that has come, or an instant for an order that has no use for one."""
    if command.time_in_force in (codes.GTD, codes.GTT):
        fits = command.expires_ns > now_ns
    else:
        fits = command.expires_ns == 0
    if not fits:
        raise Refusal(Reason.EXPIRED, Scope.INSTRUMENT, limit=now_ns, actual=command.expires_ns, decimals=9)
    terms.expires_ns = command.expires_ns


def advance(venue: Venue, out: Outbox) -> None:
    """End what is over at the time of the command: expired orders, then the orders of accounts that were not heard in time."""
    due = [order for order in venue.orders() if 0 < order.terms.expires_ns <= out.time_ns]
    due.sort(key=lambda order: (order.terms.expires_ns, order.name))
    venue.cancel_all(due, codes.EXPIRED, out)
    silent = [(deadline, number) for number, deadline in venue.deadlines.items() if deadline <= out.time_ns]
    for _, number in sorted(silent):
        del venue.deadlines[number]
        venue.cancel_all(list(venue.working[number].values()), codes.CANCEL_ALL_AFTER, out)


def deadlines(venue: Venue) -> list[int]:
    """Return every instant at which an order expires or an account's orders go."""
    ends = [order.terms.expires_ns for order in venue.orders() if order.terms.expires_ns]
    return [*ends, *venue.deadlines.values()]


def end_day(venue: Venue, number: int, out: Outbox) -> None:
    """End the day orders of an instrument whose day is over, in the order of their acceptance."""
    of_the_day = [order for order in venue.orders_in(number) if order.time_in_force == codes.DAY]
    venue.cancel_all(of_the_day, codes.EXPIRED, out)


def cancel_all_after(venue: Venue, command: wire.CancelAllAfter, out: Outbox) -> None:
    """Set, move or take away the instant at which the account's orders go unless it is heard again."""
    venue.account(command.account)
    deadline = min(out.time_ns + command.timeout_ns, I64_MAX) if command.timeout_ns else 0
    if deadline:
        venue.deadlines[command.account] = deadline
    else:
        venue.deadlines.pop(command.account, None)
    out.tell(wire.CancelTimerSet, account=command.account, deadline_ns=deadline)


def end_session(venue: Venue, command: wire.EndSession, out: Outbox) -> None:
    """End the orders of a session that was lost, where their owner wished it; good-till-cancelled ones stay."""
    venue.account(command.account)
    going = [
        order
        for order in venue.working[command.account].values()
        if order.session == command.session
        and order.flags & codes.CANCEL_ON_DISCONNECT
        and order.time_in_force != codes.GTC
    ]
    tell_done(command, out, count=venue.cancel_all(going, codes.DISCONNECTED, out))

"""Orders that end by the clock: by their instant, with their day, or because their owner is no longer heard (orders.md section 3)."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin.answers import tell_done
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import CANCEL_ON_DISCONNECT, Terms
from quantumcore.core.twin.venue import Venue

GTC, DAY, GTD, GTT = 1, 5, 6, 8
WITH_INSTANT = (GTD, GTT)
CLOSED, POST_CLOSE = 3, 11
DAY_IS_OVER = (CLOSED, POST_CLOSE)
EXPIRED, CANCEL_ALL_AFTER, DISCONNECTED = 7, 9, 10  # why an order was cancelled


def measure(command: wire.SubmitAdvancedOrder, terms: Terms, now_ns: int) -> None:
    """EXPIRED: an order with an instant that has come, or an instant for an order that has no use for one."""
    if command.time_in_force in WITH_INSTANT:
        fits = command.expires_ns > now_ns
    else:
        fits = command.expires_ns == 0
    if not fits:
        raise Refusal(Reason.EXPIRED, Scope.INSTRUMENT, limit=now_ns, actual=command.expires_ns, decimals=9)
    terms.expires_ns = command.expires_ns


def advance(venue: Venue, out: Outbox) -> None:
    """End what is over at the time of the command: expired orders, then the orders of accounts that were not heard in time."""
    due = [order for order in _working(venue) if order.terms is not None and 0 < order.terms.expires_ns <= out.time_ns]
    cancel_each(venue, sorted(due, key=lambda order: (_instant(order), order.name)), EXPIRED, out)
    silent = [(deadline, number) for number, deadline in venue.deadlines.items() if deadline <= out.time_ns]
    for _, number in sorted(silent):
        del venue.deadlines[number]
        cancel_each(venue, list(venue.working[number].values()), CANCEL_ALL_AFTER, out)


def deadlines(venue: Venue) -> list[int]:
    """Return every instant at which an order expires or an account's orders go."""
    ends = [order.terms.expires_ns for order in _working(venue) if order.terms is not None and order.terms.expires_ns]
    return [*ends, *venue.deadlines.values()]


def _working(venue: Venue) -> list[Order]:
    return [order for working in venue.working.values() for order in working.values()]


def _instant(order: Order) -> int:
    return order.terms.expires_ns if order.terms is not None else 0


def cancel_each(venue: Venue, orders: list[Order], reason: int, out: Outbox) -> int:
    """Cancel `orders` in turn, but those that the end of an earlier one has ended; return how many."""
    cancelled = 0
    for order in orders:
        if order.name in venue.working[order.account]:
            venue.cancel(order, reason, out)
            cancelled += 1
    return cancelled


def end_day(venue: Venue, number: int, out: Outbox) -> None:
    """End the day orders of an instrument that is now closed (or past its close), in the order of their acceptance."""
    if venue.instruments[number].terms.status not in DAY_IS_OVER:
        return
    of_the_day = [order for order in _working(venue) if order.instrument == number and order.time_in_force == DAY]
    cancel_each(venue, sorted(of_the_day, key=lambda order: order.name), EXPIRED, out)


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
        if order.session == command.session and order.flags & CANCEL_ON_DISCONNECT and order.time_in_force != GTC
    ]
    tell_done(command, out, count=cancel_each(venue, going, DISCONNECTED, out))

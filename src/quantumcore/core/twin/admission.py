"""Who may send a command, and how often: what is judged before what it asks (engine.md sections 5 and 15).

What passes is counted at once, whatever is said of it afterwards.
"""

from quantumcore.contracts import wire
from quantumcore.core.twin import entitlements, patterns, phases, switches, throttles
from quantumcore.core.twin.account_terms import check_debit
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.guards import NEW, REPLACE
from quantumcore.core.twin.venue import Venue


def admit(venue: Venue, command: wire.SubmitOrder, now_ns: int) -> None:
    """Let a submission through to the checks of what it asks, or raise why not."""
    account, session = command.account, command.session
    check(venue, command, now_ns)
    throttles.count(venue, account, session, NEW, now_ns)
    patterns.count_order(venue, account, now_ns)
    patterns.count_submission(venue, command, now_ns)


def check(venue: Venue, command: wire.SubmitOrder, now_ns: int) -> None:
    """Raise why a submission would not be let through; nothing is counted."""
    account, session = command.account, command.session
    _check_sender(venue, account, command.instrument, session)
    phases.check_phase(venue.status(command.instrument), command.time_in_force, command.flags)
    throttles.check(venue, account, session, NEW, now_ns)
    patterns.check_orders(venue, account, now_ns)
    patterns.check_duplicate(venue, command, now_ns)


def admit_replacement(venue: Venue, order: Order, command: wire.ReplaceOrder, now_ns: int) -> None:
    """The same of a replacement of `order`."""
    account, session = order.account, command.session
    _check_sender(venue, account, order.instrument, session)
    phases.check_phase(venue.status(order.instrument), order.time_in_force, order.flags)
    throttles.check(venue, account, session, REPLACE, now_ns)
    patterns.check_orders(venue, account, now_ns)
    throttles.count(venue, account, session, REPLACE, now_ns)
    patterns.count_order(venue, account, now_ns)


def admit_cancel(venue: Venue, account: int, session: int, of_class: int, now_ns: int) -> None:
    """Let a cancel or mass cancel through unless it is THROTTLED."""
    throttles.check(venue, account, session, of_class, now_ns)
    throttles.count(venue, account, session, of_class, now_ns)


def _check_sender(venue: Venue, account: int, instrument: int, session: int) -> None:
    """NOT_ENTITLED; KILLED; ACCOUNT_FROZEN, ACCOUNT_CLOSED."""
    entitlements.check(venue, account, instrument)
    switches.check(venue, account, instrument, session)
    check_debit(venue.accounts[account])

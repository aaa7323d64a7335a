"""Orders whose parent is done: they hold what they need and do what a new order does (orders.md section 2, step 4)."""

from quantumcore.contracts import wire
from quantumcore.core.twin import gate, orders, stop_terms, triggers
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.links import BRACKET, FOLLOWS, NO_FUNDS, release
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import TRIGGER_PARENT
from quantumcore.core.twin.venue import Venue


def free_one(venue: Venue, number: int, out: Outbox) -> bool:
    """Let the oldest orders of an instrument whose parent is done become active; return whether there were any."""
    due = [link for link in venue.freed if link.members[0].instrument == number]
    if not due:
        return False
    link = min(due, key=lambda link: link.members[0].name)
    venue.freed.remove(link)
    members = list(link.members)
    if link.kind == BRACKET:
        for order in members:
            order.lower(order.quantity - min(order.quantity, link.lots))
    reason = next(filter(None, (_why_not(venue, order) for order in members)), None)
    if reason is not None:
        release(link)
        for order in members:
            venue.cancel(order, reason, out)
        return True
    link.waits = False
    if len(members) == 1:
        release(link)
    for order in members:
        order.place = Place.NOWHERE
        venue.rehold(order)
        _tell_triggered(order, out)
        tell_replaced(venue, order, FOLLOWS, out, priority_kept=False)
    for order in members:
        if order.place is Place.NOWHERE and order.name in venue.working[order.account]:
            orders.start(venue, order, out)
    return True


def _why_not(venue: Venue, order: Order) -> int | None:
    """Return why an order cannot become active, as a reason of its cancellation, or None if it can."""
    if not triggers.within_bounds(venue, order, enters=order.order_type not in stop_terms.TRIGGERED):
        return triggers.BEYOND_BOUNDS
    if venue.bounds.accounting:
        instrument, account = venue.instruments[order.instrument], venue.accounts[order.account]
        try:
            gate.check_funds(instrument, account, order.side, order.own_need(instrument))
        except Refusal:
            return NO_FUNDS
    return None


def _tell_triggered(order: Order, out: Outbox) -> None:
    out.tell(
        wire.OrderTriggered,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        price=0,
        limit=order.price,
        order_slot=order.slot,
        source=TRIGGER_PARENT,
    )

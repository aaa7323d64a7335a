"""Orders whose parent is done: they hold what they need and do what a new order does (orders.md section 2, step 4)."""

from quantumcore.contracts import wire
from quantumcore.core.twin import gate
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.links import BRACKET, CANNOT_BECOME_ACTIVE, FOLLOWS, release
from quantumcore.core.twin.matching import enter
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
    if not _may_become_active(venue, members):
        release(link)
        for order in members:
            venue.cancel(order, CANNOT_BECOME_ACTIVE, out)
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
            enter(venue, order, out)
    return True


def _may_become_active(venue: Venue, members: list[Order]) -> bool:
    """Tell whether each would be accepted now: funds, amounts, its level and its window."""
    account = venue.accounts[members[0].account]
    instrument, book = venue.instruments[members[0].instrument], venue.books[members[0].instrument]
    try:
        for order in members:
            side, price, leaves = order.side, order.price, order.leaves
            if venue.bounds.accounting:
                gate.check_amounts(instrument, book, side, order.rates, price, leaves)
                gate.check_funds(instrument, account, side, order.own_need(instrument))
            if order.rests:
                gate.check_level(instrument, book, side, price, leaves)
                gate.check_window(venue, book, side, price)
    except Refusal:
        return False
    return True


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

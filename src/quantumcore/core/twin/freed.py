"""Orders whose parent is done: they hold what they need and do what a new order does (orders.md section 2, step 4)."""

from quantumcore.core.twin import closing, codes, gate, phases, restrictions, switches, triggers
from quantumcore.core.twin.account_terms import check_debit
from quantumcore.core.twin.answers import tell_replaced, tell_triggered, tell_waits
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.links import BRACKET, Link, release
from quantumcore.core.twin.orders import begin, enters_book
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def free_one(venue: Venue, number: int, out: Outbox) -> bool:
    """Let the oldest orders of an instrument whose parent is done become active; return whether there were any."""
    due = [link for link in venue.freed if link.members[0].instrument == number]
    if not due:
        return False
    link = min(due, key=lambda link: link.members[0].name)
    venue.freed.remove(link)
    members = list(link.members)
    cuts = [max(0, order.quantity - link.lots) if link.kind == BRACKET else 0 for order in members]
    for order, cut in zip(members, cuts, strict=True):
        order.lower(cut)
    reason = _why_not_all(venue, link)
    if reason is not None:
        release(link)
        for order, cut in zip(members, cuts, strict=True):
            order.lower(-cut)  # it ends as it was told
        for order in members:
            venue.cancel(order, reason, out)
        return True
    link.waits = False
    if len(members) == 1:
        release(link)
    for order in members:
        order.place = Place.NOWHERE
        venue.rehold(order)
        tell_triggered(order, 0, codes.PARENT, out)
        tell_replaced(venue, order, codes.BY_LINK, out, priority_kept=False)
    for order in members:
        if order.place is Place.NOWHERE and venue.works(order):
            if phases.waits(venue.status(number), order):
                tell_waits(order, codes.WAITS_FOR_AUCTION, out)  # nothing else says that it is in no book
            begin(venue, order, out)
            closing.run(venue, number, out)
    return True


def _why_not_all(venue: Venue, link: Link) -> int | None:
    """Return why they cannot become active together, as a reason of their cancellation, or None if they can."""
    before = 0
    for order in link.members:
        reason = _why_not(venue, order, link.members, before)
        if reason is not None:
            return reason
        if link.holds_apart(order):
            before = order.own_need(venue.instruments[order.instrument])
    return None


def _why_not(venue: Venue, order: Order, members: list[Order], before: int) -> int | None:
    """Return why an order, one of `members`, cannot become active when `before` is held for another."""
    instrument, account = venue.instruments[order.instrument], venue.accounts[order.account]
    if not triggers.within_bounds(venue, order, rests=enters_book(venue, order)):
        return codes.OUT_OF_BOUNDS
    reason = codes.NO_FUNDS  # what it would hold it may not
    try:
        check_debit(account)
        reason = codes.NOT_ADMITTED
        switches.check_reduces(venue, order, order.leaves, order.session, besides=members)
        if venue.bounds.accounting:
            need = restrictions.need_of(instrument, order.side, order.leaves)
            restrictions.check_short(venue, order, need, order.price)
            reason = codes.NO_FUNDS
            gate.check_funds(instrument, account, order.side, order.own_need(instrument), before)
    except Refusal:
        return reason
    return None

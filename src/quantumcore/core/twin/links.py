"""Orders that stand for each other: one cancels the other, one triggers another, or an entry brings its two exits.

OCO      a pair: when one trades or ends, the other is cancelled.
OTO      the second waits until the first is filled whole.
BRACKET  two exits wait until the entry is done with something filled, then they are a pair that shrinks together.

Two of one side share one hold, because only one of them can trade, or both the same lots: the first of `members` holds for both.
Two exits that buy do not: in turn they may pay two prices and two fees.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantumcore.core.twin import codes
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import BUY
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox

if TYPE_CHECKING:
    from quantumcore.core.twin.book import Order
    from quantumcore.core.twin.venue import Venue

OCO, OTO, BRACKET = 1, 2, 3


@dataclass(slots=True, eq=False)
class Link:
    """What ties orders of one account and instrument together; an order that it has let go has no link.

    Attributes:
        members: Those of a pair, the one that holds for both first; while they wait, those that a parent will free.
        parent: What the members wait for, until it is done.
        waits: The members wait for their parent: they are in no book and hold nothing.
        lots: What the parent had filled when it was done; exits are not larger.
    """

    kind: int
    members: "list[Order]"
    parent: "Order | None" = None
    waits: bool = False
    lots: int = 0

    def hold_of(self, order: "Order", instrument: Instrument) -> int:
        """Return what `order` must hold: its own need, nothing while it waits, one hold for two of one side that share."""
        if order is self.parent or (self.holds_apart(order) and not self.waits):
            return order.own_need(instrument)
        alike = [member for member in self.members if member.side == order.side]
        if self.waits or order is not alike[0]:
            return 0
        return max(member.own_need(instrument) for member in alike)

    def holds_apart(self, order: "Order") -> bool:
        """Tell whether `order` holds for itself alone: exits that buy may trade in turn, at two prices and with two fees."""
        return self.kind == BRACKET and order is not self.parent and order.side == BUY


def waits_for_parent(order: "Order") -> bool:
    """Tell whether `order` may do nothing before its parent is done."""
    link = order.link
    return link is not None and link.waits and order is not link.parent


def sibling(order: "Order") -> "Order | None":
    """Return the other of an active pair, or None."""
    link = order.link
    if link is None or link.waits:
        return None
    return next((member for member in link.members if member is not order), None)


def shared(order: "Order", own_need: int, instrument: Instrument) -> tuple[int, int]:
    """Return (what would be held for `order` and its pair if it needed `own_need`, what is held now)."""
    if waits_for_parent(order):
        return 0, 0
    other = sibling(order)
    if other is None or order.link is None or other.side != order.side or order.link.holds_apart(order):
        return own_need, order.hold
    return max(own_need, other.own_need(instrument)), order.hold + other.hold


def cancel_other(venue: "Venue", order: "Order", out: Outbox) -> None:
    """End the other of the pair of `order`, which goes on alone."""
    other, link = sibling(order), order.link
    if other is not None and link is not None:
        release(link)
        venue.cancel(other, codes.LINKED, out)
        venue.rehold(order)


def before_trade(venue: "Venue", order: "Order", lots: int, out: Outbox) -> None:
    """`order` is about to trade `lots`: the other of its pair goes, or shrinks by as much; then `order` alone holds."""
    other, link = sibling(order), order.link
    if other is None or link is None:
        return
    if link.kind == OCO or lots >= min(order.leaves, other.leaves):
        cancel_other(venue, order, out)
        return
    link.members = [order, other]
    other.lower(lots)
    venue.rehold(other)
    venue.rehold(order)
    tell_replaced(venue, other, codes.BY_LINK, out, priority_kept=True)


def part(venue: "Venue", order: "Order") -> "list[Order]":
    """Take `order`, which ends, out of its link; return those that end with it, none of which is linked any more."""
    link = order.link
    if link is None:
        return []
    if order is link.parent and (order.leaves == 0 if link.kind == OTO else order.filled > 0):
        link.lots, link.parent, order.link = order.filled, None, None
        venue.freed.append(link)
        return []
    if link in venue.freed:
        venue.freed.remove(link)
    release(link)
    return [member for member in link.members if member is not order]


def release(link: Link) -> None:
    """Let every order of `link` go."""
    for order in (link.parent, *link.members):
        if order is not None:
            order.link = None

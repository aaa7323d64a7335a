"""Answers that several commands give: that one is done, and how or where an order stands after a change."""

from typing import TYPE_CHECKING

from quantumcore.contracts import wire
from quantumcore.core.twin import codes
from quantumcore.core.twin.outbox import Outbox

if TYPE_CHECKING:
    from quantumcore.core.twin.book import Order
    from quantumcore.core.twin.venue import Venue

DONE, REPEAT, ALREADY_CANCELLED = 0, 1, 2


def tell_done(
    command: wire.Command,
    out: Outbox,
    *,
    outcome: int = DONE,
    count: int = 0,
    order_sequence: int = 0,
    order_slot: int = 0,
) -> None:
    """Tell that `command` is done; a repeat names the sequence of the first answer."""
    out.tell(
        wire.CommandDone,
        instrument=command.instrument,
        account=command.account,
        command=command.KIND,
        outcome=outcome,
        count=count,
        order_sequence=order_sequence,
        order_slot=order_slot,
    )


def tell_replaced(venue: "Venue", order: "Order", reason: int, out: Outbox, *, priority_kept: bool) -> None:
    """Tell how `order` stands after a change of its terms."""
    out.tell(
        wire.OrderReplaced,
        instrument=order.instrument,
        account=order.account,
        price=order.price,
        quantity=order.quantity,
        leaves=order.leaves,
        hold=order.hold,
        order_sequence=order.sequence,
        order_slot=order.slot,
        reason=reason,
        priority_kept=int(priority_kept),
        hold_currency=venue.hold_currency(order),
    )
    hold_anew(venue, order, out)


def hold_anew(venue: "Venue", order: "Order", out: Outbox) -> None:
    """What `order` of a pair needs may change what the other holds for both: that is done and told."""
    if order.link is not None and not order.link.waits:
        holder = next(member for member in order.link.members if member.side == order.side)
        if holder is not order and venue.rehold(holder):
            tell_replaced(venue, holder, codes.HOLDS_FOR_BOTH, out, priority_kept=True)


def tell_triggered(order: "Order", price: int, source: int, out: Outbox) -> None:
    """Tell that `order` becomes active: a trigger fired at `price`, or its parent is done."""
    out.tell(
        wire.OrderTriggered,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        price=price,
        limit=order.price,
        order_slot=order.slot,
        source=source,
    )


def tell_entered(order: "Order", out: Outbox) -> None:
    """Tell that `order`, which waited, now rests."""
    out.tell(
        wire.OrderEntered,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        price=order.price,
        leaves=order.leaves,
        shown=order.shown,
        order_slot=order.slot,
    )


def tell_waits(order: "Order", cause: int, out: Outbox) -> None:
    """Tell that `order`, which rested or whose parent freed it, now waits."""
    out.tell(
        wire.OrderWaits,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        order_slot=order.slot,
        cause=cause,
    )

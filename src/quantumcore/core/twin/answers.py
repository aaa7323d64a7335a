"""Answers that several commands give: that one is done, and how an order stands after a change."""

from typing import TYPE_CHECKING

from quantumcore.contracts import wire
from quantumcore.core.twin.outbox import Outbox

if TYPE_CHECKING:
    from quantumcore.core.twin.book import Order
    from quantumcore.core.twin.venue import Venue

DONE, REPEAT, ALREADY_CANCELLED = 0, 1, 2
HOLDS_FOR_BOTH = 6  # why an order was replaced


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
    share_hold(venue, order, out)


def share_hold(venue: "Venue", order: "Order", out: Outbox) -> None:
    """What `order` needs may have changed what the other of its pair holds for both: let it, and tell it."""
    if order.link is None or order.link.waits:
        return
    holder = next(member for member in order.link.members if member.side == order.side)
    if holder is not order and venue.rehold(holder):
        tell_replaced(venue, holder, HOLDS_FOR_BOTH, out, priority_kept=True)

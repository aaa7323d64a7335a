"""Answers that several commands share: that it is done, and how an order stands after a change."""

from quantumcore.contracts import wire
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.terms import FIELDS, Terms
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


def tell_replaced(venue: Venue, order: Order, reason: int, out: Outbox, *, priority_kept: bool) -> None:
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


def tell_terms(order: Order, out: Outbox, *, waits: bool = False, dark: bool = False) -> None:
    """Tell what an accepted order is beyond a plain one: its terms, measured, and where it is not."""
    terms = order.terms or Terms()
    out.tell(
        wire.TermsAccepted,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        order_slot=order.slot,
        waits=int(waits),
        dark=int(dark),
        **{name: getattr(terms, name, 0) for name in FIELDS},
    )

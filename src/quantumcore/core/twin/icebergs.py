"""Icebergs: an order shows `display` lots at a time; what it has behind them is its reserve."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import gate
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.state_hash import K1, K2, mum
from quantumcore.core.twin.terms import Terms
from quantumcore.core.twin.venue import Venue

MOST_REFILLS = 1_000  # an order of a billion lots that shows one at a time would be a billion trades in one step


def display_of(instrument: Instrument, mantissa: int, scale: int, quantity: int) -> int:
    """Return a display quantity in lots; BAD_DISPLAY when it is between two lots or not below the whole."""
    lots = gate.steps_of(mantissa, scale, instrument.terms.lot, instrument.terms.lot_scale, Reason.BAD_DISPLAY)
    if not 1 <= lots < quantity:
        raise gate.of_quantity(instrument, Reason.BAD_DISPLAY, limit=quantity, actual=lots)
    return lots


def range_of(instrument: Instrument, mantissa: int, scale: int) -> int:
    """Return by how many lots a refill may fall short; BAD_DISPLAY when it is between two lots."""
    return gate.steps_of(mantissa, scale, instrument.terms.lot, instrument.terms.lot_scale, Reason.BAD_DISPLAY)


def check(instrument: Instrument, terms: Terms, quantity: int) -> None:
    """BAD_DISPLAY: a refill could show nothing, or one taker could set off more than MOST_REFILLS of them."""
    if not 0 <= terms.display_range < terms.display:
        raise gate.of_quantity(instrument, Reason.BAD_DISPLAY, limit=terms.display, actual=terms.display_range)
    least = -(-quantity // MOST_REFILLS) + terms.display_range
    if terms.display < least:
        raise gate.of_quantity(instrument, Reason.BAD_DISPLAY, limit=least, actual=terms.display)


def first_shown(order: Order, leaves: int) -> int:
    """Return how many of `leaves` lots it shows when it comes to a level."""
    return min(order.terms.display or leaves, leaves)


def refill(venue: Venue, order: Order, out: Outbox) -> None:
    """Show lots again, at the end of the level; never more than the level can count."""
    book = venue.books[order.instrument]
    book.remove(order)
    order.refills += 1
    room = I64_MAX - book.level_quantity(order.side, order.price)
    shown = min(_next_display(order), order.leaves, room)
    order.reserve = order.leaves - shown
    book.append(order)
    out.tell(
        wire.OrderRefilled,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        shown=shown,
        leaves=order.leaves,
        order_slot=order.slot,
        refills=order.refills,
    )


def _next_display(order: Order) -> int:
    """Return what a refill wants to show: the display less a number that only who knows the seed foresees."""
    terms = order.terms
    drawn = mum(terms.seed ^ K1 ^ order.sequence, K2 ^ (order.slot + (order.refills << 32)))
    return terms.display - drawn % (terms.display_range + 1)

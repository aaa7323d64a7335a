"""Orders that are never shown: hidden ones, and those that trade only when it is enough at a time.

They rest in the book's dark levels, behind every shown order of their price.
"""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import gate, icebergs
from quantumcore.core.twin.book import Book, Levels, Order
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import ALL_OR_NONE, HIDDEN


def is_dark(order: Order) -> bool:
    """Tell whether the public never sees it."""
    return bool(order.flags & HIDDEN) or has_minimum(order)


def has_minimum(order: Order) -> bool:
    """Tell whether it wants so much at a time."""
    return bool(order.flags & ALL_OR_NONE) or (order.terms is not None and order.terms.min_quantity > 0)


def minimum(order: Order) -> int:
    """Return the least that it trades at a time as it stands now, in lots."""
    if order.flags & ALL_OR_NONE:
        return order.leaves
    least = 0 if order.terms is None else order.terms.min_quantity
    return min(least or 1, order.leaves)


def levels_of(book: Book, order: Order) -> Levels:
    """Return the levels in which it rests."""
    return book.dark if is_dark(order) else book


def minimum_of(instrument: Instrument, command: wire.SubmitAdvancedOrder, quantity: int) -> int:
    """Return a minimum in lots; BAD_MIN_QTY between two lots, outside 1..quantity, or where the whole is asked for anyway."""
    if command.flags & ALL_OR_NONE:
        raise Refusal(Reason.BAD_MIN_QTY, Scope.INSTRUMENT)
    terms = instrument.terms
    scale = command.min_quantity_scale
    lots = gate.steps_of(command.min_quantity, scale, terms.lot, terms.lot_scale, Reason.BAD_MIN_QTY)
    if not 1 <= lots <= quantity:
        raise gate.of_quantity(instrument, Reason.BAD_MIN_QTY, limit=quantity, actual=lots)
    return lots


def rest(book: Book, order: Order) -> None:
    """Put `order` at the end of its level: a dark one among the dark, an iceberg with what it shows."""
    if is_dark(order):
        book.dark.append(order)
    else:
        icebergs.rest(book, order)

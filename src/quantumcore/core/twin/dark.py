"""Orders that are never shown: hidden ones, and those that trade only when it is enough at a time."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import codes, gate
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.refusals import Refusal


def is_dark(order: Order) -> bool:
    """Tell whether the public never sees it."""
    return bool(order.flags & codes.HIDDEN) or has_minimum(order)


def has_minimum(order: Order) -> bool:
    """Tell whether it wants so much at a time."""
    return bool(order.flags & codes.ALL_OR_NONE) or order.terms.min_quantity > 0


def minimum(order: Order) -> int:
    """Return the least that it trades at a time as it stands now, in lots."""
    if order.flags & codes.ALL_OR_NONE:
        return order.leaves
    return min(order.terms.min_quantity or 1, order.leaves)


def minimum_of(instrument: Instrument, command: wire.SubmitAdvancedOrder, quantity: int) -> int:
    """Return a minimum in lots; BAD_MIN_QTY between two lots, outside 1..quantity, or where the whole is asked for anyway."""
    if command.flags & codes.ALL_OR_NONE:
        raise Refusal(Reason.BAD_MIN_QTY, Scope.INSTRUMENT)
    terms = instrument.terms
    scale = command.min_quantity_scale
    lots = gate.steps_of(command.min_quantity, scale, terms.lot, terms.lot_scale, Reason.BAD_MIN_QTY)
    if not 1 <= lots <= quantity:
        raise gate.of_quantity(instrument, Reason.BAD_MIN_QTY, limit=quantity, actual=lots)
    return lots

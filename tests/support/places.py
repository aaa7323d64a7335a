"""What the orders of the readable engine wait for, as the orders room has it: from where they are, not from what was told."""

from collections.abc import Iterator

from quantumcore.core.twin import codes, links
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.engine import Engine
from quantumcore.services.orders.terms import Waiting


def working_orders(engine: Engine) -> Iterator[Order]:
    """Yield the orders that work, in no particular order."""
    return engine._venue.orders()


def may_say(order: Order) -> frozenset[Waiting]:
    """Return what a room may say that `order` waits for.

    A peg that has waited through a call waits for a reference from then on, which is no event.
    """
    if links.waits_for_parent(order):
        return frozenset([Waiting.PARENT])
    if order.place is not Place.WAITING:
        return frozenset([Waiting.NOTHING])
    if order.order_type in codes.TRIGGERED:
        return frozenset([Waiting.TRIGGER])
    return frozenset([Waiting.REFERENCE, Waiting.AUCTION] if order.cap else [Waiting.AUCTION])

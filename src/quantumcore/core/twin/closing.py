"""The closing cross: orders of that time in force trade at the closing price, first come first served.

The closing price is the static reference as the cross begins: a closing call leaves its own price there.
"""

from quantumcore.contracts import wire
from quantumcore.core.twin import codes, gate, phases
from quantumcore.core.twin.book import Order, opposite
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.matching import meet
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.venue import Venue


def set_reference(venue: Venue, number: int, price: int | None, out: Outbox) -> None:
    """Let `price` be the static reference, and tell it if it is another."""
    book = venue.books[number]
    if price is not None and price != book.reference:
        book.reference = price
        out.tell(wire.ReferenceChanged, instrument=number, price=price)


def run(venue: Venue, number: int, out: Outbox) -> None:
    """Try all whose turn it is: one of several orders that come as one act has its turn before the next."""
    while cross(venue, number, out):
        pass


def cross(venue: Venue, number: int, out: Outbox) -> bool:
    """Try the next order at the closing price; return whether there was one. A step of the aftermath."""
    regime = venue.regimes[number]
    if not regime.cross_due:
        return False
    order, price = regime.cross_due.pop(0), regime.closing_price
    if not venue.works(order):
        return True  # it ended with one before it
    if price is None or not order.accepts(price):
        regime.cross = [other for other in regime.cross if other is not order]
    elif not gate.bears(venue, order, price):
        venue.cancel(order, codes.OUT_OF_BOUNDS, out)
    elif _take(venue, order, price, out):
        if order.leaves == 0:
            venue.finish(order, Fate.FILLED)
        elif not any(other is order for other in regime.cross):
            regime.cross.append(order)
    return True


def _take(venue: Venue, taker: Order, price: int, out: Outbox) -> bool:
    """Trade with what is shown at the price, then with the orders of the cross; False: self-trade prevention ended it."""
    while taker.leaves and (maker := _first(venue, taker, price)) is not None:
        if not meet(venue, taker, maker, price, out):
            return False
    return True


def _first(venue: Venue, taker: Order, price: int) -> Order | None:
    """Return who is first at the price on the other side: the oldest that is shown there, else the first in the cross."""
    side, regime = opposite(taker.side), venue.regimes[taker.instrument]
    regime.cross = [o for o in regime.cross if venue.works(o)]
    shown = venue.books[taker.instrument].level(side, price)
    return next((o for o in [*shown, *regime.cross] if o.side == side), None)


def end(venue: Venue, number: int, out: Outbox) -> None:
    """The cross is over: what is left of its orders ends."""
    regime = venue.regimes[number]
    regime.closing_price = None
    regime.cross.clear()
    venue.cancel_all(phases.auction_orders(venue, number, codes.AT_CLOSING_PRICE), codes.AUCTION_OVER, out)

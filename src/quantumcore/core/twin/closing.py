"""The closing cross: orders of that time in force trade at the closing price, first come first served.

The closing price is the static reference as the cross begins: a closing call leaves its own price there.
"""

from quantumcore.contracts import wire
from quantumcore.core.twin import expiry, gate, links, phases
from quantumcore.core.twin.book import SELL, Order, opposite
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.matching import prevent, trade
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.terms import NO_PREVENTION
from quantumcore.core.twin.venue import Venue


def set_reference(venue: Venue, number: int, price: int | None, out: Outbox) -> None:
    """Let `price` be the static reference, and tell it if it is another."""
    book = venue.books[number]
    if price is not None and price != book.reference:
        book.reference = price
        out.tell(wire.ReferenceChanged, instrument=number, price=price)


def cross(venue: Venue, number: int, out: Outbox) -> bool:
    """Try the next order at the closing price; return whether there was one. A step of the aftermath."""
    regime = venue.regimes[number]
    if not regime.cross_due:
        return False
    order, price = regime.cross_due.pop(0), regime.closing_price
    if venue.working[order.account].get(order.name) is not order:
        return True  # it ended with one before it
    if price is None or not order.accepts(price):
        regime.cross = [other for other in regime.cross if other is not order]
    elif order.side == SELL and not gate.bears(venue.instruments[number], order, price):
        venue.cancel(order, phases.OUT_OF_BOUNDS, out)
    elif _take(venue, order, price, out):
        if order.leaves == 0:
            venue.leave(order)
            venue.finish(order, Fate.FILLED)
        elif not any(other is order for other in regime.cross):
            regime.cross.append(order)
    return True


def _take(venue: Venue, taker: Order, price: int, out: Outbox) -> bool:
    """Trade with what is shown at the price, then with the orders of the cross; False: self-trade prevention ended it."""
    while taker.leaves:
        maker = _first(venue, taker, price)
        if maker is None:
            break
        if maker is links.sibling(taker):
            links.cancel_other(venue, taker, out)
        elif not venue.same_party(maker, taker) or taker.mode == NO_PREVENTION:
            trade(venue, taker, maker, taker.leaves, out, price=price)
        elif not prevent(venue, taker, maker, out):
            return False
    return True


def _first(venue: Venue, taker: Order, price: int) -> Order | None:
    """Return who is first at the price on the other side: the oldest that is shown there, else the first in the cross."""
    side, regime = opposite(taker.side), venue.regimes[taker.instrument]
    regime.cross = [o for o in regime.cross if venue.working[o.account].get(o.name) is o]
    shown = venue.books[taker.instrument].level(side, price)
    return next((o for o in [*shown, *regime.cross] if o.side == side), None)


def end(venue: Venue, number: int, out: Outbox) -> None:
    """The cross is over: what is left of its orders ends."""
    regime = venue.regimes[number]
    regime.closing_price = None
    regime.cross.clear()
    expiry.cancel_each(venue, phases.auction_orders(venue, number, gate.CLOSING_CROSS), phases.AUCTION_OVER, out)

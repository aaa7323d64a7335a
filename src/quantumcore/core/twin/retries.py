"""Dark orders that may trade after all: something changed, and now their minimum can be met."""

from collections.abc import Iterator
from itertools import islice, takewhile

from quantumcore.core.twin import bands, codes, dark, gate, reach
from quantumcore.core.twin.book import BUY, SELL, Order
from quantumcore.core.twin.matching import enter
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.venue import Venue

# A book full of what nobody can meet must not slow every command: of one side so many are looked at, each by so many offers.
MOST_RETRIED, MOST_MET = 16, 256


def retry(venue: Venue, number: int, out: Outbox) -> bool:
    """Let the first dark order that can trade take; return whether there was one."""
    order = next(ready(venue, number), None)
    if order is None:
        return False
    venue.leave(order)
    enter(venue, order, out)
    return True


def ready(venue: Venue, number: int) -> Iterator[Order]:
    """Yield the dark orders that would trade at once: buys, then sells, each best price first, then oldest."""
    if venue.status(number) != codes.CONTINUOUS:
        return
    book = venue.books[number]
    for side in (BUY, SELL):
        crossing = takewhile(lambda order: bool(reach.prices(book, order)), book.dark.in_priority(side))
        yield from (order for order in islice(crossing, MOST_RETRIED) if _can_take(venue, order))


def _can_take(venue: Venue, order: Order) -> bool:
    # It was judged by what stood there when it came; a bid may be far above a sell by now.
    if not gate.amounts_fit(venue, order):
        return False
    if dark.has_minimum(order):
        return reach.could_have(venue, order, MOST_MET).lots >= dark.minimum(order)
    met = reach.next_maker(venue, order)
    return met is not None and bands.allows(venue, order.instrument, met[0].price)

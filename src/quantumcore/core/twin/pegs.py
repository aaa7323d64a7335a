"""Pegged orders: their price follows the best shown prices of others, never past their cap and never into the other side.

A peg enters waiting; the aftermath brings it into the book, moves it, and takes it out when it has no reference.
"""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, gate, resting
from quantumcore.core.twin.answers import tell_entered, tell_replaced, tell_waits
from quantumcore.core.twin.book import BUY, Book, Order, Place, opposite
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

PRIMARY, MARKET, MID = 1, 2, 3


def terms_of(instrument: Instrument, given: wire.SubmitAdvancedOrder | None) -> tuple[int, int]:
    """Return what a peg follows and its offset in ticks; BAD_PEG when it follows nothing, or off the tick."""
    if given is None or given.peg == 0:
        raise Refusal(Reason.BAD_PEG, Scope.INSTRUMENT)
    terms = instrument.terms
    offset = gate.steps_of(given.offset, given.offset_scale, terms.tick, terms.tick_scale, Reason.BAD_PEG)
    if abs(offset) > I64_MAX:
        raise gate.of_price(instrument, Reason.BAD_PEG, limit=I64_MAX, actual=offset)
    return given.peg, offset


def wait(venue: Venue, order: Order) -> None:
    """Let a peg wait for the aftermath; meanwhile its price is its cap."""
    order.place, order.price = Place.WAITING, order.cap
    venue.books[order.instrument].pegs[order.name] = order


def move(venue: Venue, number: int, out: Outbox) -> bool:
    """Bring each peg of an instrument to where it belongs, in order of submission; return whether any moved."""
    book = venue.books[number]
    if not book.pegs or venue.status(number) != codes.CONTINUOUS:
        return False
    moved = False
    for name in sorted(book.pegs):
        order = book.pegs[name]
        price = target(venue, order)
        if price != (None if order.place is Place.WAITING else order.price):
            _go(venue, order, price, out)
            moved = True
    return moved


def _go(venue: Venue, order: Order, price: int | None, out: Outbox) -> None:
    waited = order.place is Place.WAITING
    venue.leave(order)
    if price is None:
        wait(venue, order)
        tell_waits(order, codes.NO_REFERENCE, out)
        return
    order.price = price
    resting.rest(venue.books[order.instrument], order)
    if waited:
        tell_entered(order, out)
    else:
        tell_replaced(venue, order, codes.FOLLOWED, out, priority_kept=False)


def target(venue: Venue, order: Order) -> int | None:
    """Return the price in ticks at which a peg belongs now; None: it must wait."""
    price = _wish(venue, order)
    if price is None or (order.place is Place.LIT and price == order.price):
        return price
    return price if _has_room(venue, order, price) else None


def _wish(venue: Venue, order: Order) -> int | None:
    """Return where it would go if there is room: reference and offset, inside bounds and cap, a tick before the other side."""
    book, instrument = venue.books[order.instrument], venue.instruments[order.instrument]
    reference = _reference(book, order)
    if reference is None:
        return None
    price = instrument.bounded(reference + order.terms.offset)
    facing = book.best(opposite(order.side))
    if order.side == BUY:
        price = min(price, order.cap, I64_MAX if facing is None else facing - 1)
        return price if price >= instrument.terms.min_price else None
    price = max(price, order.cap, 0 if facing is None else facing + 1)
    return price if price <= instrument.terms.max_price else None


def _reference(book: Book, order: Order) -> int | None:
    """Return what it follows: the best shown prices of orders that are no pegs themselves."""
    own, other = _unpegged_best(book, order.side), _unpegged_best(book, opposite(order.side))
    if order.terms.peg == PRIMARY:
        return own
    if order.terms.peg == MARKET:
        return other
    if own is None or other is None:
        return None
    return (own + other) // 2 if order.side == BUY else -(-(own + other) // 2)


def _unpegged_best(book: Book, side: int) -> int | None:
    return next((order.price for order in book.in_priority(side) if not order.cap), None)


def _has_room(venue: Venue, order: Order, price: int) -> bool:
    """Tell whether it can rest at `price`, which may be far above the cap of a sell: a move cannot be refused."""
    return gate.bears(venue, order, price) and resting.has_room(venue, order, price)

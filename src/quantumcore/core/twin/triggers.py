"""Orders that wait for a price: when they trigger, and how a trailing stop follows (orders.md section 3).

A look compares what has been seen of prices since the last look with what waits: trailing stops move, and what fires joins a
queue. One order of the queue becomes active at a time; its trades are seen by the next look. So a cascade of any length is a
loop, first fired first served.
"""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import codes, gate, resting, stop_terms
from quantumcore.core.twin.answers import hold_anew, tell_triggered
from quantumcore.core.twin.book import BUY, Book, Order, Place, opposite
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.matching import enter
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue
from quantumcore.core.twin.watch import Seen


def wait(venue: Venue, order: Order) -> None:
    """Let an accepted order wait for its price."""
    venue.touched.add(order.instrument)  # its trigger may already be met
    order.place = Place.WAITING
    venue.books[order.instrument].watch.add(order)


def watched(book: Book, side: int, trigger: int) -> int | None:
    """Return the price in ticks that a trigger of `side` watches, or None while there is none."""
    if trigger == codes.LAST:
        return book.last_price
    return book.watch.mark if trigger == codes.MARK else book.best(opposite(side))


def step(venue: Venue, number: int, out: Outbox) -> bool:
    """Look at the triggers of an instrument and make the first in the queue active; tell whether there was one."""
    book, instrument = venue.books[number], venue.instruments[number]
    if venue.status(number) != codes.CONTINUOUS:
        return False
    _look(venue, book, instrument, out)
    if not book.watch.fired:
        return False
    order, price = book.watch.fired[0]
    venue.leave(order)
    _activate(venue, order, price, out)
    return True


def _look(venue: Venue, book: Book, instrument: Instrument, out: Outbox) -> None:
    watch = book.watch
    fired = []
    for order in sorted(watch.stops.values(), key=lambda order: order.name):
        seen = _seen(book, order)
        if seen is not None and _fires(venue, instrument, order, seen, out):
            fired.append((order, seen))
    for order, seen in fired:
        watch.fire(order, seen.high if _fires_above(order) else seen.low)
    watch.prints = None


def _seen(book: Book, order: Order) -> Seen | None:
    """Return what there is to see for `order`: trades since the last look, or what stands now."""
    trigger = order.terms.trigger
    if trigger == codes.LAST and book.watch.prints is not None:
        return book.watch.prints
    price = watched(book, order.side, trigger)
    return None if price is None else Seen.at(price)


def _fires_above(order: Order) -> bool:
    """Tell whether it waits for a rise: a buy's stop does, and a sell that is to be touched."""
    return (order.side == BUY) != (order.order_type in codes.TOUCHED)


def _met(order: Order, price: int) -> bool:
    stop = order.terms.stop_price
    return price >= stop if _fires_above(order) else price <= stop


def _fires(venue: Venue, instrument: Instrument, order: Order, seen: Seen, out: Outbox) -> bool:
    if order.order_type not in codes.TRAILING:
        return _met(order, seen.high if _fires_above(order) else seen.low)
    # The trades of one taker go one way: the first and the last of them say what happened on the way.
    if _met(order, seen.first):
        return True
    _follow(venue, instrument, order, seen, out)
    return _met(order, seen.last)


def _follow(venue: Venue, instrument: Instrument, order: Order, seen: Seen, out: Outbox) -> None:
    """Let a trailing stop follow the market: a buy's down, a sell's up, never back."""
    terms, buys = order.terms, order.side == BUY
    better, keep = (min, seen.low) if buys else (max, seen.high)
    if better(terms.extreme, keep) == terms.extreme:
        return  # the market alone moves it, not bounds that were defined anew
    terms.extreme = keep
    stop = better(terms.stop_price, stop_terms.trailed(instrument, order.side, terms, terms.extreme))
    if stop == terms.stop_price:
        return
    terms.stop_price = stop
    # Like the stop it only follows the market, whatever became of collar and bounds: a hold never grows by itself.
    order.price = better(order.price, stop_terms.price_to_enter_with(instrument, order.order_type, order.side, terms))
    venue.rehold(order)
    out.tell(
        wire.StopMoved,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        stop_price=stop,
        price=order.price,
        hold=order.hold,
        order_slot=order.slot,
        hold_currency=venue.hold_currency(order),
    )
    hold_anew(venue, order, out)


def _activate(venue: Venue, order: Order, price: int, out: Outbox) -> None:
    """Let an order whose trigger fired at `price` take and rest like a new one."""
    tell_triggered(order, price, order.terms.trigger, out)
    if within_bounds(venue, order, rests=order.rests):
        enter(venue, order, out)
    else:
        venue.cancel(order, codes.OUT_OF_BOUNDS, out)


def within_bounds(venue: Venue, order: Order, *, rests: bool) -> bool:
    """Tell whether it could be accepted now: what it meets and where it would rest were not known when it was.

    `rests`: it may stand in the book at once.
    """
    return gate.amounts_fit(venue, order) and (not rests or resting.has_room(venue, order, order.price))


def is_due(venue: Venue, number: int) -> bool:
    """Tell whether an instrument that trades has a trigger that is met, which never lasts beyond a command."""
    book = venue.books[number]
    if venue.status(number) != codes.CONTINUOUS:
        return False
    prices = ((order, watched(book, order.side, order.terms.trigger)) for order in book.watch.stops.values())
    return bool(book.watch.fired) or any(price is not None and _met(order, price) for order, price in prices)


def set_mark(venue: Venue, command: wire.SetMark, out: Outbox) -> None:
    """Set the mark price of an instrument, or take it away."""
    instrument = venue.instrument(command.instrument)
    if command.price:
        gate.check_price(instrument, command.price, Reason.BAD_MARK)
    venue.books[command.instrument].watch.mark = command.price or None
    venue.books[command.instrument].outside.marked_at = out.time_ns
    venue.touched.add(command.instrument)
    out.tell(wire.MarkChanged, instrument=command.instrument, price=command.price)


def moved_stop(venue: Venue, order: Order, mantissa: int, scale: int) -> int:
    """Return another stop for a waiting order, in ticks; BAD_STOP of what has none to move: it trails, or has fired."""
    moves = order.order_type in (*codes.STOPS, *codes.TOUCHED)
    if not moves or order.place is not Place.WAITING or venue.books[order.instrument].watch.has_fired(order):
        raise Refusal(Reason.BAD_STOP, Scope.INSTRUMENT)
    return stop_terms.stop_of(venue.instruments[order.instrument], mantissa, scale)

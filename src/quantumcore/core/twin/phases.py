"""Phases: which orders each admits, which auction orders stand in the book, and how one phase becomes the next.

pre_open ──▶ opening_call ──▶ continuous ──▶ closing_call ──▶ closing_cross ──▶ post_close ──▶ closed
                                  │  ▲
               volatility_call ◀──┘  └── any of them, uncrossed first; halted and paused stand beside
"""

from dataclasses import replace

import msgspec

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, links, pegs, resting
from quantumcore.core.twin.answers import tell_entered, tell_waits
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

_SEATS = {
    codes.AT_OPEN: frozenset({codes.PRE_OPEN, codes.OPENING_CALL}),
    codes.AT_CLOSE: frozenset({codes.CLOSING_CALL}),
    codes.GOOD_FOR_AUCTION: codes.CALLS,
    codes.AT_CLOSING_PRICE: frozenset[int](),
}


def check_phase(status: int, time_in_force: int, flags: int) -> None:
    """HALTED: the phase does not take such an order."""
    if status == codes.CONTINUOUS:
        return
    if (
        status in codes.GATHERING
        and time_in_force not in codes.IMMEDIATE_TIMES
        and not flags & (codes.POST_ONLY | codes.SLIDE)
    ):
        return
    if status == codes.CLOSING_CROSS and time_in_force == codes.AT_CLOSING_PRICE:
        return
    raise Refusal(Reason.HALTED, Scope.INSTRUMENT)


def waits(status: int, order: Order) -> bool:
    """Tell whether `order` waits for another phase than `status`."""
    return order.time_in_force in _SEATS and status not in _SEATS[order.time_in_force]


def may_rest(status: int, order: Order) -> bool:
    """Tell whether what is left of `order` may stand in the book in the phase `status`."""
    return order.rests if status == codes.CONTINUOUS else status in codes.GATHERING and not waits(status, order)


def seat(venue: Venue, order: Order) -> bool:
    """Let `order` wait, or stand in the book unmatched, if its phase says so; False: it is to be matched."""
    status = venue.status(order.instrument)
    if waits(status, order):
        order.place = Place.WAITING
        join_cross(venue, order)
    elif status == codes.CONTINUOUS:
        return False
    else:
        resting.rest(venue.books[order.instrument], order)
    return True


def join_cross(venue: Venue, order: Order) -> None:
    """Let an order of the closing cross be tried at the closing price, if this is its phase."""
    if order.time_in_force == codes.AT_CLOSING_PRICE and venue.status(order.instrument) == codes.CLOSING_CROSS:
        venue.regimes[order.instrument].cross_due.append(order)


def enter_phase(venue: Venue, number: int, status: int, cause: int, out: Outbox) -> None:
    """Set the phase and tell it; auction orders take their seats."""
    instrument, regime = venue.instruments[number], venue.regimes[number]
    before = instrument.terms.status
    venue.touched.add(number)
    if status != codes.CONTINUOUS:
        end_limit_state(venue, number, out)
        regime.prints.clear()
    terms = msgspec.structs.replace(instrument.terms, status=status)
    venue.instruments[number] = replace(instrument, terms=terms)
    out.tell(wire.InstrumentStatusChanged, instrument=number, status=status, cause=cause)
    if status not in codes.CALLS:
        regime.indicative = (0, 0, 0)
    if status != codes.VOLATILITY_CALL:
        regime.call_until = None
    elif before != codes.VOLATILITY_CALL and regime.rules.call_ns:
        regime.call_until = min(out.time_ns + regime.rules.call_ns, I64_MAX)
    if status in codes.GATHERING:
        _reseat(venue, number, status, out)
    elif status == codes.CLOSING_CROSS and before != codes.CLOSING_CROSS:
        regime.closing_price = venue.books[number].reference
        regime.cross_due += auction_orders(venue, number, codes.AT_CLOSING_PRICE)


def end_limit_state(venue: Venue, number: int, out: Outbox) -> None:
    """Let trading go on as if the band had not been met."""
    regime = venue.regimes[number]
    if regime.limit_state is not None:
        regime.limit_state = None
        out.tell(wire.LimitStateChanged, instrument=number, band=0, until_ns=0, state=0)


def auction_orders(venue: Venue, number: int, *times: int) -> list[Order]:
    """Return the working orders of an instrument with one of these times in force, in order of submission."""
    return [o for o in venue.orders_in(number) if o.time_in_force in times and not links.waits_for_parent(o)]


def _reseat(venue: Venue, number: int, status: int, out: Outbox) -> None:
    """Orders whose call this is enter the book; those of another, and pegs, leave it to wait."""
    for name in sorted(venue.books[number].pegs):
        order = venue.books[number].pegs[name]
        if order.place is not Place.WAITING:
            let_wait(venue, order, out)
    for order in auction_orders(venue, number, *_SEATS):
        if not venue.works(order):
            continue  # it ended with one before it
        if waits(status, order):
            if order.place in (Place.LIT, Place.DARK):  # of an act at work some may not have had their turn yet
                let_wait(venue, order, out)
        elif order.place is Place.WAITING:
            _enter_book(venue, order, out)


def let_wait(venue: Venue, order: Order, out: Outbox) -> None:
    """Take `order` out of the book until its next auction."""
    venue.leave(order)
    if order.cap:
        pegs.wait(venue, order)
    else:
        order.place = Place.WAITING
    tell_waits(order, codes.WAITS_FOR_AUCTION, out)


def _enter_book(venue: Venue, order: Order, out: Outbox) -> None:
    if not resting.has_room(venue, order, order.price):
        venue.cancel(order, codes.OUT_OF_BOUNDS, out)
        return
    resting.rest(venue.books[order.instrument], order)
    tell_entered(order, out)

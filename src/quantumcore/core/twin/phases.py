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
from quantumcore.core.twin import dark, gate, links, pegs
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import POST_ONLY, SLIDE
from quantumcore.core.twin.venue import Venue

CONTINUOUS, HALTED, CLOSED, PRE_OPEN = 1, 2, 3, 4
OPENING_CALL, INTRADAY_CALL, VOLATILITY_CALL, CLOSING_CALL = 5, 6, 7, 8
CLOSING_CROSS, PAUSED, POST_CLOSE = 9, 10, 11
CALLS = frozenset({OPENING_CALL, INTRADAY_CALL, VOLATILITY_CALL, CLOSING_CALL})
GATHERING = CALLS | {PRE_OPEN, PAUSED}  # orders are taken and none trades: the book may cross
# Why the status changed.
ASKED, BAND, VELOCITY, CALL_OVER = 0, 1, 2, 3
# Why an order was cancelled; why one waits.
EXPIRED, AUCTION_OVER, OUT_OF_BOUNDS = 7, 12, 15
WAITS_FOR_AUCTION = 2
_SEATS = {
    gate.AT_OPEN: frozenset({PRE_OPEN, OPENING_CALL}),
    gate.AT_CLOSE: frozenset({CLOSING_CALL}),
    gate.GOOD_FOR_AUCTION: CALLS,
    gate.CLOSING_CROSS: frozenset[int](),
}


def status_of(venue: Venue, number: int) -> int:
    """Return the phase in which an instrument is."""
    return venue.instruments[number].terms.status


def check_phase(status: int, time_in_force: int, flags: int) -> None:
    """HALTED: the phase does not take such an order."""
    if status == CONTINUOUS:
        return
    if status in GATHERING and time_in_force not in (gate.IOC, gate.FOK) and not flags & (POST_ONLY | SLIDE):
        return
    if status == CLOSING_CROSS and time_in_force == gate.CLOSING_CROSS:
        return
    raise Refusal(Reason.HALTED, Scope.INSTRUMENT)


def waits(status: int, order: Order) -> bool:
    """Tell whether `order` waits for another phase than `status`."""
    return order.time_in_force in _SEATS and status not in _SEATS[order.time_in_force]


def may_rest(status: int, order: Order) -> bool:
    """Tell whether what is left of `order` may stand in the book in the phase `status`."""
    return order.rests if status == CONTINUOUS else status in GATHERING and not waits(status, order)


def seat(venue: Venue, order: Order) -> bool:
    """Let `order` wait, or stand in the book unmatched, if its phase says so; False: it is to be matched."""
    status = status_of(venue, order.instrument)
    if waits(status, order):
        order.place = Place.WAITING
        join_cross(venue, order)
    elif status == CONTINUOUS:
        return False
    else:
        dark.rest(venue.books[order.instrument], order)
    return True


def join_cross(venue: Venue, order: Order) -> None:
    """Let an order of the closing cross be tried at the closing price, if this is its phase."""
    if order.time_in_force == gate.CLOSING_CROSS and status_of(venue, order.instrument) == CLOSING_CROSS:
        venue.regimes[order.instrument].cross_due.append(order)


def enter_phase(venue: Venue, number: int, status: int, cause: int, out: Outbox) -> None:
    """Set the phase and tell it; auction orders take their seats."""
    instrument, regime = venue.instruments[number], venue.regimes[number]
    before = instrument.terms.status
    venue.touched.add(number)
    if status != CONTINUOUS:
        end_limit_state(venue, number, out)
        regime.prints.clear()
    terms = msgspec.structs.replace(instrument.terms, status=status)
    venue.instruments[number] = replace(instrument, terms=terms)
    out.tell(wire.InstrumentStatusChanged, instrument=number, status=status, cause=cause)
    if status not in CALLS:
        regime.indicative = (0, 0, 0)
    if status != VOLATILITY_CALL:
        regime.call_until = None
    elif before != VOLATILITY_CALL and regime.rules.call_ns:
        regime.call_until = min(out.time_ns + regime.rules.call_ns, I64_MAX)
    if status in GATHERING:
        _reseat(venue, number, status, out)
    elif status == CLOSING_CROSS and before != CLOSING_CROSS:
        regime.closing_price = venue.books[number].reference
        regime.cross_due += auction_orders(venue, number, gate.CLOSING_CROSS)


def end_limit_state(venue: Venue, number: int, out: Outbox) -> None:
    """Let trading go on as if the band had not been met."""
    regime = venue.regimes[number]
    if regime.limit_state is not None:
        regime.limit_state = None
        out.tell(wire.LimitStateChanged, instrument=number, band=0, until_ns=0, state=0)


def auction_orders(venue: Venue, number: int, *times: int) -> list[Order]:
    """Return the working orders of an instrument with one of these times in force, in order of submission."""
    found = [o for orders in venue.working.values() for o in orders.values() if o.instrument == number]
    wanted = (o for o in found if o.time_in_force in times and not links.waits_for_parent(o))
    return sorted(wanted, key=lambda o: o.name)


def _reseat(venue: Venue, number: int, status: int, out: Outbox) -> None:
    """Orders whose call this is enter the book; those of another, and pegs, leave it to wait."""
    for name in sorted(venue.books[number].pegs):
        order = venue.books[number].pegs[name]
        if order.place is not Place.WAITING:
            let_wait(venue, order, out)
    for order in auction_orders(venue, number, *_SEATS):
        if venue.working[order.account].get(order.name) is not order:
            continue  # it ended with one before it
        if waits(status, order):
            if order.place is not Place.WAITING:
                let_wait(venue, order, out)
        elif order.place is Place.WAITING:
            _enter_book(venue, order, out)


def let_wait(venue: Venue, order: Order, out: Outbox) -> None:
    """Take `order` out of the book until its next auction."""
    venue.leave(order)
    order.place = Place.WAITING
    if order.cap:
        pegs.wait(order)
    out.tell(
        wire.OrderWaits,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        order_slot=order.slot,
        cause=WAITS_FOR_AUCTION,
    )


def _enter_book(venue: Venue, order: Order, out: Outbox) -> None:
    book = venue.books[order.instrument]
    if not gate.has_room(venue, dark.levels_of(book, order), order.side, order.price, order.leaves):
        venue.cancel(order, OUT_OF_BOUNDS, out)
        return
    dark.rest(book, order)
    out.tell(
        wire.OrderEntered,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        price=order.price,
        leaves=order.leaves,
        shown=order.leaves,
        order_slot=order.slot,
    )

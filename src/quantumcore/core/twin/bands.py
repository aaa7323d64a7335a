"""Bands: prices that are refused, trades that are not made, and moves that stop the market (orders.md section 8)."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, dark, gate, phases, resting
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import BUY, SELL, Order
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.fees import RATE_ONE, ceil_of, floor_of
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.regime import LimitState, Regime
from quantumcore.core.twin.venue import Venue

STRETCHES = 60  # of the velocity's window, for each of which its first print is kept


def check_price(venue: Venue, number: int, side: int, price: int) -> None:
    """PRICE_BAND: too far from the static reference; COLLAR: too far on the dear side of the market."""
    instrument, book, rules = venue.instruments[number], venue.books[number], venue.regimes[number].rules
    if rules.static_band and book.reference is not None:
        low, high = _edges(book.reference, rules.static_band)
        if not low <= price <= high:
            raise gate.of_price(instrument, Reason.PRICE_BAND, limit=low if price < low else high, actual=price)
    twice = gate.twice_the_reference(venue, number)
    if rules.price_collar and twice is not None:
        low, high = _edges(twice, rules.price_collar, RATE_ONE * 2)
        if side == BUY and price > high:
            raise gate.of_price(instrument, Reason.COLLAR, limit=high, actual=price)
        if side == SELL and price < low:
            raise gate.of_price(instrument, Reason.COLLAR, limit=low, actual=price)


def _edges(reference: int, rate: int, one: int = RATE_ONE) -> tuple[int, int]:
    """Return the lowest and the highest ticks that are no further than `rate` from `reference` × 10^8 / `one`."""
    return ceil_of(reference * (RATE_ONE - rate), one), floor_of(reference * (RATE_ONE + rate), one)


# ------------------------------------------------------------------------------------------ while an order trades


def note_trade(venue: Venue, number: int) -> None:
    """Remember, before a trade is booked, what the last one before this command was."""
    regime = venue.regimes[number]
    if regime.traded_at != venue.sequence:
        regime.traded_at, regime.price_before = venue.sequence, venue.books[number].last_price


def allows(venue: Venue, number: int, price: int) -> bool:
    """Tell whether a trade at `price` is inside the dynamic band."""
    edges = _dynamic_edges(venue, number)
    return edges is None or edges[0] <= price <= edges[1]


def _dynamic_edges(venue: Venue, number: int) -> tuple[int, int] | None:
    """Return the lowest and highest ticks of a trade; in a limit state its edge stays where it is."""
    book, regime = venue.books[number], venue.regimes[number]
    reference = regime.price_before if regime.traded_at == venue.sequence else book.last_price
    if not regime.rules.dynamic_band or reference is None:
        return None
    low, high = _edges(reference, regime.rules.dynamic_band)
    state = regime.limit_state
    if state is not None:
        return (low, state.edge) if state.side == BUY else (state.edge, high)
    return low, high


def stops(venue: Venue, taker: Order, price: int, out: Outbox) -> bool:
    """Keep `taker` from a trade at `price` outside the band; True: it is dealt with and matches no further."""
    number, regime = taker.instrument, venue.regimes[taker.instrument]
    edges = _dynamic_edges(venue, number)
    if edges is None or edges[0] <= price <= edges[1]:
        return False
    side, edge = (BUY, edges[1]) if price > edges[1] else (SELL, edges[0])
    if regime.rules.limit_state_ns == 0 or side != taker.side:  # it cannot stand at an edge that it does not reach for
        _leave_off(venue, taker, out)
        phases.enter_phase(venue, number, codes.VOLATILITY_CALL, codes.BAND, out)
    elif taker.rests and dark.is_dark(taker):
        resting.rest(venue.books[number], taker)  # nobody sees it: it waits for a price inside the band
    elif taker.rests:
        _stand_at(venue, taker, edge, out)
    else:
        venue.cancel(taker, codes.AT_THE_BAND, out)
    return True


def stands_at_edge(venue: Venue, order: Order, out: Outbox) -> bool:
    """Where there are limit states, nothing rests beyond the edge of its side; True: `order` is dealt with."""
    regime = venue.regimes[order.instrument]
    if not regime.rules.limit_state_ns:
        return False
    edges = _dynamic_edges(venue, order.instrument)
    if edges is None:
        return False
    edge = edges[1] if order.side == BUY else edges[0]
    if order.price == edge or not order.accepts(edge):
        return False
    _stand_at(venue, order, edge, out)
    return True


def _stand_at(venue: Venue, taker: Order, edge: int, out: Outbox) -> None:
    """Let the rest of `taker` stand at the band's edge; the limit state begins when that is the best price."""
    book, regime = venue.books[taker.instrument], venue.regimes[taker.instrument]
    if not resting.has_room(venue, taker, edge):
        venue.cancel(taker, codes.AT_THE_BAND, out)
        return
    taker.price = edge
    venue.rehold(taker)
    tell_replaced(venue, taker, codes.CONVERTED, out, priority_kept=False)
    resting.rest(book, taker)
    begun = regime.limit_state is not None and regime.limit_state.side == taker.side
    if not begun and book.best(taker.side) == edge:
        until_ns = min(out.time_ns + regime.rules.limit_state_ns, I64_MAX)
        regime.limit_state = LimitState(taker.side, edge, until_ns)
        out.tell(wire.LimitStateChanged, instrument=taker.instrument, band=edge, until_ns=until_ns, state=taker.side)


def trips(venue: Venue, taker: Order, price: int, out: Outbox) -> bool:
    """Look at the trade that `taker` has just made; True: it was too fast, and a call has begun."""
    regime = venue.regimes[taker.instrument]
    if not regime.rules.velocity:
        return False
    fast = _note_print(regime, out.time_ns, price)
    if not fast or (taker.leaves and _trades_whole(taker)):
        return False
    _leave_off(venue, taker, out)
    phases.enter_phase(venue, taker.instrument, codes.VOLATILITY_CALL, codes.VELOCITY, out)
    return True


def _trades_whole(order: Order) -> bool:
    """Tell whether a part of its lots would be less than it asked for: then its last trade is the one that is judged."""
    if order.fill_or_kill or order.flags & codes.ALL_OR_NONE:
        return True
    return order.filled < order.terms.min_quantity


def _note_print(regime: Regime, time_ns: int, price: int) -> bool:
    """Keep a print if it is the first of its stretch; return whether it is too far from one in the window."""
    rules, prints = regime.rules, regime.prints
    while prints and prints[0][0] < time_ns - rules.velocity_ns:
        prints.popleft()
    fast = any(abs(price - before) * RATE_ONE > rules.velocity * before for _, before in prints)
    width = ceil_of(rules.velocity_ns, STRETCHES)
    if not prints or prints[-1][0] // width != time_ns // width:
        prints.append((time_ns, price))
    return fast


def _leave_off(venue: Venue, taker: Order, out: Outbox) -> None:
    """The market stops: the rest of `taker` stays in the book if it may, before any other comes."""
    if taker.leaves == 0:
        venue.finish(taker, Fate.FILLED)
    elif taker.rests:
        resting.rest(venue.books[taker.instrument], taker)
    else:
        venue.cancel(taker, codes.AT_THE_BAND, out)


def lift(venue: Venue, number: int, out: Outbox) -> bool:
    """End a limit state whose edge is no longer the best price. A step of the aftermath."""
    state = venue.regimes[number].limit_state
    if state is None or venue.books[number].best(state.side) == state.edge:
        return False
    phases.end_limit_state(venue, number, out)
    return True

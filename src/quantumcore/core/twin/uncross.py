"""The uncross: what a call has gathered trades at one price, and its auction orders end or wait (orders.md section 8)."""

from quantumcore.contracts import wire
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import auction, dark, gate, links, phases
from quantumcore.core.twin.book import BUY, SELL, Order, Place
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.matching import IMMEDIATE, prevent, trade
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.terms import NO_PREVENTION
from quantumcore.core.twin.venue import Venue


def uncross(venue: Venue, number: int, out: Outbox) -> None:
    """Trade what crosses, at the auction's price, then end what was there for the auction only.

    Self-trade prevention and the bounds of an amount take orders away while it trades; what they leave crossed is
    uncrossed again, at a price of its own. Each round trades or ends an order, so the rounds end.
    """
    regime, phase = venue.regimes[number], phases.status_of(venue, number)
    told, fills = False, out.fills
    while (found := price_of(venue, number)) is not None:
        _tell(number, phase, found, out)
        told = True
        _trade_at(venue, number, found.price, out)
    if not told and phase in phases.CALLS:
        _tell(number, phase, auction.Uncrossing(0, 0, 0), out)
    regime.traded_at = 0  # what follows in this command measures the band from the auction
    regime.prints.clear()
    last = venue.books[number].last_price
    if last is not None and out.fills > fills:
        regime.prints.append((out.time_ns, last))
    _dismiss(venue, number, out)


def price_of(venue: Venue, number: int) -> auction.Uncrossing | None:
    """Return what the auction of an instrument would do now."""
    book = venue.books[number]
    reference = book.last_price if book.reference is None else book.reference
    return auction.uncrossing(_levels(venue, number, BUY), _levels(venue, number, SELL), reference)


def _levels(venue: Venue, number: int, side: int) -> list[auction.Level]:
    levels: dict[int, int] = {}
    for order in taking_part(venue, number, side):
        levels[order.price] = levels.get(order.price, 0) + order.leaves
    return list(levels.items())


def taking_part(venue: Venue, number: int, side: int) -> list[Order]:
    """Return the orders of a side that an auction fills, as it does: by price, then shown before hidden, then time."""
    shown = list(venue.books[number].in_priority(side))
    hidden = [
        order
        for orders in venue.working.values()
        for order in orders.values()
        if (order.instrument, order.side, order.place) == (number, side, Place.DARK) and not dark.has_minimum(order)
    ]
    hidden.sort(key=lambda order: order.name)
    return sorted(shown + hidden, key=lambda order: -order.price if side == BUY else order.price)  # stable


def _trade_at(venue: Venue, number: int, price: int, out: Outbox) -> None:
    """Let buys and sells that accept `price` trade at it until one side has none left; the later accepted is the taker."""
    while True:
        buy, sell = (next(iter(taking_part(venue, number, side)), None) for side in (BUY, SELL))
        if buy is None or sell is None or not (buy.accepts(price) and sell.accepts(price)):
            return
        if not gate.bears(venue.instruments[number], sell, price):
            venue.cancel(sell, phases.OUT_OF_BOUNDS, out)
            continue
        maker, taker = sorted((buy, sell), key=lambda order: order.name)
        if maker is links.sibling(taker):
            links.cancel_other(venue, taker, out)
            continue
        if venue.same_party(maker, taker) and taker.mode != NO_PREVENTION:
            prevent(venue, taker, maker, out)
            continue
        trade(venue, taker, maker, taker.leaves, out, price=price)
        if taker.leaves == 0:
            venue.leave(taker)
            venue.finish(taker, Fate.FILLED)


def _dismiss(venue: Venue, number: int, out: Outbox) -> None:
    """End what was in the book for the auction only, or could not rest without it."""
    working = [o for orders in venue.working.values() for o in orders.values() if o.instrument == number]
    for order in sorted(working, key=lambda o: o.name):
        if order.place is Place.WAITING or venue.working[order.account].get(order.name) is not order:
            continue  # or it has ended with one before it
        if order.time_in_force in (gate.AT_OPEN, gate.AT_CLOSE):
            venue.cancel(order, phases.AUCTION_OVER, out)
        elif order.time_in_force == gate.GOOD_FOR_AUCTION:
            phases.let_wait(venue, order, out)
        elif not order.rests:
            venue.cancel(order, IMMEDIATE, out)


def tell_indicative(venue: Venue, number: int, out: Outbox) -> None:
    """Tell where a call stands if that has changed since it was last told."""
    if phases.status_of(venue, number) not in phases.CALLS:
        return
    found, regime = price_of(venue, number), venue.regimes[number]
    now = (0, 0, 0) if found is None else (found.price, *_told(found))
    if now != regime.indicative:
        regime.indicative = now
        price, quantity, imbalance = now
        out.tell(wire.IndicativeChanged, instrument=number, price=price, quantity=quantity, imbalance=imbalance)


def _tell(number: int, phase: int, found: auction.Uncrossing, out: Outbox) -> None:
    quantity, imbalance = _told(found)
    out.tell(
        wire.AuctionUncrossed,
        instrument=number,
        price=found.price,
        quantity=quantity,
        imbalance=imbalance,
        phase=phase,
    )


def _told(found: auction.Uncrossing) -> tuple[int, int]:
    """Sums over many levels may pass what an event can tell; they are told as the most that it can."""
    return min(found.quantity, I64_MAX), min(max(found.imbalance, -I64_MAX), I64_MAX)

"""The uncross: what a call has gathered trades at one price, and its auction orders end or wait (orders.md section 8)."""

from quantumcore.contracts import wire
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import auction, codes, dark, gate, phases
from quantumcore.core.twin.book import BUY, SELL, Order, Place
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.matching import meet
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.venue import Venue


def uncross(venue: Venue, number: int, out: Outbox) -> None:
    """Trade what crosses, at the auction's price, then end what was there for the auction only.

    Self-trade prevention and the bounds of an amount take orders away while it trades; what they leave crossed is
    uncrossed again, at a price of its own. Each round trades or ends an order, so the rounds end.
    """
    regime, phase = venue.regimes[number], venue.status(number)
    told, fills = False, out.fills
    while (found := price_of(venue, number)) is not None:
        _tell(number, phase, found, out)
        told = True
        _trade_at(venue, number, found.price, out)
    if not told and phase in codes.CALLS:
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
    book = venue.books[number]
    shown = list(book.in_priority(side))
    hidden = [order for order in book.dark.in_priority(side) if not dark.has_minimum(order)]
    return sorted(shown + hidden, key=lambda order: -order.price if side == BUY else order.price)  # stable


def _trade_at(venue: Venue, number: int, price: int, out: Outbox) -> None:
    """Let buys and sells that accept `price` trade at it until one side has none left; the later accepted is the taker."""
    while True:
        buy, sell = (next(iter(taking_part(venue, number, side)), None) for side in (BUY, SELL))
        if buy is None or sell is None or not (buy.accepts(price) and sell.accepts(price)):
            return
        if not gate.bears(venue, sell, price):
            venue.cancel(sell, codes.OUT_OF_BOUNDS, out)
            continue
        maker, taker = sorted((buy, sell), key=lambda order: order.name)
        if meet(venue, taker, maker, price, out) and taker.leaves == 0:
            venue.finish(taker, Fate.FILLED)


def _dismiss(venue: Venue, number: int, out: Outbox) -> None:
    """End what was in the book for the auction only, or could not rest without it."""
    for order in venue.orders_in(number):
        if order.place is Place.WAITING or not venue.works(order):
            continue  # or it has ended with one before it
        if order.time_in_force in (codes.AT_OPEN, codes.AT_CLOSE):
            venue.cancel(order, codes.AUCTION_OVER, out)
        elif order.time_in_force == codes.GOOD_FOR_AUCTION:
            phases.let_wait(venue, order, out)
        elif not order.rests:
            venue.cancel(order, codes.IMMEDIATE, out)


def tell_indicative(venue: Venue, number: int, out: Outbox) -> None:
    """Tell where a call stands if that has changed since it was last told."""
    if venue.status(number) not in codes.CALLS:
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

"""What an incoming order meets, in the order in which it would trade: shown before dark at each price, within its limit."""

from collections.abc import Iterator
from dataclasses import dataclass

from quantumcore.core.twin import bands, budgets, codes, dark, links, withdrawals
from quantumcore.core.twin.book import BUY, Book, Order, Place, opposite
from quantumcore.core.twin.venue import Venue

MOST_PASSED = 256  # dark orders that one taker passes over; beyond them it meets no more of the dark


@dataclass(frozen=True, slots=True)
class Reach:
    """What could be had at once.

    Attributes:
        lots: So much would trade.
        spent: The budget would not buy one lot more at the price where it ends.
    """

    lots: int
    spent: bool = False


def next_maker(venue: Venue, taker: Order) -> tuple[Order, int] | None:
    """Return the resting order that `taker` meets next, and how many lots at most they may trade; None: it meets nobody.

    A maker whose minimum the taker cannot give is passed over: it keeps its place.
    """
    book = venue.books[taker.instrument]
    passed = 0
    for price in prices(book, taker):
        most = wanted(venue, taker, price)
        if most == 0:
            return None
        for maker in _orders_at(book, taker, price):
            if maker.place is Place.DARK and passed == MOST_PASSED:
                break
            if min(most, maker.leaves) >= dark.minimum(maker):
                return maker, min(most, maker.shown)
            passed += 1
    return None


def wanted(venue: Venue, taker: Order, price: int) -> int:
    """Return how many lots it would take at `price`: what is left of it, or what its budget still pays for."""
    return budgets.affordable(venue.instruments[taker.instrument], taker, taker.tally, price, taker.leaves)


def could_have(venue: Venue, taker: Order, at_most: int | None = None) -> Reach:
    """Return what `taker` would trade at once, own orders treated as its mode treats them; changes nothing.

    Of `at_most` offers, when it is given: what is asked again and again must not look at a whole book.
    """
    instrument, book = venue.instruments[taker.instrument], venue.books[taker.instrument]
    rate = instrument.taker_rate(taker.rates)
    tally, found, passed, met, counted = taker.tally, 0, 0, 0, withdrawals.Counted()
    for price in prices(book, taker):
        for maker, offered in _offers_at(book, taker, price):
            if not bands.allows(venue, taker.instrument, price):
                return Reach(found)
            if maker.place is Place.DARK and passed == MOST_PASSED:
                break
            if met == at_most:
                return Reach(found)
            met += 1
            most = budgets.affordable(instrument, taker, tally, price, taker.leaves - found)
            if most == 0:
                return Reach(found, spent=True)
            if maker is links.sibling(taker):
                continue
            if min(most, maker.leaves) < dark.minimum(maker):
                passed += 1
                continue
            if venue.prevents(taker, maker):
                if taker.mode != codes.CANCEL_OLDEST:
                    return Reach(found)
                continue
            if not counted.is_certain(maker):
                continue
            lots = min(most, offered)
            tally, found = tally.plus(price, lots, rate), found + lots
            if lots == most:  # all that it wants, or can pay for: prices only get worse
                return Reach(found, spent=found < taker.leaves)
    return Reach(found)


def prices(book: Book, taker: Order) -> list[int]:
    """Return the prices on the other side that `taker` accepts, the best for it first."""
    side = opposite(taker.side)
    found = {price for levels in (book, book.dark) for price in levels.prices(side) if taker.accepts(price)}
    return sorted(found, reverse=taker.side != BUY)


def _orders_at(book: Book, taker: Order, price: int) -> list[Order]:
    side = opposite(taker.side)
    return [*book.level(side, price), *book.dark.level(side, price)]


def _offers_at(book: Book, taker: Order, price: int) -> Iterator[tuple[Order, int]]:
    """Yield who offers how many lots at `price`: what is shown, then the reserves, which refill behind it, then the dark."""
    side = opposite(taker.side)
    shown = book.level(side, price)
    yield from ((maker, maker.shown) for maker in shown)
    yield from ((maker, maker.reserve) for maker in shown if maker.reserve)
    yield from ((maker, maker.leaves) for maker in book.dark.level(side, price))

"""What an incoming order meets, in the order in which it would trade: shown before dark at each price, within its limit."""

from collections.abc import Iterator
from dataclasses import dataclass

from quantumcore.core.twin import budgets, dark
from quantumcore.core.twin.book import BUY, Book, Order, Place, opposite
from quantumcore.core.twin.terms import CANCEL_OLDEST, NO_PREVENTION
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
    instrument, book = venue.instruments[taker.instrument], venue.books[taker.instrument]
    passed = 0
    for price in prices(book, taker):
        wanted = budgets.affordable(instrument, taker, taker.tally, price, taker.leaves)
        if wanted == 0:
            return None
        for maker in _orders_at(book, taker, price):
            if maker.place is Place.DARK and passed == MOST_PASSED:
                break
            if min(wanted, maker.leaves) >= dark.minimum(maker):
                return maker, min(wanted, maker.shown)
            passed += 1
    return None


def could_have(venue: Venue, taker: Order, most: int | None = None) -> Reach:
    """Return what `taker` would trade at once, own orders treated as its mode treats them; changes nothing.

    Of at most `most` offers, when it is given: what is asked again and again must not look at a whole book.
    """
    instrument, book = venue.instruments[taker.instrument], venue.books[taker.instrument]
    rate = min(instrument.terms.taker_fee, taker.rates.taker)
    tally, found, passed, met = taker.tally, 0, 0, 0
    for price in prices(book, taker):
        for maker, offered in _offers_at(book, taker, price):
            if maker.place is Place.DARK and passed == MOST_PASSED:
                break
            if met == most:
                return Reach(found)
            met += 1
            wanted = budgets.affordable(instrument, taker, tally, price, taker.leaves - found)
            if wanted == 0:
                return Reach(found, spent=True)
            if min(wanted, maker.leaves) < dark.minimum(maker):
                passed += 1
                continue
            if maker.account == taker.account and taker.mode != NO_PREVENTION:
                if taker.mode != CANCEL_OLDEST:
                    return Reach(found)
                continue
            lots = min(wanted, offered)
            tally, found = tally.plus(price, lots, rate), found + lots
            if lots == wanted:  # all that it wants, or can pay for: prices only get worse
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

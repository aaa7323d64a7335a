"""Where an order rests: at the end of a level of its price, among the shown or the dark, which trade after every shown one."""

from quantumcore.core.twin import dark, gate, icebergs
from quantumcore.core.twin.book import Book, Levels, Order
from quantumcore.core.twin.venue import Venue


def levels_of(book: Book, order: Order) -> Levels:
    """Return the levels in which it rests."""
    return book.dark if dark.is_dark(order) else book


def rest(book: Book, order: Order) -> None:
    """Put `order` at the end of its level, an iceberg with what it shows."""
    order.reserve = order.leaves - icebergs.first_shown(order, order.leaves)
    levels_of(book, order).append(order)


def has_room(venue: Venue, order: Order, price: int) -> bool:
    """Tell whether `order`, which was judged long ago, may rest at `price` now: levels and windows have bounds."""
    levels, shown = levels_of(venue.books[order.instrument], order), icebergs.first_shown(order, order.leaves)
    return gate.has_window(venue, levels, order.side, price) and gate.level_takes(levels, order.side, price, shown)

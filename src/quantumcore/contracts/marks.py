"""At which price a position is valued: the mark that was told, or the last trade. Pure.

A mark counts from the moment it is told. When it is taken back its value stays, and is called stale, until the next trade;
from then on the last trade is the price, as for an instrument that never had a mark. A price is stale when, by the time of
the events themselves, it is older than it may be: so that the same events always give the same answer. Stale blocks nothing.
"""

from msgspec import Struct

STALE_NS = 60 * 10**9
SOURCES = {1: "mark", 2: "trade"}
MARK, TRADE = 1, 2


class Mark(Struct, frozen=True, gc=False):
    """The price of one instrument.

    Attributes:
        price: Ticks. source: MARK or TRADE. sequence, time_ns: Of the event that told it.
        withdrawn: The mark was taken back and nothing has traded since.
    """

    price: int
    source: int
    sequence: int
    time_ns: int
    withdrawn: bool = False

    def stale(self, now_ns: int, limit_ns: int = STALE_NS) -> bool:
        """Tell whether it is older than `limit_ns` at `now_ns`, or was taken back."""
        return self.withdrawn or now_ns - self.time_ns > limit_ns


def after_trade(mark: Mark | None, price: int, sequence: int, time_ns: int) -> Mark:
    """Return what a trade at `price` leaves: a mark that stands is not moved by trades."""
    if mark is not None and mark.source == MARK and not mark.withdrawn:
        return mark
    return Mark(price, TRADE, sequence, time_ns)


def after_mark(mark: Mark | None, price: int, sequence: int, time_ns: int) -> Mark | None:
    """Return what a mark of `price` leaves; 0 takes it back."""
    if price:
        return Mark(price, MARK, sequence, time_ns)
    if mark is None or mark.source == TRADE:
        return mark
    return Mark(mark.price, MARK, mark.sequence, mark.time_ns, withdrawn=True)

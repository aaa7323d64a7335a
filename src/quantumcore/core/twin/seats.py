"""An order among those that are submitted in one act with it: what they take before it counts as taken."""

from dataclasses import dataclass, replace

from quantumcore.core.twin import codes, dark, icebergs
from quantumcore.core.twin.book import BUY, SELL, WINDOW_BITS, Order, opposite
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.links import BRACKET, OCO

Window = tuple[int, bool, int, int]
"""A stretch of prices: instrument, whether it is of the dark, side, number."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where an order stands in its act.

    Attributes:
        earlier: Those before it, as they were judged.
        standing: Those of them that stand in the book unless they trade.
        opened: Windows that these need anew.
        waits: It waits for its parent: it enters no book and holds nothing yet.
        link: What ties the act; 0: nothing.
    """

    earlier: tuple[Order, ...] = ()
    standing: tuple[Order, ...] = ()
    opened: frozenset[Window] = frozenset()
    waits: bool = False
    link: int = 0

    @property
    def is_pair(self) -> bool:
        """Only one of the act can trade, so what they need and reduce counts once."""
        return self.link == OCO

    def after(self, order: Order, *, stands: bool, opens: bool) -> "Seat":
        """Return the next seat of the act."""
        return replace(
            self,
            earlier=(*self.earlier, order),
            standing=(*self.standing, order) if stands else self.standing,
            opened=self.opened | {window_of(order)} if opens else self.opened,
        )

    def reducing(self, instrument: int, side: int) -> int:
        """Return the lots by which those before may bring the position nearer to zero."""
        if self.is_pair:
            return 0
        alike = (o for o in self.earlier if (o.instrument, o.side) == (instrument, side))
        return sum(o.quantity for o in alike if o.flags & codes.REDUCE_ONLY)

    def lots(self, order: Order) -> int:
        """Return the lots that `order` and those before bring to its side; exits have nothing to close yet."""
        return self.brought(order.instrument, order.side, (*self.earlier, order))

    def brought(self, instrument: int, side: int, orders: tuple[Order, ...]) -> int:
        """Return the lots that the first `orders` of the act bring to a side: of a bracket only its entry does."""
        counted = orders[:1] if self.link == BRACKET else orders
        alike = [o.leaves for o in counted if (o.instrument, o.side) == (instrument, side)]
        return max(alike, default=0) if self.is_pair else sum(alike)

    def lots_before(self, order: Order) -> int:
        """Return the lots of those before that work on the side of `order` whatever becomes of it."""
        if self.is_pair or (self.link == BRACKET and self.waits):
            return 0
        return self.lots(order) - order.leaves

    def worth(self, instruments: dict[int, Instrument], order: Order, instrument: int = 0) -> int:
        """Return the gross notional of `order` and those before in its currency, or only in `instrument`: a pair counts once."""
        quote = instruments[order.instrument].terms.quote
        before = [
            o
            for o in self.earlier
            if instruments[o.instrument].terms.quote == quote and instrument in (0, o.instrument)
        ]
        worths = [o.worth(instruments[o.instrument]) for o in before]
        own = order.worth(instruments[order.instrument])
        paired = self.is_pair or len(self.earlier) == 2  # the exits of a bracket
        if self.link and paired and before and before[-1].side == order.side:
            own = max(own, worths.pop())
        return sum(worths) + own

    def closing(self, instrument: int, side: int) -> int:
        """Return the lots of those before on a side, all of which may close a position."""
        if self.is_pair:
            return 0
        return sum(o.quantity for o in self.earlier if (o.instrument, o.side) == (instrument, side))

    def held(self, instruments: dict[int, Instrument], currency: int) -> int:
        """Return the minor units of a currency that those before hold."""
        if self.is_pair:
            return 0
        terms = ((o, instruments[o.instrument]) for o in self.earlier)
        return sum(o.own_need(i) for o, i in terms if (i.terms.quote if o.side == BUY else i.terms.base) == currency)

    def opened_beside(self, order: Order) -> int:
        """How many windows those before need on the order's own side of its book."""
        return sum(window[:3] == window_of(order)[:3] for window in self.opened)

    def other_instruments(self, instrument: int) -> int:
        """How many instruments those before are of, without this one."""
        return len({o.instrument for o in self.earlier} - {instrument})

    def crossed(self, order: Order, *, shown_only: bool) -> list[int]:
        """Return the prices of those before that `order` would meet."""
        against = (o for o in self.standing if (o.instrument, o.side) == (order.instrument, opposite(order.side)))
        met = (o for o in against if (o.price >= order.price if order.side == SELL else o.price <= order.price))
        return [o.price for o in met if not (shown_only and dark.is_dark(o))]

    def joining(self, order: Order) -> int:
        """Return the lots that those before bring to the level of `order`."""
        place = _place_of(order)
        return sum(icebergs.first_shown(o, o.leaves) for o in self.standing if _place_of(o) == place)


def _place_of(order: Order) -> tuple[int, bool, int, int]:
    return order.instrument, dark.is_dark(order), order.side, order.price


def window_of(order: Order) -> Window:
    """Return the stretch of prices in which an order would stand."""
    return order.instrument, dark.is_dark(order), order.side, order.price >> WINDOW_BITS


ALONE = Seat()

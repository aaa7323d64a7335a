"""Working orders of one instrument: two sides of price levels, each level a queue in order of priority."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes
from quantumcore.core.twin.fees import Rates, Tally, buy_hold
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.terms import Terms
from quantumcore.core.twin.watch import Watch

if TYPE_CHECKING:
    from quantumcore.core.twin.links import Link

BUY = 1
SELL = 2
WINDOW_BITS = 18  # orders rest in windows of 2^18 ticks
WINDOWS_PER_SIDE = 1_024


def opposite(side: int) -> int:
    """Return the other side."""
    return SELL if side == BUY else BUY


class Place(Enum):
    """Where a live order is: on its way into the book, in it, or waiting for something to happen."""

    NOWHERE = auto()
    LIT = auto()
    DARK = auto()
    WAITING = auto()


@dataclass(slots=True)
class Order:
    """One accepted order.

    Attributes:
        sequence, slot: Its name; the sequence is that of the command that submitted it.
        price: Ticks; a market order's collar.
        quantity, leaves: Lots asked for in all, and what may still trade; filled = quantity - leaves.
        hold: Minor units of the quote (buy) or the base (sell) that it keeps from other uses.
        rates: The fees that it was promised.
        mode: Self-trade prevention that counts when it takes.
        terms: What it is beyond a plain order.
        link: What ties it to other orders, if anything.
        place: Where it is now.
        cap: Of a peg, the price that it never passes; 0 for every other order.
        reserve: Lots of an iceberg that stand behind those shown.
        refills: How often an iceberg has shown lots again.
    """

    sequence: int
    slot: int
    account: int
    instrument: int
    side: int
    price: int
    quantity: int
    leaves: int
    mode: int
    rates: Rates
    order_type: int
    time_in_force: int
    flags: int = 0
    session: int = 0
    terms: Terms = field(default_factory=Terms)
    link: "Link | None" = None
    hold: int = 0
    tally: Tally = field(default_factory=Tally)
    place: Place = Place.NOWHERE
    cap: int = 0
    reserve: int = 0
    refills: int = 0

    @property
    def name(self) -> tuple[int, int]:
        """What tells it from every other order, in order of submission: orders of one command differ by their slot."""
        return self.sequence, self.slot

    @property
    def rests(self) -> bool:
        """Whether what is left of it may stay in the book while there is continuous trading."""
        return self.order_type not in codes.NEVER_REST and self.time_in_force in codes.LASTING

    @property
    def fill_or_kill(self) -> bool:
        """Whether it trades whole or not at all."""
        return self.time_in_force == codes.FOK

    @property
    def post_only(self) -> bool:
        """Whether it never takes."""
        return bool(self.flags & codes.POST_ONLY)

    @property
    def filled(self) -> int:
        """What has traded, in lots."""
        return self.quantity - self.leaves

    @property
    def shown(self) -> int:
        """What may trade before others of its level get their turn, in lots: what the public sees, if it is not dark."""
        return self.leaves - self.reserve

    @property
    def limit(self) -> int:
        """The worst price at which it may ever trade, in ticks."""
        return self.cap or self.price

    def worth(self, instrument: Instrument) -> int:
        """Return the gross notional of what is left of it, at its limit, in minor units of the quote, as a buy pays it.

        At most what an order can trade in all, however far a sell has followed the market.
        """
        before, unit = self.tally.notional, instrument.unit
        return min(unit.ceil(before + self.limit * self.leaves) - unit.ceil(before), I64_MAX)

    def accepts(self, price: int) -> bool:
        """Tell whether it may trade at `price` ticks."""
        return price <= self.price if self.side == BUY else price >= self.price

    def lower(self, lots: int) -> None:
        """Take `lots` away from what it asks for, as if it had never asked for them."""
        self.quantity -= lots
        self.reserve = max(0, self.reserve - max(0, lots))  # the reserve gives first
        self.leaves -= lots

    def needed_hold(self, instrument: Instrument) -> int:
        """Return what it must hold as it stands now."""
        return self.own_need(instrument) if self.link is None else self.link.hold_of(self, instrument)

    def own_need(self, instrument: Instrument) -> int:
        """Return what it would have to hold if no other order held for it."""
        if self.side == SELL:
            return self.leaves * instrument.asset_per_lot
        hold = buy_hold(instrument.unit, self.rates, self.tally, self.limit, self.leaves)
        if self.terms.budget:
            return min(hold, self.terms.budget - self.tally.spent(instrument.unit, self.rates.minimum))
        return hold


@dataclass(slots=True)
class Outside:
    """What other markets say; ticks (0: nothing), and when that was told, UTC nanoseconds."""

    bid: int = 0
    ask: int = 0
    quoted_at: int = 0
    marked_at: int = 0


class Levels:
    """Two sides of price levels, each level a queue in order of priority; an order in it knows `place`."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sides: dict[int, dict[int, list[Order]]] = {BUY: {}, SELL: {}}

    def best(self, side: int) -> int | None:
        """Return the best price of `side` in ticks: the highest bid, the lowest ask; None when it is empty."""
        levels = self._sides[side]
        if not levels:
            return None
        return max(levels) if side == BUY else min(levels)

    def first(self, side: int) -> Order | None:
        """Return the order that trades next: best price first, oldest first."""
        best = self.best(side)
        return None if best is None else self._sides[side][best][0]

    def prices(self, side: int) -> list[int]:
        """Return the prices of `side`, best first."""
        return sorted(self._sides[side], reverse=side == BUY)

    def level(self, side: int, price: int) -> list[Order]:
        """Return the orders at `price` in order of priority."""
        return list(self._sides[side].get(price, ()))

    def level_quantity(self, side: int, price: int) -> int:
        """Return the lots that stand at `price`, reserves apart."""
        return sum(order.shown for order in self._sides[side].get(price, ()))

    def in_priority(self, side: int) -> Iterator[Order]:
        """Yield the orders of `side` as they would trade."""
        for price in self.prices(side):
            yield from self._sides[side][price]

    def append(self, order: Order) -> None:
        """Put `order` at the end of the queue of its price."""
        order.place = self._place
        self._sides[order.side].setdefault(order.price, []).append(order)

    def remove(self, order: Order) -> None:
        """Take `order` out of the queue of its price."""
        order.place = Place.NOWHERE
        levels = self._sides[order.side]
        queue = levels[order.price]
        del queue[next(at for at, resting in enumerate(queue) if resting is order)]
        if not queue:
            del levels[order.price]

    def windows(self, side: int) -> set[int]:
        """Return the windows of `side` in which orders rest: the native book keeps one page for each."""
        return {price >> WINDOW_BITS for price in self._sides[side]}

    def crosses(self, side: int, price: int) -> int | None:
        """Return the best opposite price if an order of `side` at `price` would trade with it, else None."""
        best = self.best(opposite(side))
        if best is None or (best > price if side == BUY else best < price):
            return None
        return best


class Book(Levels):
    """What rests of one instrument: the levels that are shown, and beside them those that are not.

    Attributes:
        dark: Orders that are never shown: hidden ones and those with a minimum.
        pegs: Pegged orders by name, waiting ones too.
        last_price: Ticks of its last trade, or None.
        reference: Ticks of the static reference, or None.
        watch: Who waits for a price, and what has been seen of prices.
        outside: What other markets say, beside the mark.
    """

    def __init__(self) -> None:
        super().__init__(Place.LIT)
        self.dark = Levels(Place.DARK)
        self.pegs: dict[tuple[int, int], Order] = {}
        self.watch = Watch()
        self.outside = Outside()
        self.last_price: int | None = None
        self.reference: int | None = None

    def ahead_of(self, order: Order) -> tuple[int, int] | None:
        """Return (orders, lots) shown on its side that would trade before `order`: the dark are told to nobody."""
        if order.place not in (Place.LIT, Place.DARK):
            return None
        ahead = []
        for resting in self.in_priority(order.side):
            if resting is order or not resting.accepts(order.price):
                break
            ahead.append(resting.shown)
        return len(ahead), sum(ahead)

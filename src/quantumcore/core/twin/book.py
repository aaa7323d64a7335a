"""Working orders of one instrument: two sides of price levels, each level a queue in order of priority."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

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
        terms: What it is beyond a plain order; None for a plain one.
        link: What ties it to other orders, if anything.
        place: Where it is now.
    """

    sequence: int
    slot: int
    account: int
    instrument: int
    client_id: str
    side: int
    price: int
    quantity: int
    leaves: int
    rests: bool
    fill_or_kill: bool
    post_only: bool
    mode: int
    rates: Rates
    order_type: int
    time_in_force: int
    flags: int = 0
    session: int = 0
    terms: Terms | None = None
    link: "Link | None" = None
    hold: int = 0
    tally: Tally = field(default_factory=Tally)
    place: Place = Place.NOWHERE

    @property
    def name(self) -> tuple[int, int]:
        """What tells it from every other order, in order of submission: orders of one command differ by their slot."""
        return self.sequence, self.slot

    @property
    def filled(self) -> int:
        """What has traded, in lots."""
        return self.quantity - self.leaves

    def accepts(self, price: int) -> bool:
        """Tell whether it may trade at `price` ticks."""
        return price <= self.price if self.side == BUY else price >= self.price

    def lower(self, lots: int) -> None:
        """Take `lots` away from what it asks for, as if it had never asked for them."""
        self.quantity -= lots
        self.leaves -= lots

    def needed_hold(self, instrument: Instrument) -> int:
        """Return what it must hold as it stands now."""
        return self.own_need(instrument) if self.link is None else self.link.hold_of(self, instrument)

    def own_need(self, instrument: Instrument) -> int:
        """Return what it would have to hold if no other order held for it."""
        if self.side == SELL:
            return self.leaves * instrument.asset_per_lot
        return buy_hold(instrument.unit, self.rates, self.tally, self.price, self.leaves)


class Book:
    """What rests of one instrument.

    Attributes:
        last_price: Ticks of its last trade, or None.
        watch: Who waits for a price, and what has been seen of prices.
    """

    def __init__(self) -> None:
        self.watch = Watch()
        self._sides: dict[int, dict[int, list[Order]]] = {BUY: {}, SELL: {}}
        self.last_price: int | None = None

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
        """Return the lots that rest at `price`."""
        return sum(order.leaves for order in self._sides[side].get(price, ()))

    def in_priority(self, side: int) -> Iterator[Order]:
        """Yield the orders of `side` as they would trade."""
        for price in self.prices(side):
            yield from self._sides[side][price]

    def append(self, order: Order) -> None:
        """Put `order` at the end of the queue of its price."""
        order.place = Place.LIT
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

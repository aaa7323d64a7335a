"""One instrument's book, order by order, as the engine's events leave it. Pure: no clock, no I/O, no await.

OrderAccepted ──limit, gtc──▶ resting ──trade──▶ less ──trade──▶ gone
      │                          ├──OrderReplaced, priority kept──▶ same place
      │                          ├──OrderReplaced, priority lost──▶ end of its new level
      │                          └──OrderCancelled──▶ gone
      └──market, ioc, fok──▶ passing: known until the end of its sequence, never in a level

Exact after the last event of each sequence; within a sequence a taker may stand across the book.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.wire import Event, OrderAccepted, OrderCancelled, OrderReplaced, TradePrinted

BUY, SELL = 1, 2
LIMIT, GTC = 2, 1


class Resting(msgspec.Struct, array_like=True, gc=False):
    """One order of the book; its name is (sequence, slot), leaves in lots, price in ticks.

    Attributes:
        passing: It never rests: what its own sequence leaves of it is cancelled.
    """

    sequence: int
    slot: int
    side: int
    price: int
    leaves: int
    passing: bool = False


class Level:
    """The orders at one price, oldest first (a dict keeps the order in which they came), and their sum."""

    __slots__ = ("orders", "quantity")

    def __init__(self) -> None:
        self.quantity = 0
        self.orders: dict[int, Resting] = {}


class Side:
    """The levels of one side; prices are kept sorted, for a book has few levels and many changes within them."""

    def __init__(self, side: int) -> None:
        self._sign = -1 if side == BUY else 1  # sorted by sign × price, the best price comes first
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, order: Resting) -> None:
        """Put `order` at the end of its level."""
        level = self._levels.get(order.price)
        if level is None:
            level = self._levels[order.price] = Level()
            insort(self._keys, self._sign * order.price)
        level.orders[order.sequence] = order
        level.quantity += order.leaves

    def remove(self, order: Resting) -> None:
        """Take `order` out of its level, and the level away when it was the last."""
        level = self._levels[order.price]
        del level.orders[order.sequence]
        level.quantity -= order.leaves
        if not level.orders:
            del self._levels[order.price]
            del self._keys[bisect_left(self._keys, self._sign * order.price)]

    def lessen(self, order: Resting, lots: int) -> None:
        """Take `lots` off `order`, which keeps its place."""
        order.leaves -= lots
        self._levels[order.price].quantity -= lots

    def level(self, price: int) -> tuple[int, int]:
        """Return (lots, orders) at `price`; (0, 0) when nobody stands there."""
        level = self._levels.get(price)
        return (level.quantity, len(level.orders)) if level is not None else (0, 0)

    def levels(self, depth: int) -> list[tuple[int, int, int]]:
        """Return (ticks, lots, orders) of the best `depth` levels, best first."""
        return [(price, *self.level(price)) for price in (self._sign * key for key in self._keys[:depth])]

    def orders(self) -> Iterator[Resting]:
        """Yield every order in priority: best price first, oldest first."""
        for key in self._keys:
            yield from self._levels[self._sign * key].orders.values()


class Book:
    """Both sides of one instrument.

    Attributes:
        touched: Levels changed since `settle`, by (side, price), as they stood before: (lots, orders).
    """

    def __init__(self) -> None:
        self.bids = Side(BUY)
        self.asks = Side(SELL)
        self.touched: dict[tuple[int, int], tuple[int, int]] = {}
        self._orders: dict[int, Resting] = {}
        self._passing = 0

    def __len__(self) -> int:
        return len(self._orders)

    def apply(self, event: Event) -> None:
        """Change the book as `event` says; events that change no book do nothing.

        Raises:
            Corrupted: A fill, cancel or replace of an order that is not here, or of more than it has left.
        """
        match event:
            case OrderAccepted():
                passing = event.order_type != LIMIT or event.time_in_force != GTC
                order = Resting(event.sequence, event.order_slot, event.side, event.price, event.quantity, passing)
                self._join(order, event)
            case TradePrinted():
                self._trade(event.maker_order_sequence, event.quantity, event.maker_leaves, event)
                self._trade(event.taker_order_sequence, event.quantity, event.taker_leaves, event)
            case OrderCancelled():
                order = self._find(event.order_sequence, event)
                if order.leaves != event.quantity:
                    raise _corrupted(event, order.sequence, f"{event.quantity} lots end where {order.leaves} were left")
                self._leave(order)
            case OrderReplaced():
                self._replace(event)
            case _:
                return
        if event.is_last and self._passing:
            raise _corrupted(event, event.sequence, "an order that never rests is still here")

    def side(self, side: int) -> Side:
        """Return the bids or the asks."""
        return self.bids if side == BUY else self.asks

    def settle(self) -> list[tuple[int, int, int, int]]:
        """Return what stands otherwise than at the last call, as (side, ticks, lots, orders), best first per side.

        Lots 0: the level is gone.
        """
        changed = []
        for (side, price), before in self.touched.items():
            now = self.side(side).level(price)
            if now != before:
                changed.append((side, price, *now))
        self.touched.clear()
        changed.sort(key=lambda row: (row[0], -row[1] if row[0] == BUY else row[1]))
        return changed

    def snapshot(self) -> list[Resting]:
        """Return every resting order, bids and then asks, in priority (to be read between sequences)."""
        return [*self.bids.orders(), *self.asks.orders()]

    @classmethod
    def of(cls, orders: list[Resting]) -> "Book":
        """Return the book that `snapshot` described."""
        book = cls()
        for order in orders:
            book._orders[order.sequence] = order
            book.side(order.side).add(order)
        return book

    def _join(self, order: Resting, event: Event) -> None:
        if order.sequence in self._orders:
            raise _corrupted(event, order.sequence, "it begins twice")
        self._orders[order.sequence] = order
        if order.passing:
            self._passing += 1
        else:
            self._touch(order)
            self.side(order.side).add(order)

    def _leave(self, order: Resting) -> None:
        del self._orders[order.sequence]
        if order.passing:
            self._passing -= 1
        else:
            self._touch(order)
            self.side(order.side).remove(order)

    def _trade(self, sequence: int, lots: int, leaves: int, event: Event) -> None:
        order = self._find(sequence, event)
        if lots <= 0 or leaves < 0 or order.leaves - lots != leaves:
            raise _corrupted(event, sequence, f"{lots} lots filled of {order.leaves} do not leave {leaves}")
        if leaves == 0:
            self._leave(order)
        else:
            self._lessen(order, lots)

    def _replace(self, event: OrderReplaced) -> None:
        order = self._find(event.order_sequence, event)
        if event.priority_kept:
            lots = order.leaves - event.leaves
            if lots < 0 or (event.price != order.price and not order.passing):
                raise _corrupted(event, order.sequence, "it keeps its place with another price or more lots")
            self._lessen(order, lots)
            return
        self._leave(order)
        order.price, order.leaves = event.price, event.leaves
        self._join(order, event)

    def _lessen(self, order: Resting, lots: int) -> None:
        if order.passing:
            order.leaves -= lots
        else:
            self._touch(order)
            self.side(order.side).lessen(order, lots)

    def _touch(self, order: Resting) -> None:
        key = (order.side, order.price)
        if key not in self.touched:
            self.touched[key] = self.side(order.side).level(order.price)

    def _find(self, sequence: int, event: Event) -> Resting:
        order = self._orders.get(sequence)
        if order is None:
            raise _corrupted(event, sequence, "it is not in the book")
        return order


def _corrupted(event: Event, sequence: int, detail: str) -> Corrupted:
    return Corrupted(
        "corrupted", f"{type(event).__name__} at {event.sequence}.{event.index} on order {sequence}: {detail}"
    )

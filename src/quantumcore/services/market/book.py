"""One instrument's shown book, order by order, as the engine's events leave it. Pure: no clock, no I/O, no await.

OrderAccepted ──limit, gtc──▶ resting ──trade──▶ less ──trade──▶ gone
      │                          ├──OrderReplaced, priority kept──▶ same place
      │                          ├──OrderReplaced, priority lost──▶ end of its new level
      │                          ├──OrderRefilled (its shown part had traded)──▶ end of its level
      │                          ├──OrderWaits──▶ waiting ──OrderEntered, OrderTriggered──▶ end of its level
      │                          └──OrderCancelled──▶ gone
      ├──market, ioc, fok──▶ passing: known until the end of its sequence, never in a level
      └──TermsAccepted──▶ waiting (trigger, auction, reference, parent) or dark: known, never in a level

Exact after the last event of each sequence; within a sequence a taker may stand across the book. Outside of continuous
trading nothing passes: everything that does not wait rests, and the book may cross.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.terms import BRACKET, BY_PARENT, OTO, PEGGED, TRIGGERED_TYPES
from quantumcore.contracts.wire import (
    AuctionUncrossed,
    Event,
    InstrumentStatusChanged,
    OrderAccepted,
    OrderCancelled,
    OrderEntered,
    OrderRefilled,
    OrderReplaced,
    OrdersLinked,
    OrderTriggered,
    OrderWaits,
    TermsAccepted,
    TradePrinted,
)

BUY, SELL = 1, 2
LIMIT, GTC = 2, 1
LIT, DARK, WAITING = 0, 1, 2
NEVER_REST = frozenset({1, 3, 6, 8})  # types: market, stop, trailing_stop, market_if_touched
AT_ONCE = frozenset({3, 4})  # times in force: ioc, fok
CONTINUOUS = 1

Name = tuple[int, int]
"""(sequence, slot): orders of one command differ by their slot."""


class Resting(msgspec.Struct, array_like=True, gc=False):
    """One live order; its name is (sequence, slot), leaves in lots, price in ticks.

    Attributes:
        passing: It never rests: what its own sequence leaves of it is cancelled.
        reserve: Lots of `leaves` that are not shown.
        display: What an iceberg shows when it comes to a level; 0: all.
        place: LIT is in a level unless it is passing; DARK and WAITING are in none.
        dark: It will never be shown, also when it waits no more.
    """

    sequence: int
    slot: int
    side: int
    price: int
    leaves: int
    passing: bool = False
    reserve: int = 0
    display: int = 0
    place: int = LIT
    order_type: int = LIMIT
    time_in_force: int = GTC
    dark: bool = False

    @property
    def name(self) -> Name:
        """What tells it from every other order."""
        return self.sequence, self.slot

    @property
    def shown(self) -> int:
        """Lots that the public sees of it in its level."""
        return self.leaves - self.reserve

    @property
    def rests(self) -> bool:
        """Whether what is left of it in continuous trading stays."""
        return self.order_type not in NEVER_REST and self.time_in_force not in AT_ONCE


class Level:
    """The orders at one price, oldest first (a dict keeps the order in which they came), and the sum of what they show."""

    __slots__ = ("orders", "quantity")

    def __init__(self) -> None:
        self.quantity = 0
        self.orders: dict[Name, Resting] = {}


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
        level.orders[order.sequence, order.slot] = order
        level.quantity += order.leaves - order.reserve

    def remove(self, order: Resting) -> None:
        """Take `order` out of its level, and the level away when it was the last."""
        level = self._levels[order.price]
        del level.orders[order.sequence, order.slot]
        level.quantity -= order.leaves - order.reserve
        if not level.orders:
            del self._levels[order.price]
            del self._keys[bisect_left(self._keys, self._sign * order.price)]

    def change(self, order: Resting, leaves: int, reserve: int) -> None:
        """Let `order`, which keeps its place, have `leaves` left and `reserve` of it unshown."""
        self._levels[order.price].quantity += leaves - reserve - order.leaves + order.reserve
        order.leaves, order.reserve = leaves, reserve

    def level(self, price: int) -> tuple[int, int]:
        """Return (shown lots, orders) at `price`; (0, 0) when nobody stands there."""
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
        status: The instrument's phase.
        touched: Levels changed since `settle`, by (side, price), as they stood before: (lots, orders).
    """

    def __init__(self, status: int = CONTINUOUS) -> None:
        self.bids = Side(BUY)
        self.asks = Side(SELL)
        self.status = status
        self.touched: dict[tuple[int, int], tuple[int, int]] = {}
        self._orders: dict[Name, Resting] = {}
        self._passing = 0
        self._entering: Resting | None = None
        self._uncrossing = False

    def __len__(self) -> int:
        return len(self._orders)

    def apply(self, event: Event) -> None:
        """Change the book as `event` says; events that change no book do nothing.

        Raises:
            Corrupted: A fill, cancel or replace of an order that is not here, or of more than it has left.
        """
        match event:
            case OrderAccepted():
                self._accept(event)
            case TradePrinted():
                maker, taker = event.maker_order_sequence, event.taker_order_sequence
                self._trade((maker, event.maker_slot), event.quantity, event.maker_leaves, event, takes=False)
                self._trade((taker, event.taker_slot), event.quantity, event.taker_leaves, event, takes=True)
            case OrderCancelled():
                self._cancel(event)
            case OrderReplaced():
                self._replace(event)
            case _:
                self._rare(event)
        if event.is_last:
            self._uncrossing = False
            if self._passing:
                self._settle_passing(event)

    def _rare(self, event: Event) -> None:
        """What only orders with further terms, and phases, bring."""
        match event:
            case TermsAccepted():
                self._terms(event)
            case OrderTriggered():
                self._trigger(event)
            case OrderEntered():
                order = self._find((event.order_sequence, event.order_slot), event)
                self._leave(order)
                order.price, order.leaves, order.reserve = event.price, event.leaves, event.leaves - event.shown
                order.place = DARK if order.dark else LIT
                self._join(order, event)
            case OrderWaits():
                order = self._find((event.order_sequence, event.order_slot), event)
                self._move(order, WAITING, event)
            case OrderRefilled():
                order = self._find((event.order_sequence, event.order_slot), event)
                if order.leaves != event.leaves:
                    raise _corrupted(
                        event, order.sequence, f"{event.leaves} lots are refilled where {order.leaves} are left"
                    )
                self._leave(order)
                order.reserve = event.leaves - event.shown
                self._join(order, event)
            case OrdersLinked():
                self._link(event)
            case InstrumentStatusChanged():
                self.status = event.status
                self._uncrossing = False
            case AuctionUncrossed():
                self._uncrossing = True
            case _:
                return

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
        """Return every live order, bids and then asks in priority, then those in no level (to be read between sequences)."""
        unseen = [order for order in self._orders.values() if order.passing or order.place != LIT]
        return [*self.bids.orders(), *self.asks.orders(), *unseen]

    @classmethod
    def of(cls, orders: list[Resting], status: int = CONTINUOUS) -> "Book":
        """Return the book that `snapshot` described."""
        book = cls(status)
        for order in orders:
            book._orders[order.name] = order
            if order.place == LIT:
                book.side(order.side).add(order)
        return book

    # ----------------------------------------------------------------------------------------------- events of orders

    def _accept(self, event: OrderAccepted) -> None:
        order_type, time_in_force = event.order_type, event.time_in_force
        if order_type == LIMIT and time_in_force == GTC:
            order = Resting(event.sequence, event.order_slot, event.side, event.price, event.quantity)
        else:
            order = Resting(
                event.sequence,
                event.order_slot,
                event.side,
                event.price,
                event.quantity,
                order_type=order_type,
                time_in_force=time_in_force,
                place=WAITING if order_type == PEGGED else LIT,
            )
            order.passing = self._passes(order)
        self._join(order, event)
        self._entering = order

    def _terms(self, event: TermsAccepted) -> None:
        order = self._find((event.order_sequence, event.order_slot), event)
        order.display, order.dark = event.display, bool(event.dark)
        place = WAITING if event.waits or (order.order_type == PEGGED and order.place == WAITING) else order.place
        if place == LIT and order.dark:
            place = DARK
        if place != order.place:
            self._move(order, place, event)
        elif order is self._entering and event.display and place == LIT and not order.passing:
            self._show_anew(order, order.leaves)

    def _trigger(self, event: OrderTriggered) -> None:
        order = self._find((event.order_sequence, event.order_slot), event)
        order.price = event.limit or order.price
        if event.source == BY_PARENT and (order.order_type in TRIGGERED_TYPES or order.order_type == PEGGED):
            return
        order.reserve = _reserve(order, order.leaves)
        self._move(order, DARK if order.dark else LIT, event)

    def _trade(self, name: Name, lots: int, leaves: int, event: Event, *, takes: bool) -> None:
        order = self._find(name, event)
        if lots <= 0 or leaves < 0 or order.leaves - lots != leaves:
            raise _corrupted(event, order.sequence, f"{lots} lots filled of {order.leaves} do not leave {leaves}")
        if leaves == 0:
            self._leave(order)
        elif order.passing or order.place != LIT:
            order.leaves = leaves
        else:
            self._touch(order)
            reserve = order.reserve
            if reserve:
                reserve = _reserve(order, leaves) if takes and not self._uncrossing else min(reserve, leaves)
            self.side(order.side).change(order, leaves, reserve)

    def _cancel(self, event: OrderCancelled) -> None:
        order = self._find((event.order_sequence, event.order_slot), event)
        if order.leaves != event.quantity:
            raise _corrupted(event, order.sequence, f"{event.quantity} lots end where {order.leaves} were left")
        self._leave(order)

    def _replace(self, event: OrderReplaced) -> None:
        order = self._find((event.order_sequence, event.order_slot), event)
        if order.passing or order.place != LIT:
            order.price, order.leaves = event.price, event.leaves
            order.reserve = _reserve(order, event.leaves)
            if order.order_type == PEGGED or order.place == WAITING:
                return
            self._entering = order
            if order.passing and self.status != CONTINUOUS:
                self._move(order, LIT, event)  # a call has begun before its turn: it stands in it
            return
        if event.priority_kept:
            lots = order.leaves - event.leaves
            if lots < 0 or event.price != order.price:
                raise _corrupted(event, order.sequence, "it keeps its place with another price or more lots")
            self._touch(order)
            self.side(order.side).change(order, event.leaves, max(0, order.reserve - lots))
            return
        self._leave(order)
        order.price, order.leaves = event.price, event.leaves
        order.reserve = _reserve(order, event.leaves)
        if order.order_type == PEGGED and event.reason == 0:
            order.place = WAITING  # a peg that was changed comes back by itself
        self._join(order, event)
        self._entering = order

    def _link(self, event: OrdersLinked) -> None:
        """The child of an OTO and the exits of a bracket wait, whatever they are."""
        if event.link not in (OTO, BRACKET):
            return
        for slot in event.slots[1:]:
            order = self._find((event.sequence, slot), event)
            if order.place != WAITING:
                self._move(order, WAITING, event)

    # ------------------------------------------------------------------------------------------------ levels and places

    def _join(self, order: Resting, event: Event) -> None:
        name = order.sequence, order.slot
        if name in self._orders:
            raise _corrupted(event, order.sequence, "it begins twice")
        self._orders[name] = order
        if order.passing:
            self._passing += 1
        elif order.place == LIT:
            self._touch(order)
            self.side(order.side).add(order)

    def _leave(self, order: Resting) -> None:
        del self._orders[order.sequence, order.slot]
        if order.passing:
            self._passing -= 1
        elif order.place == LIT:
            self._touch(order)
            self.side(order.side).remove(order)

    def _move(self, order: Resting, place: int, event: Event) -> None:
        """Bring `order` to another place; one that comes to the light in continuous trading and never rests is passing."""
        self._leave(order)
        order.place = place
        order.passing = place == LIT and self._passes(order)
        self._join(order, event)

    def _passes(self, order: Resting) -> bool:
        return self.status == CONTINUOUS and not order.rests

    def _settle_passing(self, event: Event) -> None:
        """Nothing may be left of orders that never rest, unless trading has ended under them: then they stand in the book."""
        for order in [one for one in self._orders.values() if one.passing]:
            if self.status == CONTINUOUS:
                raise _corrupted(event, order.sequence, "an order that never rests is still here")
            self._move(order, LIT, event)

    def _show_anew(self, order: Resting, leaves: int) -> None:
        self._touch(order)
        self.side(order.side).change(order, leaves, _reserve(order, leaves))

    def _touch(self, order: Resting) -> None:
        key = (order.side, order.price)
        if key not in self.touched:
            self.touched[key] = self.side(order.side).level(order.price)

    def _find(self, name: Name, event: Event) -> Resting:
        order = self._orders.get(name)
        if order is None:
            raise _corrupted(event, name[0], "it is not in the book")
        return order


def _reserve(order: Resting, leaves: int) -> int:
    """Return what `order` keeps back when it comes to a level with `leaves` lots."""
    return max(0, leaves - order.display) if order.display else 0


def _corrupted(event: Event, sequence: int, detail: str) -> Corrupted:
    return Corrupted(
        "corrupted", f"{type(event).__name__} at {event.sequence}.{event.index} on order {sequence}: {detail}"
    )

"""A symbol's book as the gateway follows it: a snapshot of the market room, then its changes, without gap."""

import zlib
from bisect import bisect_left, insort
from collections.abc import Sequence
from decimal import Decimal

from quantumcore.contracts.market import Book, BookChanged, BookLevel, BookOrder

CHECKED_LEVELS = 10
CHECKED_ORDERS = 10
PENDING = 1_000


class BookSide:
    """One side's levels, best first. Asks rise, bids fall."""

    def __init__(self, *, falling: bool) -> None:
        self.cut = False
        self._sign = -1 if falling else 1
        self._keys: list[Decimal] = []
        self._levels: dict[Decimal, BookLevel] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def reset(self, levels: Sequence[BookLevel], *, cut: bool) -> None:
        """Take `levels` for the truth; `cut`: there are more behind the last one."""
        self._levels = {self._sign * Decimal(level.price): level for level in levels}
        self._keys = sorted(self._levels)
        self.cut = cut

    def change(self, level: BookLevel) -> None:
        """Set or remove one level. Behind the last level of a cut side nothing is known, so nothing is learnt."""
        key = self._sign * Decimal(level.price)
        if Decimal(level.quantity) == 0:
            if self._levels.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
            return
        if key not in self._levels:
            if self.cut and (not self._keys or key > self._keys[-1]):
                return
            insort(self._keys, key)
        self._levels[key] = level

    def top(self, depth: int) -> list[BookLevel]:
        """Return the best `depth` levels."""
        return [self._levels[key] for key in self._keys[:depth]]


class FollowedBook:
    """A book that knows when it has missed something.

    Attributes:
        sequence: The engine's at which it stands; 0 while it does not.
        wanted: What a new snapshot must have reached.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.sequence = 0
        self.whole = False
        self.wanted = 0
        self.bids = BookSide(falling=True)
        self.asks = BookSide(falling=False)
        self._pending: list[BookChanged] = []

    def start(self, book: Book, depth: int) -> None:
        """Stand on a snapshot that was asked with `depth`, and on what came while it was under way."""
        self.bids.reset(book.bids, cut=len(book.bids) >= depth)
        self.asks.reset(book.asks, cut=len(book.asks) >= depth)
        self.sequence = book.sequence
        self.whole = True
        pending, self._pending = self._pending, []
        for change in pending:
            self.apply(change)

    def apply(self, change: BookChanged) -> None:
        """Follow one change; what was there before the snapshot is skipped, a gap makes the book ask anew."""
        if not self.whole:
            self.wanted = max(self.wanted, change.sequence if len(self._pending) >= PENDING else 0)
            self._pending = [*self._pending[-PENDING + 1 :], change]
            return
        if change.sequence <= self.sequence:
            return
        if change.prev_sequence > self.sequence:
            self.lose(change.sequence)
            return
        for level in change.bids:
            self.bids.change(level)
        for level in change.asks:
            self.asks.change(level)
        self.sequence = change.sequence

    def lose(self, sequence: int) -> None:
        """Something is missing: only a snapshot at `sequence` or later will do."""
        self.whole = False
        self.wanted = sequence
        self._pending = []

    def thin(self, depth: int) -> bool:
        """Tell whether a cut side has too few known levels left to show `depth` of them."""
        return any(side.cut and len(side) < depth for side in (self.bids, self.asks))


def difference(before: Sequence[BookLevel], after: Sequence[BookLevel]) -> list[BookLevel]:
    """Return what turns `before` into `after`: changed levels as they are now, vanished ones with quantity "0"."""
    known = {level.price: level for level in before}
    changed = [level for level in after if known.pop(level.price, None) != level]
    return [*changed, *(BookLevel(price, "0", 0) for price in known)]


def checksum(bids: Sequence[BookLevel], asks: Sequence[BookLevel]) -> int:
    """Return the CRC32 of `bid price:quantity:ask price:quantity:…` over the top 10 levels, as sent, best first."""
    parts: list[str] = []
    for at in range(CHECKED_LEVELS):
        for side in (bids, asks):
            if at < len(side):
                parts.append(side[at].price)
                parts.append(side[at].quantity)
    return zlib.crc32(":".join(parts).encode())


def order_difference(before: Sequence[BookOrder], after: Sequence[BookOrder]) -> list[BookOrder]:
    """Return what turns `before` into `after`, both in priority: gone orders with quantity "0", then, price by price, what changed.

    An order keeps its place as long as none before it came later; whatever follows at its price is taken away and joins
    again, so that a reader who only appends has the same queue.
    """
    prices: dict[str, list[BookOrder]] = {}
    for order in after:
        prices.setdefault(order.price, []).append(order)
    queues: dict[str, list[BookOrder]] = {}
    for order in before:
        queues.setdefault(order.price, []).append(order)
    remaining = {(order.order_id, order.price) for order in after}
    gone = [BookOrder(o.order_id, o.price, "0") for o in before if (o.order_id, o.price) not in remaining]
    changed: list[BookOrder] = []
    for price, queue in prices.items():
        known = [order for order in queues.get(price, ()) if (order.order_id, price) in remaining]
        same = 0
        while same < len(known) and known[same].order_id == queue[same].order_id:
            if known[same] != queue[same]:
                changed.append(queue[same])
            same += 1
        gone += [BookOrder(order.order_id, price, "0") for order in known[same:]]
        changed += queue[same:]
    return gone + changed


def order_checksum(bids: Sequence[BookOrder], asks: Sequence[BookOrder]) -> int:
    """Return the CRC32 of `bid order_id:quantity:ask order_id:quantity:…` over the first 10 orders of each side, as sent."""
    parts: list[str] = []
    for at in range(CHECKED_ORDERS):
        for side in (bids, asks):
            if at < len(side):
                parts += (side[at].order_id, side[at].quantity)
    return zlib.crc32(":".join(parts).encode())

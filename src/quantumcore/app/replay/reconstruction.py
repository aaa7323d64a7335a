"""The tape's book, rebuilt from its records alone: what the venue's book must equal, order by order.

It knows nothing of the engine: per side a dictionary of prices, in each price the orders in their priority.
"""

from typing import NamedTuple

from quantumcore.app.replay.records import Record
from quantumcore.contracts.errors import Corrupted


class Resting(NamedTuple):
    """A resting order of the tape; price in 10^-9."""

    order_id: int
    side: str
    price: int
    size: int


class Reconstruction:
    """One instrument's book.

    Attributes:
        orders: Every resting order by id.
    """

    def __init__(self) -> None:
        self.orders: dict[int, Resting] = {}
        self._levels: dict[str, dict[int, dict[int, None]]] = {"B": {}, "A": {}}
        self._filled: dict[int, int] = {}
        self._places: dict[int, int] = {}
        self._joins = 0

    def apply(self, record: Record) -> None:
        """Change the book as `record` says.

        Raises:
            Corrupted: A cancel or change of an order that does not rest, or an add of one that does.
        """
        match record.action:
            case "A":
                if record.order_id in self.orders:
                    raise Corrupted(
                        "corrupted", f"order {record.order_id} is added twice at sequence {record.sequence}"
                    )
                self._join(Resting(record.order_id, record.side, record.price, record.size))
            case "C":
                self._reduce(self._known(record), record.size)
            case "M":
                self._modify(self._known(record), record)
            case "F":
                self._filled[record.order_id] = self._filled.get(record.order_id, 0) + record.size
            case "R":
                self.__init__()  # type: ignore[misc]  # a cleared book is a new book
            case _:
                pass  # T tells of a trade; the C or M that follows changes the book
        if record.last:
            self._filled.clear()

    def side(self, side: str) -> list[Resting]:
        """Return the orders of a side in priority: best price first, oldest first."""
        levels = self._levels[side]
        return [self.orders[order_id] for price in sorted(levels, reverse=side == "B") for order_id in levels[price]]

    def level(self, side: str, price: int) -> list[int]:
        """Return the ids of a level's orders, oldest first."""
        return list(self._levels[side].get(price, ()))

    def place(self, order_id: int) -> int:
        """Return a number that changes whenever the order joins a level anew; 0 when it does not rest."""
        return self._places.get(order_id, 0)

    def best(self, side: str) -> int | None:
        """Return the best price of a side, or None."""
        levels = self._levels[side]
        return (max(levels) if side == "B" else min(levels)) if levels else None

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bid, ask = self.best("B"), self.best("A")
        return bid is not None and ask is not None and bid >= ask

    def _known(self, record: Record) -> Resting:
        order = self.orders.get(record.order_id)
        if order is None:
            raise Corrupted("corrupted", f"order {record.order_id} does not rest at sequence {record.sequence}")
        return order

    def _join(self, order: Resting) -> None:
        self._joins += 1
        self._places[order.order_id] = self._joins
        self.orders[order.order_id] = order
        self._levels[order.side].setdefault(order.price, {})[order.order_id] = None

    def _leave(self, order: Resting) -> None:
        level = self._levels[order.side][order.price]
        del level[order.order_id]
        if not level:
            del self._levels[order.side][order.price]
        del self.orders[order.order_id]
        del self._places[order.order_id]

    def _reduce(self, order: Resting, size: int) -> None:
        if size >= order.size:
            self._leave(order)
        else:
            self.orders[order.order_id] = order._replace(size=order.size - size)

    def _modify(self, order: Resting, record: Record) -> None:
        """Less at the same price keeps its place; an iceberg that shows more than its fills left has refilled and joins anew."""
        changed = order._replace(price=record.price, size=record.size)
        left = order.size - self._filled.get(order.order_id, 0)
        if changed.price == order.price and changed.size <= left:
            self.orders[order.order_id] = changed
        else:
            self._leave(order)
            self._join(changed)

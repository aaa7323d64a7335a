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

    def apply(self, record: Record) -> None:
        """Change the book as `record` says.

        Raises:
            Corrupted: A cancel or change of an order that does not rest, or an add of one that does.
        """
        match record.action:
            case "A":
                if record.order_id in self.orders:
                    raise Corrupted("corrupted", f"order {record.order_id} is added twice at sequence {record.sequence}")
                self._join(Resting(record.order_id, record.side, record.price, record.size))
            case "C":
                self._reduce(self._known(record), record.size)
            case "M":
                self._modify(self._known(record), record)
            case "R":
                self.__init__()  # type: ignore[misc]  # a cleared book is a new book
            case _:
                pass  # T and F tell of trades; they never change the book

    def side(self, side: str) -> list[Resting]:
        """Return the orders of a side in priority: best price first, oldest first."""
        levels = self._levels[side]
        return [self.orders[order_id] for price in sorted(levels, reverse=side == "B") for order_id in levels[price]]

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
        self.orders[order.order_id] = order
        self._levels[order.side].setdefault(order.price, {})[order.order_id] = None

    def _leave(self, order: Resting) -> None:
        level = self._levels[order.side][order.price]
        del level[order.order_id]
        if not level:
            del self._levels[order.side][order.price]
        del self.orders[order.order_id]

    def _reduce(self, order: Resting, size: int) -> None:
        if size >= order.size:
            self._leave(order)
        else:
            self.orders[order.order_id] = order._replace(size=order.size - size)

    def _modify(self, order: Resting, record: Record) -> None:
        changed = order._replace(price=record.price, size=record.size)
        if changed.price == order.price and changed.size <= order.size:
            self.orders[order.order_id] = changed  # less at the same price keeps its place
        else:
            self._leave(order)
            self._join(changed)

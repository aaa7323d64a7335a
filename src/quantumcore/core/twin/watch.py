"""What an instrument's waiting orders wait for: the prints since it was last looked at, and who waits."""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantumcore.core.twin.book import Order


@dataclass(slots=True)
class Seen:
    """Prices in the order in which they were seen: what one look has to go by. All in ticks."""

    first: int
    last: int
    low: int
    high: int

    @classmethod
    def at(cls, price: int) -> "Seen":
        """One price and no other."""
        return cls(price, price, price, price)

    def add(self, price: int) -> None:
        """One more price, the youngest."""
        self.last = price
        self.low, self.high = min(self.low, price), max(self.high, price)


@dataclass(slots=True)
class Watch:
    """The orders of one instrument that wait for a price.

    Attributes:
        stops: By name, those whose trigger has not fired.
        fired: Those whose trigger has, first fired first, each with the price that did it.
        prints: The trades since the last look, and the last one before it; None: no trade, or nobody waits.
        mark: Ticks of the mark price, or None.
    """

    stops: dict[tuple[int, int], "Order"] = field(default_factory=dict)
    fired: deque[tuple["Order", int]] = field(default_factory=deque)
    prints: Seen | None = None
    mark: int | None = None

    def print(self, price: int) -> None:
        """A trade at `price`; nobody remembers it when nobody waits."""
        if self.stops:
            if self.prints is None:
                self.prints = Seen.at(price)
            else:
                self.prints.add(price)

    def add(self, order: "Order") -> None:
        """Let `order` wait."""
        self.stops[order.name] = order

    def forget(self, order: "Order") -> None:
        """Let `order` wait no more, fired or not."""
        self.stops.pop(order.name, None)
        self.fired = deque((waiting, price) for waiting, price in self.fired if waiting is not order)
        if not self.stops:
            self.prints = None

    def has_fired(self, order: "Order") -> bool:
        """Tell whether `order` is in the queue."""
        return any(waiting is order for waiting, _ in self.fired)

    def fire(self, order: "Order", price: int) -> None:
        """The trigger of `order` has fired at `price`: it is now in the queue of those that become active."""
        del self.stops[order.name]
        self.fired.append((order, price))

"""What a fill may take out of the book before it trades: whoever needs to know what he gets must not count on it."""

from quantumcore.core.twin import codes, links
from quantumcore.core.twin.book import Order


class Counted:
    """The resting orders that a walk has counted so far, by account.

    A fill of an account may trim its reduce-only orders, and cancel the other of a pair; never an order of somebody else.
    """

    def __init__(self) -> None:
        self._only_reducing: dict[int, bool] = {}  # reduce-only orders leave each other alone
        self._counted: set[tuple[int, int]] = set()

    def is_certain(self, order: Order) -> bool:
        """Tell whether `order` still trades when all that was counted before has traded; if so, count it."""
        if order.name in self._counted:  # an iceberg's reserve goes with what it shows
            return True
        before = self._only_reducing.get(order.account)
        paired, reducing = links.sibling(order) is not None, bool(order.flags & codes.REDUCE_ONLY)
        certain = before is None if paired else not reducing or before is not False
        if certain:
            self._counted.add(order.name)
            self._only_reducing[order.account] = reducing and not paired and before is not False
        return certain

"""A plain book of price and time, for the sake of comparison: a sorted map of levels, a queue in each.

What a Python programmer writes in an afternoon with `sortedcontainers`, and as fast as that gets. It matches, and
does nothing else: no accounts, money, checks, events or journal.
"""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from sortedcontainers import SortedDict

from quantumcore.app.bench.messages import CANCEL, IOC, MOVE, NEW, Message, Open, Outcome, Play, Tally

NAME = f"sortedcontainers {version('sortedcontainers')}, a plain book"


class SortedBook:
    """Both sides of one instrument.

    A level is a dict of the orders by number: a dict keeps the order of insertion, so its first is the oldest, and any
    can be taken out in O(1).
    """

    def __init__(self) -> None:
        self.orders: dict[int, Open] = {}
        self.tally = Tally()
        self._bids: Any = SortedDict()  # by minus the price, so that the best is the first on both sides
        self._asks: Any = SortedDict()

    def new(self, number: int, order: Open) -> None:
        """Trade what crosses, best price first and oldest first, and let the rest rest."""
        self._take(number, order)
        if order.lots > 0:
            self._append(number, order)

    def immediate(self, number: int, order: Open) -> None:
        """Trade what crosses; the rest is gone."""
        self._take(number, order)

    def cancel(self, number: int) -> None:
        """Take a resting order out."""
        self._remove(number, self.orders[number])

    def move(self, number: int, price: int) -> None:
        """Give a resting order another price; it goes to the end of the queue there."""
        order = self.orders[number]
        self._remove(number, order)
        order.price = price
        self.new(number, order)

    def _take(self, number: int, order: Open) -> None:
        levels = self._bids if order.sell else self._asks
        limit = -order.price if order.sell else order.price
        while order.lots > 0 and levels:
            key, level = levels.peekitem(0)
            if key > limit:
                return
            maker, resting = next(iter(level.items()))
            lots = min(order.lots, resting.lots)
            order.lots -= lots
            resting.lots -= lots
            self.tally.trade(maker, number, lots)
            if resting.lots == 0:
                self._remove(maker, resting)

    def _append(self, number: int, order: Open) -> None:
        levels, key = (self._asks, order.price) if order.sell else (self._bids, -order.price)
        level = levels.get(key)
        if level is None:
            level = levels[key] = {}
        level[number] = self.orders[number] = order

    def _remove(self, number: int, order: Open) -> None:
        levels, key = (self._asks, order.price) if order.sell else (self._bids, -order.price)
        level = levels[key]
        del level[number], self.orders[number]
        if not level:
            del levels[key]


class Player:
    """Plays messages into a SortedBook."""

    def __init__(self, play: Play) -> None:
        self._book = SortedBook()
        self._measured = play.measured
        self._run(play.setup)

    def run(self) -> None:
        """Play the measured messages."""
        self._run(self._measured)

    def outcome(self) -> Outcome:
        """Return where the book stands."""
        return self._book.tally.outcome(self._book.orders)

    def _run(self, messages: Iterable[Message]) -> None:
        book = self._book
        for kind, number, sell, price, lots in messages:
            if kind == MOVE:
                book.move(number, price)
            elif kind == NEW:
                book.new(number, Open(sell, price, lots))
            elif kind == CANCEL:
                book.cancel(number)
            elif kind == IOC:
                book.immediate(number, Open(sell, price, lots))

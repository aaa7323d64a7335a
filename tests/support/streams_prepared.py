"""A random market with a beginning of its own, whose mistakes are put right a while later."""

import random
from collections.abc import Callable
from typing import Any

from quantumcore.contracts import wire
from tests.support.streams import Market, Timed


class PreparedMarket(Market):
    """The market of `streams` after certain first commands.

    Attributes:
        later: What lets things go on as before, some time later.
    """

    MENDS = 8  # how often what was put off is next, in a hundred commands

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._first: list[wire.Command | Callable[[], wire.Command]] = []  # what comes next, or makes it
        self.later: list[wire.Command] = []

    def next(self) -> Timed:
        """Return the next command: first those that prepare the market."""
        if self._first:
            self._made += 1
            self._sequence += 1
            due = self._first.pop(0)
            return Timed((due() if callable(due) else due).encode(), self._time_ns)
        if self.later and self._chance(self.MENDS):
            self._repairs.append(self.later.pop(0))
        return super().next()

    def _play(self, kinds: list[tuple[Any, int]]) -> None:
        """Let commands be made by `kinds`, each a maker and its weight."""
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

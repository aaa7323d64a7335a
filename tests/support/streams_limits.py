"""A market at its limits: everything that is tied together, under records of limits that change all the time."""

import random
from functools import partial

from quantumcore.contracts import wire
from tests.support import stream_limits, stream_links
from tests.support.streams import Timed
from tests.support.streams_linked import LinkedMarket


class LimitMarket(LinkedMarket):
    """The market of `streams_linked`, whose accounts are of firms and groups and may do little."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        kinds = [
            *zip(self._makers, self._weights, strict=True),
            (partial(stream_limits.firm, self), 2),
            (partial(stream_links.group, self), 1),
            (partial(stream_limits.quantities, self), 4),
            (partial(stream_limits.money, self), 4),
            (partial(stream_limits.size, self), 4),
            (partial(stream_limits.shares, self), 4),
            (self._submit, 50),
            (self._replace, 25),
        ]
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def next(self) -> Timed:
        """Return the next command; limits stay for a while."""
        records = (wire.SetQuantityLimits, wire.SetMoneyLimits, wire.SetMarketShares)
        self._repairs = [later for later in self._repairs if not isinstance(later, records) or self._chance(25)]
        return super().next()

"""A market at its limits: everything that is tied together, under records of limits that change all the time."""

import random
from functools import partial

from tests.support import stream_limits, stream_links
from tests.support.streams_linked import LinkedMarket


class LimitMarket(LinkedMarket):
    """The market of `streams_linked`, whose accounts are of firms and groups and may do little."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        kinds = [
            *zip(self._makers, self._weights, strict=True),
            (partial(stream_limits.firm, self), 3),
            (partial(stream_links.group, self), 3),
            (partial(stream_limits.quantities, self), 7),
            (partial(stream_limits.money, self), 7),
            (self._submit, 25),
            (self._replace, 15),
        ]
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

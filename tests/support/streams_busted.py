"""A market whose trades are taken back again and again, by their own numbers, where a lot is a fraction of a minor unit."""

import random
from functools import partial

from tests.support import stream_links, stream_postings
from tests.support.streams_linked import LinkedMarket


class BustedMarket(LinkedMarket):
    """The market of `streams_linked` in the two fractional instruments; what is rounded up is soon given back."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        kinds = [
            (self._submit, 40),
            (self._cancel, 4),
            (self._replace, 14),
            (self._redefine, 1),
            (partial(stream_links.rules, self), 2),  # pro rata: one taker meets several orders that are part filled
            (partial(stream_links.undo, self), 30),
            (partial(stream_links.bust, self), 3),
            (partial(stream_postings.post, self), 1),
        ]
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def _instrument(self) -> int:
        return self._pick([2, 3], [2, 1])

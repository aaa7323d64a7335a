"""A market of options, perpetuals and shares that are split and merged all the time: some are long, some short, most are poor."""

import random
from functools import partial

from quantumcore.contracts import wire
from tests.support import stream_actions, stream_postings, stream_triggers
from tests.support.streams import Market, Timed

NANO = 7


class ActionMarket(Market):
    """Trades mostly in the one instrument whose base nobody else has; what is held there comes from trades alone."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._first = [*map(self._empty, (1, 2, 3, 4, 5)), *map(self._lend, (1, 2, 3, 4))]
        kinds = [
            (self._submit, 50),
            (self._submit_shown, 8),
            (self._cancel, 4),
            (self._replace, 4),
            (self._transfer, 2),
            (partial(stream_actions.act, self), 14),
            (partial(stream_actions.fund, self), 4),
            (partial(stream_postings.post, self), 3),
            (partial(stream_postings.credit, self), 2),
            (partial(stream_postings.terms, self), 1),
            (partial(stream_triggers.MAKERS[0][0], self), 1),
        ]
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def next(self) -> Timed:
        """Return the next command: first everybody gives what he was given, and may be short."""
        if self._first:
            self._made += 1
            self._sequence += 1
            return Timed(self._first.pop(0).encode(), self._time_ns)
        return super().next()

    def _instrument(self) -> int:
        return self._pick([7, 1, 2, 4, 3], [70, 12, 10, 4, 4])

    def _empty(self, account: int) -> wire.Command:
        amount = 10**15 - (account == 1) * 10_007
        return wire.Transfer(account=account, transfer_id="all", transfer_kind=2, amount=amount, currency=NANO)

    def _lend(self, account: int) -> wire.Command:
        return wire.SetCredit(account=account, limit=20_000, currency=NANO)

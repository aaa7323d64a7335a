"""A market on margin: accounts with little of their own and much credit, marks that move, and assessments all the time."""

import random
from collections import Counter
from functools import partial

from quantumcore.contracts import wire
from tests.support import stream_batches, stream_guards, stream_holds, stream_links, stream_margin, stream_postings
from tests.support.streams_prepared import PreparedMarket

USD, NANO = 1, 7
BUY = 1
OWN = 10**6  # what is left of an account's money
LENT = 10**8


class MarginMarket(PreparedMarket):
    """Trades in few instruments, most of one underlying; three accounts may buy and sell for far more than they have.

    Attributes:
        held: Lots by account and instrument, as trades and take-overs left them.
        stood: Equity and maintenance by account and currency, as the last assessment found them.
    """

    MENDS = 15

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.held: Counter[tuple[int, int]] = Counter()
        self.stood: dict[tuple[int, int], tuple[int, int]] = {}
        poor = (1, 2, 3)
        self._first = [
            *(wire.SetMark(instrument=number, price=self.middle(number)) for number in range(1, 8)),
            *(wire.SetRiskArray(instrument=number, losses=stream_margin.losses(self)) for number in range(1, 8)),
            *(self._leaves(account) for account in poor),
            *(wire.SetCredit(account=account, limit=LENT, currency=USD) for account in poor),
            *(wire.SetCredit(account=account, limit=LENT, currency=NANO) for account in poor),
            *(wire.SetAccountMargin(account=account, currency=USD, profile=(1, 3, 3)[account - 1]) for account in poor),
            *(wire.SetInstrumentClass(instrument=number, underlying=1) for number in (1, 2)),
            *(wire.OpenRiskDay(account=account, currency=USD) for account in poor),
        ]
        kinds = [
            (self._submit, 90),
            (self._submit_advanced, 6),
            (self._submit_shown, 12),
            (self._cancel, 12),
            (self._replace, 25),
            (self._repeat, 2),
            (self._mass_cancel, 2),
            (self._status, 1),
            (self._redefine, 1),
            (self._advance, 2),
            (self._open, 1),
            (self._hostile, 8),
        ]
        further = (
            *stream_links.MAKERS,
            *stream_batches.MAKERS,
            *stream_postings.MAKERS,
            *stream_holds.MAKERS,
            *stream_margin.MAKERS,
            (stream_guards.of_class, 2),
            (stream_guards.reducing, 1),
        )
        self._play([*kinds, *((partial(make, self), weight) for make, weight in further)])

    def hear(self, events: bytes) -> None:
        """Learn, beside the names of orders, who has what."""
        super().hear(events)
        for event in wire.iter_events(events):
            match event:
                case wire.TradePrinted():
                    bought = event.quantity if event.taker_side == BUY else -event.quantity
                    self.held[event.account, event.instrument] += bought
                    self.held[event.maker_account, event.instrument] -= bought
                case wire.MarginAssessed():
                    self.stood[event.account, event.currency] = event.equity, event.maintenance
                case wire.PositionTaken():
                    self.held[event.account, event.instrument] = event.position
                    self.held[event.taker, event.instrument] = event.taker_position

    def _instrument(self) -> int:
        return self._pick([1, 2, 7, 4, 3, 5, 99, 0], [50, 30, 20, 8, 4, 3, 1, 1])

    def _hostile(self) -> bytes:
        """Half of what is damaged is of margin."""
        if self._chance(50):
            return super()._hostile()
        make, _ = self._rng.choice(stream_margin.MAKERS)
        return self._damaged(make(self))

    def _leaves(self, account: int) -> wire.Transfer:
        amount = 10**8 - OWN
        return wire.Transfer(account=account, transfer_id="most", transfer_kind=2, amount=amount, currency=USD)

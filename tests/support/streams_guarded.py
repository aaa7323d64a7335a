"""A market in which somebody is always stopped: switches, throttles, protections; and accounts that sell what they do not have."""

import random
from functools import partial

from quantumcore.contracts import wire
from tests.support import stream_guards, stream_margin
from tests.support.streams_prepared import PreparedMarket

SHARES, NANO = 3, 7
SHORT_EXEMPT = 64


class GuardedMarket(PreparedMarket):
    """Everything of the market, in few instruments; three accounts begin with nothing to sell, on credit."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._first = [
            *(wire.SetFirm(account=account, firm=1 + account % 2) for account in (1, 2, 3, 4, 5)),
            *(self._empty(account) for account in (1, 2, 3)),
            *(
                wire.SetCredit(account=account, limit=20_000, currency=currency)
                for account in (1, 2, 3)
                for currency in (SHARES, NANO)
            ),
        ]
        self._first += [self._aside(account) for account in (1, 2, 3)]
        self._kinds += [(self._cancel, 14), (self._replace, 10)]
        self._kinds += [(partial(make, self), weight) for make, weight in stream_guards.MAKERS]
        self._kinds.append((partial(stream_margin.greeks, self), 2))
        self._play(self._kinds)

    def _instrument(self) -> int:
        return self._pick([1, 7, 4, 2, 3], [40, 40, 10, 5, 5])

    def _submit(self) -> wire.SubmitOrder:
        command = super()._submit()
        if not self._chance(6):
            return command
        command = self._changed(command, flags=command.flags | SHORT_EXEMPT)
        self._submitted[-1] = command
        return command

    def _empty(self, account: int) -> wire.Command:
        return wire.Transfer(account=account, transfer_id="all", transfer_kind=2, amount=10**15, currency=NANO)

    def _aside(self, account: int) -> wire.Command:
        return wire.Transfer(account=account, transfer_id="shares", transfer_kind=2, amount=10**6, currency=SHARES)

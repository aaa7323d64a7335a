"""A market in which almost everything is tied together: few prices, links, reduce-only orders, shares, groups, busts."""

import random

from quantumcore.contracts import wire
from tests.support.streams import DEFINITIONS, Market

_EVERYTHING = {
    "_submit": 30,
    "_reduce": 18,
    "_link": 22,
    "_cancel": 5,
    "_replace": 12,
    "_mass_cancel": 1,
    "_bust": 2,
    "_rules": 1,
    "_group": 1,
    "_kill": 1,
    "_redefine": 1,
}


class LinkedMarket(Market):
    """The market of `streams`, but its orders meet in two instruments at five prices."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._makers = [getattr(self, name) for name in _EVERYTHING]
        self._weights = list(_EVERYTHING.values())

    def _account(self) -> int:
        return self._pick([1, 2, 3], [1, 1, 1])

    def _instrument(self) -> int:
        return self._pick([1, 2], [3, 1])

    def _price(self, instrument: int) -> tuple[int, int]:
        terms = DEFINITIONS[instrument - 1]
        return self._decimal(100 + self._rng.randrange(-2, 3), terms.tick, terms.tick_scale)

    def _quantity(self, instrument: int) -> tuple[int, int]:
        terms = DEFINITIONS[instrument - 1]
        return self._decimal(self._rng.randrange(1, 12), terms.lot, terms.lot_scale)

    def _submit(self) -> wire.SubmitOrder:
        plain = super()._submit()
        self._submitted.pop()
        kind = self._pick([(2, 1), (2, 3), (2, 4), (1, 3)], [75, 8, 10, 5])
        price = (0, 0) if kind[0] == 1 else self._price(plain.instrument)
        changes = {
            "order_type": kind[0],
            "time_in_force": kind[1],
            "price": price[0],
            "price_scale": price[1],
            "flags": 0,
        }
        changes["self_trade_prevention"] = self._pick([0, 2, 3, 4, 5], [2, 2, 1, 2, 6])
        command: wire.SubmitOrder = self._changed(plain, **changes)
        self._submitted.append(command)
        return command

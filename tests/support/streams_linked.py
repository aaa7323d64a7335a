"""A market in which almost everything is tied together: few prices, links, stops, reduce-only orders, shares, groups, busts."""

import random
from functools import partial

from quantumcore.contracts import wire
from tests.support import stream_batches, stream_links, stream_triggers
from tests.support.streams import DEFINITIONS, Market


class LinkedMarket(Market):
    """The market of `streams`, but its orders meet in two instruments at five prices."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        kinds = [
            (self._submit, 30),
            (self._cancel, 5),
            (self._replace, 8),
            (self._mass_cancel, 1),
            (self._kill, 1),
            (self._redefine, 1),
            (partial(stream_links.reduce, self), 18),
            (partial(stream_links.link, self), 26),
            (partial(stream_batches.batch, self), 8),
            (partial(stream_links.bust, self), 2),
            (partial(stream_links.rules, self), 1),
            (partial(stream_links.group, self), 1),
            (partial(stream_triggers.waiting, self), 4),
            (partial(stream_triggers.mark, self), 3),
            (partial(stream_triggers.move, self), 6),
            (partial(stream_triggers.tick, self), 1),
            (self._phase, 1),
        ]
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

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
        order_type, time_in_force = self._pick([(2, 1), (2, 3), (2, 4), (1, 3)], [75, 8, 10, 5])
        price = (0, 0) if order_type == 1 else self._price(plain.instrument)
        command: wire.SubmitOrder = self._changed(
            plain,
            order_type=order_type,
            time_in_force=time_in_force,
            price=price[0],
            price_scale=price[1],
            flags=0,
            self_trade_prevention=self._pick([0, 2, 3, 4, 5], [2, 2, 1, 2, 6]),
        )
        self._submitted.append(command)
        return command

"""What the random market does with phases, auctions, bands and rules."""

import random
from typing import Any

from quantumcore.contracts import wire

CALLS = (5, 6, 7, 8)
SECOND = 10**9


class PhaseMakers:
    """Makers of commands for `Market`, which has the choices that they draw from."""

    _rng: random.Random
    _repairs: list[wire.Command]
    _pick: Any
    _chance: Any
    _changed: Any
    _instrument: Any
    _submit: Any

    def _auction_order(self) -> wire.Command:
        """An order for an auction, now and then of a kind that there is not."""
        order = self._submit()
        changes: dict[str, Any] = {"time_in_force": self._pick([2, 7, 9, 10, 6, 11], [30, 25, 25, 20, 1, 1])}
        if self._chance(90):
            changes["flags"] = 0
        if self._chance(85):
            changes["order_type"] = 2
        if changes.get("order_type") == 2 and order.price == 0:
            changes |= {"order_type": 1}
        return self._changed(order, **changes)

    def _phase(self) -> wire.Command:
        """Another phase, mostly one that the market comes back from."""
        instrument = self._instrument()
        status = self._pick([1, 4, 5, 6, 7, 8, 9, 10, 11, 3, 12], [10, 3, 6, 5, 6, 6, 6, 2, 1, 1, 1])
        for following in self._pick([(), (1,), (5, 1), (8, 9, 11, 1), (2, 1)], [3, 10, 3, 3, 1]):
            self._repairs.append(wire.SetInstrumentStatus(instrument=instrument, status=following))
        return wire.SetInstrumentStatus(instrument=instrument, status=status)

    def _trading_rules(self) -> wire.Command:
        """Bands as narrow as the market, or none; levels that are shared out, or not."""
        allocation = self._pick([0, 1, 2, 3], [8, 6, 6, 1])
        if self._chance(25):
            call_ns = self._pick([0, SECOND], [1, 1])
            return wire.SetTradingRules(instrument=self._instrument(), allocation=allocation, call_ns=call_ns)
        return wire.SetTradingRules(
            instrument=self._instrument(),
            allocation=allocation,
            static_band=self._rate() if self._chance(30) else 0,
            price_collar=self._rate() if self._chance(30) else 0,
            dynamic_band=self._rate(),
            limit_state_ns=self._nanoseconds(),
            call_ns=self._nanoseconds() or SECOND,
            velocity=self._rate(),
            velocity_ns=self._nanoseconds() or SECOND,
        )

    def _rate(self) -> int:
        return self._pick([0, 10_000_000, 3_000_000, 1_000_000, 99_999_999, 10**8, -1], [8, 4, 4, 4, 1, 0.3, 0.3])

    def _nanoseconds(self) -> int:
        return self._pick([0, 1, SECOND, 60 * SECOND, 24 * 3600 * SECOND + 1], [4, 1, 6, 4, 0.3])

    def _reference(self) -> wire.Command:
        """Around the middles of most instruments, sometimes out of bounds."""
        price = self._pick([0, 100, 97, 105, 40, 500, -1, 2**62], [3, 8, 4, 4, 3, 3, 1, 1])
        return wire.SetReference(instrument=self._instrument(), price=price)

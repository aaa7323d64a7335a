"""What every account may that nobody has set limits for: commanded once, before the first order."""

from collections.abc import Sequence
from dataclasses import dataclass

from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.contracts.wire import (
    DefineCurrency,
    SetMoneyLimits,
    SetQuantityLimits,
    SetRiskLimits,
    SetThrottle,
    decode_command,
)

NEW, REPLACE, CANCEL, MASS_CANCEL = 1, 2, 3, 4  # classes of a throttle
PERCENT = 10**4  # in 10^-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The venue's own records of limits and throttles (docs/reference/engine.md sections 14, 15 and 17).

    Attributes:
        order_notional: Of one order, in whole units of each quote currency.
        position_lots: Of a position at its worst, long or short.
        daily_loss, drawdown: Percent of what an account's day began with and what came in since, of those that have a day; 0: none.
        open_orders, open_each: Working orders of an account, in all instruments and in one.
        orders: How often each session and each account may come with new orders, and with replacements: (a second, at once).
        cancels: Likewise with cancels, and with mass cancels; (0, any): as often as it likes.
    """

    order_notional: int = 100_000_000
    position_lots: int = 10**9
    daily_loss: int = 10
    drawdown: int = 10
    open_orders: int = 10_000
    open_each: int = 5_000
    orders: tuple[int, int] = (2_000, 4_000)
    cancels: tuple[int, int] = (4_000, 8_000)

    def of_venue(self) -> list[bytes]:
        """Return the commands that limit lots and orders, and how often one may come."""
        limits = SetQuantityLimits(
            scope=Scope.VENUE,
            max_long=self.position_lots,
            max_short=self.position_lots,
            max_open_orders=self.open_orders,
            max_open_each=self.open_each,
        )
        rates = {NEW: self.orders, REPLACE: self.orders, CANCEL: self.cancels, MASS_CANCEL: self.cancels}
        throttles = [
            SetThrottle(scope=Scope.VENUE, throttle_class=each, rate=rate, burst=burst)
            for each, (rate, burst) in rates.items()
            if rate
        ]
        return [command.encode() for command in (limits, *throttles)]

    def with_limits(self, definitions: Sequence[bytes]) -> list[bytes]:
        """Return `definitions`, and behind each of a currency the commands that limit money of it."""
        return [command for definition in definitions for command in (definition, *self._of_currency(definition))]

    def _of_currency(self, definition: bytes) -> list[bytes]:
        command = decode_command(definition)
        if not isinstance(command, DefineCurrency):
            return []
        most = min(self.order_notional * 10**command.scale, I64_MAX)
        of_orders = SetMoneyLimits(scope=Scope.VENUE, currency=command.currency, max_order_notional=most)
        rates = {"loss_rate": self.daily_loss * PERCENT, "drawdown_rate": self.drawdown * PERCENT}
        of_days = SetRiskLimits(scope=Scope.VENUE, currency=command.currency, **rates)
        return [one.encode() for one in ((of_orders, of_days) if any(rates.values()) else (of_orders,))]

"""One instrument's last trade and its rolling 24 hours, in minutes. Pure: the caller brings the time.

Bounded: one bucket per minute with a trade, at most WINDOW_MINUTES + 1. A trade leaves the window with its minute, so the
window is 24 hours long to the minute.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

MINUTE_NS = 60 * 10**9
WINDOW_MINUTES = 24 * 60


class Minute(msgspec.Struct, array_like=True, gc=False):
    """The trades of one minute: prices in ticks, volume in lots."""

    minute: int
    open: int
    high: int
    low: int
    volume: int
    trades: int


class Day(NamedTuple):
    """The rolling 24 hours; prices are None when nothing traded."""

    open: int | None
    high: int | None
    low: int | None
    volume: int
    trades: int


class TickerState(msgspec.Struct, array_like=True):
    """What a ticker is made of, to be stored; last_price 0: no trade yet."""

    last_price: int
    last_quantity: int
    minutes: list[Minute]


class RollingTicker:
    """Last trade and minutes.

    Attributes:
        last_price, last_quantity: Of the last trade, in ticks and lots; 0 before the first.
    """

    def __init__(self, state: TickerState | None = None) -> None:
        self.last_price = state.last_price if state else 0
        self.last_quantity = state.last_quantity if state else 0
        self._minutes: deque[Minute] = deque(state.minutes if state else ())

    def __len__(self) -> int:
        return len(self._minutes)

    def trade(self, price: int, quantity: int, time_ns: int) -> None:
        """Take a trade; trades come in order of time, for the engine's time never goes back."""
        self.last_price, self.last_quantity = price, quantity
        minute = time_ns // MINUTE_NS
        minutes = self._minutes
        if minutes and minutes[-1].minute == minute:
            bucket = minutes[-1]
            bucket.high = max(bucket.high, price)
            bucket.low = min(bucket.low, price)
            bucket.volume += quantity
            bucket.trades += 1
            return
        minutes.append(Minute(minute, price, price, price, quantity, 1))
        while minutes[0].minute <= minute - WINDOW_MINUTES:
            minutes.popleft()

    def day(self, now_ns: int) -> Day:
        """Return the 24 hours that end at `now_ns`; changes nothing, so two readers see the same."""
        return _sum(bucket for bucket in self._minutes if bucket.minute > now_ns // MINUTE_NS - WINDOW_MINUTES)

    def state(self) -> TickerState:
        """Return what can be stored and given to a new ticker."""
        return TickerState(self.last_price, self.last_quantity, list(self._minutes))


def _sum(buckets: Iterable[Minute]) -> Day:
    opening = high = low = None
    volume = trades = 0
    for bucket in buckets:
        if opening is None:
            opening = bucket.open
        high = bucket.high if high is None else max(high, bucket.high)
        low = bucket.low if low is None else min(low, bucket.low)
        volume += bucket.volume
        trades += bucket.trades
    return Day(opening, high, low, volume, trades)

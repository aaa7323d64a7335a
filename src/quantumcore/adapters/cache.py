"""The cache within one process: bounded, forgetful, exact when it counts.

Any thread may use it. Limits: CAPACITY values and CAPACITY windows; past either the least recently used goes.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from quantumcore.ports.clock import Clock

CAPACITY = 100_000


class EmbeddedCache:
    """Keeps values for a time and counts what was spent in fixed windows.

    A window begins at a multiple of its length on the clock's monotonic time, as all processes of one machine see it.
    A window that was pushed out starts again empty: with more than `capacity` keys at once a limit may be exceeded.
    """

    def __init__(self, clock: Clock, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._windows: OrderedDict[str, list[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values) + len(self._windows)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how much is kept."""
        entries = GaugeMetricFamily(
            "qc_cache_entries", "Entries kept in memory, at most 100,000 of a kind", labels=["kind"]
        )
        entries.add_metric(["value"], len(self._values))
        entries.add_metric(["window"], len(self._windows))
        yield entries

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None when unknown, expired or pushed out."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            value, expires = found
            if expires <= self._clock.monotonic():
                del self._values[key]
                return None
            self._values.move_to_end(key)
            return value

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` for at most `ttl_s`; at the limit the least recently used goes."""
        with self._lock:
            self._values[key] = (value, self._clock.monotonic() + ttl_s)
            self._values.move_to_end(key)
            if len(self._values) > self._capacity:
                self._values.popitem(last=False)

    async def delete(self, key: str) -> None:
        """Forget the key and what was spent under it."""
        with self._lock:
            self._values.pop(key, None)
            self._windows.pop(key, None)

    async def spend(self, key: str, weight: int, budget: int, window_s: float) -> tuple[bool, int, float]:
        """Spend `weight` of `budget` in the current fixed window, exactly under concurrency.

        Returns:
            (allowed, what is left, seconds until the window ends). A refused call spends nothing.
        """
        now = self._clock.monotonic()
        window = int(now // window_s)
        with self._lock:
            known = self._windows.get(key)
            if known is None or known[0] != window:
                known = self._windows[key] = [window, 0]
                self._windows.move_to_end(key)  # used last by whole windows: nobody asks more precisely
                if len(self._windows) > self._capacity:
                    self._windows.popitem(last=False)
            spent = known[1] + weight
            if spent <= budget:
                known[1] = spent
                return True, budget - spent, (window + 1) * window_s - now
        return False, max(0, budget - known[1]), (window + 1) * window_s - now

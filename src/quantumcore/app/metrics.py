"""What each port says under /metrics: its room, what the room stands on, and what is common to the process."""

import asyncio
from collections.abc import Iterable, Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from quantumcore.ports.telemetry import Durations, Measured

LOOK_S = 0.1
LAGS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
PROCESS = ("process_", "python_")


class LoopLag:
    """How late the loop calls what it was asked to call: what every request waits, whatever it asks."""

    def __init__(self) -> None:
        self._lags = Durations(
            "qc_loop_lag_seconds", "How late the event loop turns, looked at ten times a second", LAGS
        )
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look until stop()."""
        loop = asyncio.get_running_loop()
        due = loop.time() + LOOK_S

        def look() -> None:
            nonlocal due
            self._lags.observe(max(0.0, loop.time() - due))
            due = loop.time() + LOOK_S
            self._timer = loop.call_at(due, look)

        self._timer = loop.call_at(due, look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def collect(self) -> Iterable[Metric]:
        """Return the histogram."""
        return self._lags.collect()


def registry_of(name: str, parts: Sequence[object], registry: CollectorRegistry | None = None) -> CollectorRegistry:
    """Return what the port of the room `name` shows: those of `parts` that measure something, the process, and
    what the room counts in the library's own registry.

    Args:
        registry: Where to add it; a new one when not given.
    """
    shown = parts_of(parts, registry)
    shown.register(_Own((*PROCESS, f"qc_{name}_")))
    return shown


def parts_of(parts: Sequence[object], registry: CollectorRegistry | None = None) -> CollectorRegistry:
    """Return what those of `parts` measure that measure something, added to `registry` or to a new one."""
    shown = registry or CollectorRegistry()
    for part in parts:
        if isinstance(part, Measured):
            shown.register(_Part(part))
    return shown


class _Part(Collector):
    def __init__(self, part: Measured) -> None:
        self._part = part

    def collect(self) -> Iterable[Metric]:
        return self._part.collect()


class _Own(Collector):
    """What the process and one room have put into the library's registry, which all rooms share."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        self._prefixes = prefixes

    def collect(self) -> Iterable[Metric]:
        return (metric for metric in REGISTRY.collect() if metric.name.startswith(self._prefixes))

"""What a part can say of itself for /metrics: read when asked, so that counting costs the order path nothing.

Names are `qc_<part>_<what>_<unit>`, counters end in `_total`; labels are bounded: never an account, user, order or free text.
Every name stands in docs/reference/metrics.md.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Protocol, runtime_checkable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

MICROSECONDS = (5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 1e-1)
"""For what takes millionths of a second: in seconds, as all durations are."""
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@runtime_checkable
class Measured(Protocol):
    """A part with something to say."""

    def collect(self) -> Iterable[Metric]:
        """Return what it measures now."""


def gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    """Return one value that goes up and down."""
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def counter(name: str, text: str, value: float | Mapping[str, float], *, by: str = "", **labels: str) -> Metric:
    """Return a count, or one for each value of the label `by`."""
    values = value if isinstance(value, Mapping) else {"": value}
    family = CounterMetricFamily(name, text, labels=[*labels, *([by] if by else [])])
    for key, count in values.items():
        family.add_metric([*labels.values(), *([key] if by else [])], count)
    return family


class Durations:
    """Seconds in buckets. One thread observes; whoever reads may miss the last one."""

    def __init__(self, name: str, text: str, buckets: Sequence[float] = SECONDS, **labels: str) -> None:
        self._name = name
        self._text = text
        self._buckets = buckets
        self._labels = labels
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        """Count `times` of `seconds` each."""
        self._counts[bisect_left(self._buckets, seconds)] += times
        self._sum += seconds * times

    def add_to(self, family: HistogramMetricFamily) -> None:
        """Add it to a family that has its labels."""
        bounds = [*map(str, self._buckets), "+Inf"]
        counts = list(zip(bounds, accumulate(self._counts), strict=True))
        family.add_metric(list(self._labels.values()), counts, self._sum)

    def collect(self) -> Iterable[Metric]:
        """Return the histogram."""
        family = HistogramMetricFamily(self._name, self._text, labels=list(self._labels))
        self.add_to(family)
        yield family

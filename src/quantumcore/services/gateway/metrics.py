"""What this room counts. Labels are bounded: route template, method, status, kind; never a user, account or order."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from quantumcore.ports.telemetry import Durations

_SECONDS, _TIME = "qc_gateway_request_seconds", "Time to the answer"
BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class GatewayMetrics:
    """The gateway's own registry, so that two gateways in one process do not mix."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._answers = _Answers()
        self.registry.register(self._answers)
        self.refused = Counter(
            "qc_gateway_limited", "Requests refused by an allowance", ("what",), registry=self.registry
        )
        self.repeats = Counter(
            "qc_gateway_idempotency",
            "Repeats under an Idempotency-Key: replayed, running, mismatch, unsaid; lost: an answer not kept",
            ("what",),
            registry=self.registry,
        )
        self.cache_hits = Counter("qc_gateway_cache_hits", "Market answers given again", registry=self.registry)
        self.cut_off = Counter(
            "qc_gateway_cut_off", "Streamed answers that failed on their way and have no end", registry=self.registry
        )
        self.in_flight = Gauge("qc_gateway_in_flight", "Requests being worked on", registry=self.registry)
        self.connections = Gauge("qc_gateway_ws_connections", "Open sockets", registry=self.registry)
        self.subscriptions = Gauge(
            "qc_gateway_ws_subscriptions", "Subscriptions of all sockets", registry=self.registry
        )
        self.buffer_bytes = Gauge("qc_gateway_ws_buffer_bytes", "Bytes that wait for readers", registry=self.registry)
        self.conflated = Counter(
            "qc_gateway_ws_conflated_frames", "Public frames left out for slow readers", registry=self.registry
        )
        self.closed = Counter("qc_gateway_ws_closed", "Sockets closed by us", ("code",), registry=self.registry)
        self.answered = self._answers.count

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Answers(Collector):
    """Answers and their times by route: counted on every request's way, so with as little as will do."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[tuple[str, str], Durations] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        counted = (method, route, status)
        self._counts[counted] = self._counts.get(counted, 0) + 1
        durations = self._seconds.get((method, route))
        if durations is None:
            durations = self._seconds[method, route] = Durations(_SECONDS, _TIME, BUCKETS, method=method, route=route)
        durations.observe(seconds)

    def collect(self) -> Iterable[Metric]:
        """Return both families."""
        requests = CounterMetricFamily(
            "qc_gateway_requests", "Requests by route template and status", labels=("method", "route", "status")
        )
        for (method, route, status), count in self._counts.items():
            requests.add_metric((method, route, str(status)), count)
        seconds = HistogramMetricFamily(_SECONDS, _TIME, labels=("method", "route"))
        for durations in self._seconds.values():
            durations.add_to(seconds)
        return requests, seconds

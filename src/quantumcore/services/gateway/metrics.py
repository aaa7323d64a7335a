"""What this room counts. Labels are bounded: route template, method, status, kind; never a user, account or order."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class GatewayMetrics:
    """The gateway's own registry, so that two gateways in one process do not mix."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._requests = Counter(
            "qc_gateway_requests",
            "Requests by route template and status",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "qc_gateway_request_seconds",
            "Time to the answer",
            ("method", "route"),
            registry=self.registry,
            buckets=BUCKETS,
        )
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
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        children = self._children.get((method, route, status))
        if children is None:
            children = (self._requests.labels(method, route, str(status)), self._seconds.labels(method, route))
            self._children[method, route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)

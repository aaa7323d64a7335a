"""Who is there, within one process: leases that the clock ends."""

from quantumcore.contracts.errors import Unavailable
from quantumcore.ports.clock import Clock

MAX_ENDPOINTS = 10_000


class EmbeddedRegistry:
    """Keeps endpoints under leases; registering again renews. Past MAX_ENDPOINTS a newcomer is refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._leases: dict[str, dict[str, float]] = {}

    async def register(self, name: str, endpoint: str, ttl_s: float = 10.0) -> None:
        """Announce an endpoint, or renew it; it vanishes `ttl_s` afterwards.

        Raises:
            Unavailable: `overloaded`: MAX_ENDPOINTS are announced; nothing happened.
        """
        holders = self._leases.setdefault(name, {})
        if endpoint not in holders and sum(map(len, self._leases.values())) >= MAX_ENDPOINTS:
            self._expire()
            if sum(map(len, self._leases.values())) >= MAX_ENDPOINTS:
                raise Unavailable("overloaded", f"{MAX_ENDPOINTS} endpoints are registered", retry_after=ttl_s)
            holders = self._leases.setdefault(name, {})
        holders[endpoint] = self._clock.monotonic() + ttl_s

    async def withdraw(self, name: str, endpoint: str) -> None:
        """Take it back; unknown does nothing."""
        self._leases.get(name, {}).pop(endpoint, None)

    async def lookup(self, name: str) -> list[str]:
        """Return the endpoints of `name`, sorted; empty when there are none."""
        now = self._clock.monotonic()
        return sorted(endpoint for endpoint, until in self._leases.get(name, {}).items() if until > now)

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for name, holders in list(self._leases.items()):
            alive = {endpoint: until for endpoint, until in holders.items() if until > now}
            if alive:
                self._leases[name] = alive
            else:
                del self._leases[name]

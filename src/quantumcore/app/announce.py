"""Rooms are announced when their ports are open and withdrawn before they drain; each under a lease that is renewed.

Whoever wants to know asks GetRooms: the operator's door (`quantumcore rooms`), or /metrics.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

from quantumcore.contracts.directory import GetRooms, Rooms, RoomView
from quantumcore.contracts.errors import Unavailable
from quantumcore.ports.registry import Registry

LEASE_S = 10.0
RENEW_S = LEASE_S / 3

_log = logging.getLogger(__name__)


class Announcer:
    """Keeps the leases of the rooms of one process."""

    def __init__(self, registry: Registry, endpoints: Mapping[str, str], reasons: Callable[[str], list[str]]) -> None:
        """Take the address of each room, and who knows why one is not ready."""
        self._registry = registry
        self._endpoints = endpoints
        self._reasons = reasons
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Announce every room, and renew from now on.

        Raises:
            Unavailable: The registry did not take one.
        """
        await self._announce()
        self._renewing = asyncio.create_task(self._renew(), name="leases")

    async def stop(self) -> None:
        """Renew no more and take all back; a second stop does nothing."""
        if self._renewing is None:
            return
        self._renewing.cancel()
        await asyncio.gather(self._renewing, return_exceptions=True)
        self._renewing = None
        for name, endpoint in self._endpoints.items():
            await self._registry.withdraw(name, endpoint)

    async def rooms(self, _: GetRooms) -> Rooms:
        """Return every room of this house with its living endpoints and its reasons."""
        names = sorted(self._endpoints)
        return Rooms([RoomView(name, await self._registry.lookup(name), self._reasons(name)) for name in names])

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics which rooms are ready."""
        ready = GaugeMetricFamily("qc_room_ready", "1 while the room can serve", labels=["room"])
        for name in sorted(self._endpoints):
            ready.add_metric([name], not self._reasons(name))
        yield ready

    async def _announce(self) -> None:
        for name, endpoint in self._endpoints.items():
            await self._registry.register(name, endpoint, LEASE_S)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._announce()
            except Unavailable as error:  # trading goes on; the next turn brings back what vanished meanwhile
                _log.warning("leases were not renewed: %s", error)

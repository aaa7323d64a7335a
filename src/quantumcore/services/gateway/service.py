"""The gateway's life: attach, start, serve through `asgi`, drain, stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry

from quantumcore.contracts.auth import AccessChanged
from quantumcore.contracts.market import MarketMoved
from quantumcore.contracts.order_queries import OrdersChanged
from quantumcore.contracts.risk import RiskWarning
from quantumcore.ports.bus import Bus, Subscription
from quantumcore.ports.cache import Cache
from quantumcore.ports.clock import Clock
from quantumcore.services.gateway.answer_cache import AnswerCache
from quantumcore.services.gateway.app import GatewayApp
from quantumcore.services.gateway.definitions import Definitions
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.http_server import HttpProtocol
from quantumcore.services.gateway.idempotency import Repeats
from quantumcore.services.gateway.identity import Identities
from quantumcore.services.gateway.limits import Limits, Peers
from quantumcore.services.gateway.metrics import GatewayMetrics
from quantumcore.services.gateway.openapi import reference_routes
from quantumcore.services.gateway.own_writes import OwnWrites
from quantumcore.services.gateway.routes import all_routes
from quantumcore.services.gateway.routing import Route
from quantumcore.services.gateway.settings import GatewaySettings
from quantumcore.services.gateway.stream import Stream

__all__ = ["UVICORN", "GatewayService", "GatewaySettings"]

_log = logging.getLogger(__name__)

UVICORN: dict[str, Any] = {
    "http": HttpProtocol,
    "ws": "websockets-sansio",
    "loop": "uvloop",
    "lifespan": "off",
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "date_header": False,
    "timeout_keep_alive": 75,
    "ws_max_size": 1 << 16,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 15.0,
    "ws_ping_timeout": 30.0,
}
"""How the web server must be set: forwarded addresses are judged here and not by the server, and a peer that answers no
ping for 45 s is gone. No message of a socket is long: `ws_max_size` is that of the settings' `ws_message_bytes`."""


class GatewayService:
    """Answers the world on port 8000. Hears AccessChanged, MarketMoved, OrdersChanged, RiskWarning. Handles no request of the bus.

    Attributes:
        asgi: The application for the web server (see UVICORN).
    """

    name = "gateway"

    def __init__(
        self,
        bus: Bus,
        cache: Cache,
        clock: Clock,
        settings: GatewaySettings,
        *,
        registry: CollectorRegistry | None = None,
        house_not_ready: Callable[[], list[str]] | None = None,
    ) -> None:
        self._bus = bus
        self._settings = settings
        self._house_not_ready = house_not_ready or (list[str])
        self._subscriptions: list[Subscription] = []
        self._started = False
        metrics = GatewayMetrics(registry)
        self.gate = Gate(
            bus=bus,
            clock=clock,
            settings=settings,
            limits=Limits(cache, clock, settings),
            peers=Peers(settings.trusted_proxies),
            identities=Identities(bus, clock, settings),
            own_writes=OwnWrites(settings.own_writes),
            answers=AnswerCache(
                clock, settings.answer_cache_s, settings.answer_cache_entries, settings.answer_cache_bytes
            ),
            definitions=Definitions(bus, clock),
            repeats=Repeats(cache, settings, metrics),
            metrics=metrics,
            not_ready=self._all_reasons,
        )
        self.stream = Stream(self.gate)
        self.asgi = GatewayApp(self.gate, _routes(), self.stream.serve)

    def attach(self) -> None:
        """Listen to what changes access, books and orders, and to warnings."""
        self._subscriptions = [
            self._bus.subscribe(AccessChanged, self._on_access),
            self._bus.subscribe(MarketMoved, self._on_market),
            self._bus.subscribe(OrdersChanged, self._on_orders),
            self._bus.subscribe(RiskWarning, self._on_risk),
        ]

    async def start(self) -> None:
        """Take in requests. Rooms that are not there yet answer `unavailable` until they are."""
        self._started = True

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what must run until stop."""
        return [("gateway.feeds", self.stream.feeds.run), ("gateway.heartbeat", self.stream.beat)]

    def not_ready(self) -> list[str]:
        """Return why this room cannot serve now."""
        if self.asgi.draining:
            return ["gateway: shutting down"]
        return [] if self._started else ["gateway: not started"]

    def take_over(self, settings: GatewaySettings) -> None:
        """Judge new requests by the rates and trusted proxies of `settings`; the other limits are those of the start."""
        self.gate.limits.take_over(settings)
        self.gate.peers.take_over(settings.trusted_proxies)

    async def drain(self) -> None:
        """Take nothing in any more, tell sockets, finish what is in flight; before the web server stops."""
        self.asgi.draining = True
        await self.stream.stop()
        if not await self.asgi.drained(self._settings.drain_s):
            _log.error("%d requests unanswered after %s s", self.asgi.in_flight, self._settings.drain_s)

    async def stop(self) -> None:
        """Drain if nobody did, and listen to nothing any more."""
        if not self.asgi.draining:
            await self.drain()
        for subscription in self._subscriptions:
            await subscription.close()

    async def _on_access(self, changes: Sequence[AccessChanged]) -> None:
        for change in changes:
            self.gate.identities.forget(change)
            self.stream.on_access(change)

    async def _on_market(self, moves: Sequence[MarketMoved]) -> None:
        for move in moves:
            for symbol in {book.symbol for book in move.books} | {trade.symbol for trade in move.trades}:
                self.gate.answers.moved(symbol)
            self.stream.feeds.on_market(move)
        await asyncio.sleep(0)  # a burst of batches must not keep the writers from writing

    async def _on_orders(self, changes: Sequence[OrdersChanged]) -> None:
        for change in changes:
            self.stream.on_orders(change)
        await asyncio.sleep(0)

    async def _on_risk(self, warnings: Sequence[RiskWarning]) -> None:
        for warning in warnings:
            self.stream.on_risk(warning)

    def _all_reasons(self) -> list[str]:
        return [*self.not_ready(), *self._house_not_ready()]


@cache
def _routes() -> tuple[Route, ...]:
    """Return every operation and those that describe them: the same for all gateways of a process."""
    routes = all_routes()
    return (*routes, *reference_routes(routes))

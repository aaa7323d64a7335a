"""The gateway before rooms that say what a test wants: a bus whose few handlers are plain functions of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from quantumcore.adapters.cache import EmbeddedCache
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.contracts.auth import Identity, VerifySignature, VerifyToken
from quantumcore.contracts.errors import Unauthenticated
from quantumcore.contracts.orders import OrderView, SubmitOrder
from quantumcore.ports.clock import Clock
from quantumcore.services.gateway.service import GatewayService
from quantumcore.services.gateway.settings import GatewaySettings
from tests.support.clocks import ManualClock
from tests.support.gateway_house import GENEROUS, client_of

TRADER = ("read", "trade", "transfer")
NEVER = 2**62
TOKEN = "a.trader.token"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def identity(**changes: Any) -> Identity:
    """Return a trader with account 7; `changes` change him."""
    values: dict[str, Any] = {
        "user_id": "u-1",
        "session_id": "s-1",
        "scopes": list(TRADER),
        "accounts": [7],
        "is_admin": False,
        "expires_ns": NEVER,
    }
    return Identity(**{**values, **changes})


def order_view(command: SubmitOrder, sequence: int = 1, **changes: Any) -> OrderView:
    """Return the answer to `command`: working, nothing filled."""
    values: dict[str, Any] = {
        "order_id": f"00000000-0000-0000-{sequence:04x}-00000000ffff",
        "client_order_id": command.client_order_id,
        "account_id": str(command.account),
        "symbol": command.symbol,
        "side": command.side,
        "type": command.type,
        "time_in_force": command.time_in_force,
        "post_only": command.post_only,
        "quantity": command.quantity,
        "price": command.price,
        "status": "new",
        "filled": "0",
        "leaves": command.quantity,
        "average_price": None,
        "fees": "0",
        "fills": [],
        "sequence": sequence,
        "accepted_ns": 1_700_000_000_123_456_789,
        "updated_ns": 1_700_000_000_123_456_789,
    }
    return OrderView(**{**values, **changes})


class Rooms:
    """A bus with handlers that a test gives.

    Attributes:
        tokens: Who each token is; another token is nobody.
        keys: Who each API key is, whatever the signature.
        asked: Every request that reached a handler, in order.
    """

    def __init__(self, settings: GatewaySettings = GENEROUS, clock: Clock | None = None) -> None:
        self.bus = EmbeddedBus()
        self.clock = clock or ManualClock()
        self.tokens: dict[str, Identity] = {TOKEN: identity()}
        self.keys: dict[str, Identity] = {}
        self.asked: list[Any] = []
        self.gateway = GatewayService(self.bus, EmbeddedCache(self.clock), self.clock, settings)
        self.client = client_of(self.gateway)
        self._handlers: dict[type[Any], Callable[[Any], Any]] = {}
        self.answer(VerifyToken, lambda ask: _found(self.tokens, ask.token))
        self.answer(VerifySignature, lambda ask: _found(self.keys, ask.key_id))
        self.answer(SubmitOrder, order_view)

    def answer(self, request: type[Any], reply: Any) -> None:
        """Answer `request` with what `reply` returns or raises; or with `reply` itself when it is no function."""
        if request not in self._handlers:
            self.bus.handle(request, self._handle)
        self._handlers[request] = reply if callable(reply) else lambda _ask: reply

    def count(self, request: type[Any]) -> int:
        """Return how often `request` was asked."""
        return sum(isinstance(one, request) for one in self.asked)

    async def _handle(self, ask: Any) -> Any:
        self.asked.append(ask)
        found = self._handlers[type(ask)](ask)
        return await found if asyncio.iscoroutine(found) else found


def _found(known: Mapping[str, Identity], name: str) -> Identity:
    if name not in known:
        raise Unauthenticated(detail="the credentials are not valid")
    return known[name]


@asynccontextmanager
async def rooms(settings: GatewaySettings = GENEROUS, clock: Clock | None = None) -> AsyncIterator[Rooms]:
    """Open a gateway before scripted rooms."""
    opened = Rooms(settings, clock)
    opened.gateway.attach()
    await opened.gateway.start()
    tasks = [asyncio.ensure_future(body()) for _, body in opened.gateway.tasks()]
    try:
        yield opened
    finally:
        await opened.client.aclose()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await opened.gateway.stop()
        await opened.bus.close()


ORDER = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.5", "price": "100.00"}
PLACED = SubmitOrder(account=7, **ORDER, client_order_id="a", time_in_force="gtc")
"""ORDER as the orders room hears it."""

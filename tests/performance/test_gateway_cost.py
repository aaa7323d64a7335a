"""What one order costs in the gateway's own Python.

Goal: POST /v1/orders spends under 100 µs of CPU in this room (a loaded machine may take twice that; then the test says so).
Method: the ASGI application called directly, a bus that answers at once, the embedded cache; process time, best of five.
"""

import asyncio
import gc
import json
import time
from typing import Any

import uvicorn

from quantumcore.adapters.cache import EmbeddedCache
from quantumcore.app.bench.served import Connection, request_bytes
from quantumcore.contracts.auth import VerifyToken
from quantumcore.services.gateway.service import UVICORN, GatewayService
from tests.support.gateway_house import GENEROUS, RealClock
from tests.support.scripted_rooms import BEARER, ORDER, identity, order_view

ORDERS = 2_000
LIMIT_US = 200.0
KEPT_ORDERS = 100


class InstantBus:
    """Answers in the same turn, without encoding: what is measured is the room alone."""

    async def request(self, message: Any, *, deadline_s: float = 2.0) -> Any:
        return identity() if isinstance(message, VerifyToken) else order_view(message)


async def cost_us() -> float:
    gateway = GatewayService(InstantBus(), EmbeddedCache(RealClock()), RealClock(), GENEROUS)
    body = json.dumps({**ORDER, "client_order_id": "abc", "time_in_force": "gtc"}).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/orders",
        "raw_path": b"/v1/orders",
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "headers": [
            (b"host", b"venue"),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"authorization", BEARER["authorization"].encode()),
        ],
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    best = float("inf")
    for _ in range(5):
        statuses.clear()
        began = time.process_time()
        for _ in range(ORDERS):
            await gateway.asgi(scope, receive, send)
        best = min(best, (time.process_time() - began) / ORDERS * 1e6)
        assert statuses == [200] * ORDERS
    return best


async def test_an_order_leaves_the_collector_nothing() -> None:
    """Over a real connection: what a request is made of dies with it, so no collection stops the loop for it."""
    gateway = GatewayService(InstantBus(), EmbeddedCache(RealClock()), RealClock(), GENEROUS)
    config = uvicorn.Config(gateway.asgi, log_config=None, port=0, **{**UVICORN, "loop": "none"})
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    connection = await Connection.open(server.servers[0].sockets[0].getsockname()[1])
    token = BEARER["authorization"].removeprefix("Bearer ")
    body = {**ORDER, "client_order_id": "abc", "time_in_force": "gtc"}
    request = request_bytes("POST", "/v1/orders", body, token)
    try:
        for _ in range(10):
            assert b'"status":"new"' in await connection.send(request)
        gc.collect()
        gc.disable()
        for _ in range(KEPT_ORDERS):
            await connection.send(request)
        left = gc.collect()
    finally:
        gc.enable()
        connection.close()
        server.should_exit = True
        await server.shutdown()
    assert left < KEPT_ORDERS


def test_an_order_costs_the_gateway_little():
    cost = asyncio.run(cost_us())
    print(f"\nPOST /v1/orders in the gateway: {cost:.1f} µs of CPU")
    assert cost < LIMIT_US

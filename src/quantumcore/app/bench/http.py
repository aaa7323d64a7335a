"""Durable orders over HTTP: one client's latency, many clients' throughput, and the start of a venue."""

import asyncio
import statistics
import time
from random import Random

from quantumcore.app.bench.measure import REPEATS, Figure
from quantumcore.app.bench.served import Connection, Served, request_bytes, run, served

SINGLE = 1000
MANY = 10_000
CLIENTS = 32
STATUS = b'"status":"'
EXPECTED = (b"new", b"filled", b"partially_filled", b"cancelled")


def http(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure a venue of its own process, with rate limits raised, one client process beside it."""
    with served() as venue:
        token, account = venue.admin()
        _fund(venue, token, account)
        single = [run(_run(venue, token, 1, int(SINGLE * scale), seed + n)) for n in range(REPEATS)]
        many = [run(_run(venue, token, CLIENTS, int(MANY * scale), seed + 100 + n)) for n in range(REPEATS)]
        started = [venue.started_s]
    for _ in range(REPEATS - 1):
        with served() as again:
            started.append(again.started_s)
    return [
        Figure("start of a new venue", "s", started, 2),
        Figure("durable answer, 1 client, p50", "ms", [statistics.median(run.latencies) * 1e3 for run in single], 0.8),
        Figure("durable answer, 1 client, p99", "ms", [_p99(run.latencies) * 1e3 for run in single]),
        Figure(
            f"durable orders, {CLIENTS} clients", "orders/s", [run.rate for run in many], 5000, higher_is_better=True
        ),
        Figure(f"durable answer, {CLIENTS} clients, p99", "ms", [_p99(run.latencies) * 1e3 for run in many]),
    ]


class _Run:
    def __init__(self, latencies: list[float], elapsed: float) -> None:
        self.latencies = latencies
        self.rate = len(latencies) / elapsed


async def _run(venue: Served, token: str, clients: int, orders: int, seed: int) -> _Run:
    """Send limit orders near one price, so that some meet and some rest; every answer is checked."""
    connections = [await Connection.open(venue.port) for _ in range(clients)]
    latencies: list[float] = []

    async def client(number: int, connection: Connection) -> None:
        random = Random(seed * 1000 + number)
        requests = [_order(token, random, f"h{seed}-{number}-{n}") for n in range(orders // clients)]
        for request in requests:
            began = time.perf_counter()
            answer = await connection.send(request)
            latencies.append(time.perf_counter() - began)
            at = answer.find(STATUS) + len(STATUS)
            if answer[at : answer.find(b'"', at)] not in EXPECTED:
                raise AssertionError(f"unexpected answer {answer[:300]!r}")

    began = time.perf_counter()
    await asyncio.gather(*(client(number, connection) for number, connection in enumerate(connections)))
    elapsed = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return _Run(latencies, elapsed)


def _order(token: str, random: Random, client_id: str) -> bytes:
    side = random.choice(("buy", "sell"))
    price = 64_000 + random.randint(-50, 50)
    body = {
        "client_order_id": client_id,
        "symbol": "BTC-USD",
        "side": side,
        "type": "limit",
        "time_in_force": random.choice(("gtc", "ioc", "ioc")),
        "quantity": "0.0001",
        "price": f"{price}.00",
        "self_trade_prevention": "none",
    }
    return request_bytes("POST", "/v1/orders", body, token)


def _fund(venue: Served, token: str, account: int) -> None:
    for currency, amount in (("USD", "1000000000.00"), ("BTC", "100000")):
        transfer = {
            "transfer_id": f"bench-{currency}",
            "kind": "deposit",
            "account_id": str(account),
            "currency": currency,
            "amount": amount,
        }
        answer = venue.call("POST", "/v1/transfers", transfer, token)
        if answer.get("status") != "posted":
            raise AssertionError(f"the deposit failed: {answer}")


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]

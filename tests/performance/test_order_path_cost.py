"""What one order costs on its way: requests of the bus, bytes in the journal, database work, time.

Goal: two requests and one fan-out, a record of fixed size, no database on the path to the answer.
Method: the whole house in this process, driven through the gateway's own application; counted where it can be counted,
timed with a budget that a loaded machine meets.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.app.compose import build
from quantumcore.app.run import Running
from quantumcore.app.settings import load_settings
from quantumcore.contracts.auth import CreateUser, Login, VerifyToken
from quantumcore.contracts.ledger import MakeTransfer
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.orders import SubmitOrder
from quantumcore.contracts.wire import SubmitOrder as SubmitCommand
from quantumcore.core.journal import read_records

ORDERS = 200
BUDGET_S = 0.05
PASSWORD = "a long pass phrase for tests"


class Walk:
    """The way of an order through a running house, with counters beside it.

    Attributes:
        requests: Bus requests by type.
        database: Names of the tasks that used a database.
    """

    def __init__(self, running: Running, data: Path) -> None:
        self.house = running.house
        self.data = data
        self.requests: Counter[type] = Counter()
        self.database: Counter[str] = Counter()
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(running.house.gateway.asgi), base_url="http://v")
        self.account = 0

    async def submit(self, number: int) -> float:
        """Submit one order and return how long its durable answer took."""
        body = {"client_order_id": f"o{number}", "symbol": "BTC-USD", "side": "buy", "type": "limit"}
        began = time.perf_counter()
        answer = await self.client.post("/v1/orders", json=body | {"quantity": "0.001", "price": f"{100 + number}.00"})
        took = time.perf_counter() - began
        assert answer.json()["status"] == "new", answer.text
        return took


@pytest.fixture
async def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Walk]:
    settings = load_settings(data_dir=tmp_path)
    running = Running(settings, await build(settings))
    await running.start()
    made = Walk(running, tmp_path)
    bus = running.house.bus
    user = await bus.request(CreateUser(email="a@example.com", password=PASSWORD, roles=["admin"]), deadline_s=30)
    tokens = await bus.request(Login(email="a@example.com", password=PASSWORD), deadline_s=30)
    made.account = int(user.account_id)
    await bus.request(
        MakeTransfer(transfer_id="t", kind="deposit", account=made.account, currency="USD", amount="1000000.00")
    )
    made.client.headers["Authorization"] = f"Bearer {tokens.access_token}"
    await made.submit(0)

    request, ask = bus.request, bus.ask

    async def requested(message: Any, **more: Any) -> Any:
        made.requests[type(message)] += 1
        return await request(message, **more)

    def asked(message: Any, then: Any, **more: Any) -> Any:
        made.requests[type(message)] += 1
        return ask(message, then, **more)

    bus.request, bus.ask = requested, asked  # type: ignore[method-assign]  # counted, not changed
    for name in ("read", "write"):
        monkeypatch.setattr(SqliteDatabase, name, _watched(getattr(SqliteDatabase, name), made.database))
    yield made
    await made.client.aclose()
    await running.stop()


def _watched(call: Callable[..., Any], users: Counter[str]) -> Callable[..., Any]:
    async def watched(*arguments: Any) -> Any:
        task = asyncio.current_task()
        users[task.get_name() if task else "?"] += 1
        return await call(*arguments)

    return watched


@pytest.mark.counted
async def test_an_order_is_two_requests_of_the_bus_and_no_database_work(path: Walk) -> None:
    for number in range(1, ORDERS + 1):
        await path.submit(number)
    assert path.requests[SubmitOrder] == ORDERS
    assert path.requests[Sequence] == ORDERS
    del path.requests[VerifyToken]  # a verified token is believed for a second
    assert sum(path.requests.values()) == 2 * ORDERS, path.requests
    assert all(name.endswith("projection") for name in path.database), path.database


@pytest.mark.counted
async def test_an_order_is_one_record_of_fixed_size_in_the_journal(path: Walk) -> None:
    size = len(
        SubmitCommand(
            instrument=1, account=1, quantity=1, side=1, order_type=2, time_in_force=1, client_id="x"
        ).encode()
    )
    journal = path.house.services[0]._shard.journal  # type: ignore[attr-defined]  # the room owns it
    before = journal.last_sequence
    for number in range(1, 51):
        await path.submit(number)
    records = [record for record in read_records(path.data / "journal") if record.sequence > before]
    assert [len(record.command) for record in records] == [size] * 50
    assert size <= 128


async def test_the_durable_answer_in_process_stays_within_its_budget(path: Walk) -> None:
    times = [await path.submit(number) for number in range(1, ORDERS + 1)]
    median = statistics.median(times)
    print(f"submit to durable answer in process: p50 {1000 * median:.2f} ms, max {1000 * max(times):.1f} ms")
    assert median < BUDGET_S


async def test_orders_that_come_together_share_one_sync(path: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = path.house.services[0]._shard  # type: ignore[attr-defined]  # the room owns it
    sync, syncs = shard.sync, 0

    def counted() -> None:
        nonlocal syncs
        syncs += 1
        time.sleep(0.02)  # a disk slow enough for others to gather
        sync()

    monkeypatch.setattr(shard, "sync", counted)
    await asyncio.gather(*(path.submit(number) for number in range(1, ORDERS + 1)))
    assert syncs <= ORDERS // 4

"""What is not well is said at once, on every port that depends on it.

Goal: a task that dies and a shard that stops make /ready 503 within a second, at its own port and at the gateway's.
Method: the whole house in this process on free loopback ports; one task of one room is made to die on command.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from quantumcore.app.bench.served import free_port_base
from quantumcore.app.compose import build
from quantumcore.app.run import Running
from quantumcore.app.settings import Settings, load_settings
from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.contracts.orders import SubmitOrder

WITHIN_S = 1.0
PORTS = ("gateway", "matching", "market")


class Opened:
    """A running house, its settings, and the switch of the task that dies."""

    def __init__(self, running: Running, settings: Settings, die: asyncio.Event) -> None:
        self.running = running
        self.settings = settings
        self.die = die
        self.client = httpx.AsyncClient(timeout=10)

    async def ready(self, service: str) -> tuple[int, list[str]]:
        """Ask a port whether it is ready."""
        answer = await self.client.get(f"http://127.0.0.1:{self.settings.port(service)}/ready")
        return answer.status_code, answer.json()["reasons"]


@asynccontextmanager
async def opened(directory: Path, room: str = "") -> AsyncIterator[Opened]:
    """Give a house in which `room` has one more task, which dies when told."""
    settings = load_settings(data_dir=directory, port_base=free_port_base())
    house = await build(settings)
    die = asyncio.Event()

    async def mortal() -> None:
        await die.wait()
        raise RuntimeError("something nobody thought of")

    for service in house.services:
        if service.name == room:
            tasks = [*service.tasks(), ("mortal", mortal)]
            service.tasks = lambda kept=tasks: kept  # type: ignore[method-assign]  # the fault that is injected
    running = Running(settings, house)
    await running.start()
    await running.open_ports()
    made = Opened(running, settings, die)
    try:
        yield made
    finally:
        await made.client.aclose()
        await running.stop()


@pytest.mark.hazard("C3")
@pytest.mark.parametrize("room", ["market", "gateway"])
async def test_a_task_that_dies_makes_ready_503_within_a_second(tmp_path: Path, room: str) -> None:
    async with opened(tmp_path, room) as house:
        for port in PORTS:
            assert await house.ready(port) == (200, [])
        house.die.set()
        began = time.monotonic()
        status, reasons = 200, list[str]()
        while status == 200 and time.monotonic() - began < WITHIN_S:
            status, reasons = await house.ready("gateway")
        assert status == 503
        assert any("mortal" in reason and "something nobody thought of" in reason for reason in reasons)
        assert (await house.ready("matching"))[0] == 200
        if room == "market":
            assert (await house.ready("market"))[0] == 503


async def test_a_shard_that_stopped_is_not_ready_and_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        matching: Any = house.running.house.services[0]
        sync = matching._shard.sync

        def broken() -> None:
            raise Unavailable("journal.failed", "the disk is gone")

        matching._shard.sync = broken
        order = SubmitOrder(
            account=1, client_order_id="a", symbol="BTC-USD", side="buy", type="limit", time_in_force="gtc",
            quantity="1", price="1.00",
        )  # fmt: skip
        with pytest.raises(OutcomeUnknown):
            await house.running.house.bus.request(order)
        matching._shard.sync = sync
        with pytest.raises(Unavailable, match="halted"):
            await house.running.house.bus.request(order)
        for port in ("gateway", "matching"):
            status, reasons = await house.ready(port)
            assert status == 503
            assert any("the disk is gone" in reason for reason in reasons)

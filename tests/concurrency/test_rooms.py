"""Who is there is known while they are there: rooms in the registry, and what their ports measure.

Goal: a room is announced when it can be reached and gone before it drains; its lease ends with it; readiness stands beside
it; every /metrics page says what its room stands on, and nothing of another room.
Method: the whole house in this process on free loopback ports; the announcer alone on a clock that is turned by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.registry import EmbeddedRegistry
from quantumcore.app import announce
from quantumcore.app.announce import LEASE_S, Announcer
from quantumcore.app.bench.served import free_port_base
from quantumcore.app.compose import build
from quantumcore.app.operator import ask
from quantumcore.app.run import Running
from quantumcore.app.settings import Settings, load_settings
from quantumcore.contracts.directory import GetRooms, Rooms
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.ledger import MakeTransfer, OpenAccount
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.follower import Follower
from tests.support.clocks import ManualClock

ROOMS = ("auth", "gateway", "ledger", "market", "matching", "orders", "portfolio", "positions", "risk")


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[tuple[Running, Settings]]:
    settings = load_settings(data_dir=directory, port_base=free_port_base())
    running = Running(settings, await build(settings))
    await running.start()
    await running.open_ports()
    try:
        yield running, settings
    finally:
        await running.stop()


async def _page(settings: Settings, room: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return {sample: {labels: value}} of a room's /metrics."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{settings.port(room)}/metrics")).text
    page: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            page.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return page


async def test_every_room_is_there_at_its_port_while_the_house_runs(tmp_path: Path) -> None:
    async with opened(tmp_path) as (running, settings):
        told = await ask(tmp_path, GetRooms())
        expected = [{"name": name, "endpoints": [f"127.0.0.1:{settings.port(name)}"], "reasons": []} for name in ROOMS]
        assert told == {"rooms": expected}
        registry = running.house.registry
    for name in ROOMS:
        assert await registry.lookup(name) == []


async def test_a_room_is_withdrawn_before_requests_are_turned_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as (running, _):
        seen: list[list[str]] = []
        drain = running.house.gateway.drain

        async def watched() -> None:
            seen.append(await running.house.registry.lookup("gateway"))
            await drain()

        running.house.gateway.drain = watched  # type: ignore[method-assign]  # watched, not changed
    assert seen == [[]]


async def test_a_room_that_is_not_ready_says_so_beside_its_address(tmp_path: Path) -> None:
    async with opened(tmp_path) as (running, settings):
        ledger = next(s for s in running.house.services if s.name == "ledger")
        ledger.not_ready = lambda: ["ledger: 5 sequences behind"]  # type: ignore[method-assign]  # the fault that is injected
        told: Rooms = await running.house.bus.request(GetRooms())
        assert {room.name: room.reasons for room in told.rooms if room.reasons} == {
            "ledger": ["ledger: 5 sequences behind"]
        }
        ready = (await _page(settings, "matching"))["qc_room_ready"]
        assert ready[("room", "ledger"),] == 0
        assert ready[("room", "matching"),] == 1


async def test_a_lease_ends_when_nobody_renews_it_and_comes_back_when_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    registry = EmbeddedRegistry(clock)
    announcer = Announcer(registry, {"ledger": "h:1"}, lambda _: [])
    monkeypatch.setattr(announce, "RENEW_S", 3600)
    await announcer.start()
    assert await registry.lookup("ledger") == ["h:1"]
    clock.turn(LEASE_S + 0.1)
    assert await registry.lookup("ledger") == []
    await announcer.stop()
    monkeypatch.setattr(announce, "RENEW_S", 0.001)
    await announcer.start()
    clock.turn(LEASE_S + 0.1)
    async with asyncio.timeout(10):
        while not await registry.lookup("ledger"):  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.001)
    await announcer.stop()
    await announcer.stop()
    assert await registry.lookup("ledger") == []


async def test_a_registry_that_is_away_for_a_while_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trading goes on, and the lease is back with the registry."""
    monkeypatch.setattr(announce, "RENEW_S", 0.001)
    registry = EmbeddedRegistry(ManualClock())
    announcer = Announcer(registry, {"ledger": "h:1"}, lambda _: [])
    await announcer.start()
    register, refusals = registry.register, 0

    async def away(name: str, endpoint: str, ttl_s: float = 0) -> None:
        nonlocal refusals
        refusals += 1
        raise Unavailable("unavailable", "the registry is away")

    monkeypatch.setattr(registry, "register", away)
    async with asyncio.timeout(10):
        while refusals < 3:  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.001)
        await registry.withdraw("ledger", "h:1")
        monkeypatch.setattr(registry, "register", register)
        while not await registry.lookup("ledger"):  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.001)
    await announcer.stop()


async def test_what_happens_is_seen_on_the_pages(tmp_path: Path) -> None:
    async with opened(tmp_path) as (running, settings):
        bus = running.house.bus
        await bus.request(OpenAccount(account=5000, owner="00000000-0000-0000-0000-000000000001"))
        transfer = MakeTransfer(transfer_id="t", kind="deposit", account=5000, currency="USD", amount="5.00")
        view = await bus.request(transfer)
        await bus.request(transfer)
        async with asyncio.timeout(10):
            while (await _page(settings, "ledger"))["qc_follower_lag_sequences"][("follower", "ledger"),]:  # noqa: ASYNC110  # no event tells it
                await asyncio.sleep(0.01)
        ledger, matching = await _page(settings, "ledger"), await _page(settings, "matching")
        assert ledger["qc_ledger_transfers_total"][("outcome", "posted"),] == 1
        assert ledger["qc_ledger_transfers_total"][("outcome", "repeated"),] == 1
        assert ledger["qc_follower_sequence"][("follower", "ledger"),] >= view.sequence
        assert ledger["qc_follower_lag_seconds"][("follower", "ledger"),] == 0
        assert ledger["qc_database_commit_seconds_count"][("database", "ledger"),] > 0
        assert ledger["qc_database_bytes"][("database", "ledger"),] > 4096
        assert matching["qc_event_log_last_sequence"][()] >= view.sequence
        assert matching["qc_event_log_bytes"][()] == sum(f.stat().st_size for f in (tmp_path / "events").iterdir())
        assert matching["qc_matching_commands_total"][()] == matching["qc_event_log_last_sequence"][()]
        assert 0 < matching["qc_matching_batch_seconds_count"][()] <= matching["qc_matching_commands_total"][()]


async def test_a_page_says_nothing_of_another_room(tmp_path: Path) -> None:
    """Whoever adds up all ports counts nothing twice; what is common to the process stands on each."""
    async with opened(tmp_path) as (_, settings):
        for room in ROOMS:
            page = await _page(settings, room)
            foreign = {name for other in ROOMS if other != room for name in page if name.startswith(f"qc_{other}_")}
            assert foreign == set(), room
            assert {"qc_bus_in_flight_requests", "qc_loop_lag_seconds_count", "process_open_fds"} <= page.keys(), room
            assert "qc_event_log_bytes" in page if room == "matching" else "qc_event_log_bytes" not in page
            followers = set(page.get("qc_follower_sequence", {}))
            assert followers == (
                {(("follower", room),)}
                if room in ("orders", "ledger", "market", "positions", "portfolio", "risk")
                else set()
            )


async def test_a_followers_lag_in_seconds_is_the_age_of_what_it_has_not_applied(tmp_path: Path) -> None:
    """Nothing behind: 0. One that waits: since it came, whatever was applied long before."""
    log, free = FileEventLog(tmp_path), asyncio.Event()
    free.set()

    async def apply(_: Sequence[EventBatch]) -> None:
        await free.wait()

    follower = Follower("x", log, apply)

    def seconds() -> float:
        return next(m for m in follower.collect() if m.name == "qc_follower_lag_seconds").samples[0].value

    task = asyncio.create_task(follower.run())
    log.append(EventBatch(1, 1, b"e" * 64))
    async with asyncio.timeout(10):
        await follower.reached(1)
        await asyncio.sleep(0.3)
        assert seconds() == 0
        free.clear()
        log.append(EventBatch(2, 2, b"e" * 64))
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(0.05)
        assert 0.04 <= seconds() <= asyncio.get_running_loop().time() - begun + 0.01
        free.set()
        await follower.reached(2)
        assert seconds() == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    log.close()

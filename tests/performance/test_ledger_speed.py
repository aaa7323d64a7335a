"""How fast the ledger enters fills, and what a request over the bus costs.

Goal: the ledger keeps up with 5,000 fills/s on SQLite; a request in process costs under 15 us where nothing else runs.
Method: processor time, not the clock on the wall, for the machine is shared; figures are printed, and fail only at a
third of what was measured.
"""

import asyncio
import random
import time
from pathlib import Path

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.contracts import wire
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.progress import parts
from tests.support.contracts.bus import Echo, Say
from tests.support.ledgers import assert_equals, ledger_tables, post
from tests.support.small_venue import BTC, COIN, RICH, USD, definitions

ACCOUNTS = range(10, 210)
ORDERS = 6_000
FILLS_PER_S = 5_000
REQUEST_US = 45.0


def busy_market(seed: int) -> tuple[Engine, list[EventBatch]]:
    """Return an engine in which nearly every order trades, and its events."""
    rng, engine = random.Random(seed), Engine()
    commands = definitions()
    for account in ACCOUNTS:
        commands.append(wire.OpenAccount(account=account, owner=account))
        commands += [
            wire.Transfer(account=account, amount=RICH, currency=c, transfer_kind=1, transfer_id=f"d-{c}")
            for c in (USD, BTC)
        ]
    for number in range(ORDERS):
        commands.append(
            wire.SubmitOrder(
                instrument=COIN,
                account=rng.choice(ACCOUNTS),
                side=rng.randrange(1, 3),
                quantity=rng.randrange(1, 10),
                price=10_001 + rng.randrange(3),
                order_type=2,
                time_in_force=1,
                client_id=f"o-{number}",
            )
        )
    batches = []
    for command in commands:
        raw = engine.step(command.encode(), 10**18)
        batches.append(EventBatch(engine.sequence, engine.sequence, raw))
    return engine, batches


async def test_the_ledger_enters_5_000_fills_per_second_of_a_processor(tmp_path: Path, seed: int) -> None:
    engine, batches = busy_market(seed)
    fresh = [EventBatch(b.first, b.last, b.raw) for b in batches]
    fills = sum(isinstance(event, wire.TradePrinted) for b in batches for event in b.events)
    async with ledger_tables(tmp_path) as database:
        begun, cpu = time.perf_counter(), time.process_time()
        for part in parts(fresh):
            await post(database, part)
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        await assert_equals(database, engine)
    print(f"{fills} fills: {fills / cpu:,.0f} per second of a processor, {fills / wall:,.0f} on the wall")
    assert fills > ORDERS / 3
    assert fills / cpu > FILLS_PER_S


async def test_a_request_over_the_bus_in_process_is_cheap() -> None:
    bus = EmbeddedBus()

    async def say(request: Say) -> Echo:
        return Echo(request.text)

    bus.handle(Say, say)
    best = float("inf")
    for _ in range(5):
        cpu = time.process_time()
        for _ in range(2_000):
            await bus.request(Say(text="x" * 100))
        best = min(best, (time.process_time() - cpu) / 2_000 * 1e6)
    await bus.close()
    await asyncio.sleep(0)
    print(f"{best:.1f} us per request")
    assert best < REQUEST_US

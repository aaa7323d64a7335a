"""Sixteen clients at one limit: exactly as many orders pass as the limit has room for, whoever comes first.

Goal: check and reserve are one act; no reservation without an order, no working order without its reservation.
Method: the matching room itself with its journal behind the bus, sixteen tasks that submit at the same moment, round after
round, each against another limit; `make fuzz` plays 1,000 rounds of each.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.app.definitions import load_definitions
from quantumcore.contracts import wire
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.reasons import Reason
from quantumcore.services.matching.service import MatchingService
from tests.support.shards import SYMBOLS, market, open_shard

CLIENTS = 16
ROUNDS = 1_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 30
AAPL, USD = 6, 1
ALICE, BOB = 1, 2
FIRM, GROUP = 3, 7
LOTS, PRICE = 100, 50  # each client's order
NOTIONAL = LOTS * PRICE * 100  # minor units
BUY, SELL, REDUCE_ONLY = 1, 2, 4


class Venue:
    """The matching room, and clients that ask it over the bus."""

    def __init__(self, bus: EmbeddedBus, room: MatchingService) -> None:
        self._bus = bus
        self._room = room
        self._made = 0

    async def do(self, *commands: wire.Command) -> list[wire.Event]:
        """Sequence commands one after the other; return what they told."""
        told: list[wire.Event] = []
        for command in commands:
            outcome = await self._bus.request(Sequence(command=command.encode()))
            told += wire.decode_events(outcome.events)
        return told

    def order(self, account: int = ALICE, side: int = BUY, lots: int = LOTS, **terms: int) -> wire.SubmitOrder:
        """Return the order of a client."""
        self._made += 1
        fields = {"order_type": 2, "time_in_force": 1, "self_trade_prevention": 5, "price": PRICE, **terms}
        return wire.SubmitOrder(
            instrument=AAPL, account=account, side=side, quantity=lots, client_id=f"c{self._made}", **fields
        )

    async def at_once(self, orders: list[wire.SubmitOrder]) -> list[wire.Event]:
        """Let each order's client submit at the same moment; return the answer to each."""
        gate = asyncio.Event()

        async def client(order: wire.SubmitOrder) -> wire.Event:
            await gate.wait()
            return (await self.do(order))[0]

        clients = [asyncio.create_task(client(order)) for order in orders]
        gate.set()
        return list(await asyncio.gather(*clients))

    async def engine(self, ask: Callable[..., object], *arguments: int) -> object:
        """Ask the engine on its own thread."""
        shard = self._room._shard
        assert shard is not None
        return await self._room._thread.run(lambda: ask(shard.engine, *arguments))


@asynccontextmanager
async def venue(directory: Path) -> AsyncIterator[Venue]:
    """Give a venue with a market in it."""
    bus, log = EmbeddedBus(), FileEventLog(directory / "events")
    definitions = load_definitions(None, SYMBOLS)
    room = MatchingService(bus, log, SystemClock(), lambda told: open_shard(directory, told), definitions)
    room.attach()
    await room.start()
    opened = Venue(bus, room)
    await opened.do(*(wire.decode_command(raw) for raw in market(4)[len(definitions) :]))
    try:
        yield opened
    finally:
        await room.stop()
        log.close()


def passed(answers: list[wire.Event], reason: Reason) -> int:
    """How many were accepted; the others were refused for `reason`."""
    accepted = [answer for answer in answers if isinstance(answer, wire.OrderAccepted)]
    refused = [answer for answer in answers if isinstance(answer, wire.OrderRejected)]
    assert {answer.reason for answer in refused} <= {reason}
    assert len(accepted) + len(refused) == len(answers)
    return len(accepted)


async def _play(directory: Path, round_of: Callable[[Venue, int], Awaitable[None]]) -> None:
    draw = random.Random(16)
    async with asyncio.timeout(0.5 * ROUNDS + 20), venue(directory) as there:
        for _ in range(ROUNDS):
            await round_of(there, draw.randrange(CLIENTS + 1))
            await there.do(wire.MassCancel(account=ALICE), wire.MassCancel(account=BOB))
            assert await there.engine(lambda engine: engine.working(ALICE, AAPL)) == (0, 0, 0)
        await there.engine(lambda engine: engine.check())


@pytest.mark.hazard("B3")
@pytest.mark.fuzz
@pytest.mark.timeout(700)
async def test_exactly_as_many_pass_as_the_position_may_grow_by(tmp_path: Path) -> None:
    """Also a group's limit over two accounts, whose clients race."""

    async def alone(there: Venue, most: int) -> None:
        await there.do(wire.SetQuantityLimits(scope=2, account=ALICE, max_long=most * LOTS))
        answers = await there.at_once([there.order() for _ in range(CLIENTS)])
        assert passed(answers, Reason.POS_LIMIT) == most
        assert await there.engine(lambda engine: engine.working(ALICE, AAPL)) == (most * LOTS, 0, most)
        await there.do(wire.SetQuantityLimits(scope=2, account=ALICE))

    async def together(there: Venue, most: int) -> None:
        await there.do(*(wire.SetGroup(account=account, group=GROUP) for account in (ALICE, BOB)))
        await there.do(wire.SetQuantityLimits(scope=6, group=GROUP, max_short=most * LOTS + LOTS - 1))
        answers = await there.at_once([there.order(1 + at % 2, SELL) for at in range(CLIENTS)])
        assert passed(answers, Reason.POS_LIMIT) == most
        sells = [await there.engine(lambda engine, a: engine.working(a, AAPL)[1], account) for account in (ALICE, BOB)]
        assert sum(int(str(lots)) for lots in sells) == most * LOTS
        await there.do(wire.SetQuantityLimits(scope=6, group=GROUP))

    async def both(there: Venue, most: int) -> None:
        await alone(there, most)
        await there.do(wire.MassCancel(account=ALICE))
        await together(there, most)

    await _play(tmp_path, both)


@pytest.mark.fuzz
@pytest.mark.timeout(700)
async def test_exactly_as_many_pass_as_may_work(tmp_path: Path) -> None:
    """By count, and by gross notional."""

    async def one(there: Venue, most: int) -> None:
        await there.do(wire.SetQuantityLimits(scope=3, instrument=AAPL, max_open_each=most))
        answers = await there.at_once([there.order(side=1 + at % 2, price=PRICE + at % 2) for at in range(CLIENTS)])
        assert passed(answers, Reason.MAX_OPEN) == most
        await there.do(wire.SetQuantityLimits(scope=3, instrument=AAPL), wire.MassCancel(account=ALICE))
        await there.do(wire.SetMoneyLimits(scope=1, currency=USD, max_open_notional=most * NOTIONAL))
        answers = await there.at_once([there.order() for _ in range(CLIENTS)])
        assert passed(answers, Reason.MAX_OPEN) == most
        await there.do(wire.SetMoneyLimits(scope=1, currency=USD))

    await _play(tmp_path, one)


@pytest.mark.fuzz
@pytest.mark.timeout(700)
async def test_exactly_as_much_passes_as_a_firm_has_credit(tmp_path: Path) -> None:
    """Two accounts of one firm race; what filled before counts until the line is set anew."""

    async def one(there: Venue, most: int) -> None:
        await there.do(*(wire.SetFirm(account=account, firm=FIRM) for account in (ALICE, BOB)))
        await there.do(wire.SetMoneyLimits(scope=5, firm=FIRM, currency=USD, credit=most * NOTIONAL))
        answers = await there.at_once([there.order(1 + at % 2) for at in range(CLIENTS)])
        assert passed(answers, Reason.CREDIT) == most
        assert await there.engine(lambda engine: engine.drawn(FIRM, USD)) == (most * NOTIONAL, 0)
        await there.do(there.order(3, SELL, lots=most * LOTS)) if most else None
        assert await there.engine(lambda engine: engine.drawn(FIRM, USD)) == (0, most * NOTIONAL)
        (answer,) = await there.at_once([there.order(lots=1)])
        assert isinstance(answer, wire.OrderRejected)

    await _play(tmp_path, one)


@pytest.mark.fuzz
@pytest.mark.timeout(700)
async def test_reduce_only_orders_that_race_never_open_a_position(tmp_path: Path) -> None:
    """Together they are what is held, however many come at once; the others find nothing to reduce."""

    async def one(there: Venue, most: int) -> None:
        held = most * LOTS + most % 2 * 50
        if held:
            await there.do(there.order(3, SELL, lots=held), there.order(lots=held))
        answers = await there.at_once(
            [there.order(side=SELL, price=PRICE + 1, flags=REDUCE_ONLY) for _ in range(CLIENTS)]
        )
        assert passed(answers, Reason.REDUCE_ONLY) == min(CLIENTS, -(-held // LOTS))
        sells = sum(answer.quantity for answer in answers if isinstance(answer, wire.OrderAccepted))
        assert sells == min(held, CLIENTS * LOTS)
        if held:
            await there.do(wire.MassCancel(account=ALICE))
            await there.do(there.order(3, BUY, lots=held), there.order(side=SELL, lots=held))
        positions = await there.engine(lambda engine: engine.positions(ALICE))
        assert positions == []

    await _play(tmp_path, one)

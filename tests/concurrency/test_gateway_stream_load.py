"""The stream under readers that are slow, vanish, or come back.

Goal: memory is bounded and returns; public data are conflated and say so; private data are never lost, doubled or out
of order.
Method: sockets whose both ends the test holds; rooms that tell what the test invents, seeded.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from quantumcore.contracts.auth import AccessChanged, VerifyToken
from quantumcore.contracts.errors import Unauthenticated
from tests.support.asgi_sockets import AsgiSocket, Market
from tests.support.clocks import settle
from tests.support.gateway_house import GENEROUS, RealClock
from tests.support.scripted_rooms import NEVER, TOKEN, Rooms, identity, rooms
from tests.support.waiting import eventually

SMALL = replace(GENEROUS, ws_queue_frames=50, ws_queue_bytes=1 << 16)
TRADES = {"name": "trades", "symbol": "BTC-USD"}
BOOK = {"name": "book", "symbol": "BTC-USD", "depth": 10, "interval_ms": 10}


@pytest.fixture
async def gate() -> AsyncIterator[Rooms]:
    async with rooms(SMALL, RealClock()) as opened:
        yield opened


def waiting_bytes(gate: Rooms) -> float:
    return gate.gateway.gate.metrics.registry.get_sample_value("qc_gateway_ws_buffer_bytes") or 0.0


async def connected(gate: Rooms, *channels: dict[str, object], auth: bool = False) -> AsgiSocket:
    socket = AsgiSocket(gate)
    if auth:
        assert (await socket.say(op="auth", token=TOKEN))["ok"]
    for channel in channels:
        said = await socket.say(op="subscribe", channels=[channel])
        assert said["ok"], said
    return socket


@pytest.mark.hazard("D8")
async def test_a_thousand_readers_that_vanish_leave_nothing(gate):
    """1,000 cycles of connect, flood, vanish: the buffer gauge is 0, memory within 5 %, no task or subscription left."""
    market = Market(gate)

    async def cycle() -> None:
        socket = await connected(gate, TRADES, BOOK)
        socket.reading.clear()
        await market.trade(20)
        await eventually(lambda: waiting_bytes(gate) > 0)
        await socket.vanish()
        gate.asked.clear()

    for _ in range(100):
        await cycle()
    before, objects = resident_pages(), live_objects()
    for _ in range(900):
        await cycle()
    after, left = resident_pages(), live_objects()
    assert waiting_bytes(gate) == 0
    assert gate.gateway.stream.sessions == set()
    assert len(gate.gateway.stream.feeds) == 0
    assert after <= before * 1.05, f"{before} pages became {after}"
    assert left - objects < 900, f"{left - objects} objects stayed behind"


def resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])


def live_objects() -> int:
    gc.collect()
    return len(gc.get_objects())


async def test_a_slow_public_reader_is_conflated_and_told_so(gate):
    market = Market(gate)
    slow, quick = await connected(gate, TRADES), await connected(gate, TRADES)
    slow.reading.clear()
    await market.trade(500)
    await eventually(lambda: len(quick.of("trades")) == 500)
    assert waiting_bytes(gate) <= SMALL.ws_queue_bytes
    slow.reading.set()
    await eventually(lambda: slow.of("status"))
    (status,) = slow.of("status")
    heard = len(slow.of("trades"))
    assert (status["event"], status["of"]) == ("conflated", {"channel": "trades", "symbol": "BTC-USD"})
    assert status["dropped"] + heard == 500
    await market.trade()
    await eventually(lambda: len(slow.of("trades")) > heard)
    assert slow.of("trades")[-1]["seq"] == market.sequence
    for socket in (slow, quick):
        await socket.vanish()


async def test_a_slow_reader_of_a_book_gets_the_book_anew(gate):
    market = Market(gate)
    socket = await connected(gate, BOOK, TRADES)
    socket.reading.clear()
    await market.trade(200)
    for at in range(5):
        await market.level(f"{at + 1}.00", "3")
        await asyncio.sleep(0.015)
    socket.reading.set()
    await eventually(lambda: len([f for f in socket.of("book") if f["type"] == "snapshot"]) == 2)
    last = socket.of("book")[-1]
    assert [level[0] for level in last["bids"]] == ["5.00", "4.00", "3.00", "2.00", "1.00"]
    await socket.vanish()


async def test_one_slow_reader_does_not_hold_up_the_others(gate):
    market = Market(gate)
    slow, quick = await connected(gate, TRADES), await connected(gate, TRADES)
    slow.reading.clear()
    async with asyncio.timeout(5):
        await market.trade(2_000)
        await eventually(lambda: len(quick.of("trades")) == 2_000)
    for socket in (slow, quick):
        await socket.vanish()


async def test_a_slow_private_reader_is_closed_with_4008_and_resumes_without_gap(gate):
    market = Market(gate)
    socket = await connected(gate, {"name": "orders"}, auth=True)
    start = market.sequence
    socket.reading.clear()
    for _ in range(200):
        await market.tell(market.change())
    await settle()
    await eventually(lambda: waiting_bytes(gate) == 0)
    socket.reading.set()
    await eventually(lambda: socket.code is not None)
    assert socket.code == 4008
    await socket.task
    seen = [frame["seq"] for frame in socket.of("orders")]
    again = await connected(gate, {"name": "orders", "from_seq": seen[-1] if seen else start}, auth=True)
    await eventually(lambda: len(seen) + len(again.of("orders")) == 200)
    seen += [frame["seq"] for frame in again.of("orders")]
    assert seen == [update.sequence for update in market.updates]
    await again.vanish()


async def test_a_resume_under_load_has_no_gap_and_no_repeat(gate, rng):
    """50 clients come, go and resume at random while orders change: each has seen every change once, in order."""
    market = Market(gate)
    for _ in range(300):
        market.change()
    await market.tell(*market.updates)
    done = asyncio.Event()

    async def load() -> None:
        for _ in range(400):
            burst = [market.change() for _ in range(rng.randint(1, 5))]
            if rng.random() < 0.5:
                await asyncio.sleep(0)
            await market.tell(*burst)
            await asyncio.sleep(0.001)
        done.set()

    async def client() -> None:
        seen: list[int] = []
        while True:
            last = done.is_set()
            socket = await connected(gate, {"name": "orders", "from_seq": seen[-1] if seen else 0}, auth=True)
            wanted = len(market.updates) if last else min(len(market.updates), len(seen) + rng.randint(1, 400))
            await eventually(lambda: len(seen) + len(socket.of("orders")) >= wanted, 20)  # noqa: B023
            before = seen[-1] if seen else 0
            for frame in socket.of("orders"):
                assert frame["prev_seq"] == before
                before = frame["seq"]
                assert [update["sequence"] for update in frame["updates"]] == [before]
                seen.append(before)
            await socket.vanish()
            if last:
                break
        assert seen == [update.sequence for update in market.updates]

    async with asyncio.timeout(50):
        await asyncio.gather(load(), *(client() for _ in range(10)))


async def test_notices_lost_on_the_bus_are_read_up(gate):
    market = Market(gate)
    socket = await connected(gate, {"name": "orders"}, auth=True)
    await market.tell(market.change())
    await eventually(lambda: len(socket.of("orders")) == 1)
    market.change()
    lost = market.change()
    market._told = lost.sequence
    await market.tell(market.change())
    await eventually(lambda: len(socket.of("orders")) == 4)
    assert [frame["seq"] for frame in socket.of("orders")] == [update.sequence for update in market.updates]
    await socket.vanish()


async def test_changes_that_are_told_without_their_updates_are_read_up(gate):
    """The orders room forgot that somebody listens: nothing is lost, doubled or out of order, and what was read stays read."""
    market = Market(gate)
    socket = await connected(gate, {"name": "orders"}, auth=True)
    for _ in range(3):
        await market.tell(market.change())
        await market.tell_bare(market.change())
    await market.tell_bare(market.updates[0])
    await market.tell(market.change())
    await eventually(lambda: len(socket.of("orders")) == 7)
    assert [frame["seq"] for frame in socket.of("orders")] == [update.sequence for update in market.updates]
    await socket.vanish()


async def test_a_sequence_told_in_two_notices_is_one_message(gate):
    market = Market(gate)
    socket = await connected(gate, {"name": "orders"}, auth=True)
    first = market.change()
    second = replace_index(first)
    market.updates.append(second)
    from quantumcore.contracts.order_queries import OrdersChanged, ToldUpdate

    await gate.bus.publish(
        [OrdersChanged(updates=[ToldUpdate.of(first)], sequence=first.sequence - 1, prev_sequence=first.sequence - 1)]
    )
    await gate.bus.publish(
        [OrdersChanged(updates=[ToldUpdate.of(second)], sequence=first.sequence, prev_sequence=first.sequence - 1)]
    )
    await eventually(lambda: len(socket.of("orders")) == 1)
    assert [update["index"] for update in socket.of("orders")[0]["updates"]] == [0, 1]
    await socket.vanish()


def replace_index(update):
    import msgspec

    return msgspec.structs.replace(update, index=1)


async def test_a_gap_in_the_book_is_healed_by_a_snapshot(gate):
    market = Market(gate)
    socket = await connected(gate, BOOK)
    await market.level("1.00", "1")
    await eventually(lambda: len(socket.of("book")) == 2)
    market.sequence += 5
    market._levels["2.00"] = market._levels["1.00"].__class__("2.00", "2", 1)
    await market.level("3.00", "3")
    await eventually(lambda: len(socket.of("book")) == 3)
    delta = socket.of("book")[-1]
    assert [level[0] for level in delta["bids"]] == ["3.00", "2.00"]
    await socket.vanish()


async def test_grants_taken_away_end_their_channels(gate):
    market = Market(gate)
    gate.tokens[TOKEN] = identity(accounts=[7, 8])
    socket = AsgiSocket(gate)
    await socket.say(op="auth", token=TOKEN)
    for account in ("7", "8"):
        assert (await socket.say(op="subscribe", channels=[{"name": "orders", "account_id": account}]))["ok"]
    gate.tokens[TOKEN] = identity(accounts=[7])
    await gate.bus.publish([AccessChanged(user_id="u-1", revoked_sessions=[])])
    await eventually(lambda: [f for f in socket.frames if not f.get("ok", True)])
    await market.tell(market.change(8), market.change(7))
    await eventually(lambda: socket.of("orders"))
    await settle()
    assert {frame["account_id"] for frame in socket.of("orders")} == {"7"}
    await socket.vanish()


async def test_a_token_that_auth_no_longer_knows_closes_the_socket(gate):
    socket = AsgiSocket(gate)
    await socket.say(op="auth", token=TOKEN)

    def nobody(_ask: VerifyToken) -> None:
        raise Unauthenticated(detail="the credentials are not valid")

    gate.answer(VerifyToken, nobody)
    await gate.bus.publish([AccessChanged(user_id="u-1", revoked_sessions=["another"])])
    await eventually(lambda: socket.code is not None)
    assert socket.code == 4001


async def test_an_expired_token_closes_the_socket_and_a_quiet_one_hears_a_heartbeat():
    async with rooms(GENEROUS) as gate:
        assert gate.clock.now() < NEVER
        gate.tokens[TOKEN] = identity(expires_ns=gate.clock.now() + 60 * 10**9)
        socket = AsgiSocket(gate)
        await socket.say(op="auth", token=TOKEN)
        await gate.clock.advance(16)
        await eventually(lambda: len(socket.of("heartbeat")) == 1)
        await gate.clock.advance(45)
        await eventually(lambda: socket.code is not None)
        assert socket.code == 4001


async def test_a_reader_that_takes_nothing_is_given_up():
    async with rooms(GENEROUS) as gate:
        market = Market(gate)
        socket = await connected(gate, TRADES)
        socket.reading.clear()
        await market.trade()
        await eventually(lambda: any(one.sending_since is not None for one in gate.gateway.stream.sessions))
        await gate.clock.advance(47)
        await eventually(lambda: waiting_bytes(gate) == 0)
        socket.reading.set()
        await eventually(lambda: socket.code is not None)
        assert socket.code == 1001


async def test_too_many_messages_are_answered_unread():
    async with rooms(replace(GENEROUS, ws_messages_per_s=3)) as gate:
        socket = AsgiSocket(gate)
        for at in range(5):
            socket._in.put_nowait({"type": "websocket.receive", "text": f'{{"op":"ping","id":{at}}}'})
        await eventually(lambda: len(socket.frames) == 5)
        assert [frame["ok"] for frame in socket.frames] == [True, True, True, False, False]
        assert socket.frames[-1]["error"]["code"] == "rate.limited"
        await socket.vanish()

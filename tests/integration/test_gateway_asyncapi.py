"""GET /asyncapi.json says what the stream says.

Goal: whoever builds a client from the description understands every frame, and is understood.
Method: one walk that hears every message of the description, each held to its schema; every other test of the stream
holds its frames to it too (tests/support/stream_frames.py).
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quantumcore.contracts import wire
from quantumcore.services.gateway.frames import Heard
from tests.support.asgi_sockets import AsgiSocket, Market
from tests.support.gateway_house import GENEROUS, House, house
from tests.support.scripted_rooms import Rooms, rooms
from tests.support.stream_frames import DOCUMENT, SAID, check, name_of
from tests.support.waiting import eventually

TRADE = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "1", "price": "64000.00"}


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, replace(GENEROUS, ws_heartbeat_s=0.0)) as opened:
        yield opened


class Walker(AsgiSocket):
    """A socket of a house that remembers which messages it said and heard."""

    def __init__(self, venue: House) -> None:
        super().__init__(venue)  # type: ignore[arg-type]  # a house has a gateway too
        self.said: set[str] = set()

    async def say(self, **message: Any) -> dict[str, Any]:
        check(SAID[message["op"]], message)
        self.said.add(SAID[message["op"]])
        return await super().say(**message)

    @property
    def heard(self) -> set[str]:
        return {name_of(frame) for frame in self.frames}


async def test_every_message_of_the_description_is_said_as_it_says(venue):
    maker, user = await venue.user(), await venue.user()
    socket = Walker(venue)
    await socket.say(op="ping", id="p")
    refused = await socket.say(op="order.submit", data=TRADE, id=1)
    assert refused["ok"] is False
    names = ("book", "trades", "ticker", "status", "auction")
    public = [{"name": name, "symbol": "BTC-USD", "interval_ms": 10} for name in names]
    public.append({"name": "book", "symbol": "BTC-USD", "level": 3, "interval_ms": 10})
    await socket.say(op="subscribe", channels=public)
    await eventually(lambda: {frame["type"] for frame in socket.of("book")} == {"snapshot"})
    await socket.say(op="auth", token=user.token)
    await socket.say(op="subscribe", channels=[{"name": "orders"}, {"name": "fills", "from_seq": 0}], id=2)
    await socket.say(op="subscribe", channels=[{"name": "risk"}], id=2)
    venue.venue.do(wire.SetLimits(account=int(user.account_id), max_open_orders=1))
    await socket.say(op="order.submit", data={**TRADE, "client_order_id": "w"}, id=3)
    await eventually(lambda: "RiskFrame" in socket.heard)
    venue.venue.do(wire.SetLimits(account=int(user.account_id), max_open_orders=100))
    await eventually(lambda: {frame["type"] for frame in socket.of("book")} == {"snapshot", "delta"})
    assert (await socket.say(op="order.submit", data={**TRADE, "price": "64000.001"}, id=4))["data"]["text"]
    sold = await maker.order(side="sell", price="64000.00", quantity="0.25")
    assert sold.json()["status"] == "filled"
    await socket.say(op="order.amend", data={"order_id": "client:w", "quantity": "0.5"}, id=5)
    await socket.say(op="order.cancel", data={"order_id": "client:w"}, id=6)
    await socket.say(op="order.mass_cancel", data={}, id=7)
    await socket.say(op="unsubscribe", channels=public[:1])
    await eventually(lambda: {"BookFrame", "TradesFrame", "OrdersFrame", "FillsFrame", "Heartbeat"} <= socket.heard)
    await eventually(lambda: any(frame["type"] == "delta" for frame in socket.of("book")))
    kinds = {update["kind"] for frame in socket.of("orders") for update in frame["updates"]}
    assert kinds == {"accepted", "rejected", "filled", "replaced", "cancelled"}
    await venue.gateway.stream.stop()
    await socket.task
    assert socket.wrong == []
    assert socket.said | socket.heard == set(DOCUMENT["components"]["messages"])


async def test_what_the_stream_says_of_itself_is_described():
    async with rooms(replace(GENEROUS, ws_queue_frames=5)) as gate:
        market, socket = Market(gate), AsgiSocket(gate)
        await socket.say(op="subscribe", channels=[{"name": "trades", "symbol": "BTC-USD"}])
        socket.reading.clear()
        await market.trade(20)
        socket.reading.set()
        await eventually(lambda: socket.of("status"))
        assert socket.of("status")[0]["of"] == {"channel": "trades", "symbol": "BTC-USD"}
        await socket.vanish()


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        '{"op":"dance"}',
        '{"op":"subscribe","channels":[{"name":"book","symbol":"NO PE"},{"name":"orders"}]}',
        '{"op":"auth","token":"x.y.z","id":"me"}',
        '{"op":"order.cancel","data":{"order_id":"x"}}',
    ],
)
async def test_refusals_are_described(gate: Rooms, message: str):
    socket = AsgiSocket(gate)
    socket._in.put_nowait({"type": "websocket.receive", "text": message})
    await eventually(lambda: socket.frames)
    assert not socket.frames[0]["ok"]
    await socket.vanish()


@pytest.fixture
async def gate() -> AsyncIterator[Rooms]:
    async with rooms() as opened:
        Market(opened)
        yield opened


async def test_a_frame_that_is_not_described_is_found():
    good = {"op": "ping", "id": None, "ok": True, "data": "2026-01-01T00:00:00.000000000Z"}
    check("PingDone", good)
    for bad in ({**good, "more": 1}, {**good, "id": 1.5}, {**good, "data": 5}, {"op": "ping", "ok": True, "data": ""}):
        with pytest.raises(AssertionError):
            check("PingDone", bad)


async def test_the_description_is_served_and_holds_together(gate: Rooms):
    answer = await gate.client.get("/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document == json.loads(msgspec.json.encode(DOCUMENT))
    assert document["asyncapi"] == "3.0.0"
    assert set(document) == {
        "asyncapi",
        "info",
        "defaultContentType",
        "servers",
        "channels",
        "operations",
        "components",
    }
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', answer.text):
        found: Any = document
        for part in reference.split("/"):
            found = found[part]
    assert document["channels"]["stream"]["address"] == "/v1/stream"
    operations = document["operations"]
    assert {name for name, one in operations.items() if one["action"] == "receive"} == {
        str(kind.__struct_config__.tag) for kind in Heard.__args__
    }
    used = {ref["$ref"].rpartition("/")[2] for one in operations.values() for ref in one["messages"]}
    used |= {
        ref["$ref"].rpartition("/")[2]
        for one in operations.values()
        for ref in one.get("reply", {}).get("messages", [])
    }
    assert used == set(document["components"]["messages"])
    assert "prefixItems" not in answer.text
    assert "discriminator" not in answer.text
    assert "/asyncapi.json" in (await gate.client.get("/docs")).text

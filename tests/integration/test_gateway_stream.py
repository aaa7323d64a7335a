"""The stream over real sockets and real rooms.

Goal: what happened is told once, in order, with numbers that show a gap; who may not hear it does not.
Method: a loopback web server, the websockets client, orders through REST.
"""

import asyncio
import itertools
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from quantumcore.contracts.auth import DisableUser
from tests.support.gateway_house import GENEROUS, House, User, house, listening
from tests.support.sockets import stream
from tests.support.waiting import eventually


@pytest.fixture
async def address(venue: House) -> AsyncIterator[str]:
    async with listening(venue.gateway) as at:
        yield at


class Copy:
    """What a client keeps of a book: it believes nothing that it cannot check."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, Any]] = {"bids": {}, "asks": {}}
        self.seq = -1

    def follow(self, message: dict[str, Any]) -> None:
        """Begin anew with a snapshot; a delta must follow the message before it."""
        if message["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        else:
            assert message["prev_seq"] == self.seq, "a gap"
        self.seq = message["seq"]


class BookCopy(Copy):
    """Level by level: quantities by price."""

    def take(self, message: dict[str, Any]) -> None:
        self.follow(message)
        for name, side in self.sides.items():
            for price, quantity, _orders in message[name]:
                if float(quantity) == 0:
                    side.pop(price, None)
                else:
                    side[price] = quantity
        assert self.checksum() == message["checksum"]

    def checksum(self) -> int:
        bids = sorted(self.sides["bids"].items(), key=lambda level: -float(level[0]))
        asks = sorted(self.sides["asks"].items(), key=lambda level: float(level[0]))
        parts: list[str] = []
        for at in range(10):
            for side in (bids, asks):
                if at < len(side):
                    parts += side[at]
        return zlib.crc32(":".join(parts).encode())


async def test_a_book_is_a_snapshot_then_deltas_that_can_be_checked(venue, address):
    maker, taker = await venue.user(), await venue.user()
    await maker.order(price="64099.00")
    await venue.shown()
    async with stream(address) as client:
        (said,) = await client.subscribe(
            {"name": "book", "symbol": "BTC-USD", "level": 2, "depth": 20, "interval_ms": 10}
        )
        assert said["ok"] is True
        book = BookCopy()
        first = await client.hear_of("book")
        assert first["type"] == "snapshot"
        assert first["bids"] == [["64099.00", "0.50000", 1]]
        assert first["seq"] == said["seq"]
        book.take(first)
        for price in ("64098.00", "64099.50", "64101.00", "64099.00"):
            await (taker if price == "64101.00" else maker).order(
                price=price, side="sell" if price == "64101.00" else "buy"
            )
            book.take(await client.hear_of("book"))
        await taker.order(side="sell", price="64099.00", quantity="0.75")
        book.take(await client.hear_of("book"))
        assert book.sides == {"bids": {"64098.00": "0.50000", "64099.00": "0.75000"}, "asks": {"64101.00": "0.50000"}}


async def test_a_view_of_one_level_shows_what_moves_up_into_it(venue, address):
    maker = await venue.user()
    best = (await maker.order(price="64099.00")).json()
    await maker.order(price="64098.00")
    await venue.shown()
    async with stream(address) as client:
        await client.subscribe({"name": "book", "symbol": "BTC-USD", "level": 1, "interval_ms": 10})
        assert (await client.hear_of("book"))["bids"] == [["64099.00", "0.50000", 1]]
        await maker.http.delete(f"/v1/orders/{best['order_id']}")
        delta = await client.hear_of("book")
        assert sorted(delta["bids"]) == [["64098.00", "0.50000", 1], ["64099.00", "0", 0]]


class QueueCopy(Copy):
    """Order by order: quantities by id by price; a dict keeps the order in which they came."""

    def take(self, message: dict[str, Any]) -> None:
        self.follow(message)
        for name, prices in self.sides.items():
            for order_id, price, quantity in message[name]:
                if quantity == "0":
                    prices[price].pop(order_id)
                else:
                    prices.setdefault(price, {})[order_id] = quantity
        parts: list[str] = []
        for pair in itertools.zip_longest(self.queue("bids")[:10], self.queue("asks")[:10]):
            parts += [part for one in pair if one is not None for part in (one[0], one[2])]
        assert zlib.crc32(":".join(parts).encode()) == message["checksum"]

    def queue(self, name: str) -> list[list[str]]:
        prices = sorted(self.sides[name], key=float, reverse=name == "bids")
        return [
            [order_id, price, quantity] for price in prices for order_id, quantity in self.sides[name][price].items()
        ]


async def test_a_book_order_by_order_is_followed_through_places_lost_and_fills(venue, address):
    """Six changes, each checked by its checksum; in the end the queue is the one that REST shows."""
    maker, taker = await venue.user(), await venue.user()
    first = (await maker.order(price="64099.00")).json()["order_id"]
    await venue.shown()
    async with stream(address) as client:
        (said,) = await client.subscribe({"name": "book", "symbol": "BTC-USD", "level": 3, "interval_ms": 10})
        assert said["ok"] is True
        book = QueueCopy()
        book.take(await client.hear_of("book"))
        assert book.queue("bids") == [[first, "64099.00", "0.50000"]]
        second = (await maker.order(price="64099.00")).json()["order_id"]
        book.take(await client.hear_of("book"))
        third = (await maker.order(price="64098.00")).json()["order_id"]
        book.take(await client.hear_of("book"))
        await maker.http.patch(f"/v1/orders/{first}", json={"quantity": "0.75"})
        book.take(await client.hear_of("book"))
        assert [one[0] for one in book.queue("bids")] == [second, first, third]
        await taker.order(side="sell", price="64099.00", quantity="0.75")
        book.take(await client.hear_of("book"))
        assert book.queue("bids") == [[first, "64099.00", "0.50000"], [third, "64098.00", "0.50000"]]
        await taker.order(side="sell", price="64100.00")
        book.take(await client.hear_of("book"))
        shown = (await venue.client.get("/v1/market/BTC-USD/book?level=3")).json()
        assert (shown["bids"], shown["asks"]) == (book.queue("bids"), book.queue("asks"))


async def test_a_change_of_phase_is_told_to_who_listens(venue, address):
    operator = await venue.admin("operator")
    async with stream(address) as client:
        answers = await client.subscribe(
            {"name": "status", "symbol": "BTC-USD"}, {"name": "auction", "symbol": "BTC-USD"}
        )
        assert [answer["ok"] for answer in answers] == [True, True]
        begins = await client.hear_of("status")
        assert (begins["status"], begins["limit_state"]) == ("continuous", None)
        assert (await client.hear_of("auction"))["auction"]["price"] is None
        for phase in ("halted", "continuous"):
            await operator.http.put("/v1/admin/instruments/BTC-USD/phase", json={"phase": phase})
            told = await client.hear_of("status")
            assert (told["status"], told["cause"], told["prev_seq"]) == (phase, "asked", begins["seq"])
            begins = told
    assert (await venue.client.get("/v1/market/BTC-USD/status")).json()["status"] == "continuous"


async def test_trades_and_ticker_are_told(venue, address):
    maker, taker = await venue.user(), await venue.user()
    async with stream(address) as client:
        await client.subscribe(
            {"name": "trades", "symbol": "BTC-USD"}, {"name": "ticker", "symbol": "BTC-USD", "interval_ms": 10}
        )
        assert (await client.hear_of("ticker"))["ticker"]["last"] is None
        await maker.order(price="64099.00")
        await taker.order(side="sell", price="64099.00", quantity="0.1")
        trades = await client.hear_of("trades")
        assert [(t["price"], t["quantity"], t["side"]) for t in trades["trades"]] == [("64099.00", "0.10000", "sell")]
        assert trades["prev_seq"] < trades["seq"]
        while (ticker := await client.hear_of("ticker"))["ticker"]["last"] is None:
            pass
        assert ticker["ticker"]["last"] == "64099.00"
        await taker.order(side="sell", price="64099.00", quantity="0.2")
        assert (await client.hear_of("trades"))["prev_seq"] == trades["seq"]


async def test_own_orders_and_fills_are_told_and_nobody_elses(venue, address):
    alice, bob = await venue.user(), await venue.user()
    async with stream(address) as client:
        assert (await client.auth(alice.token))["ok"] is True
        answers = await client.subscribe({"name": "orders"}, {"name": "fills"})
        assert all(answer["ok"] for answer in answers)
        await bob.order(price="64090.00")
        mine = (await alice.order(price="64099.00", client_order_id="mine")).json()
        told = await client.hear_of("orders")
        assert (told["seq"], told["symbol"], told["account_id"]) == (mine["sequence"], "BTC-USD", alice.account_id)
        assert told["prev_seq"] == answers[0]["seq"]
        assert [update["kind"] for update in told["updates"]] == ["accepted"]
        await bob.order(side="sell", price="64099.00", quantity="0.1")
        fill = await client.hear_of("fills")
        assert [(f["client_order_id"], f["quantity"], f["liquidity"]) for f in fill["fills"]] == [
            ("mine", "0.10000", "maker")
        ]
        assert (await client.hear_of("orders"))["updates"][0]["order"]["status"] == "partially_filled"


async def submit_many(user: User, count: int) -> list[int]:
    """Submit orders one after the other; return their sequences."""
    return [(await user.order(price="10.00", quantity="0.001")).json()["sequence"] for _ in range(count)]


async def test_a_stream_resumes_where_it_was(venue, address):
    user = await venue.user()
    sequences = await submit_many(user, 10)
    async with stream(address) as client:
        await client.auth(user.token)
        (said,) = await client.subscribe({"name": "orders", "from_seq": sequences[3]})
        assert said["seq"] == sequences[3]
        before = sequences[3]
        for expected in sequences[4:]:
            told = await client.hear_of("orders")
            assert (told["prev_seq"], told["seq"]) == (before, expected)
            before = expected
        (live,) = await submit_many(user, 1)
        told = await client.hear_of("orders")
        assert (told["prev_seq"], told["seq"]) == (before, live)


async def test_a_private_channel_wants_a_user(venue, address):
    async with stream(address) as client:
        (said,) = await client.subscribe({"name": "orders"})
        assert (said["ok"], said["error"]["code"]) == (False, "auth.unauthenticated")


async def test_another_users_account_is_unknown(venue, address):
    alice, bob = await venue.user(), await venue.user()
    async with stream(address) as client:
        await client.auth(alice.token)
        (said,) = await client.subscribe({"name": "fills", "account_id": bob.account_id})
        assert (said["ok"], said["error"]["code"]) == (False, "account.not_found")


async def test_a_forged_token_says_nothing_but_no(venue, address):
    async with stream(address) as client:
        said = await client.auth("x.y.z")
        assert (said["ok"], said["error"]["code"]) == (False, "auth.unauthenticated")


async def test_a_socket_does_not_change_hands(venue, address):
    alice, bob = await venue.user(), await venue.user()
    async with stream(address) as client:
        await client.auth(alice.token)
        assert (await client.auth(bob.token))["ok"] is False
        assert (await client.auth(alice.token))["ok"] is True


@pytest.mark.parametrize("how", ["logout", "disable"])
async def test_a_revoked_session_is_closed_within_a_second(venue, address, how):
    user = await venue.user()
    async with stream(address) as client:
        await client.auth(user.token)
        if how == "logout":
            assert (await user.http.post("/v1/auth/logout")).status_code == 204
        else:
            await venue.venue.bus.request(DisableUser(user_id=user.user_id))
        async with asyncio.timeout(1):
            assert await client.closed() == 4001
    assert (await user.http.get("/v1/orders")).status_code == 401


@pytest.mark.parametrize(
    "message,rule,field",
    [
        ("nonsense", "malformed", None),
        ("[]", "type", None),
        ('{"op":"dance"}', "type", "op"),
        ('{"op":"subscribe"}', "missing", "channels"),
        ('{"op":"subscribe","channels":[]}', "range", "channels"),
        ('{"op":"subscribe","channels":[{"name":"gossip"}]}', "type", "channels[0].name"),
        ('{"op":"subscribe","channels":[{"name":"book","symbol":"BTC-USD","depth":7}]}', "type", "channels[0].depth"),
        ('{"op":"auth","password":"x"}', "unknown_field", "password"),
        ("{" * 60_000, "malformed", None),
    ],
)
async def test_a_bad_message_is_answered_by_name_and_the_socket_lives(venue, address, message, rule, field):
    async with stream(address) as client:
        await client.connection.send(message)
        said = await client.hear()
        assert (said["ok"], said["error"]["code"]) == (False, f"request.invalid.{rule}")
        if field:
            assert said["error"]["field"] == field
        await client.say(op="ping", id=5)
        assert (await client.answer("ping"))["id"] == 5


async def test_each_channel_is_answered_by_itself(venue, address):
    async with stream(address) as client:
        answers = await client.subscribe(
            {"name": "book", "symbol": "NO-PE"},
            {"name": "trades", "symbol": "BTC-USD"},
            {"name": "status", "symbol": "NO-PE"},
        )
        assert [answer["ok"] for answer in answers] == [False, True, False]
        assert answers[0]["error"]["code"] == "instrument.not_found"


async def test_an_unread_feed_is_gone(venue, address):
    async with stream(address) as client:
        await client.subscribe({"name": "book", "symbol": "BTC-USD"}, {"name": "trades", "symbol": "BTC-USD"})
        assert len(venue.gateway.stream.feeds) == 2
        await client.say(op="unsubscribe", channels=[{"name": "trades", "symbol": "BTC-USD"}])
        assert (await client.answer("unsubscribe"))["ok"] is True
        assert len(venue.gateway.stream.feeds) == 1
    await eventually(lambda: len(venue.gateway.stream.feeds) == 0)


async def test_orders_can_be_entered_on_the_socket(venue, address):
    user = await venue.user()
    async with stream(address) as client:
        body = {
            "symbol": "BTC-USD",
            "side": "buy",
            "type": "limit",
            "quantity": "1",
            "price": "10.00",
            "client_order_id": "ws",
        }
        await client.say(op="order.submit", data=body, id=1)
        assert (await client.answer("order.submit"))["error"]["code"] == "auth.unauthenticated"
        await client.auth(user.token)
        await client.say(op="order.submit", data=body, id=2)
        await client.say(op="order.amend", data={"order_id": "client:ws", "quantity": "0.5"}, id=3)
        await client.say(op="order.cancel", data={"order_id": "client:ws"}, id=4)
        await client.say(op="order.mass_cancel", data={}, id=5)
        answers = [await client.hear() for _ in range(4)]
        assert [answer["id"] for answer in answers] == [2, 3, 4, 5]
        assert [answer["data"].get("status") for answer in answers] == ["new", "new", "cancelled", None]
        assert answers[1]["data"]["quantity"] == "0.50000"


async def test_orders_go_when_their_socket_does_if_asked(venue, address):
    """Those that it sent and that are not until cancelled; what came by another way stays."""
    user = await venue.user()
    elsewhere = (await user.order(time_in_force="day")).json()
    body = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.5", "price": "64000.00"}
    async with stream(address) as client:
        await client.auth(user.token, cancel_on_disconnect=True)
        await client.say(op="order.submit", data={**body, "time_in_force": "day"}, id=1)
        day = (await client.answer("order.submit"))["data"]
        await client.say(op="order.submit", data=body, id=2)
        gtc = (await client.answer("order.submit"))["data"]

    async def view(order: dict[str, Any]) -> dict[str, Any]:
        return (await user.http.get(f"/v1/orders/{order['order_id']}")).json()

    async with asyncio.timeout(5):
        while (await view(day))["status"] != "cancelled":  # noqa: ASYNC110  # it is asked of the venue, no event tells it
            await asyncio.sleep(0.01)
    assert (await view(day))["reason"] == "order.cancel.disconnected"
    assert [(await view(one))["status"] for one in (gtc, elsewhere)] == ["new", "new"]


@pytest.mark.hazard("L4")
async def test_a_drain_answers_what_is_in_flight_and_says_goodbye(venue, address):
    user = await venue.user()
    async with stream(address) as client:
        await client.subscribe({"name": "trades", "symbol": "BTC-USD"})
        orders = [asyncio.ensure_future(user.order(price="10.00", quantity="0.001")) for _ in range(20)]
        await asyncio.sleep(0)
        await venue.gateway.drain()
        answers = await asyncio.gather(*orders)
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert venue.gateway.asgi.in_flight == 0
        status = await client.hear_of("status")
        assert status["event"] == "shutting_down"
        assert await client.closed() == 1001
    late = await user.order()
    assert (late.status_code, late.json()["code"]) == (503, "unavailable")
    assert late.headers["retry-after"] == "1"


async def test_limits_on_connections_and_subscriptions(tmp_path):
    settings = replace(GENEROUS, ws_per_peer=2, ws_per_user=1, ws_subscriptions=3)
    async with house(tmp_path, settings) as venue, listening(venue.gateway) as address:
        user = await venue.user()
        async with stream(address) as one, stream(address), stream(address) as third:
            assert await third.closed() == 1013
            await one.auth(user.token)
            async with stream(address) as second:
                await second.say(op="auth", token=user.token)
                assert await second.closed() == 1013
            depths = [1, 5, 10, 20]
            channels = [{"name": "book", "symbol": "BTC-USD", "depth": depth} for depth in depths]
            await one.say(op="subscribe", channels=channels)
            assert await one.closed() == 1013
        await eventually(lambda: not venue.gateway.stream.sessions)
        async with stream(address) as again:
            assert (await again.auth(user.token))["ok"] is True

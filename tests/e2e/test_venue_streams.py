"""A venue's sockets as a client meets them: books, trades, private orders, entry of orders, the end of a session.

Goal: what a client keeps from frames is what the venue has, from any place on, without gap or repeat.
Method: real sockets of a real venue; prices of each test lie apart, its users are its own.
"""

import zlib
from decimal import Decimal
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("venue")]


def _crc(bids: list[list[Any]], asks: list[list[Any]]) -> int:
    """The checksum as the documentation tells a client to compute it."""
    parts = [f"{side[at][0]}:{side[at][1]}" for at in range(10) for side in (bids, asks) if at < len(side)]
    return zlib.crc32(":".join(parts).encode())


class LocalBook:
    """A book kept from frames, as a client keeps it."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, list[Any]]] = {"bids": {}, "asks": {}}
        self.seq = 0

    def take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        else:
            assert frame["prev_seq"] == self.seq, "a gap"
        for name, side in self.sides.items():
            for level in frame[name]:
                if level[1] == "0":
                    side.pop(level[0], None)
                else:
                    side[level[0]] = level
        self.seq = frame["seq"]
        assert _crc(self.best("bids"), self.best("asks")) == frame["checksum"]

    def best(self, name: str) -> list[list[Any]]:
        return sorted(self.sides[name].values(), key=lambda level: Decimal(level[0]), reverse=name == "bids")


def test_a_book_kept_from_the_stream_matches_each_checksum_and_the_rest_answer(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    symbol = "ETH-BTC"
    with ann.stream() as stream:
        stream.subscribe(name="book", symbol=symbol, level=2, depth=10, interval_ms=10)
        book = LocalBook()
        book.take(stream.next("book"))
        last = 0
        for n in range(12):
            ann.submit("buy", "0.5", f"0.03{n:02d}0", symbol)
            last = bob.submit("sell", "0.25", f"0.0{400 + n}0", symbol)["sequence"]
        last = bob.submit("sell", "1.2", "0.03050", symbol)["sequence"]
        frames = 1
        while book.seq < last:
            book.take(stream.next("book"))
            frames += 1
    rest = ann.get(f"/v1/market/{symbol}/book", level=2, depth=10).json()
    assert book.best("bids")[:10] == rest["bids"]
    assert book.best("asks")[:10] == rest["asks"]
    assert frames > 2


def test_trades_and_ticker_come_by_stream(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    with ann.stream() as stream:
        stream.subscribe(name="trades", symbol="MSFT")
        stream.subscribe(name="ticker", symbol="MSFT")
        ann.venue.fund(ann.venue.log_in(ADMIN), bob, MSFT="100")
        ann.submit("buy", "5", "400.00", "MSFT")
        taken = bob.submit("sell", "3", "400.00", "MSFT")
        frame = stream.next("trades")
        (trade,) = frame["trades"]
        assert (trade["price"], trade["quantity"], trade["side"]) == ("400.00", "3", "sell")
        assert (trade["trade_id"], frame["seq"]) == (taken["fills"][0]["trade_id"], taken["sequence"])
        while (ticker := stream.next("ticker"))["ticker"]["last"] is None:
            pass
        assert ticker["ticker"]["last"] == "400.00"


def test_private_orders_and_fills_resume_from_any_sequence_without_gap_or_repeat(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    with ann.stream() as stream:
        start = stream.subscribe(name="orders")["seq"]
        first = ann.submit("buy", "0.5", "10000.00")
        heard = stream.next("orders")
        assert (heard["seq"], heard["prev_seq"]) == (first["sequence"], start)
    for _ in range(3):  # while nobody listens
        bob.submit("sell", "0.1", "10000.00")
    with ann.stream() as stream:
        stream.subscribe(name="orders", from_seq=heard["seq"])
        stream.subscribe(name="fills", from_seq=0)
        missed = [stream.next("orders") for _ in range(3)]
        assert [one["prev_seq"] for one in missed] == [heard["seq"], *(one["seq"] for one in missed[:2])]
        assert [one["updates"][0]["order"]["leaves"] for one in missed] == ["0.40000", "0.30000", "0.20000"]
        fills = [stream.next("fills")["fills"][0] for _ in range(3)]
        assert [one["sequence"] for one in fills] == [one["seq"] for one in missed]
        live = bob.submit("sell", "0.2", "10000.00")
        now = stream.next("orders")
        assert (now["seq"], now["prev_seq"]) == (live["sequence"], missed[-1]["seq"])
        assert now["updates"][0]["order"]["status"] == "filled"


def test_orders_can_be_entered_on_the_socket(pair: tuple[Trader, Trader]) -> None:
    ann, _ = pair
    with ann.stream() as stream:
        made = stream.say(op="order.submit", data=ann.order("buy", "0.1", "1400.00"))
        assert made["ok"], made
        order = made["data"]
        changed = stream.say(op="order.amend", data={"order_id": order["order_id"], "price": "1401.00"})
        assert changed["data"]["price"] == "1401.00"
        gone = stream.say(op="order.cancel", data={"order_id": f"client:{order['client_order_id']}"})
        assert gone["data"]["status"] == "cancelled"
        wrong = stream.say(op="order.submit", data=ann.order("buy", "0.1", "1e3"))
        assert (wrong["ok"], wrong["error"]["code"]) == (False, "request.invalid.decimal")
        assert stream.say(op="order.mass_cancel", data={})["ok"]


def test_a_socket_that_cancels_on_disconnect_leaves_only_good_till_cancelled_orders_behind(
    pair: tuple[Trader, Trader],
) -> None:
    ann, _ = pair
    with ann.stream() as stream:
        assert stream.say(op="auth", token=ann.token, cancel_on_disconnect=True)["ok"]
        for time_in_force in ("day", "gtc"):
            body = ann.order("buy", "0.1", "1500.00", time_in_force=time_in_force)
            assert stream.say(op="order.submit", data=body)["data"]["status"] == "new"
    poll(lambda: [o["time_in_force"] for o in ann.get("/v1/orders", status="open").json()["items"]] == ["gtc"])


def test_a_logged_out_session_loses_its_socket_and_its_token(venue: Venue) -> None:
    ann = venue.register()
    with ann.stream() as stream:
        stream.subscribe(name="orders")
        assert venue.http.post("/v1/auth/logout", headers=ann.headers).status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                stream.socket.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4001
    assert ann.get("/v1/orders").status_code == 401

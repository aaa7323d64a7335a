"""Every kind of order as a client meets it: a real process, HTTP and sockets, and orders that act by themselves.

Goal: what was placed acts when its time, its price or its link says so, is seen by everybody as it should be, and survives a
restart; afterwards books, ledger and engine agree to the last unit.
Method: one venue on free loopback ports; each test has traders and prices of its own; what acts by itself is polled for.
"""

import time
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("order types")]


@pytest.fixture
def pair(venue: Venue, admin: Trader, pair: tuple[Trader, Trader]) -> tuple[Trader, Trader]:
    """The two with more of everything, and shares."""
    for trader in pair:
        venue.fund(admin, trader, USD="9000000.00", BTC="90", AAPL="10000")
    return pair


def shown(trader: Trader, order: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = trader.get(f"/v1/orders/{order['order_id']}").json()
    return answer


def kinds(trader: Trader, order: dict[str, Any]) -> list[str]:
    events = trader.get(f"/v1/orders/{order['order_id']}/events").json()["items"]
    return [f"{one['kind']}:{one['cause']}" if "cause" in one else one["kind"] for one in events]


def test_a_stop_waits_until_a_trade_prints_through_it(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    bob.submit("buy", "1", "30000.00")
    bob.submit("buy", "3", "29900.00")
    stop = ann.submit("sell", "0.5", None, type="stop", stop_price="30000.00")
    assert (stop["status"], stop["waiting"], stop["price"], stop["trigger"]) == ("new", "trigger", None, "last")
    moved = ann.patch(f"/v1/orders/{stop['order_id']}", {"stop_price": "29950.00"}).json()
    assert moved["stop_price"] == "29950.00"
    ann.submit("sell", "1", "30000.00")
    assert shown(ann, stop)["waiting"] == "trigger"
    ann.submit("sell", "0.1", "29900.00")
    view = shown(ann, stop)
    assert (view["status"], view["average_price"], view["waiting"]) == ("filled", "29900.00", None)
    assert view["triggered_at"].endswith("Z")
    assert kinds(ann, stop) == ["accepted", "replaced:order.replace.requested", "triggered:last", "filled"]


def test_a_trailing_stop_follows_the_market(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    bob.submit("buy", "9", "21000.00")
    ann.submit("sell", "0.1", "21000.00")
    trail = ann.submit("sell", "0.5", None, type="trailing_stop", trail={"percent": "10"})
    assert (trail["stop_price"], trail["trail"]) == ("18900.00", {"percent": "10"})
    bob.submit("buy", "0.1", "22000.00")
    ann.submit("sell", "0.1", "22000.00")
    assert shown(ann, trail)["stop_price"] == "19800.00"
    assert "stop_moved" in kinds(ann, trail)


def test_an_iceberg_shows_its_tip_and_goes_to_the_end_with_each_refill(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    price = "41000.00"
    berg = ann.submit("sell", "1", price, display="0.25")
    behind = bob.submit("sell", "0.5", price)
    book = ann.get("/v1/market/BTC-USD/book", level=3).json()["asks"]
    ours = [one for one in book if one[1] == price]
    assert ours == [[berg["order_id"], price, "0.25000"], [behind["order_id"], price, "0.50000"]]
    place = bob.get(f"/v1/orders/{behind['order_id']}/queue").json()
    assert (place["position"], place["orders_ahead"], place["quantity_ahead"]) == (2, 1, "0.25000")
    bought = bob.submit("buy", "0.3", price, self_trade_prevention="none")
    ann.wait_for(bought["sequence"])
    book = ann.get("/v1/market/BTC-USD/book", level=3).json()["asks"]
    assert [one for one in book if one[1] == price] == [
        [behind["order_id"], price, "0.45000"], [berg["order_id"], price, "0.25000"],
    ]  # fmt: skip
    view = shown(ann, berg)
    assert (view["filled"], view["leaves"], view["refills"], view["display"]) == ("0.25000", "0.75000", 1, "0.25000")


def test_what_is_hidden_trades_and_is_in_no_book(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    with ann.stream() as stream:
        stream.subscribe(name="book", symbol="BTC-USD", level=3, interval_ms=10)
        first = stream.next("book")
        parts = [
            f"{side[at][0]}:{side[at][2]}"
            for at in range(10)
            for side in (first["bids"], first["asks"])
            if at < len(side)
        ]
        assert zlib.crc32(":".join(parts).encode()) == first["checksum"]
        hidden = ann.submit("sell", "1", "42000.00", hidden=True)
        assert hidden["status"] == "new"
        assert all(one[0] != hidden["order_id"] for one in ann.get("/v1/market/BTC-USD/book", level=3).json()["asks"])
        assert ann.get(f"/v1/orders/{hidden['order_id']}/queue").json()["position"] == 1
        bought = bob.submit("buy", "0.4", "42000.00")
        assert (bought["status"], bought["average_price"]) == ("filled", "42000.00")


def test_a_bracket_protects_what_its_entry_bought(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    bob.submit("sell", "1", "50000.00")
    legs = [
        ann.order("buy", "1", "50000.00"),
        ann.order("sell", "1", "51000.00"),
        ann.order("sell", "1", None, type="stop", stop_price="49000.00"),
    ]
    items = ann.post("/v1/orders:linked", {"link": "bracket", "orders": legs}).json()["items"]
    entry, profit, loss = items
    assert [one["link"]["role"] for one in items] == ["entry", "take_profit", "stop_loss"]
    assert entry["status"] == "filled"
    profit, loss = shown(ann, profit), shown(ann, loss)
    assert [(one["status"], one["waiting"]) for one in (profit, loss)] == [("new", None), ("new", "trigger")]
    ann.wait_for(bob.submit("buy", "1", "51000.00")["sequence"])
    assert shown(ann, profit)["status"] == "filled"
    gone = shown(ann, loss)
    assert (gone["status"], gone["reason"]) == ("cancelled", "order.cancel.linked")


def test_an_order_expires_by_itself_and_says_so(pair: tuple[Trader, Trader]) -> None:
    ann, _ = pair
    soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat().replace("+00:00", "Z")
    order = ann.submit("buy", "0.1", "1000.00", time_in_force="gtt", expires_at=soon)
    assert order["status"] == "new"
    held = ann.balances()["USD"][1]
    view = poll(lambda: (one := shown(ann, order))["status"] == "expired" and one)
    assert (view["reason"], view["leaves"]) == ("order.cancel.expired", "0.00000")
    assert datetime.fromisoformat(view["updated_at"][:26] + "+00:00") < datetime.fromisoformat(soon) + timedelta(
        seconds=1
    )
    assert held != "0.00"
    poll(lambda: ann.balances()["USD"][1] == "0.00")  # another room follows than that of orders
    dated = ann.submit("buy", "0.1", "1000.00", time_in_force="gtd", expires_at="2199-12-24")
    assert dated["expires_at"] == "2199-12-25T00:00:00.000000000Z"
    late = ann.submit("buy", "0.1", "1000.00", time_in_force="gtt", expires_at="2001-01-01T00:00:00Z")
    assert (late["status"], late["reason"]) == ("rejected", "order.expired")


def test_the_dead_mans_switch_lets_go_when_nobody_asks_again(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    mine, other = ann.submit("buy", "0.1", "1000.00"), bob.submit("buy", "0.1", "1000.00")
    ann.post("/v1/orders:cancel-all-after", {"timeout_s": 1})
    time.sleep(0.5)
    armed = ann.post("/v1/orders:cancel-all-after", {"timeout_s": 1}).json()
    assert armed["deadline"] is not None
    assert shown(ann, mine)["status"] == "new"
    view = poll(lambda: (one := shown(ann, mine))["status"] == "cancelled" and one)
    assert view["reason"] == "order.cancel.cancel_all_after"
    assert shown(bob, other)["status"] == "new"


def test_orders_of_a_socket_go_with_it_if_asked_but_not_gtc_ones(pair: tuple[Trader, Trader]) -> None:
    ann, _ = pair
    elsewhere = ann.submit("buy", "0.1", "1000.00", time_in_force="day")
    with ann.stream() as stream:
        assert stream.say(op="auth", token=ann.token, cancel_on_disconnect=True)["ok"]
        day = stream.say(op="order.submit", data=ann.order("buy", "0.1", "1000.00", time_in_force="day"))["data"]
        gtc = stream.say(op="order.submit", data=ann.order("buy", "0.1", "1000.00"))["data"]
        assert day["cancel_on_disconnect"] is True
    view = poll(lambda: (one := shown(ann, day))["status"] == "cancelled" and one)
    assert view["reason"] == "order.cancel.disconnected"
    assert [shown(ann, one)["status"] for one in (gtc, elsewhere)] == ["new", "new"]


def test_an_auction_gathers_and_uncrosses_when_an_operator_opens(pair: tuple[Trader, Trader], admin: Trader) -> None:
    ann, bob = pair
    phase = "/v1/admin/instruments/AAPL/phase"
    with ann.stream() as stream:
        stream.subscribe(name="status", symbol="AAPL")
        assert stream.next("status")["status"] == "continuous"
        assert admin.put(phase, {"phase": "opening_call"}).status_code == 200
        assert stream.next("status")["status"] == "opening_call"
        stream.subscribe(name="auction", symbol="AAPL", interval_ms=10)
        buy = ann.submit("buy", "100", "201.00", "AAPL", time_in_force="at_open")
        sell = bob.submit("sell", "60", "199.00", "AAPL")
        assert (buy["status"], sell["status"]) == ("new", "new")
        book = ann.get("/v1/market/AAPL/book").json()
        assert (book["bids"][0][0], book["asks"][0][0]) == ("201.00", "199.00"), "in a call the book may cross"
        now = ann.get("/v1/market/AAPL/auction").json()
        assert (now["quantity"], now["imbalance"], now["phase"]) == ("60", "40", "opening_call")
        told = stream.next("auction")
        while told["auction"]["quantity"] != "60":
            told = stream.next("auction")
        assert told["auction"]["price"] == now["price"]
        assert admin.put(phase, {"phase": "continuous"}).status_code == 200
        assert stream.next("status")["status"] == "continuous"
    last = ann.get("/v1/market/AAPL/auction").json()
    assert (last["price"], last["last"]["price"], last["last"]["quantity"]) == (None, now["price"], "60")
    done = poll(lambda: (one := shown(ann, buy))["status"] == "cancelled" and one)
    assert (done["filled"], done["status"], done["reason"]) == ("60", "cancelled", "order.cancel.auction_over")
    assert poll(lambda: shown(bob, sell)["status"] == "filled")


def test_an_operator_busts_a_trade(pair: tuple[Trader, Trader], admin: Trader) -> None:
    ann, bob = pair
    before = ann.balances(), bob.balances()
    ann.submit("buy", "0.5", "48000.00")
    sold = bob.submit("sell", "0.5", "48000.00")
    trade = sold["fills"][0]["trade_id"]
    refused = ann.post(f"/v1/admin/trades/{trade}/bust", {"action": "cancel"})
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.forbidden")
    assert admin.post(f"/v1/admin/trades/{trade}/bust", {"action": "cancel"}).json()["repeat"] is False
    ann.wait_for(sold["sequence"] + 1)
    bob.wait_for(sold["sequence"] + 1)
    assert (ann.balances(), bob.balances()) == before
    assert [fill["busted"] for fill in ann.fills() + bob.fills()] == ["cancel", "cancel"]
    assert admin.post(f"/v1/admin/trades/{trade}/bust", {"action": "cancel"}).json()["repeat"] is True


def test_a_peg_follows_and_a_mark_triggers(pair: tuple[Trader, Trader], admin: Trader) -> None:
    ann, bob = pair
    bob.submit("buy", "0.1", "60000.00")
    peg = ann.submit("buy", "1", "65000.00", type="pegged", peg={"reference": "primary"})
    assert (peg["price"], peg["peg"]["working_price"], peg["waiting"]) == ("65000.00", "60000.00", None)
    ann.wait_for(bob.submit("buy", "0.1", "60001.00")["sequence"])
    assert shown(ann, peg)["peg"]["working_price"] == "60001.00"
    stop = ann.submit("buy", "0.1", "62000.00", type="stop_limit", stop_price="61500.00", trigger="mark")
    marked = admin.put("/v1/admin/instruments/BTC-USD/mark", {"price": "61600.00"}).json()
    assert marked["price"] == "61600.00"
    ann.wait_for(marked["sequence"])
    view = shown(ann, stop)
    assert (view["waiting"], view["status"]) == (None, "new")
    assert "triggered:mark" in kinds(ann, stop)


def test_what_waits_survives_a_kill_and_acts_afterwards(tmp_path: Any) -> None:
    """A stop, an iceberg and an expiry over `kill -9`: all are there again, and act as if nothing had happened."""
    opened = Venue(tmp_path / "killed")
    try:
        opened.begin()
        opened.start()
        admin = opened.log_in(ADMIN)
        ann, bob = opened.register("ann"), opened.register("bob")
        for trader in (ann, bob):
            opened.fund(admin, trader, USD="10000000.00", BTC="100")
        berg = ann.submit("sell", "1", "41000.00", display="0.25")
        stop = ann.submit("buy", "0.1", None, type="stop", stop_price="41000.00")
        soon = (datetime.now(UTC) + timedelta(seconds=6)).isoformat().replace("+00:00", "Z")
        dying = ann.submit("buy", "0.1", "1000.00", time_in_force="gtt", expires_at=soon)
        opened.kill()
        opened.start()
        assert (shown(ann, stop)["waiting"], shown(ann, berg)["leaves"]) == ("trigger", "1.00000")
        assert ann.get("/v1/market/BTC-USD/book").json()["asks"] == [["41000.00", "0.25000", 1]]
        bob.submit("sell", "0.2", "41000.00")
        bob.submit("buy", "0.1", "41000.00")
        assert poll(lambda: shown(ann, stop).get("triggered_at", ""))
        assert poll(lambda: shown(ann, dying)["status"] == "expired")
        assert admin.ask("ledger", "Reconcile").json()["differences"] == []
        assert opened.stop() == 0
    finally:
        opened.close()

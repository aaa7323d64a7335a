"""A venue as its users meet it: the real process, its ports, its command line.

Goal: everything that a client or an operator does on the spine works together.
Method: one real venue on free loopback ports is shared by tests that leave it as they found it. Prices of each test lie
apart, its users are its own, and its orders are cancelled after it.
"""

import json
import socket
import uuid
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from quantumcore.app.bench.served import free_port_base
from tests.support.processes import ADMIN, PORTS, Trader, Venue, command, poll

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("venue")]


# ------------------------------------------------------------------------------------------------ users and money


def test_admins_are_made_on_the_command_line_before_the_venue_runs_and_while_it_runs(
    venue: Venue, admins: dict[str, dict[str, str]]
) -> None:
    for made, email in ((admins["before"], ADMIN), (admins["while"], "second@example.com")):
        assert set(made) == {"user_id", "account_id"}
        uuid.UUID(made["user_id"])
        me = venue.log_in(email).get("/v1/auth/me").json()
        assert me["roles"] == ["admin"]
        assert me["user_id"] == made["user_id"]
    again = venue.cli(
        "user", "create", ADMIN, "--role", "admin", "--password-stdin", given="another long pass phrase\n"
    )
    assert again.returncode == 1
    assert "user.exists" in again.stderr
    assert "Traceback" not in again.stderr


def test_nobody_without_a_token_gets_anything_but_public_data(venue: Venue) -> None:
    refused = venue.http.get("/v1/orders")
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.unauthenticated")
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert venue.http.get("/v1/market/BTC-USD/book").status_code == 200
    symbols = [one["symbol"] for one in venue.http.get("/v1/instruments").json()["items"]]
    assert {"BTC-USD", "ETH-BTC", "AAPL", "ESH7"} <= set(symbols)


def test_a_deposit_is_seen_at_once_and_its_repeat_changes_nothing(venue: Venue, admin: Trader) -> None:
    ann = venue.register()
    body = {
        "transfer_id": "d-1",
        "kind": "deposit",
        "account_id": ann.account,
        "currency": "USD",
        "amount": "100000.00",
    }
    first = admin.post("/v1/transfers", body).json()
    assert first["status"] == "posted"
    assert admin.post("/v1/transfers", body).json()["sequence"] == first["sequence"]
    other = admin.post("/v1/transfers", body | {"amount": "1.00"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")
    assert ann.balances()["USD"] == ("100000.00", "0.00")
    legs = ann.get(f"/v1/accounts/{ann.account}/ledger").json()["items"]
    assert [leg["amount"] for leg in legs] == ["100000.00"]


def test_a_trader_deposits_nothing_and_sees_no_account_but_his_own(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    body = {"transfer_id": "mine", "kind": "deposit", "currency": "USD", "amount": "1.00"}
    refused = ann.post("/v1/transfers", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.forbidden")
    order = bob.submit("buy", "0.1", "1000.00")
    for path in (
        f"/v1/accounts/{bob.account}/balances",
        f"/v1/accounts/{bob.account}/fills",
        f"/v1/orders/{order['order_id']}",
    ):
        assert ann.get(path).status_code == 404, path
    assert ann.delete(f"/v1/orders/{order['order_id']}").status_code == 404
    assert bob.get(f"/v1/orders/{order['order_id']}").json()["status"] == "new"


# ---------------------------------------------------------------------------------------------------------- orders


def test_a_resting_order_holds_its_worst_cost_and_cancelling_gives_it_back(pair: tuple[Trader, Trader]) -> None:
    ann, _ = pair
    order = ann.submit("buy", "0.5", "2000.00")
    assert order["status"] == "new"
    assert ann.balances()["USD"] == ("1000000.00", "1001.00")  # 1,000 and the taker's fee of 10 basis points
    (hold,) = ann.get(f"/v1/accounts/{ann.account}/holds").json()["holds"]
    assert (hold["order_id"], Decimal(hold["open"])) == (order["order_id"], Decimal("1001.00"))
    cancelled = ann.delete(f"/v1/orders/{order['order_id']}").json()
    assert cancelled["status"] == "cancelled"
    assert ann.balances()["USD"] == ("1000000.00", "0.00")
    assert ann.get(f"/v1/accounts/{ann.account}/holds").json()["holds"] == []
    assert ann.delete(f"/v1/orders/{order['order_id']}").json()["status"] == "cancelled"


def test_two_orders_trade_and_both_sides_settle_to_the_cent(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    ann.submit("buy", "0.5", "64000.00")
    taken = bob.submit("sell", "0.2", "63990.00")
    assert (taken["status"], taken["filled"], taken["average_price"]) == ("filled", "0.20000", "64000.00")
    (fill,) = taken["fills"]
    assert (fill["price"], fill["liquidity"], fill["fee"]) == ("64000.00", "taker", "12.80")
    ann.wait_for(taken["sequence"])
    assert ann.balances() == {
        "USD": (
            "987193.60",
            "19219.20",
        ),  # 12,800 and a maker's fee of 6.40; 0.3 at 64,000 and 10 basis points are held
        "BTC": ("10.20000000", "0.00000000"),
        "ETH": ("100.00000000", "0.00000000"),
    }
    assert bob.balances()["USD"] == ("1012787.20", "0.00")
    assert bob.balances()["BTC"] == ("9.80000000", "0.00000000")
    (mine,), (his,) = ann.fills(), bob.fills()
    assert mine["trade_id"] == his["trade_id"] == fill["trade_id"]
    assert (mine["side"], mine["liquidity"], his["side"], his["liquidity"]) == ("buy", "maker", "sell", "taker")


def test_book_ticker_and_trades_show_what_happened(venue: Venue, pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    ann.submit("buy", "2", "3000.00", "ETH-USD")
    ann.submit("buy", "1", "2999.50", "ETH-USD")
    bob.submit("sell", "3", "3001.00", "ETH-USD")
    done = bob.submit("sell", "0.5", None, "ETH-USD")
    assert done["status"] == "filled"
    book = bob.get("/v1/market/ETH-USD/book", level=2, depth=10).json()
    assert book["bids"] == [["3000.00", "1.5000", 1], ["2999.50", "1.0000", 1]]
    assert book["asks"] == [["3001.00", "3.0000", 1]]
    by_order = bob.get("/v1/market/ETH-USD/book", level=3).json()
    assert [Decimal(one[2]) for one in by_order["bids"]] == [Decimal("1.5"), Decimal(1)]
    trade = poll(lambda: venue.http.get("/v1/market/ETH-USD/trades").json()["items"])[0]
    assert (trade["price"], trade["quantity"], trade["side"]) == ("3000.00", "0.5000", "sell")
    ticker = poll(lambda: (t := venue.http.get("/v1/market/ETH-USD/ticker").json())["last"] and t)
    assert (ticker["bid"], ticker["ask"], ticker["last"], ticker["volume_24h"]) == (
        "3000.00",
        "3001.00",
        "3000.00",
        "0.5000",
    )


def test_amending_down_keeps_the_place_in_the_queue_and_amending_up_loses_it(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    first, second = ann.submit("buy", "0.5", "5000.00"), bob.submit("buy", "0.5", "5000.00")
    less = ann.patch(f"/v1/orders/{first['order_id']}", {"quantity": "0.4"}).json()
    assert (less["status"], less["quantity"], less["leaves"]) == ("new", "0.40000", "0.40000")
    book = ann.get("/v1/market/BTC-USD/book", level=3).json()["bids"]
    assert [one[0] for one in book[:2]] == [first["order_id"], second["order_id"]]
    more = ann.patch(f"/v1/orders/client:{first['client_order_id']}", {"quantity": "0.6"}).json()
    assert more["quantity"] == "0.60000"
    book = ann.get("/v1/market/BTC-USD/book", level=3).json()["bids"]
    assert [Decimal(one[2]) for one in book[:2]] == [Decimal("0.5"), Decimal("0.6")]
    assert Decimal(ann.balances()["USD"][1]) == Decimal("3003.00")


def test_a_filled_order_can_neither_be_cancelled_nor_amended(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    order = ann.submit("buy", "0.1", "6000.00")
    ann.wait_for(bob.submit("sell", "0.1", "6000.00")["sequence"])
    assert ann.get(f"/v1/orders/{order['order_id']}").json()["status"] == "filled"
    assert ann.delete(f"/v1/orders/{order['order_id']}").status_code == 409
    assert ann.patch(f"/v1/orders/{order['order_id']}", {"quantity": "0.05"}).status_code == 409


def test_mass_cancel_takes_what_fits_and_names_it(pair: tuple[Trader, Trader]) -> None:
    ann, _ = pair
    buys = [ann.submit("buy", "0.1", f"{1000 + n}.00")["order_id"] for n in range(5)]
    sell = ann.submit("sell", "0.1", "900000.00")["order_id"]
    elsewhere = ann.submit("buy", "1", "100.00", "ETH-USD")["order_id"]
    done = ann.delete("/v1/orders", symbol="BTC-USD", side="buy").json()
    assert sorted(done["order_ids"]) == sorted(buys)
    still = {one["order_id"] for one in ann.get("/v1/orders", status="open").json()["items"]}
    assert still == {sell, elsewhere}
    assert sorted(ann.delete("/v1/orders").json()["order_ids"]) == sorted([sell, elsewhere])
    assert all(held == Decimal(0) for held in (Decimal(held) for _, held in ann.balances().values()))


def test_a_batch_is_answered_order_by_order(pair: tuple[Trader, Trader]) -> None:
    ann, _ = pair
    orders = [
        ann.order("buy", "0.1", "1100.00"),
        ann.order("buy", "0.1", "1100.001"),
        {"symbol": "BTC-USD", "side": "BUY", "type": "limit", "quantity": "1", "price": "1"},
        ann.order("buy", "100", "64000.00"),
        ann.order("sell", "0.1", "990000.00"),
    ]
    items = ann.post("/v1/orders:batch", {"orders": orders}).json()["items"]
    assert [item.get("status", "error") for item in items] == ["new", "rejected", "error", "rejected", "new"]
    assert items[1]["reason"] == "order.price.off_tick"
    assert items[2]["error"]["code"].startswith("request.invalid.")
    assert items[3]["reason"] == "risk.no_funds"


def test_the_same_order_again_is_the_same_answer_and_another_under_its_id_is_refused(
    pair: tuple[Trader, Trader],
) -> None:
    ann, _ = pair
    body = ann.order("buy", "0.3", "1200.00", client_order_id="once-only")
    first = ann.post("/v1/orders", body).json()
    again = [ann.post("/v1/orders", body).json() for _ in range(3)]
    assert {one["order_id"] for one in again} == {first["order_id"]}
    assert {one["sequence"] for one in again} == {first["sequence"]}
    other = ann.post("/v1/orders", body | {"quantity": "0.4"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")
    assert len(ann.get("/v1/orders", status="open").json()["items"]) == 1


def test_an_order_that_costs_too_much_is_an_answer_with_the_limit_beside_it(pair: tuple[Trader, Trader]) -> None:
    ann, _ = pair
    before = ann.balances()
    order = ann.submit("buy", "100", "64000.00")
    assert order["status"] == "rejected"
    assert Decimal(order["limit"]) == Decimal("1000000.00")
    assert Decimal(order["actual"]) == Decimal("6406400.00")
    assert ann.balances() == before
    assert ann.get(f"/v1/orders/client:{order['client_order_id']}").json()["status"] == "rejected"


def test_the_history_of_an_order_tells_every_change_in_order(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    order = ann.submit("buy", "0.5", "7000.00")
    bob.submit("sell", "0.2", "7000.00")
    ann.delete(f"/v1/orders/{order['order_id']}")
    items = ann.get(f"/v1/orders/{order['order_id']}/events").json()["items"]
    assert [one["order"]["status"] for one in items] == ["new", "partially_filled", "cancelled"]
    assert [one["sequence"] for one in items] == sorted(one["sequence"] for one in items)


# --------------------------------------------------------------------------------------------------------- operators


def test_a_halted_instrument_takes_nothing_new_but_lets_everybody_out(
    admin: Trader, pair: tuple[Trader, Trader]
) -> None:
    ann, _ = pair
    resting = ann.submit("buy", "1", "200.00", "AAPL")
    assert admin.put("/v1/instruments/AAPL/status", {"status": "halted"}).json()["status"] == "halted"
    try:
        refused = ann.submit("buy", "1", "200.00", "AAPL")
        assert (refused["status"], refused["reason"]) == ("rejected", "session.halted")
        assert ann.delete(f"/v1/orders/{resting['order_id']}").json()["status"] == "cancelled"
        assert ann.put("/v1/instruments/AAPL/status", {"status": "trading"}).status_code == 403
    finally:
        admin.put("/v1/instruments/AAPL/status", {"status": "trading"})
    assert ann.submit("buy", "1", "200.00", "AAPL")["status"] == "new"


@pytest.mark.parametrize("whole_venue", [False, True], ids=["of one account", "of the venue"])
def test_the_kill_switch_takes_orders_out_and_lets_none_in(
    admin: Trader, pair: tuple[Trader, Trader], whole_venue: bool
) -> None:
    ann, bob = pair
    for price in ("1300.00", "1301.00"):
        ann.submit("buy", "0.1", price)
    bob.submit("buy", "0.1", "1302.00")
    who = {} if whole_venue else {"account_id": ann.account}
    engaged = admin.post("/v1/risk/kill", who).json()
    assert (engaged["engaged"], engaged["cancelled"]) == (True, 3 if whole_venue else 2)
    try:
        assert ann.submit("buy", "0.1", "1300.00")["status"] == "rejected"
        assert bob.submit("buy", "0.1", "1303.00")["status"] == ("rejected" if whole_venue else "new")
        assert ann.get("/v1/orders", status="open").json()["items"] == []
        assert ann.post("/v1/risk/kill", {}).status_code == 403
    finally:
        assert admin.delete("/v1/risk/kill", **who).json()["engaged"] is False
    assert ann.submit("buy", "0.1", "1300.00")["status"] == "new"


def test_every_service_answers_for_itself_on_its_own_port(venue: Venue, admin: Trader) -> None:
    for name in PORTS:
        base = venue.on_port(name)
        health, ready, metrics = (httpx.get(base + path, timeout=30) for path in ("/health", "/ready", "/metrics"))
        assert (health.status_code, health.text) == (200, "OK"), name
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []}), name
        assert metrics.status_code == 200
        assert "# TYPE" in metrics.text
    asked = {
        "matching": ("GetEngineTotals", {}),
        "auth": ("GetUser", {"user_id": admin.get("/v1/auth/me").json()["user_id"]}),
        "orders": ("GetAccountOrders", {"account": int(admin.account)}),
        "market": ("GetBook", {"symbol": "BTC-USD", "depth": 5}),
        "ledger": ("GetTrialBalance", {}),
    }
    for name, (query, fields) in asked.items():
        listed = httpx.get(venue.on_port(name) + "/queries", timeout=30).json()
        assert query in listed
        anonymous = httpx.post(f"{venue.on_port(name)}/queries/{query}", json=fields, timeout=30)
        assert (anonymous.status_code, anonymous.json()["code"]) == (401, "auth.unauthenticated"), name
        answered = admin.ask(name, query, **fields)
        assert answered.status_code == 200, (name, answered.text)
        assert admin.ask(name, query, nonsense=1).status_code == 400
        assert admin.ask(name, "DropTables").status_code == 404


def test_a_trader_asks_services_about_his_own_account_only(pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    assert ann.ask("ledger", "GetBalances", account=int(ann.account)).status_code == 200
    assert ann.ask("ledger", "GetBalances", account=int(bob.account)).status_code == 404
    assert ann.ask("orders", "GetAccountOrders", account=int(bob.account)).status_code == 404
    assert ann.ask("ledger", "Reconcile").status_code == 403
    assert ann.ask("matching", "GetEngineStatus").status_code == 403


def test_ledger_and_engine_agree_on_every_balance_and_hold(admin: Trader, pair: tuple[Trader, Trader]) -> None:
    ann, bob = pair
    ann.submit("buy", "0.123", "8000.00")
    bob.submit("sell", "0.1", "8000.00")
    answer = admin.ask("ledger", "Reconcile").json()
    assert answer["differences"] == []
    assert answer["accounts"] >= 4
    for line in admin.ask("matching", "GetEngineTotals").json()["totals"]:
        assert line["customers"] + line["fees"] - line["rebates"] + line["rounding"] == line["deposited"]
    assert admin.ask("ledger", "GetTrialBalance").json()["balanced"] is True


def test_status_and_snapshot_and_verify_speak_of_the_running_venue(
    venue: Venue, admin: Trader, pair: tuple[Trader, Trader]
) -> None:
    assert len(pair) == 2, "they have money, so the ledger has entries"
    assert admin.ask("ledger", "Reconcile").json()["differences"] == []
    told = venue.cli("status", "--json")
    assert told.returncode == 0, told.stderr
    status = json.loads(told.stdout)
    engine = admin.get("/v1/admin/engine").json()
    assert (status["sequence"], status["state_hash"]) == (engine["sequence"], engine["state_hash"])
    assert status["halted"] is False
    written = venue.cli("snapshot")
    assert (written.returncode, written.stdout) == (0, "snapshot written\n")
    report = json.loads(venue.cli("verify", "--json").stdout)
    assert report["sound"], report
    assert report["last_sequence"] >= status["sequence"]
    assert report["snapshots"] >= 1
    assert report["state_hash"] == admin.get("/v1/admin/engine").json()["state_hash"]
    assert report["audit_records"] > 0
    assert report["ledger_sequence"] >= status["sequence"]
    verdict = admin.get("/v1/admin/audit/verify").json()
    assert (verdict["sound"], verdict["next_cursor"], verdict["finding"]) == (True, None, None)
    assert verdict["verified"] == verdict["records"] >= report["audit_records"]
    assert venue.cli("audit", "key").stdout.strip() == admin.get("/v1/admin/audit/roots").json()["public_key"]


def test_a_second_venue_on_the_same_directory_is_refused_and_disturbs_nobody(
    venue: Venue, pair: tuple[Trader, Trader]
) -> None:
    ann, bob = pair
    second = command("run", "--data-dir", str(venue.data_dir), "--port-base", str(_far_from(venue)))
    assert second.returncode == 1
    assert "journal.locked" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1, second.stderr
    ann.submit("buy", "0.1", "9000.00")
    assert bob.submit("sell", "0.1", "9000.00")["status"] == "filled"
    assert json.loads(venue.cli("verify", "--json").stdout)["sound"]


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        port = free_port_base()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = command("run", "--data-dir", str(tmp_path / "data"), "--port-base", str(port))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "port.taken" in line
    assert "--port-base" in line


def _far_from(venue: Venue) -> int:
    return venue.port + 100 if venue.port < 60_000 else venue.port - 100

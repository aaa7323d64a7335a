"""Guards over HTTP: a risk officer sets who may trade what and how often, and an order is refused by that; he sees what stands and resumes who is paused.

Goal: each route does what its request says; nobody without the scope sets or looks; where the venue wants two persons, one proposes.
Method: the gateway and the real rooms behind it, in process; time stands still where a throttle counts it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from quantumcore.contracts import wire
from quantumcore.core.twin import restrictions
from tests.support.admins import verb
from tests.support.gateway_house import GENEROUS, House, User, house, listening
from tests.support.small_venue import PATIENCE_S
from tests.support.sockets import stream

BASE = "/v1/risk/guards"
WHY = {"reason": "desk four"}
SHARES = 3
ROUTES: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "PUT",
        "classes/AAPL",
        {"underlying": "AAPL", "product": 5, "price_test": True, "outside_s": "1.5"},
        "class",
        {"symbol": "AAPL", "underlying": "AAPL", "product": 5, "price_test": True, "outside_s": "1.5"},
    ),
    ("PUT", "entitlements/{account}", {"products": [5, 0]}, "entitlements", {"products": [5, 0], "enabled": True}),
    (
        "PUT",
        "restrictions/AAPL",
        {"account_id": "{account}", "restricted": True},
        "restriction",
        {"symbol": "AAPL", "group": 0, "restricted": True},
    ),
    ("PUT", "locates/{account}/AAPL", {"quantity": "500"}, "locate", {"symbol": "AAPL", "quantity": "500"}),
    (
        "PUT",
        "throttles/mass_cancel",
        {"session": 7, "rate": 3, "burst": 5},
        "throttle",
        {"command": "mass_cancel", "account": 0, "session": 7, "rate": 3, "burst": 5},
    ),
    (
        "PUT",
        "patterns/{account}",
        {"duplicates": 4, "duplicates_s": "1"},
        "patterns",
        {"duplicates": 4, "duplicates_s": "1", "executions": 0},
    ),
    (
        "PUT",
        "protections/{account}/AAPL",
        {"window_s": "1", "fills": 20, "quantity": "400", "frozen_s": "5", "delta": "6.5", "vega": "7"},
        "protection",
        {
            "underlying": "AAPL",
            "window_s": "1",
            "fills": 20,
            "quantity": "400",
            "frozen_s": "5",
            "delta": "6.5",
            "vega": "7",
        },
    ),
]
LISTS = {
    "class": "classes",
    "entitlements": "entitlements",
    "restriction": "restrictions",
    "locate": "locates",
    "throttle": "throttles",
    "patterns": "patterns",
    "protection": "protections",
}
RESUME = {"account_id": "{account}", "cause": "protection", "underlying": "AAPL"}


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


def of(user: User, value: Any) -> Any:
    """Return a path or body with the account of `user` in it."""
    if isinstance(value, dict):
        return {name: of(user, one) for name, one in value.items()}
    return value.replace("{account}", user.account_id) if isinstance(value, str) else value


async def put(officer: User, path: str, body: dict[str, Any]) -> httpx.Response:
    answer = await officer.http.put(f"{BASE}/{path}", json={**body, **WHY})
    assert answer.status_code == 200, answer.text
    return answer


async def buy(user: User, **changes: Any) -> dict[str, Any]:
    """Let somebody try to buy a share far from any other; return what became of it."""
    answer = await user.order(**{"symbol": "AAPL", "quantity": "1", "price": "90.00", **changes})
    assert answer.status_code in (200, 201), answer.text
    body: dict[str, Any] = answer.json()
    return body


def why(told: dict[str, Any]) -> tuple[str, str | None, str | None, str | None]:
    return told["reason"], told.get("scope"), told.get("limit"), told.get("actual")


# ------------------------------------------------------------------------------------------ set, seen, by whom


async def test_a_risk_officer_sets_each_record_in_his_own_name_and_sees_it_stand(venue: House) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    for method, path, body, kind, fields in ROUTES:
        answer = await officer.http.request(method, f"{BASE}/{of(user, path)}", json={**of(user, body), **WHY})
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert (made["status"], made["set_by"], made["reason"]) == ("done", officer.user_id, "desk four")
        assert (made["kind"], made["sequence"]) == (kind, venue.venue.engine.sequence)
        assert made["what"].items() >= fields.items()
        listed = (await officer.http.get(f"{BASE}/{LISTS[kind]}")).json()
        (stands,) = listed["items"]
        assert (stands["sequence"], listed["sequence"]) == (made["sequence"], made["sequence"])
        assert stands["time"].endswith("Z")
        expected = {**fields, "products": [0, 5]} if kind == "entitlements" else fields
        assert stands["what"].items() >= {**expected, "type": kind}.items()
        named = {name for name in ("account", "symbol") if stands["what"].get(name)}
        if "account" in named:
            assert stands["what"]["account"] == int(user.account_id)
            assert (await officer.http.get(f"{BASE}/{LISTS[kind]}?account_id=4000000000")).json()["items"] == []
            own = await officer.http.get(f"{BASE}/{LISTS[kind]}?account_id={user.account_id}")
            assert own.json()["items"] == [stands]
        if "symbol" in named:
            assert (await officer.http.get(f"{BASE}/{LISTS[kind]}?symbol=BTC-USD")).json()["items"] == []
            assert (await officer.http.get(f"{BASE}/{LISTS[kind]}?symbol=AAPL")).json()["items"] == [stands]
    listed = (await officer.http.get(f"{BASE}/changes")).json()
    assert [one["kind"] for one in listed["items"]] == [kind for *_, kind, _ in ROUTES][::-1]
    (own, *_) = (await officer.http.get(f"{BASE}/changes?subject=session-7")).json()["items"]
    assert own["kind"] == "throttle"
    page = (await officer.http.get(f"{BASE}/changes?limit=2")).json()
    assert ([one["number"] for one in page["items"]], page["next_cursor"]) == ([7, 6], "6")


async def test_nobody_but_a_risk_officer_sets_or_looks(venue: House) -> None:
    user, other, operator = await venue.user(), await venue.user(), await venue.admin("operator")
    before = venue.venue.requests
    for method, path, body in [*(route[:3] for route in ROUTES), ("POST", "resume", RESUME)]:
        signed = {**of(user, body), **WHY}
        for caller, status in ((user.http, 403), (other.http, 403), (operator.http, 403), (venue.client, 401)):
            answer = await caller.request(method, f"{BASE}/{of(user, path)}", json=signed)
            assert answer.status_code == status, (path, answer.text)
    for path in (*LISTS.values(), "pauses", "changes", f"locates?account_id={user.account_id}"):
        assert (await user.http.get(f"{BASE}/{path}")).status_code == 403
        assert (await operator.http.get(f"{BASE}/{path}")).status_code == 403
        assert (await venue.client.get(f"{BASE}/{path}")).status_code == 401
    assert venue.venue.requests == before


@pytest.mark.parametrize(
    "method, path, body, code, field",
    [
        ("PUT", "classes/AAPL", {"product": 64}, "request.invalid.range", "product"),
        ("PUT", "classes/AAPL", {"outside_s": 1}, "request.invalid.type", "outside_s"),
        ("PUT", "classes/AAPL", {"underlying": "NONE"}, "instrument.not_found", "underlying"),
        ("PUT", "classes/NONE", {}, "instrument.not_found", "symbol"),
        ("PUT", "entitlements/4000000000", {}, "account.not_found", "account_id"),
        ("PUT", "entitlements/{account}", {"products": [64]}, "request.invalid.range", "products[0]"),
        ("PUT", "restrictions/AAPL", {}, "request.invalid.missing", "restricted"),
        (
            "PUT",
            "restrictions/AAPL",
            {"account_id": "{account}", "group": 1, "restricted": True},
            "request.invalid.range",
            "group",
        ),
        ("PUT", "locates/{account}/AAPL", {"quantity": "0.5"}, "request.invalid.range", "quantity"),
        ("PUT", "throttles/amend", {"rate": 1, "burst": 1}, "request.invalid.range", "command"),
        ("PUT", "throttles/new", {"rate": 10**9 + 1, "burst": 1}, "request.invalid.range", "rate"),
        ("PUT", "throttles/new", {"rate": 1, "burst": 10**6 + 1}, "request.invalid.range", "burst"),
        ("PUT", "patterns/{account}", {"executions": 257, "executions_s": "1"}, "request.invalid.range", "executions"),
        ("PUT", "protections/{account}/none", {"window_s": "1"}, "instrument.not_found", "underlying"),
        ("PUT", "protections/{account}/AAPL", {"window_s": "86401"}, "request.invalid.range", "window_s"),
        ("PUT", "protections/{account}/AAPL", {"window_s": "1", "more": 1}, "request.invalid.unknown_field", "more"),
        ("POST", "resume", {**RESUME, "cause": "ratio"}, "request.invalid.type", "cause"),
        ("POST", "resume", {**RESUME, "underlying": None}, "request.invalid.range", "underlying"),
        ("POST", "resume", RESUME, "risk.not_paused", "account_id"),
    ],
)
async def test_a_bad_request_is_refused_by_its_rule(
    venue: House, method: str, path: str, body: dict[str, Any], code: str, field: str
) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    answer = await officer.http.request(method, f"{BASE}/{of(user, path)}", json={**of(user, body), **WHY})
    assert answer.status_code in (400, 404, 409), answer.text
    assert (answer.json()["code"], answer.json()["field"]) == (code, field), answer.text
    assert (await officer.http.get(f"{BASE}/changes")).json()["items"] == []


async def test_guards_are_set_and_lifted_by_two_where_the_venue_asks_for_two(tmp_path: Path) -> None:
    async with house(tmp_path, replace(GENEROUS, four_eyes=True)) as venue:
        maker, checker, user = await venue.admin(), await venue.admin(), await venue.user()

        async def by_two(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await maker.http.request(method, f"{BASE}/{of(user, path)}", json={**of(user, body), **WHY})
            made = answer.json()
            assert (answer.status_code, made["kind"], made["status"]) == (202, "guards", "proposed"), answer.text
            own = await maker.http.post(verb(made["proposal_id"], "approve"))
            assert (own.status_code, own.json()["code"]) == (403, "proposal.own")
            before = venue.venue.engine.sequence
            done: dict[str, Any] = (await checker.http.post(verb(made["proposal_id"], "approve"))).json()
            assert (done["status"], done["result"]["state"], done["result"]["who"]) == ("done", "done", maker.user_id)
            assert venue.venue.engine.sequence == before + 1
            return done

        wrong = await maker.http.put(f"{BASE}/classes/AAPL", json={"product": 64, **WHY})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "product")
        for method, path, body, kind, _ in ROUTES:
            done = await by_two(method, path, body)
            listed = (await checker.http.get(f"{BASE}/{LISTS[kind]}")).json()
            assert [one["sequence"] for one in listed["items"]] == [done["sequence"]]
        nothing = await maker.http.post(f"{BASE}/resume", json={**of(user, RESUME), **WHY})
        assert (nothing.status_code, nothing.json()["code"]) == (409, "risk.not_paused")
        number = int(user.account_id)
        venue.venue.do(wire.SetRestriction(instrument=2, account=number, scope=2, restricted=0))
        venue.venue.do(wire.SetProtection(account=number, underlying=2, window_ns=10**12, fills=1))
        seller = await venue.user()
        await trade(user, seller)
        await trade(user, seller)
        assert (await buy(user))["reason"] == "risk.mmp"
        await by_two("POST", "resume", RESUME)
        assert (await buy(user))["status"] == "new"


async def test_what_the_engine_refuses_is_told_with_its_code(venue: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restrictions, "MAX_RESTRICTIONS", 0)
    officer = await venue.admin("risk_officer")
    answer = await officer.http.put(f"{BASE}/restrictions/AAPL", json={"restricted": True, **WHY})
    assert (answer.status_code, answer.json()["code"]) == (400, "engine.capacity"), answer.text
    (only,) = (await officer.http.get(f"{BASE}/changes")).json()["items"]
    assert (only["status"], only["code"]) == ("refused", "engine.capacity")
    assert (await officer.http.get(f"{BASE}/restrictions")).json()["items"] == []


# ---------------------------------------------------------------------------------------- orders are refused by it


async def trade(user: User, seller: User) -> None:
    """Let somebody buy a share at 100."""
    await seller.order(symbol="AAPL", side="sell", quantity="1", price="100.00")
    assert (await buy(user, price="100.00"))["status"] == "filled"


async def the_pause(officer: User, user: User) -> dict[str, Any]:
    """Return the pause of an account, once the room has followed the trade that caused it."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
        while not found:
            found = (await officer.http.get(f"{BASE}/pauses?account_id={user.account_id}")).json()["items"]
    (only,) = found
    return only


@pytest.mark.parametrize(
    "whose, scope", [({}, "venue"), ({"account_id": "{account}"}, "account"), ({"group": 9}, "group")]
)
async def test_what_is_on_a_list_is_not_traded_until_it_is_off_it(
    venue: House, whose: dict[str, Any], scope: str
) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    venue.venue.do(wire.SetGroup(account=int(user.account_id), group=9))
    await put(officer, "restrictions/AAPL", {**of(user, whose), "restricted": True})
    assert why(await buy(user)) == ("risk.restricted", scope, None, None)
    assert (await buy(user, symbol="BTC-USD"))["status"] == "new"
    await put(officer, "restrictions/AAPL", {**of(user, whose), "restricted": False})
    assert (await buy(user))["status"] == "new"
    assert (await officer.http.get(f"{BASE}/restrictions")).json()["items"] == []


async def test_a_short_sale_needs_a_locate_and_the_best_bid(venue: House) -> None:
    user, bidder, officer = await venue.user(rich=False), await venue.user(), await venue.admin("risk_officer")
    venue.venue.do(wire.SetCredit(account=int(user.account_id), currency=SHARES, limit=100))
    short = {"side": "sell", "quantity": "5", "price": "101.00"}
    await put(officer, "classes/AAPL", {"needs_locate": True})
    assert why(await buy(user, **short)) == ("risk.restricted", "account", "0", "5")
    await put(officer, f"locates/{user.account_id}/AAPL", {"quantity": "4"})
    assert why(await buy(user, **short)) == ("risk.restricted", "account", "4", "5")
    await put(officer, f"locates/{user.account_id}/AAPL", {"quantity": "5"})
    assert (await buy(user, **short))["status"] == "new"
    await put(officer, "classes/AAPL", {"price_test": True})
    assert (await buy(bidder, price="100.00"))["status"] == "new"
    assert why(await buy(user, **{**short, "price": "99.99"})) == ("risk.restricted", "instrument", "100.00", "99.99")
    assert (await buy(user, **{**short, "price": "100.01"}))["status"] == "new"


async def test_a_product_that_is_not_among_an_accounts_is_not_traded(venue: House) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    await put(officer, "classes/AAPL", {"product": 5})
    await put(officer, f"entitlements/{user.account_id}", {"products": [0]})
    assert why(await buy(user))[:2] == ("account.not_entitled", "account")
    assert (await buy(user, symbol="BTC-USD"))["status"] == "new"
    await put(officer, f"entitlements/{user.account_id}", {"products": [0, 5]})
    assert (await buy(user))["status"] == "new"
    await put(officer, f"entitlements/{user.account_id}", {"enabled": False})
    assert why(await buy(user, symbol="BTC-USD"))[:2] == ("account.not_entitled", "account")
    await put(officer, f"entitlements/{user.account_id}", {})
    assert (await buy(user))["status"] == "new"


def stop_time(venue: House) -> None:
    """Let no second pass, in which a bucket is filled."""
    now = venue.venue.clock.now()
    venue.venue.clock.now = lambda: now  # type: ignore[method-assign]


async def test_an_account_comes_as_often_as_its_throttle_says(venue: House) -> None:
    user, other, officer = await venue.user(), await venue.user(), await venue.admin("risk_officer")
    stop_time(venue)
    await put(officer, "throttles/new", {"account_id": user.account_id, "rate": 1, "burst": 2})
    said = [await buy(user) for _ in range(3)]
    assert [one["status"] for one in said] == ["new", "new", "rejected"]
    assert why(said[-1]) == ("rate.throttled", "account", "2", "3")
    assert [(await buy(other))["status"] for _ in range(3)] == ["new"] * 3
    await put(officer, "throttles/new", {"account_id": user.account_id, "rate": 0})
    assert (await buy(user))["status"] == "new"


async def test_a_session_comes_as_often_as_its_throttle_says(venue: House) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    stop_time(venue)
    async with listening(venue.gateway) as address, stream(address) as client:
        session = (await client.auth(user.token))["data"]["session"]
        await put(officer, "throttles/new", {"session": session, "rate": 1, "burst": 1})
        said = []
        for name in ("first", "second"):
            data = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "1", "price": "90.00"}
            await client.say(op="order.submit", data={"client_order_id": name, "time_in_force": "gtc", **data})
            said.append((await client.answer("order.submit"))["data"])
        assert said[0]["status"] == "new"
        assert why(said[1]) == ("rate.throttled", "session", "1", "2")
    assert (await buy(user))["status"] == "new"


async def test_orders_without_trades_are_too_many_and_the_same_again_is_refused(venue: House) -> None:
    user, other, officer = await venue.user(), await venue.user(), await venue.admin("risk_officer")
    ratio = {"ratio": 1, "free_orders": 2, "ratio_s": "86400"}
    await put(officer, f"patterns/{user.account_id}", ratio)
    said = [await buy(user) for _ in range(3)]
    assert [one["status"] for one in said] == ["new", "new", "rejected"]
    assert why(said[-1]) == ("risk.repeat", "account", "2", "3")
    await put(officer, f"patterns/{user.account_id}", {"duplicates": 1, "duplicates_s": "86400"})
    assert (await buy(user, price="91.00"))["status"] == "new"
    assert why(await buy(user, price="91.0")) == ("risk.duplicate_order", "account", "1", "2")
    assert (await buy(user, price="92.00"))["status"] == "new"
    assert (await buy(other, price="91.00"))["status"] == "new"


async def test_who_trades_too_often_in_a_row_is_paused_until_he_is_resumed(venue: House) -> None:
    user, seller, officer = await venue.user(), await venue.user(), await venue.admin("risk_officer")
    await put(officer, f"patterns/{user.account_id}", {"executions": 1, "executions_s": "86400"})
    await trade(user, seller)
    assert why(await buy(user))[:2] == ("risk.repeat", "account")
    pause = await the_pause(officer, user)
    assert (pause["cause"], pause["underlying"], pause["until"]) == ("executions", None, None)
    other = {"account_id": user.account_id, "cause": "executions", "pause": pause["sequence"] - 1, **WHY}
    refused = await officer.http.post(f"{BASE}/resume", json=other)
    assert (refused.status_code, refused.json()["actual"]) == (409, str(pause["sequence"]))
    done = await officer.http.post(f"{BASE}/resume", json={**other, "pause": pause["sequence"]})
    assert (done.status_code, done.json()["kind"], done.json()["status"]) == (200, "resume", "done"), done.text
    assert (await officer.http.get(f"{BASE}/pauses")).json()["items"] == []
    assert (await buy(user))["status"] == "new"


async def test_a_maker_is_frozen_by_the_delta_of_what_he_trades(venue: House) -> None:
    """Greeks and the protection are set over HTTP; the second lot is more than one lot's delta."""
    user, seller, officer = await venue.user(), await venue.user(), await venue.admin("risk_officer")
    await put(officer, "classes/AAPL", {"underlying": "AAPL"})
    greeks = await officer.http.put("/v1/risk/margin/greeks/AAPL", json={"delta": "1.5", "vega": "0.1", **WHY})
    assert greeks.status_code == 200, greeks.text
    await put(
        officer, f"protections/{user.account_id}/AAPL", {"window_s": "86400", "delta": "1.5", "frozen_s": "86400"}
    )
    await trade(user, seller)
    assert (await buy(user))["status"] == "new"
    await trade(user, seller)
    assert why(await buy(user))[:2] == ("risk.mmp", "account")


async def test_a_maker_is_frozen_in_an_underlying_and_nowhere_else_until_he_is_resumed(venue: House) -> None:
    user, seller, officer = await venue.user(), await venue.user(), await venue.admin("risk_officer")
    await put(officer, "classes/AAPL", {"underlying": "AAPL"})
    await put(officer, f"protections/{user.account_id}/AAPL", {"window_s": "86400", "fills": 1, "frozen_s": "86400"})
    resting = await buy(user)
    await trade(user, seller)
    await trade(user, seller)
    told = await buy(user)
    assert why(told)[:2] == ("risk.mmp", "account")
    gone = await user.http.get(f"/v1/orders/{resting['order_id']}")
    assert gone.json()["status"] == "cancelled"
    assert (await buy(user, symbol="BTC-USD"))["status"] == "new"
    pause = await the_pause(officer, user)
    assert (pause["account_id"], pause["cause"], pause["underlying"]) == (user.account_id, "protection", "AAPL")
    assert pause["until"] > pause["time"]
    done = await officer.http.post(f"{BASE}/resume", json={**of(user, RESUME), **WHY})
    assert (done.json()["what"]["pause"], done.json()["set_by"]) == (pause["sequence"], officer.user_id)
    assert (await buy(user))["status"] == "new"
    (first, *_) = (await officer.http.get(f"{BASE}/changes?subject={user.account_id}")).json()["items"]
    assert first["kind"] == "resume"


async def test_a_quote_of_other_markets_is_a_reference_where_the_class_lets_it_count(venue: House) -> None:
    user, admin = await venue.user(), await venue.admin()
    market = {"type": "market", "price": None, "quantity": "1"}
    quote = "/v1/admin/instruments/AAPL/quote"
    told = await admin.http.put(quote, json={"bid": "99.99", "ask": "100.01"})
    assert (told.status_code, told.json()["bid"], told.json()["ask"]) == (200, "99.99", "100.01"), told.text
    assert (await buy(user, **market))["reason"] == "risk.stale_reference"
    await put(admin, "classes/AAPL", {"outside_s": "3600"})
    assert (await buy(user, **market))["status"] == "cancelled"  # it was taken, and nobody sells
    await admin.http.put(quote, json={"bid": None, "ask": "100.01"})
    assert (await buy(user, **market))["reason"] == "risk.stale_reference"
    beyond = await admin.http.put(quote, json={"bid": "10000000000.01", "ask": None})
    assert (beyond.status_code, beyond.json()["code"]) == (400, "mark.invalid"), beyond.text
    assert (await user.http.put(quote, json={"bid": None, "ask": None})).status_code == 403

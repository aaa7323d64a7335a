"""Margin over HTTP: a risk officer sets it in decimals and in his own name, its owner sees how he stands, and an order's preview says so too.

Goal: each route does what its request says; nobody without the scope sets, assesses or looks at another's; where the venue wants two persons, one proposes.
Method: the gateway and the real rooms behind it, in process.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.ports.event_log import EventBatch
from tests.support.admins import verb
from tests.support.gateway_house import GENEROUS, House, User, house, listening
from tests.support.portfolios import NO_CURRENCY
from tests.support.small_venue import SHARE, USD, until
from tests.support.sockets import stream

BASE = "/v1/risk/margin"
WHY = {"reason": "weekly review"}
TERMS = {"initial": "0.08", "maintenance": "0.04"}
ROUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "terms/AAPL", TERMS),
    ("PUT", "arrays/AAPL", {"losses": ["1.5"] * 16, "short_minimum": "2"}),
    ("PUT", "greeks/AAPL", {"delta": "0.5", "gamma": "-0.25", "vega": "1"}),
    ("PUT", "accounts/{account}/USD", {"profile": "volatility"}),
    ("PUT", "limits/USD", {"gross": "100000000.00"}),
    ("PUT", "limits/USD/{account}", {"net": "5000.00", "share": "1", "loss_rate": "0.5"}),
    ("POST", "days", {"account_id": "{account}", "currency": "USD"}),
]
KINDS = ["terms", "array", "greeks", "account", "limits", "limits", "day"]


def of(user: User, value: Any) -> Any:
    """Return a path or body with the account of `user` in it."""
    if isinstance(value, dict):
        return {name: of(user, one) for name, one in value.items()}
    return value.replace("{account}", user.account_id) if isinstance(value, str) else value


def ordered_since(venue: House, sequence: int) -> list[EventBatch]:
    """Return what the engine told after `sequence` of commands that are no assessment: the room's watch sends those when it likes."""
    told = venue.venue.log.read(sequence, 1 << 20)
    return [batch for batch in told if not any(isinstance(event, wire.MarginAssessed) for event in batch.events)]


async def on_margin(venue: House) -> User:
    """A user with credit who bought 100 AAPL at 100.00 with all he had but 1,000.00, on margin."""
    seller, user, officer = await venue.user(), await venue.user(rich=False), await venue.admin("risk_officer")
    number = int(user.account_id)
    venue.venue.do(wire.Transfer(account=number, amount=101_000, currency=USD, transfer_kind=1, transfer_id="first"))
    venue.venue.do(wire.SetCredit(account=number, currency=USD, limit=10**8))
    for path, body in (("terms/AAPL", TERMS), (f"accounts/{number}/USD", {"profile": "volatility"})):
        assert (await officer.http.put(f"{BASE}/{path}", json={**body, **WHY})).status_code == 200
    venue.venue.do(wire.SetMark(instrument=SHARE, price=10_000))
    await seller.order(symbol="AAPL", side="sell", quantity="100", price="100.00")
    bought = await user.order(symbol="AAPL", quantity="100", price="100.00")
    assert bought.json()["status"] == "filled", bought.text
    return user


async def test_a_risk_officer_sets_each_record_in_his_own_name(venue: House) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    for method, path, body in ROUTES:
        answer = await officer.http.request(method, f"{BASE}/{of(user, path)}", json={**of(user, body), **WHY})
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert (made["status"], made["set_by"], made["reason"]) == ("done", officer.user_id, "weekly review")
        assert made["sequence"] == venue.venue.engine.sequence
    listed = (await officer.http.get(f"{BASE}/changes")).json()
    assert [one["kind"] for one in listed["items"]] == KINDS[::-1]
    assert listed["items"][-1]["what"]["initial"] == "0.08"
    (own, *_) = (await officer.http.get(f"{BASE}/changes?subject={user.account_id}&limit=1")).json()["items"]
    assert own["kind"] == "day"
    shown = (await user.http.get(f"/v1/accounts/{user.account_id}/risk")).json()["engine_margin"]
    assert [(one["currency"], one["profile"], one["day_result"]) for one in shown] == [("USD", "volatility", "0.00")]


async def test_a_model_is_given_with_a_time_and_shown_with_it(venue: House) -> None:
    officer = await venue.admin("risk_officer")
    venue.venue.do(wire.SetMark(instrument=SHARE, price=10_000))
    model = {
        "underlying": "AAPL",
        "price_range": "9",
        "volatility": "0.25",
        "shift": "0.04",
        "type": "put",
        "strike": "100",
        "expires": "2099-01-01T00:00:00Z",
        "style": "american",
    }
    answer = await officer.http.put(f"{BASE}/arrays/BTC-USD", json={"model": model, **WHY})
    assert answer.status_code == 200, answer.text
    assert answer.json()["what"]["model"]["expires"] == "2099-01-01T00:00:00.000000000Z"
    made = await officer.http.put(f"{BASE}/greeks/BTC-USD", json={"model": model, **WHY})
    assert made.status_code == 200, made.text
    assert made.json()["kind"] == "greeks"
    assert made.json()["what"]["model"] == answer.json()["what"]["model"]
    for what in ("arrays", "greeks"):
        wrong = await officer.http.put(f"{BASE}/{what}/BTC-USD", json={"model": {**model, "type": "swap"}, **WHY})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "request.invalid.type")
        expired = {**model, "expires": "2001-01-01T00:00:00Z"}
        late = await officer.http.put(f"{BASE}/{what}/BTC-USD", json={"model": expired, **WHY})
        assert late.json()["code"] == "greeks.expired", late.text
    both = await officer.http.put(f"{BASE}/greeks/BTC-USD", json={"model": model, "vega": "1", **WHY})
    assert (both.status_code, both.json()["field"]) == (400, "vega")


async def test_nobody_but_a_risk_officer_sets_assesses_or_looks(venue: House) -> None:
    user, other = await venue.user(), await venue.user()
    before = venue.venue.requests
    assessment = ("POST", "assessments", {"account_id": "{account}", "currency": "USD"})
    for method, path, body in [*ROUTES, assessment]:
        signed = of(user, body) if path == "assessments" else {**of(user, body), **WHY}
        for caller, status in ((user.http, 403), (other.http, 403), (venue.client, 401)):
            answer = await caller.request(method, f"{BASE}/{of(user, path)}", json=signed)
            assert answer.status_code == status, (path, answer.text)
    for path in ("changes", "liquidations", f"liquidations?account_id={user.account_id}"):
        assert (await user.http.get(f"{BASE}/{path}")).status_code == 403
        assert (await venue.client.get(f"{BASE}/{path}")).status_code == 401
    assert (await other.http.get(f"/v1/accounts/{user.account_id}/risk")).status_code == 404
    assert venue.venue.requests == before


@pytest.mark.parametrize(
    "method, path, body, code",
    [
        ("PUT", "terms/AAPL", {"initial": "0.05", "maintenance": "0.06"}, "request.invalid.range"),
        ("PUT", "terms/AAPL", {"initial": 0.05, "maintenance": "0.01"}, "request.invalid.type"),
        ("PUT", "terms/NONE", TERMS, "instrument.not_found"),
        ("PUT", "arrays/AAPL", {"losses": ["1"] * 17}, "request.invalid.range"),
        ("PUT", f"limits/{NO_CURRENCY}", {}, "currency.not_found"),
        ("PUT", "limits/USD/4000000000", {}, "account.not_found"),
        ("PUT", "limits/USD", {"gross": "1", "more": "1"}, "request.invalid.unknown_field"),
        ("PUT", "accounts/4000000000/USD", {"profile": "volatility"}, "account.not_found"),
        ("POST", "assessments", {"account_id": "4000000000", "currency": "USD"}, "account.not_found"),
    ],
)
async def test_a_bad_request_is_refused_by_its_rule(
    venue: House, method: str, path: str, body: dict[str, Any], code: str
) -> None:
    officer = await venue.admin("risk_officer")
    signed = body if path == "assessments" else {**body, **WHY}
    answer = await officer.http.request(method, f"{BASE}/{path}", json=signed)
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["code"] == code, answer.text
    assert (await officer.http.get(f"{BASE}/changes")).json()["items"] == []


async def test_an_assessment_answers_how_the_account_stands_and_its_owner_sees_it(venue: House) -> None:
    user, officer = await on_margin(venue), await venue.admin("risk_officer")
    body = {"account_id": user.account_id, "currency": "USD"}
    found = (await officer.http.post(f"{BASE}/assessments", json=body)).json()
    standing = venue.venue.engine.margin(int(user.account_id), USD)
    assert (found["equity"], found["initial"], found["rung"]) == (f"{standing.equity / 100:.2f}", "800.00", "none")
    own = (await user.http.get(f"/v1/accounts/{user.account_id}/risk")).json()["engine_margin"]
    assert [(one["initial"], one["maintenance"], one["use"]) for one in own] == [("800.00", "400.00", found["use"])]
    assert own[0]["assessed"].endswith("Z")


async def test_a_preview_says_what_is_needed_before_and_where_it_is_refused_for_that_after(venue: House) -> None:
    user, plain = await on_margin(venue), await venue.user()
    body = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "1", "price": "100.00"}
    fits = (await user.http.post("/v1/risk/preview", json=body)).json()
    equity = f"{venue.venue.engine.margin(int(user.account_id), USD).equity / 100:.2f}"
    told = fits["margin"]
    assert (fits["outcome"], told["equity"], told["initial"], told["rung"]) == ("accepted", equity, "800.00", "none")
    assert (told["equity_after"], told["initial_after"]) == (None, None)
    beyond = (await user.http.post("/v1/risk/preview", json={**body, "quantity": "100"})).json()
    assert (beyond["reason"], beyond["limit"], beyond["actual"]) == ("risk.no_funds", equity, "1600.00")
    assert (beyond["margin"]["equity_after"], beyond["margin"]["initial_after"]) == (equity, "1600.00")
    hold = (await user.http.post("/v1/risk/preview", json={**body, "quantity": "100000"})).json()
    assert (hold["reason"], hold["margin"]["initial_after"]) == ("risk.no_funds", None)  # for what it would hold
    assert (await plain.http.post("/v1/risk/preview", json=body)).json()["margin"] is None
    venue.venue.do(wire.SetAccountMargin(account=int(plain.account_id), currency=USD, profile=1))
    all_in = {
        **body,
        "quantity": "1000000000",
        "price": "1000000.00",
    }  # what is available is what it is worth: nobody can tell
    beyond_all = (await plain.http.post("/v1/risk/preview", json=all_in)).json()
    assert beyond_all["limit"] == beyond_all["margin"]["equity"], beyond_all
    assert (beyond_all["reason"], beyond_all["margin"]["initial_after"]) == ("risk.no_funds", None)


async def test_a_liquidation_is_listed_with_the_numbers_that_caused_it(venue: House) -> None:
    user, officer, buyer = await on_margin(venue), await venue.admin("risk_officer"), await venue.user()
    await buyer.order(symbol="AAPL", side="buy", quantity="200", price="93.00")
    venue.venue.do(wire.SetMark(instrument=SHARE, price=9_300))
    number = int(user.account_id)
    await until(lambda: venue.venue.engine.margin(number, USD).rung < 3, "the liquidation")
    path = f"{BASE}/liquidations?account_id={user.account_id}"
    (first, *_) = (await officer.http.get(path)).json()["items"][::-1]
    assert (first["rung"], first["attempt"], first["orders"][0]["quantity"]) == ("partial", 1, "25")
    assert first["equity"] < first["maintenance"]
    assert first["time"].endswith("Z")


async def test_a_rung_is_told_on_the_stream_of_its_owner_with_its_numbers(venue: House) -> None:
    user, other = await on_margin(venue), await venue.user()
    async with listening(venue.gateway) as address, stream(address) as client, stream(address) as stranger:
        for reader, who in ((client, user), (stranger, other)):
            await reader.auth(who.token)
            await reader.subscribe({"name": "risk", "from_seq": 0})
        venue.venue.do(wire.SetMark(instrument=SHARE, price=9_700))
        heard = [await client.hear_of("risk") for _ in range(3)]  # the day's loss is warned of too
        assert [(one["prev_seq"], one["seq"]) for one in heard] == [(0, 1), (1, 2), (2, 3)]
        (told,) = (one["update"] for one in heard if one["update"]["kind"] == "rung")
        margin = told["margin"]
        assert (margin["rung"], margin["equity"], margin["initial"]) == ("warn", "700.00", "776.00")
        assert (margin["currency"], told["limit"]) == ("USD", None)
        limits = [one["update"]["limit"] for one in heard if one["update"]["kind"] == "warning"]
        (limit,) = (one for one in limits if one["name"] == "initial_margin")
        assert (limit["used"], limit["limit"], limit["use"], limit["currency"]) == ("776.00", "700.00", "1.1086", "USD")
        venue.venue.do(wire.SetLimits(account=int(other.account_id), max_open_orders=1))
        await other.order(price="1.00")
        own = await stranger.hear_of("risk")
        assert own["update"]["limit"]["name"] == "open_orders"  # and nothing of anybody else before it


async def test_margin_is_set_by_two_where_the_venue_asks_for_two(tmp_path: Path) -> None:
    async with house(tmp_path, replace(GENEROUS, four_eyes=True)) as venue:
        maker, checker, user = await venue.admin(), await venue.admin(), await venue.user()
        wrong = await maker.http.put(f"{BASE}/terms/AAPL", json={"initial": "11", "maintenance": "0", **WHY})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "initial")
        for method, path, body in ROUTES:
            answer = await maker.http.request(method, f"{BASE}/{of(user, path)}", json={**of(user, body), **WHY})
            made = answer.json()
            assert (answer.status_code, made["kind"], made["status"]) == (202, "margin", "proposed"), answer.text
            own = await maker.http.post(verb(made["proposal_id"], "approve"))
            assert (own.status_code, own.json()["code"]) == (403, "proposal.own")
            before = venue.venue.engine.sequence
            done = (await checker.http.post(verb(made["proposal_id"], "approve"))).json()
            assert (done["status"], done["result"]["state"]) == ("done", "done"), done
            assert (done["result"]["who"], len(ordered_since(venue, before))) == (maker.user_id, 1)

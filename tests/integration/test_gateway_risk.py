"""Risk over HTTP and on the stream, with real rooms behind the gateway.

Goal: who may ask gets the room's figures with times as text; only a risk officer sets anything, in his own name; a warning is told once, and
to whoever was away as well.
Method: a house in process; a loopback server for the stream.
"""

import math
from statistics import NormalDist
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.risk import GetRiskMetrics
from tests.support.gateway_house import House, User, listening
from tests.support.sockets import stream

FIGURES = ("total_exposure", "net_exposure", "margin_used", "var_95", "var_99", "es_975")


async def holder(venue: House) -> User:
    """A user who has bought 100 shares at 150."""
    seller, buyer = await venue.user(), await venue.user()
    await seller.order(symbol="AAPL", side="sell", quantity="100", price="150.00")
    answer = await buyer.order(symbol="AAPL", quantity="100", price="150.00")
    assert answer.json()["status"] == "filled"
    return buyer


async def test_an_account_hears_what_it_could_lose_as_of_its_own_last_trade(venue: House) -> None:
    user = await holder(venue)
    answer = await user.http.get(f"/v1/accounts/{user.account_id}/risk")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [body[name] for name in FIGURES] == ["15000.00", "15000.00", "0.00", "493.50", "697.80", "701.34"]
    assert body["sequence"] >= venue.venue.engine.sequence
    assert body["as_of"].endswith("Z")
    (mark,) = body["marks"]
    assert (mark["symbol"], mark["price"], mark["stale"]) == ("AAPL", "150.00", False)
    assert mark["time"].endswith("Z")
    assert float(mark["age_s"]) >= 0
    assert {one["name"] for one in body["limits"]} == {"open_orders", "margin", "daily_loss"}


async def test_value_at_risk_by_each_method_and_stress(venue: House) -> None:
    user = await holder(venue)
    base = f"/v1/accounts/{user.account_id}/risk/var"
    by_formula = (await user.http.get(f"{base}?confidence=0.95")).json()
    assert (by_formula["value_at_risk"], by_formula["parts"][0]["component"]) == ("493.50", "493.50")
    drawn = (await user.http.get(f"{base}?method=monte_carlo&seed=5&paths=1000&losses=true")).json()
    assert (drawn["seed"], drawn["paths"], len(drawn["losses"])) == (5, 1000, 1000)
    past = await user.http.get(f"{base}?method=historical")
    assert (past.status_code, past.json()["code"]) == (409, "risk.history.empty")
    stressed = await user.http.post(
        "/v1/risk/stress", json={"scenarios": [{"name": "crash", "prices": {"*": "-0.5", "AAPL": "-0.2"}}]}
    )
    assert [(one["name"], one["profit"]) for one in stressed.json()["results"]] == [("crash", "-3000.00")]
    standard = (await user.http.post("/v1/risk/stress", json={"account_id": user.account_id})).json()
    assert standard["worst"] == "prices -30 %"
    assert any(one["name"] == "2020-04-20" for one in standard["results"])


@pytest.mark.parametrize(
    "query, status, code",
    [
        ("method=tarot", 400, "request.invalid.type"),
        ("paths=5", 400, "request.invalid.range"),
        ("confidence=0.3", 400, "risk.confidence.bad"),
        ("confidence=0,9", 400, "risk.confidence.bad"),
        ("unknown=1", 400, "request.invalid.unknown_field"),
    ],
)
async def test_a_bad_question_is_refused_by_its_rule(venue: House, query: str, status: int, code: str) -> None:
    user = await venue.user()
    answer = await user.http.get(f"/v1/accounts/{user.account_id}/risk/var?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_only_the_owner_and_a_risk_officer_see_an_account(venue: House) -> None:
    user, other, officer = await holder(venue), await venue.user(), await venue.admin("risk_officer")
    for path in (f"/v1/accounts/{user.account_id}/risk", f"/v1/risk/limits/{user.account_id}"):
        assert (await user.http.get(path)).status_code == 200
        assert (await officer.http.get(path)).status_code == 200
        hidden = await other.http.get(path)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "account.not_found")
        assert (await venue.client.get(path)).status_code == 401
    body = {"account_id": user.account_id}
    assert (await other.http.post("/v1/risk/stress", json=body)).status_code == 404
    assert (await officer.http.post("/v1/risk/stress", json=body)).status_code == 200
    assert (await officer.http.get("/v1/accounts/4000000000/risk")).status_code == 404


async def test_a_risk_officer_sets_in_his_own_name_and_it_counts_at_once(venue: House) -> None:
    user, officer = await holder(venue), await venue.admin("risk_officer")
    path = "/v1/risk/parameters"
    reason = {"reason": "weekly review"}
    puts: list[tuple[str, dict[str, Any]]] = [
        (f"profile/{user.account_id}", {"profile": "volatility", **reason}),
        ("volatility/AAPL", {"volatility": "0.04", **reason}),
        ("sector/AAPL", {"sector": "equity", **reason}),
        ("floor/AAPL", {"floor": "0.2", **reason}),
        ("correlations", {"pairs": [{"first": "AAPL", "second": "BTC-USD", "value": "0.25"}], **reason}),
    ]
    for at, (name, body) in enumerate(puts, 1):
        assert (await user.http.put(f"{path}/{name}", json=body)).status_code == 403
        set_ = await officer.http.put(f"{path}/{name}", json=body)
        assert set_.status_code == 200, set_.text
        assert (set_.json()["version"], set_.json()["set_by"], set_.json()["reason"]) == (
            at,
            officer.user_id,
            "weekly review",
        )
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/risk")).json()
    assert (found["margin_used"], found["var_95"], found["parameters_version"]) == ("3000.00", "987.00", 5)
    assert found["by_sector"] == [{"name": "equity", "gross": "15000.00", "net": "15000.00"}]
    page = (await officer.http.get(f"{path}?limit=2")).json()
    assert [one["kind"] for one in page["items"]] == ["correlation", "floor"]
    assert page["items"][0]["value"] == [["AAPL", "BTC-USD", "0.25"]]
    rest = (await officer.http.get(f"{path}?limit=10&cursor={page['next_cursor']}")).json()
    assert [one["version"] for one in rest["items"]] == [3, 2, 1]
    assert (await user.http.get(path)).status_code == 403
    assert (await officer.http.put(f"{path}/volatility/AAPL", json={"volatility": "0.04"})).status_code == 400
    assert (await officer.http.put(f"{path}/volatility/NONE", json={"volatility": "0.04", **reason})).status_code == 404


async def test_profiles_charges_and_spreads_are_set_with_a_reason_and_shown_as_they_were(venue: House) -> None:
    user, officer = await holder(venue), await venue.admin("risk_officer")
    path, reason = "/v1/risk/parameters", {"reason": "options desk"}
    spread = {"first": "AAPL", "second": "BTC-USD", "credit": "0.5", "of_second": 3}
    puts: list[tuple[str, dict[str, Any]]] = [
        (f"profile/{user.account_id}", {"profile": "strategies", **reason}),
        ("charges/AAPL", {"calendar": "0.1", "concentrated_from": "80", **reason}),
        ("spreads", {"spreads": [spread], **reason}),
    ]
    for at, (name, body) in enumerate(puts, 1):
        assert (await user.http.put(f"{path}/{name}", json=body)).status_code == 403
        done = await officer.http.put(f"{path}/{name}", json=body)
        assert (done.status_code, done.json()["version"]) == (200, at), done.text
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/risk")).json()
    figures = (found["margin_profile"], found["margin_used"], found["margin_maintenance"])
    assert figures == ("strategies", "7500.00", "3750.00")
    await officer.http.put(f"{path}/profile/{user.account_id}", json={"profile": "scenarios", **reason})
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/risk")).json()
    assert (found["margin_profile"], found["margin_used"]) == ("scenarios", "750.00")  # it has no array
    (spreads,) = (await officer.http.get(f"{path}?kind=spreads")).json()["items"]
    assert spreads["value"] == [spread | {"credit": "0.50000000", "of_first": 1}]
    (charges,) = (await officer.http.get(f"{path}?kind=charges&subject=AAPL")).json()["items"]
    assert (charges["value"]["calendar"], charges["value"]["concentrated_from"]) == ("0.100000", "80.000000")
    assert (charges["set_by"], charges["reason"]) == (officer.user_id, "options desk")


@pytest.mark.parametrize(
    "name, body, code",
    [
        ("profile/1", {"profile": "scenario"}, "request.invalid.type"),
        ("charges/AAPL", {"calendar": "-1"}, "request.invalid.range"),
        ("charges/AAPL", {"calender": "1"}, "request.invalid.unknown_field"),
        ("charges/NONE", {}, "instrument.not_found"),
        ("spreads", {"spreads": [{"first": "AAPL", "second": "AAPL", "credit": "1"}]}, "risk.spread.bad"),
        ("spreads", {"spreads": [{"first": "AAPL", "second": "BTC-USD", "credit": "2"}]}, "request.invalid.range"),
        (
            "spreads",
            {"spreads": [{"first": "AAPL", "second": "BTC-USD", "credit": "1"}] * 1_001},
            "request.invalid.range",
        ),
        ("spreads", {}, "request.invalid.missing"),
    ],
)
async def test_what_cannot_be_set_is_refused_by_its_code(
    venue: House, name: str, body: dict[str, Any], code: str
) -> None:
    officer = await venue.admin("risk_officer")
    answer = await officer.http.put(f"/v1/risk/parameters/{name}", json={"reason": "x", **body})
    assert (answer.json()["code"], answer.status_code) == (code, 404 if code.endswith("not_found") else 400)


async def test_limits_are_shown_with_their_use(venue: House) -> None:
    user = await venue.user()
    venue.venue.do(wire.SetLimits(account=int(user.account_id), max_open_orders=4))
    await user.order(price="1.00")
    found = (await user.http.get(f"/v1/risk/limits/{user.account_id}")).json()
    orders = next(one for one in found["limits"] if one["name"] == "open_orders")
    assert orders == {
        "name": "open_orders",
        "scope": "account",
        "symbol": None,
        "limit": "4",
        "used": "1",
        "use": "0.2500",
        "currency": None,
    }
    assert (found["account_id"], found["killed"]) == (user.account_id, False)


async def test_a_risk_officer_sets_limits_with_a_reason_and_an_end(venue: House) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    path = f"/v1/risk/limits/{user.account_id}"
    body = {"max_long": "5", "max_order_value": "400.00", "reason": "new client", "expires": "2090-01-01T00:00:00Z"}
    assert (await user.http.put(f"{path}/AAPL", json=body)).status_code == 403
    done = await officer.http.put(f"{path}/AAPL", json=body)
    assert done.status_code == 200, done.text
    change = done.json()
    assert (change["status"], change["symbol"], change["set_by"]) == ("standing", "AAPL", officer.user_id)
    assert change["expires"] == "2090-01-01T00:00:00.000000000Z"
    over = (await user.order(symbol="AAPL", quantity="6", price="10.00")).json()
    assert (over["reason"], over["scope"]) == ("risk.position", "account")
    assert (await officer.http.put(path, json={"max_open_orders": 1, "reason": "new client"})).status_code == 200
    await user.order(symbol="AAPL", quantity="4", price="10.00")
    assert (await user.order()).json()["reason"] == "risk.max_open"
    shown = (await user.http.get(path)).json()
    long = next(one for one in shown["limits"] if one["name"] == "long")
    assert (long["limit"], long["used"], long["use"]) == ("5", "4", "0.8000")
    assert {one["name"] for one in shown["records"]} >= {"long", "order_value", "open_orders"}
    listed = (await officer.http.get(f"/v1/risk/limits/changes?account_id={user.account_id}")).json()
    assert [one["number"] for one in listed["items"]] == [2, 1]
    assert (await user.http.get("/v1/risk/limits/changes")).status_code == 403
    late = {**body, "expires": "2020-01-01T00:00:00Z"}
    refused = await officer.http.put(f"{path}/AAPL", json=late)
    assert (refused.status_code, refused.json()["field"]) == (400, "expires")


async def test_a_risk_officer_sets_limits_of_every_level(venue: House) -> None:
    user, officer, operator = await venue.user(), await venue.admin("risk_officer"), await venue.admin("operator")
    account = user.account_id
    assert (await officer.http.put(f"/v1/admin/accounts/{account}/firm", json={"firm": 7})).status_code == 403
    joined = (await operator.http.put(f"/v1/admin/accounts/{account}/firm", json={"firm": 7})).json()
    assert (joined["account_id"], joined["firm"]) == (account, 7)
    await operator.http.put(f"/v1/admin/accounts/{account}/group", json={"group": 9})
    signed, path = {"reason": "new client"}, "/v1/risk/limits"
    bodies: list[tuple[str, dict[str, Any], str]] = [
        ("venue", {"max_order_quantity": "4000"}, "venue"),
        ("firm/7", {"currency": "USD", "credit": "100.00"}, "firm"),
        ("group/9", {"max_open_each": 3}, "group"),
        ("instrument/AAPL", {"max_long": "5", "expires": "2090-01-01T00:00:00Z"}, "instrument"),
    ]
    for name, body, scope in bodies:
        assert (await user.http.put(f"{path}/{name}", json=body | signed)).status_code == 403
        assert (await user.http.get(f"{path}/{name}")).status_code == 403
        done = await officer.http.put(f"{path}/{name}", json=body | signed)
        assert done.status_code == 200, done.text
        change = done.json()
        assert (change["scope"], change["status"], change["set_by"]) == (scope, "standing", officer.user_id)
        (record,) = (await officer.http.get(f"{path}/{name}")).json()["records"]
        assert record["scope"] == scope
    assert (change["symbol"], change["account_id"], change["firm"]) == ("AAPL", None, None)
    assert change["expires"] == "2090-01-01T00:00:00.000000000Z"
    over = (await user.order(symbol="AAPL", quantity="6", price="1.00")).json()
    assert (over["reason"], over["scope"]) == ("risk.position", "instrument")
    over = (await user.order(symbol="AAPL", quantity="5", price="21.00")).json()
    assert (over["reason"], over["scope"]) == ("risk.credit", "firm")
    await user.order(symbol="AAPL", quantity="2", price="20.00")
    firm = (await officer.http.get(f"{path}/firm/7")).json()
    (credit,) = firm["limits"]
    assert (firm["accounts"], credit["name"], credit["scope"], credit["currency"]) == (1, "credit", "firm", "USD")
    assert (credit["limit"], credit["used"], credit["use"]) == ("100.00", "40.00", "0.4000")
    (each,) = (await officer.http.get(f"{path}/group/9")).json()["limits"]
    assert (each["name"], each["symbol"], each["limit"], each["used"]) == ("open_each", "AAPL", "3", "1")
    for name in ("venue", "instrument/AAPL"):
        found = (await officer.http.get(f"{path}/{name}")).json()
        assert (found["accounts"], found["limits"]) == (None, None)
    shown = (await user.http.get(f"{path}/{account}")).json()
    assert {(one["scope"], one["name"]) for one in shown["records"]} >= {("firm", "credit"), ("group", "open_each")}
    listed = (await officer.http.get(f"{path}/changes")).json()
    assert [(one["scope"], one["firm"], one["group"]) for one in listed["items"]] == [
        ("instrument", None, None),
        ("group", None, 9),
        ("firm", 7, None),
        ("venue", None, None),
    ]


async def test_a_share_of_a_market_refuses_what_is_more(venue: House) -> None:
    """The officer sets the share, the operator says how large the market is; a preview says it before the order does."""
    user, officer, operator = await venue.user(), await venue.admin("risk_officer"), await venue.admin("operator")
    body = {"max_interest_share": "0.05", "reason": "position limits"}
    done = await officer.http.put("/v1/risk/limits/instrument/AAPL", json=body)
    assert done.status_code == 200, done.text
    size = "/v1/admin/instruments/AAPL/size"
    assert (await officer.http.put(size, json={"open_interest": "100", "daily_volume": None})).status_code == 403
    told = (await operator.http.put(size, json={"open_interest": "100", "daily_volume": None})).json()
    assert (told["open_interest"], told["daily_volume"]) == ("100", None)
    asked = {
        "account_id": user.account_id,
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "quantity": "6",
        "price": "1.00",
    }
    seen = (await user.http.post("/v1/risk/preview", json=asked)).json()
    assert (seen["reason"], seen["scope"], seen["limit"], seen["actual"]) == ("risk.exposure", "instrument", "5", "6")
    over = (await user.order(symbol="AAPL", quantity="6", price="1.00")).json()
    assert (over["reason"], over["scope"], over["limit"], over["actual"]) == ("risk.exposure", "instrument", "5", "6")
    assert (await user.order(symbol="AAPL", quantity="5", price="1.00")).json()["status"] == "new"
    records = (await officer.http.get("/v1/risk/limits/instrument/AAPL")).json()["records"]
    assert {one["name"]: one["value"] for one in records} == {"interest_share": "0.050000", "open_interest": "100"}


@pytest.mark.parametrize(
    "name, body, status, field",
    [
        ("firm/0", {"currency": "USD", "credit": "1.00"}, 400, "firm"),
        ("firm/x", {"currency": "USD", "credit": "1.00"}, 400, "firm"),
        ("firm/7", {"credit": "1.00"}, 400, "currency"),
        ("group/4294967296", {"max_long": "1"}, 400, "group"),
        ("group/9", {"max_order_value": "1.00"}, 400, "max_order_value"),
        ("venue", {"max_long": "0.5"}, 400, "max_long"),
        ("instrument/NONE", {"max_long": "1"}, 404, "symbol"),
    ],
)
async def test_limits_that_a_level_cannot_have_are_refused(
    venue: House, name: str, body: dict[str, Any], status: int, field: str
) -> None:
    officer = await venue.admin("risk_officer")
    answer = await officer.http.put(f"/v1/risk/limits/{name}", json=body | {"reason": "new client"})
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert (await officer.http.get("/v1/risk/limits/changes")).json()["items"] == []


async def test_a_risk_officer_stops_a_firm_an_instrument_or_everybody(venue: House) -> None:
    user, other, officer = await venue.user(), await venue.user(), await venue.admin("risk_officer")
    venue.venue.do(wire.SetFirm(account=int(user.account_id), firm=7))
    await user.order(price="1.00")
    path, nothing = "/v1/risk/kill", dict.fromkeys(("account_id", "firm", "session", "symbol"))
    assert (await user.http.post(path, json={"firm": 7})).status_code == 403
    done = await officer.http.post(path, json={"firm": 7, "mode": "reduce_only"})
    assert done.status_code == 200, done.text
    assert done.json() == nothing | {
        "scope": "firm",
        "firm": 7,
        "mode": "reduce_only",
        "engaged": True,
        "cancelled": 1,
        "sequence": venue.venue.engine.sequence,
    }
    refused = (await user.order()).json()
    assert (refused["reason"], refused["scope"]) == ("risk.killed", "firm")
    assert (await other.order(price="1.00")).json()["status"] == "new"
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/risk")).json()
    assert (found["killed"], found["kill_mode"]) == (True, "reduce_only")
    await officer.http.post(path, json={"symbol": "AAPL"})
    listed = (await officer.http.get(path)).json()
    assert [(one["scope"], one["firm"], one["symbol"], one["mode"]) for one in listed["items"]] == [
        ("instrument", None, "AAPL", "all"),
        ("firm", 7, None, "reduce_only"),
    ]
    assert (listed["complete"], listed["items"][0]["time"].endswith("Z")) == (True, True)
    assert (await user.http.get(path)).status_code == 403
    for query in ("firm=7", "symbol=AAPL"):
        assert (await officer.http.delete(f"{path}?{query}")).json()["mode"] == "off"
    assert (await officer.http.get(path)).json()["items"] == []
    assert (await user.order(price="1.00")).json()["status"] == "new"


@pytest.mark.parametrize(
    "body, status, field",
    [
        ({"firm": 7, "session": 1}, 400, "session"),
        ({"firm": 0}, 400, "firm"),
        ({"mode": "off"}, 400, "mode"),
        ({"group": 7}, 400, "group"),
        ({"symbol": "NONE"}, 404, "symbol"),
    ],
)
async def test_a_switch_of_nothing_that_there_is_stops_nobody(
    venue: House, body: dict[str, Any], status: int, field: str
) -> None:
    user, officer = await venue.user(), await venue.admin("risk_officer")
    answer = await officer.http.post("/v1/risk/kill", json=body)
    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    assert (await user.order(price="1.00")).json()["status"] == "new"


async def test_what_comes_by_one_connection_is_stopped_alone(venue: House) -> None:
    """The socket tells its number; the same user's orders by another way come in."""
    user, officer = await venue.user(), await venue.admin("risk_officer")
    async with listening(venue.gateway) as address, stream(address) as client:
        session = (await client.auth(user.token))["data"]["session"]
        done = await officer.http.post("/v1/risk/kill", json={"session": session})
        assert (done.json()["scope"], done.json()["session"]) == ("session", session)
        data = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "1", "price": "1.00"}
        sent = {"client_order_id": "by-socket", "time_in_force": "gtc", **data}
        await client.say(op="order.submit", data=sent)
        said = await client.answer("order.submit")
        assert (said["data"]["reason"], said["data"]["scope"]) == ("risk.killed", "session")
        assert (await user.order(price="1.00")).json()["status"] == "new"


# -------------------------------------------------------------------------------------------------- the stream


async def near_the_limit(venue: House, user: User) -> None:
    """Let the account use all of its limit on open orders, and be seen."""
    venue.venue.do(wire.SetLimits(account=int(user.account_id), max_open_orders=1))
    await user.order(price="1.00")


async def test_a_warning_is_told_on_the_stream_and_its_end(venue: House) -> None:
    user = await venue.user()
    async with listening(venue.gateway) as address, stream(address) as client:
        await client.auth(user.token)
        (said,) = await client.subscribe({"name": "risk"})
        assert (said["ok"], said["channel"]) == (True, {"name": "risk", "account_id": None})
        await near_the_limit(venue, user)
        warning = await client.hear_of("risk")
        assert (warning["account_id"], warning["seq"], warning["prev_seq"]) == (user.account_id, 1, 0)
        assert (warning["update"]["kind"], warning["update"]["limit"]["name"]) == ("warning", "open_orders")
        assert warning["update"]["time"].endswith("Z")
        await user.http.delete("/v1/orders")
        relief = await client.hear_of("risk")
        assert (relief["update"]["kind"], relief["seq"], relief["prev_seq"]) == ("relief", 2, 1)


async def test_whoever_was_away_is_told_from_where_he_was(venue: House) -> None:
    user, other = await venue.user(), await venue.user()
    async with listening(venue.gateway) as address:
        async with stream(address) as first:
            await first.auth(user.token)
            await first.subscribe({"name": "risk"})
            await near_the_limit(venue, user)
            assert (await first.hear_of("risk"))["seq"] == 1
            await user.http.delete("/v1/orders")
            assert (await first.hear_of("risk"))["seq"] == 2
        async with stream(address) as again:
            await again.auth(user.token)
            await again.subscribe({"name": "risk", "from_seq": 1})
            missed = await again.hear_of("risk")
            assert (missed["seq"], missed["prev_seq"], missed["update"]["kind"]) == (2, 1, "relief")
        async with stream(address) as stranger:
            await stranger.auth(other.token)
            (refused,) = await stranger.subscribe({"name": "risk", "account_id": user.account_id})
            assert (refused["ok"], refused["error"]["code"]) == (False, "account.not_found")


async def test_what_was_lost_on_its_way_here_is_read_up(venue: House) -> None:
    """The notice of a warning never comes; the next one shows the gap, and both are told in order."""
    user = await venue.user()
    async with listening(venue.gateway) as address, stream(address) as client:
        await client.auth(user.token)
        await client.subscribe({"name": "risk"})
        channels, on_risk = venue.gateway.stream, venue.gateway.stream.on_risk
        await near_the_limit(venue, user)
        assert (await client.hear_of("risk"))["seq"] == 1
        dropped: list[Any] = []
        channels.on_risk = dropped.append  # type: ignore[method-assign]  # what the bus has lost
        await user.http.delete("/v1/orders")
        while not dropped:
            await venue.venue.bus.request(GetRiskMetrics(account=int(user.account_id)))
        channels.on_risk = on_risk  # type: ignore[method-assign]
        await user.order(price="1.00")
        assert [(await client.hear_of("risk"))["seq"] for _ in range(2)] == [2, 3]


# ---------------------------------------------------------------------------------------------------- options

CALL = {
    "underlying_price": "100",
    "strike": "105",
    "years": "0.5",
    "rate": "0.03",
    "volatility": "0.25",
    "type": "call",
}


async def greeks(user: User, *contracts: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = await user.http.post("/v1/risk/greeks", json={"contracts": list(contracts), **more})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["contracts"]
    return found


async def test_options_are_answered_each_by_itself(venue: House) -> None:
    user = await venue.user()
    good, implied, wrong, american, expired, both, neither = await greeks(
        user,
        CALL,
        {**{k: v for k, v in CALL.items() if k != "volatility"}, "option_price": "5.50"},
        {**CALL, "strike": "-1"},
        {**CALL, "type": "put", "style": "american"},
        {**{k: v for k, v in CALL.items() if k != "years"}, "expiry": "2020-01-01T00:00:00Z"},
        {**CALL, "expiry": "2090-01-01T00:00:00Z"},
        {k: v for k, v in CALL.items() if k != "volatility"},
    )
    assert set(good) == {"price", "delta", "gamma", "theta_per_day", "vega_per_1pct", "rho_per_1pct"}
    d1, normal = (math.log(100 / 105) + (0.03 + 0.25**2 / 2) * 0.5) / (0.25 * math.sqrt(0.5)), NormalDist().cdf
    worth = 100 * normal(d1) - 105 * math.exp(-0.015) * normal(d1 - 0.25 * math.sqrt(0.5))
    assert float(good["price"]) == pytest.approx(worth, abs=1e-8)
    assert 0 < float(good["delta"]) < 1
    assert 0.2 < float(implied["implied_volatility"]) < 0.25
    assert wrong == {"error": wrong["error"]}
    assert (wrong["error"]["code"], wrong["error"]["field"]) == ("greeks.strike.invalid", "strike")
    assert float(american["price"]) > float(good["price"])
    assert expired["error"]["code"] == "greeks.expired"
    assert both["error"]["code"] == "request.invalid.range"
    assert (neither["error"]["code"], neither["error"]["field"]) == ("greeks.market_data.missing", "volatility")


async def test_a_price_and_its_implied_volatility_go_round(venue: House) -> None:
    user = await venue.user()
    (priced,) = await greeks(user, CALL)
    back = {**{k: v for k, v in CALL.items() if k != "volatility"}, "option_price": priced["price"]}
    (found,) = await greeks(user, back)
    assert float(found["implied_volatility"]) == pytest.approx(0.25, abs=1e-6)
    assert float(found["delta"]) == pytest.approx(float(priced["delta"]), abs=1e-6)


async def test_theta_is_of_the_calendar_that_was_asked_for(venue: House) -> None:
    user = await venue.user()
    (by_365,) = await greeks(user, CALL)
    (by_252,) = await greeks(user, CALL, days_per_year=252)
    assert float(by_252["theta_per_day"]) / float(by_365["theta_per_day"]) == pytest.approx(365 / 252, rel=1e-5)
    assert by_252["price"] == by_365["price"]


async def test_a_batch_has_a_limit_and_may_be_empty(venue: House) -> None:
    user = await venue.user()
    assert await greeks(user) == []
    assert len(await greeks(user, *[CALL] * 1_000)) == 1_000
    answer = await user.http.post("/v1/risk/greeks", json={"contracts": [CALL] * 1_001})
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid.range")
    assert (await venue.client.post("/v1/risk/greeks", json={"contracts": []})).status_code == 401


@pytest.mark.parametrize(
    "wrong", [{"years": "-0.1"}, {"years": "NaN"}, {"strike": "1e5"}, {"volatility": "20"}, {"underlying_price": ""}]
)
async def test_a_wrong_number_is_an_error_of_its_option_alone(venue: House, wrong: dict[str, str]) -> None:
    user = await venue.user()
    bad, good = await greeks(user, {**CALL, **wrong}, CALL)
    assert list(bad) == ["error"]
    assert bad["error"]["field"] in {*wrong, "years"}
    assert "price" in good

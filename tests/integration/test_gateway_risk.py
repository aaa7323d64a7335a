"""Risk over HTTP and on the stream, with real rooms behind the gateway.

Goal: who may ask gets the room's figures with times as text; only a risk officer sets anything, in his own name; a warning is told once, and
to whoever was away as well.
Method: a house in process; a loopback server for the stream.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.risk import GetRiskMetrics
from tests.support.gateway_house import House, User, house, listening
from tests.support.sockets import stream

FIGURES = ("total_exposure", "net_exposure", "margin_used", "var_95", "var_99", "es_975")


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


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
    }
    assert (found["account_id"], found["killed"]) == (user.account_id, False)


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

"""What accounts are worth, over HTTP.

Goal: who may ask gets the room's answer with times as text, nobody else gets anything; only an admin publishes rates.
Method: the gateway before scripted rooms; what it asked of them is looked at.
"""

from typing import Any

import pytest

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.portfolio import (
    CashLine,
    Concentration,
    FxRate,
    FxSnapshot,
    GetFxSnapshot,
    GetPerformance,
    GetPortfolio,
    GetValuationHistory,
    Performance,
    Pnl,
    Portfolio,
    PublishFxSnapshot,
    ReportingCurrency,
    SetReportingCurrency,
    ValuationPage,
    ValuationPoint,
)
from tests.support.scripted_rooms import BEARER, identity, rooms

NS = 1_700_000_000_123_456_789
TEXT = "2023-11-14T22:13:20.123456789Z"
ADMIN = {"authorization": "Bearer an.admin.token"}
PNL = Pnl(*["0.00000000"] * 7)
WORTH = Portfolio(
    account_id="7",
    reporting_currency="USD",
    sequence=9,
    priced_to=9,
    fx_snapshot_id="fx-1",
    time_ns=NS,
    total="25000.00",
    cash="25000.00",
    assets="0.00",
    unsettled="0.00",
    complete=True,
    stale=[],
    unpriced=[],
    pnl=PNL,
    concentration=Concentration("0.00", "0.00000000", "0.00000000", [], "0.00000000"),
    cash_lines=[CashLine("USD", "25000.00", "0.00", "25000.00", "1.000000000000", "25000.00")],
    holdings=[],
    lines=[],
)
FX = FxSnapshot("fx-1", "desk", NS, [FxRate("EUR", "USD", "11", "10", "1.100000000000")], stale=False, in_force=True)
SNAPSHOT = {
    "snapshot_id": "fx-1",
    "source": "desk",
    "time": TEXT,
    "rates": [
        {"base": "EUR", "quote": "USD", "rate": "1.10"},
        {"base": "USD", "quote": "JPY", "numerator": "150", "denominator": "1"},
    ],
}


async def test_an_account_is_valued_as_of_what_its_owner_has_seen() -> None:
    async with rooms() as house:
        house.answer(GetPortfolio, WORTH)
        house.gateway.gate.own_writes.wrote(7, 42)
        answer = await house.client.get("/v1/accounts/7/portfolio", headers=BEARER)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["total"], body["time"], body["fx_snapshot_id"], body["sequence"]) == ("25000.00", TEXT, "fx-1", 9)
        assert body["cash_lines"][0]["rate"] == "1.000000000000"
        (asked,) = [one for one in house.asked if isinstance(one, GetPortfolio)]
        assert (asked.account, asked.at_least, asked.request_id) == (7, 42, answer.headers["x-request-id"])


async def test_a_missing_rate_is_unavailable_and_names_the_pair() -> None:
    async with rooms() as house:

        def missing(_ask: object) -> None:
            raise Unavailable(
                "fx.rate_missing", "no rate EUR/USD", field="fx", actual="EUR/USD", context={"account": "****"}
            )

        house.answer(GetPortfolio, missing)
        answer = await house.client.get("/v1/accounts/7/portfolio", headers=BEARER)
        assert (answer.status_code, answer.json()["code"], answer.json()["actual"]) == (
            503,
            "fx.rate_missing",
            "EUR/USD",
        )
        assert "context" not in answer.json()


async def test_history_and_performance_take_times_as_text() -> None:
    async with rooms() as house:
        point = ValuationPoint(NS, 5, "USD", "10.00", "1.00", "fx-1")
        house.answer(GetValuationHistory, ValuationPage("7", [point], "next"))
        answer = await house.client.get(
            f"/v1/accounts/7/portfolio/history?from={TEXT}&limit=5&order=asc&cursor=12", headers=BEARER
        )
        assert answer.json() == {
            "account_id": "7",
            "items": [
                {
                    "time": TEXT,
                    "sequence": 5,
                    "currency": "USD",
                    "total": "10.00",
                    "flow": "1.00",
                    "fx_snapshot_id": "fx-1",
                }
            ],
            "next_cursor": "next",
        }
        asked = house.asked[-1]
        assert (asked.from_ns, asked.to_ns, asked.limit, asked.cursor, asked.ascending) == (NS, 0, 5, "12", True)

        figures = Performance("7", "USD", 1, NS, NS, None, "0.00", "0.00000000", None, None, "0.02")
        house.answer(GetPerformance, figures)
        answer = await house.client.get(
            f"/v1/accounts/7/portfolio/performance?to={TEXT}&risk_free=0.02", headers=BEARER
        )
        assert (answer.json()["from"], answer.json()["to"], answer.json()["sharpe"]) == (TEXT, TEXT, None)
        assert (house.asked[-1].to_ns, house.asked[-1].risk_free) == (NS, "0.02")

        answer = await house.client.get("/v1/accounts/7/portfolio/history?from=yesterday", headers=BEARER)
        assert (answer.status_code, answer.json()["field"]) == (400, "from")


async def test_an_account_chooses_its_currency() -> None:
    async with rooms() as house:
        house.answer(SetReportingCurrency, ReportingCurrency("7", "EUR"))
        answer = await house.client.put("/v1/accounts/7/reporting-currency", json={"currency": "EUR"}, headers=BEARER)
        assert answer.json() == {"account_id": "7", "currency": "EUR"}
        assert (house.asked[-1].account, house.asked[-1].currency) == (7, "EUR")


async def test_an_admin_publishes_rates_and_everybody_reads_them() -> None:
    async with rooms() as house:
        house.tokens["an.admin.token"] = identity(user_id="u-2", scopes=["admin"], is_admin=True, accounts=[])
        house.answer(PublishFxSnapshot, FX)
        house.answer(GetFxSnapshot, FX)
        published = await house.client.post("/v1/fx/snapshots", json=SNAPSHOT, headers=ADMIN)
        assert published.json()["rates"] == [
            {"base": "EUR", "quote": "USD", "numerator": "11", "denominator": "10", "rate": "1.100000000000"}
        ]
        asked = next(one for one in house.asked if isinstance(one, PublishFxSnapshot))
        assert (asked.snapshot_id, asked.time_ns, asked.rates[1].numerator) == ("fx-1", NS, "150")
        shown = await house.client.get("/v1/fx/snapshots?snapshot_id=fx-1", headers=BEARER)
        assert (shown.json()["time"], shown.json()["in_force"]) == (TEXT, True)
        assert house.asked[-1].snapshot_id == "fx-1"


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("GET", "/v1/accounts/8/portfolio", None),
        ("GET", "/v1/accounts/8/portfolio/history", None),
        ("GET", "/v1/accounts/8/portfolio/performance", None),
        ("PUT", "/v1/accounts/8/reporting-currency", {"currency": "EUR"}),
    ],
)
async def test_nobody_sees_or_sets_anothers(method: str, path: str, body: Any) -> None:
    async with rooms() as house:
        for kind in (GetPortfolio, GetValuationHistory, GetPerformance, SetReportingCurrency):
            house.answer(kind, WORTH)
        answer = await house.client.request(method, path, json=body, headers=BEARER)
        assert (answer.status_code, answer.json()["code"]) == (404, "account.not_found")
        assert (await house.client.request(method, path, json=body)).status_code == 401
        assert not any(isinstance(one, GetPortfolio | SetReportingCurrency) for one in house.asked)


async def test_only_an_admin_publishes_rates() -> None:
    async with rooms() as house:
        house.answer(PublishFxSnapshot, FX)
        answer = await house.client.post("/v1/fx/snapshots", json=SNAPSHOT, headers=BEARER)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
        assert house.count(PublishFxSnapshot) == 0


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"rates": []}, "rates"),
        ({"rates": [{"base": "EUR", "quote": "USD", "rate": 1.1}]}, "rates[0].rate"),
        ({"time": "2023-11-14T22:13:20"}, "time"),
        ({"time": "0431-06-23T23:30:09Z"}, "time"),
        ({"time": "9431-06-23T23:30:09Z"}, "time"),
        ({"more": 1}, "more"),
    ],
)
async def test_rates_of_another_shape_are_refused_by_their_field(changes: dict[str, Any], field: str) -> None:
    async with rooms() as house:
        house.tokens["an.admin.token"] = identity(user_id="u-2", scopes=["admin"], is_admin=True, accounts=[])
        house.answer(PublishFxSnapshot, FX)
        answer = await house.client.post("/v1/fx/snapshots", json={**SNAPSHOT, **changes}, headers=ADMIN)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
        assert house.count(PublishFxSnapshot) == 0

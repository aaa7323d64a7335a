"""Foreign exchange over HTTP.

Goal: an admin holds rates, a customer changes his own money at them, once, and sees it at once; nobody else does.
Method: the gateway with the real ledger behind it, in process.
"""

from typing import Any

import pytest

from tests.support.exchange import QUOTES, quote_table
from tests.support.gateway_house import House, User


def table(venue: House, *names: str, **changes: Any) -> dict[str, Any]:
    return quote_table(venue.venue.clock.now(), *names, **changes)


def conversions(user: User) -> str:
    return f"/v1/accounts/{user.account_id}/conversions"


async def test_a_customer_changes_money_at_a_rate_that_an_admin_holds(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user()
    offered = await admin.http.post(QUOTES, json=table(venue, "q-1"))
    assert offered.status_code == 200, offered.text
    assert offered.json()["items"][0] | {"time": "", "expires": ""} == {
        "quote_id": "q-1",
        "state": "offered",
        "sold": "USD",
        "bought": "BTC",
        "rate": "0.00001",
        "mid": "0.000011",
        "source": "test bank",
        "time": "",
        "expires": "",
        "account_id": None,
    }
    shown = await user.http.get(f"/v1/accounts/{user.account_id}/quotes/q-1")
    assert shown.json() == offered.json()["items"][0]
    body = {"conversion_id": "c-1", "quote_id": "q-1", "amount": "1000.00"}
    done = await user.http.post(conversions(user), json=body)
    assert done.status_code == 200, done.text
    answer = done.json()
    assert (answer["paid"], answer["received"], answer["spread"]) == ("1000.00", "0.01000000", "0.00100000")
    assert (answer["status"], answer["residue"], answer["account_id"]) == ("posted", "0/1", user.account_id)
    balances = (await user.http.get(f"/v1/accounts/{user.account_id}/balances")).json()["balances"]
    assert {one["currency"]: one["total"] for one in balances}["BTC"] == "10000.01000000"
    assert (await user.http.post(conversions(user), json=body)).json() == answer
    assert (await user.http.get(f"{conversions(user)}/c-1")).json() == answer
    assert (await user.http.get(f"/v1/accounts/{user.account_id}/quotes/q-1")).json()["state"] == "used"


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"quote_id": "never"}, 404, "fx.quote.not_found", "quote_id"),
        ({"amount": "0.001"}, 400, "request.invalid.range", "amount"),
        ({"amount": 1}, 400, "request.invalid.type", "amount"),
        ({"amount": "99999999999.00"}, 409, "transfer.insufficient", None),
        ({"conversion_id": "a b"}, 400, "request.invalid.id", "conversion_id"),
        ({"rate": "1"}, 400, "request.invalid.unknown_field", "rate"),
    ],
)
async def test_what_cannot_be_changed_is_refused_by_name(
    venue: House, changes: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    admin, user = await venue.admin(), await venue.user()
    await admin.http.post(QUOTES, json=table(venue, "q-1"))
    body = {"conversion_id": "c-1", "quote_id": "q-1", "amount": "1.00", **changes}
    answer = await user.http.post(conversions(user), json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)


async def test_nobody_uses_what_is_not_his(venue: House) -> None:
    """Neither another's quote, nor another's account, nor the desk of the admins; and nothing says what is there."""
    admin, user, other = await venue.admin(), await venue.user(), await venue.user()
    await admin.http.post(QUOTES, json=table(venue, "q-1", account_id=user.account_id))
    body = {"conversion_id": "c-1", "quote_id": "q-1", "amount": "1.00"}
    unknown = await other.http.post(conversions(other), json={**body, "quote_id": "q-2"})
    foreign = await other.http.post(conversions(other), json=body)
    for answer in (unknown, foreign):
        assert (answer.status_code, answer.json()["code"]) == (404, "fx.quote.not_found")
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert (await other.http.get(f"/v1/accounts/{other.account_id}/quotes/q-1")).status_code == 404
    stolen = await other.http.post(conversions(user), json=body)
    assert (stolen.status_code, stolen.json()["code"]) == (404, "account.not_found")
    assert (await user.http.post(conversions(user), json=body)).status_code == 200
    assert (await other.http.get(f"{conversions(user)}/c-1")).status_code == 404
    assert (await other.http.get(f"{conversions(other)}/c-1")).json()["code"] == "conversion.not_found"
    for someone in (user, venue):
        client = someone.http if isinstance(someone, User) else someone.client
        refused = await client.post(QUOTES, json=table(venue, "mine"))
        assert refused.status_code in (401, 403)


async def test_a_table_that_is_too_long_or_disagrees_is_refused_whole(venue: House) -> None:
    admin = await venue.admin()
    answer = await admin.http.post(QUOTES, json=table(venue, *(f"q-{n}" for n in range(101))))
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid.range")
    body = table(venue, "q-1", "q-2")
    body["quotes"][1]["mid"] = "0.000012"
    answer = await admin.http.post(QUOTES, json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (400, "fx.triangle", "10 bp")
    for field in ("time", "expires"):
        answer = await admin.http.post(QUOTES, json=table(venue, "q-1") | {field: "2262-12-31T00:00:00Z"})
        assert (answer.status_code, answer.json()["field"]) == (400, field)

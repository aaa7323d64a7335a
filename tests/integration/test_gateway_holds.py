"""Holds by clients, over HTTP.

Goal: operators place, amend, capture and release; the owner sees it at once beside what orders hold; errors say which field.
Method: the gateway with the real ledger behind it, in process.
"""

from typing import Any

from tests.support.gateway_house import House, User

HOLDS = "/v1/admin/ledger/holds"


def body(user: User, amount: str = "500.00", **changes: Any) -> dict[str, Any]:
    return {"account_id": user.account_id, "hold_id": "h-1", "currency": "USD", "amount": amount, **changes}


async def dollars(user: User) -> dict[str, str]:
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/balances")).json()["balances"]
    return next(one for one in found if one["currency"] == "USD")


async def client_holds(user: User) -> list[dict[str, Any]]:
    return (await user.http.get(f"/v1/accounts/{user.account_id}/holds")).json()["client_holds"]


async def test_a_hold_goes_its_way_and_its_owner_sees_it_at_once(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user()
    ends = "2100-01-01T00:00:00.000000000Z"
    placed = await admin.http.post(HOLDS, json=body(user, expires_at=ends))
    assert placed.status_code == 200, placed.text
    shown = placed.json()
    assert (shown["status"], shown["open"], shown["expires_at"]) == ("open", "500.00", ends)
    assert await client_holds(user) == [shown]
    before = await dollars(user)
    assert (before["held"], float(before["available"])) == ("500.00", float(before["total"]) - 500)
    assert (await admin.http.post(HOLDS, json=body(user, expires_at=ends))).json() == shown
    await user.order()
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/holds")).json()
    assert (len(found["holds"]), len(found["client_holds"])) == (1, 1)

    whose = {"account_id": user.account_id}
    amended = await admin.http.post(f"{HOLDS}/h-1/amend", json={**whose, "amount": "600.00"})
    assert (amended.json()["placed"], amended.json()["open"]) == ("600.00", "600.00")
    parts = [{"code": 100, "amount": "450.00"}, {"code": 300, "amount": "10.00"}]
    capture = {**whose, "transaction_id": "paid", "parts": parts, "text": "paid out"}
    captured = await admin.http.post(f"{HOLDS}/h-1/capture", json=capture)
    assert captured.status_code == 200, captured.text
    assert captured.json()["hold"]["captured"] == "460.00"
    assert [leg["credit"] for leg in captured.json()["transaction"]["legs"]] == ["100", "300"]
    assert (await admin.http.post(f"{HOLDS}/h-1/capture", json=capture)).json() == captured.json()
    assert float((await dollars(user))["total"]) == float(before["total"]) - 460
    part = await admin.http.post(f"{HOLDS}/h-1/release", json={**whose, "amount": "40.00"})
    assert (part.json()["released"], part.json()["open"]) == ("40.00", "100.00")
    rest = await admin.http.post(f"{HOLDS}/h-1/release", json=whose)
    assert (rest.json()["status"], rest.json()["open"], rest.json()["released"]) == ("closed", "0.00", "140.00")
    assert await client_holds(user) == []
    closed = await admin.http.post(f"{HOLDS}/h-1/release", json=whose)
    assert (closed.status_code, closed.json()["code"]) == (409, "hold.closed")


async def test_a_release_under_one_key_happens_once(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user()
    await admin.http.post(HOLDS, json=body(user))
    request = {"account_id": user.account_id, "amount": "100.00"}
    key = {"idempotency-key": "release-1"}
    first = await admin.http.post(f"{HOLDS}/h-1/release", json=request, headers=key)
    again = await admin.http.post(f"{HOLDS}/h-1/release", json=request, headers=key)
    assert (first.json()["open"], again.json()) == ("400.00", first.json())
    assert (await client_holds(user))[0]["open"] == "400.00"


async def test_what_is_wrong_is_named(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user()
    whose = {"account_id": user.account_id}
    for path, request, status, code, field in (
        (HOLDS, body(user, "0"), 400, "transfer.amount.bad", "amount"),
        (HOLDS, body(user, hold_id="not an id"), 400, "request.invalid.id", "hold_id"),
        (HOLDS, body(user, expires_at="tomorrow"), 400, "request.invalid.time", "expires_at"),
        (HOLDS, body(user, expires_at="2001-01-01T00:00:00Z"), 400, "hold.expires_at.bad", None),
        (HOLDS, body(user, "99999999999.00"), 409, "transfer.insufficient", None),
        (f"{HOLDS}/h-7/amend", {**whose, "amount": "1.00"}, 404, "hold.not_found", "hold_id"),
        (f"{HOLDS}/h-7/release", whose, 404, "hold.not_found", "hold_id"),
        (f"{HOLDS}/h-7/capture", {**whose, "transaction_id": "t", "parts": []}, 400, "request.invalid.range", "parts"),
        (f"{HOLDS}/h-7/release", {"account_id": "x"}, 400, "request.invalid.range", "account_id"),
    ):
        answer = await admin.http.post(path, json=request)
        found = answer.json()
        assert (answer.status_code, found["code"]) == (status, code), (path, request, found)
        assert found.get("field") == field, found


async def test_only_an_admin_may(venue: House) -> None:
    user, operator = await venue.user(), await venue.admin("operator")
    whose = {"account_id": user.account_id}
    parts = [{"code": 100, "amount": "1.00"}]
    for who in (user, operator):
        for path, request in (
            (HOLDS, body(user)),
            (f"{HOLDS}/h-1/amend", {**whose, "amount": "1.00"}),
            (f"{HOLDS}/h-1/capture", {**whose, "transaction_id": "t", "parts": parts}),
            (f"{HOLDS}/h-1/release", whose),
        ):
            answer = await who.http.post(path, json=request)
            assert answer.status_code == 403, (path, answer.text)

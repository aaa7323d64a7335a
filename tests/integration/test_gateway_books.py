"""What operators do to the books, over HTTP.

Goal: transactions, reversals, account states and credit reach the engine and its books, for admins only, and errors say which field.
Method: the gateway with the real ledger behind it, in process.
"""

from typing import Any

from tests.support.gateway_house import House, User

TRANSACTIONS = "/v1/admin/ledger/transactions"


def gift(user: User, amount: str = "5.00", **changes: Any) -> dict[str, Any]:
    entries = [
        {"code": 900, "currency": "USD", "amount": amount},
        {"account_id": user.account_id, "currency": "USD", "amount": f"-{amount}"},
    ]
    return {"transaction_id": "gift", "entries": entries, **changes}


async def dollars(user: User) -> dict[str, str]:
    path = f"/v1/accounts/{user.account_id}/balances"
    answer = await user.http.get(path)
    while answer.status_code == 404:  # a user who was made a moment ago and has written nothing himself
        answer = await user.http.get(path)
    return next((one for one in answer.json()["balances"] if one["currency"] == "USD"), {})


async def test_an_admin_posts_and_the_user_sees_it_at_once(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user(rich=False)
    done = await admin.http.post(TRANSACTIONS, json=gift(user, text="welcome", effective_date="2026-01-31"))
    assert done.status_code == 200, done.text
    answer = done.json()
    assert (answer["status"], answer["text"], answer["effective_date"]) == ("posted", "welcome", "2026-01-31")
    assert answer["legs"] == [
        {"debit": "900", "credit": f"{user.account_id}:balance", "currency": "USD", "amount": "5.00"}
    ]
    assert (await dollars(user))["total"] == "5.00"
    ledger = (await user.http.get(f"/v1/accounts/{user.account_id}/ledger")).json()["items"]
    assert [(one["code"], one["reference"]) for one in ledger] == [("posted", "gift")]
    again = await admin.http.post(TRANSACTIONS, json=gift(user, text="welcome", effective_date="2026-01-31"))
    assert again.json() == answer
    other = await admin.http.post(TRANSACTIONS, json=gift(user, "6.00", text="welcome", effective_date="2026-01-31"))
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")


async def test_a_reversal_takes_it_back_once(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user(rich=False)
    await admin.http.post(TRANSACTIONS, json=gift(user))
    first = await admin.http.post(f"{TRANSACTIONS}/gift/reverse", json={"text": "wrong account"})
    assert first.status_code == 200, first.text
    assert first.json()["reverses"] == "gift"
    second = await admin.http.post(f"{TRANSACTIONS}/gift/reverse", json={"reversal_id": "once-more"})
    assert second.json() == first.json()
    assert (await dollars(user))["total"] == "0.00"
    unknown = await admin.http.post(f"{TRANSACTIONS}/never/reverse", json={})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "transaction.not_found")


async def test_what_does_not_balance_is_refused_with_its_field(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user(rich=False)
    body = gift(user)
    body["entries"][0]["amount"] = "5.01"
    answer = await admin.http.post(TRANSACTIONS, json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "ledger.unbalanced", "entries")
    assert "balance" in answer.json()["detail"]
    body = gift(user)
    body["entries"][1]["account_id"] = "4000000000"
    answer = await admin.http.post(TRANSACTIONS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "account.not_found")
    assert "4000000000" in answer.json()["detail"]
    assert await dollars(user) == {}


async def test_a_frozen_user_trades_no_more_and_an_open_one_does(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user()
    path = f"/v1/accounts/{user.account_id}/state"
    frozen = await admin.http.put(path, json={"state": "frozen"})
    assert (frozen.status_code, frozen.json()["state"]) == (200, "frozen")
    refused = (await user.order()).json()
    assert (refused["status"], refused["reason"]) == ("rejected", "account.frozen")
    withdrawal = {"transfer_id": "w", "kind": "withdrawal", "currency": "USD", "amount": "1.00"}
    answer = await user.http.post("/v1/transfers", json=withdrawal)
    assert (answer.status_code, answer.json()["code"]) == (409, "account.frozen")
    closed = await admin.http.put(path, json={"state": "closed"})
    assert (closed.status_code, closed.json()["code"]) == (409, "account.not_empty")
    await admin.http.put(path, json={"state": "open"})
    assert (await user.order()).json()["status"] == "new"


async def test_credit_lets_a_poor_user_order(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user(rich=False)
    assert (await user.order(quantity="0.001")).json()["status"] == "rejected"
    path = f"/v1/accounts/{user.account_id}/credit"
    granted = await admin.http.put(path, json={"currency": "USD", "limit": "100.00"})
    assert granted.status_code == 200, granted.text
    assert (granted.json()["limit"], granted.json()["available"]) == ("100.00", "100.00")
    assert (await user.order(quantity="0.001")).json()["status"] == "new"
    shown = await dollars(user)
    assert (shown["total"], shown["credit"]) == ("0.00", "100.00")
    assert float(shown["available"]) < 100
    bad = await admin.http.put(path, json={"currency": "USD", "limit": "-1"})
    assert (bad.status_code, bad.json()["field"]) == (400, "limit")


async def test_only_an_admin_may(venue: House) -> None:
    user, operator = await venue.user(), await venue.admin("operator")
    for who in (user, operator):
        for method, path, body in (
            ("POST", TRANSACTIONS, gift(user)),
            ("POST", f"{TRANSACTIONS}/gift/reverse", {}),
            ("PUT", f"/v1/accounts/{user.account_id}/state", {"state": "open"}),
            ("PUT", f"/v1/accounts/{user.account_id}/credit", {"currency": "USD", "limit": "1"}),
        ):
            answer = await who.http.request(method, path, json=body)
            assert answer.status_code == 403, (method, path, answer.text)

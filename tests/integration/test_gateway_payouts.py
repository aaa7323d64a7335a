"""Withdrawals through the payout rail, over HTTP.

Goal: a withdrawal is pending until an operator says the rail's word; its owner sees money and status at once; errors say what.
Method: the gateway with the real ledger and a real outbox behind it, in process.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.services.ledger.settings import PayoutSettings
from tests.support.gateway_house import House, User, house

PAYOUTS = "/v1/admin/payouts"


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[House]:
    settings = PayoutSettings(rail="operator", fees={"USD": "10.00"})
    async with house(tmp_path, payouts=settings) as one:
        yield one


async def dollars(user: User) -> tuple[float, float]:
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/balances")).json()["balances"]
    return next((float(one["total"]), float(one["held"])) for one in found if one["currency"] == "USD")


async def withdraw(user: User, name: str = "out", amount: str = "500.00") -> Any:
    body = {"transfer_id": name, "kind": "withdrawal", "currency": "USD", "amount": amount}
    return await user.http.post("/v1/transfers", json=body)


async def test_pending_then_posted(opened: House) -> None:
    admin, user = await opened.admin(), await opened.user()
    begun = await withdraw(user)
    assert begun.status_code == 200, begun.text
    assert begun.json()["status"] == "pending"
    total, held = await dollars(user)
    assert held == 510
    holds = (await user.http.get(f"/v1/accounts/{user.account_id}/holds")).json()["client_holds"]
    (listed,) = (await admin.http.get(PAYOUTS)).json()["items"]
    assert [one["hold_id"] for one in holds] == [listed["payout_id"]]
    assert (listed["status"], listed["step"], listed["fee"], listed["amount"]) == (
        "running", "await_word", "10.00", "500.00",
    )  # fmt: skip
    done = await admin.http.post(f"{PAYOUTS}/{listed['payout_id']}/confirm")
    assert (done.status_code, done.json()["status"]) == (200, "done")
    assert await dollars(user) == (total - 510, 0)
    shown = await user.http.get("/v1/transfers/out", params={"account_id": user.account_id})
    assert (shown.json()["status"], shown.json()["amount"]) == ("posted", "500.00")
    assert (await withdraw(user)).json() == shown.json()
    assert (await admin.http.get(PAYOUTS)).json()["items"] == []
    late = await admin.http.post(f"{PAYOUTS}/{listed['payout_id']}/fail")
    assert (late.status_code, late.json()["code"], late.json()["actual"]) == (409, "payout.settled", "confirmed")


async def test_what_is_not_paid_is_as_if_never_asked_for(opened: House) -> None:
    admin, user = await opened.admin(), await opened.user()
    await withdraw(user)
    total, _ = await dollars(user)
    (listed,) = (await admin.http.get(PAYOUTS)).json()["items"]
    failed = await admin.http.post(f"{PAYOUTS}/{listed['payout_id']}/fail")
    assert (failed.json()["status"], failed.json()["reason"]) == ("failed", "payout.failed")
    assert await dollars(user) == (total, 0)
    shown = await user.http.get("/v1/transfers/out", params={"account_id": user.account_id})
    assert shown.json()["status"] == "failed"


async def test_a_frozen_account_leaves_a_payout_to_a_person(opened: House) -> None:
    admin, user = await opened.admin(), await opened.user()
    await withdraw(user)
    state = f"/v1/accounts/{user.account_id}/state"
    await admin.http.put(state, json={"state": "frozen"})
    (listed,) = (await admin.http.get(PAYOUTS)).json()["items"]
    path = f"{PAYOUTS}/{listed['payout_id']}"
    stuck = await admin.http.post(f"{path}/confirm")
    assert (stuck.json()["status"], stuck.json()["reason"]) == ("needs_human", "account.frozen")
    await admin.http.put(state, json={"state": "open"})
    done = await admin.http.post(f"{path}/retry", json={})
    assert done.json()["status"] == "done"
    again = await admin.http.post(f"{path}/retry", json={"by_hand": True})
    assert (again.status_code, again.json()["code"]) == (409, "payout.not_stuck")


async def test_what_is_refused_says_why(opened: House) -> None:
    admin, user = await opened.admin(), await opened.user(rich=False)
    poor = await withdraw(user)
    assert (poor.status_code, poor.json()["code"]) == (409, "transfer.insufficient")
    again = await withdraw(user)
    assert (again.status_code, again.json()["code"]) == (409, "transfer.id_already_failed")
    for act, body in (("confirm", None), ("fail", None), ("retry", {})):
        unknown = await admin.http.post(f"{PAYOUTS}/w-none/{act}", json=body)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "payout.not_found"), act
        refused = await user.http.post(f"{PAYOUTS}/w-none/{act}", json=body)
        assert refused.status_code == 403, act
    assert (await user.http.get(PAYOUTS)).status_code == 403


async def test_without_a_rail_a_withdrawal_is_posted_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as plain:
        admin, user = await plain.admin(), await plain.user()
        assert (await withdraw(user)).json()["status"] == "posted"
        assert (await admin.http.get(PAYOUTS)).json()["items"] == []
        unknown = await admin.http.post(f"{PAYOUTS}/w-none/confirm")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "payout.not_found")

"""Nobody approves what he has made, by whatever door; and nobody below an admin sees what waits.

Goal: maker and checker are two users, whatever their keys and sessions; scopes, forged ids, oversized and repeated requests get nothing done.
Method: the gateway and the real rooms behind it, in process, with four eyes.
"""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.admins import PROPOSALS, TRANSACTIONS, dollars, gift, verb
from tests.support.gateway_house import GENEROUS, House, User, house


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, replace(GENEROUS, four_eyes=True)) as one:
        yield one


async def proposed(maker: User, body: dict[str, Any]) -> str:
    answer = await maker.http.post(TRANSACTIONS, json=body)
    assert answer.status_code == 202, answer.text
    name: str = answer.json()["proposal_id"]
    return name


async def test_the_maker_approves_nothing_not_by_another_session_and_not_by_a_key(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user(rich=False)
    name = await proposed(maker, gift(user))
    second = await opened.log_in(maker.email, maker.user_id, maker.account_id)
    key = (await maker.http.post("/v1/auth/keys", json={"label": "k", "scopes": ["read", "admin"]})).json()
    path = verb(name, "approve")
    stamp = str(opened.venue.clock.now() // 10**6)
    text = f"{stamp}\n5000\nPOST\n{path}\n\n"
    signed = base64.b64encode(hmac.new(key["secret"].encode(), text.encode(), hashlib.sha256).digest()).decode()
    headers = {"qc-key": key["key"]["key_id"], "qc-timestamp": stamp, "qc-recv-window": "5000", "qc-signature": signed}
    answers = [
        await maker.http.post(path),
        await second.http.post(path),
        await opened.client.post(path, headers=headers),
    ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "proposal.own")] * 3
    assert (await maker.http.get(f"{PROPOSALS}/{name}")).json()["status"] == "proposed"
    assert (await checker.http.post(path)).json()["status"] == "done"
    assert await dollars(user) == "5.00"


async def test_only_admins_propose_look_approve_and_reject(opened: House) -> None:
    maker, user, operator = await opened.admin(), await opened.user(), await opened.admin("operator")
    name = await proposed(maker, gift(user))
    for caller, status in ((user.http, 403), (operator.http, 403), (opened.client, 401)):
        for answer in (
            await caller.post(TRANSACTIONS, json=gift(user)),
            await caller.get(PROPOSALS),
            await caller.get(f"{PROPOSALS}/{name}"),
            await caller.post(verb(name, "approve")),
            await caller.post(verb(name, "reject"), json={}),
        ):
            assert answer.status_code == status, answer.text
    assert (await maker.http.get(f"{PROPOSALS}/{name}")).json()["status"] == "proposed"


@pytest.mark.parametrize("name", ["0" * 32, "x", "a b", "a" * 37, "..", "%00", "x'; drop table proposals; --"])
async def test_a_forged_id_is_nobodys(opened: House, name: str) -> None:
    checker = await opened.admin()
    for answer in (
        await checker.http.post(verb(name, "approve")),
        await checker.http.post(verb(name, "reject"), json={}),
        await checker.http.get(f"{PROPOSALS}/{name}"),
    ):
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["code"] in ("proposal.not_found", "request.invalid.id", "route.not_found")


async def test_an_approval_that_is_sent_again_does_nothing_again(opened: House) -> None:
    maker, checker, third, user = (
        await opened.admin(),
        await opened.admin(),
        await opened.admin(),
        await opened.user(rich=False),
    )
    name = await proposed(maker, gift(user))
    first = (await checker.http.post(verb(name, "approve"))).json()
    for again in (checker, third):
        assert (await again.http.post(verb(name, "approve"))).json() == first
    late = await checker.http.post(verb(name, "reject"), json={})
    assert (late.status_code, late.json()["code"]) == (409, "proposal.approved")
    assert await dollars(user) == "5.00"


async def test_what_is_too_large_is_not_kept(opened: House) -> None:
    maker, user = await opened.admin(), await opened.user()
    body = gift(user)
    for wrong, status in (
        ({**body, "entries": body["entries"] * 101}, 400),
        ({**body, "text": "x" * 129}, 400),
        ({**body, "two_persons": "yes"}, 400),
        ({**body, "maker": "somebody"}, 400),
    ):
        answer = await maker.http.post(TRANSACTIONS, json=wrong)
        assert answer.status_code == status, answer.text
    name = await proposed(maker, body)
    answer = await maker.http.post(verb(name, "reject"), json={"reason": "x" * 513})
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid.range")
    assert len((await maker.http.get(PROPOSALS)).json()["items"]) == 1


async def test_one_persons_word_for_two_is_not_taken(tmp_path: Path) -> None:
    """Where nobody asks for a second person the flag of two cannot be given at all."""
    async with house(tmp_path) as venue:
        admin, user = await venue.admin(), await venue.user()
        for path, body in (
            (TRANSACTIONS, gift(user, two_persons=True)),
            (f"{TRANSACTIONS}/gift/reverse", {"two_persons": True}),
        ):
            answer = await admin.http.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "approval.required")
        assert (await admin.http.post(TRANSACTIONS, json=gift(user))).status_code == 200

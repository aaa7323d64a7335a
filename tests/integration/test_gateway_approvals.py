"""Four eyes over HTTP: 202 and nothing else until another admin approves.

Goal: every route that needs a second person answers with a proposal, and its approval with what became of it; the description says so.
Method: the gateway with the real ledger behind it, in process, with four eyes.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from quantumcore.contracts.errors import Forbidden
from quantumcore.contracts.risk_kill import LiftKillSwitch
from quantumcore.services.gateway.openapi import openapi
from quantumcore.services.gateway.routes import all_routes
from tests.support.admins import PROPOSALS, TRANSACTIONS, dollars, gift, verb
from tests.support.exchange import QUOTES, quote_table
from tests.support.gateway_house import GENEROUS, House, house

HOLDS = "/v1/admin/ledger/holds"


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, replace(GENEROUS, four_eyes=True)) as one:
        yield one


async def test_each_route_proposes_and_its_approval_carries_it_out(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user(rich=False)
    account = f"/v1/accounts/{user.account_id}"
    for method, path, body, kind in (
        ("POST", TRANSACTIONS, gift(user, text="welcome"), "transaction"),
        ("POST", f"{TRANSACTIONS}/gift/reverse", {}, "reversal"),
        ("PUT", f"{account}/credit", {"currency": "USD", "limit": "7.00"}, "credit_limit"),
        ("PUT", f"{account}/state", {"state": "frozen"}, "account_state"),
        ("POST", QUOTES, quote_table(opened.venue.clock.now(), "q-1"), "fx_quotes"),
    ):
        answer = await maker.http.request(method, path, json=body)
        assert answer.status_code == 202, answer.text
        made = answer.json()
        assert (made["status"], made["kind"], made["made_by"]) == ("proposed", kind, maker.user_id)
        assert (made["checked_by"], made["result"], made["sequence"]) == (None, None, None)
        done = (await checker.http.post(verb(made["proposal_id"], "approve"))).json()
        assert (done["status"], done["checked_by"]) == ("done", checker.user_id), done
        assert (await maker.http.get(f"{PROPOSALS}/{made['proposal_id']}")).json() == done
    listed = (await maker.http.get(PROPOSALS, params={"state": "done", "limit": 3})).json()
    assert [one["kind"] for one in listed["items"]] == ["fx_quotes", "account_state", "credit_limit"]
    assert listed["items"][0]["what"]["expires"].endswith("Z")
    rest = (await maker.http.get(PROPOSALS, params={"cursor": listed["next_cursor"]})).json()
    assert [one["kind"] for one in rest["items"]] == ["reversal", "transaction"]
    assert rest["items"][1]["result"]["text"] == "welcome"


async def test_a_kill_switch_is_engaged_by_one_and_lifted_by_two(opened: House) -> None:
    """What the ledger's proposals carry out may be another room's: asked for directly it is refused there."""
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user()
    await user.order(price="1.00")
    engaged = (await maker.http.post("/v1/risk/kill", json={"account_id": user.account_id})).json()
    assert (engaged["engaged"], engaged["cancelled"]) == (True, 1)
    answer = await maker.http.delete(f"/v1/risk/kill?account_id={user.account_id}")
    assert (answer.status_code, answer.json()["kind"]) == (202, "kill_switch"), answer.text
    assert (await user.order()).json()["reason"] == "risk.killed"
    with pytest.raises(Forbidden, match=r"approval\.required"):
        await opened.venue.bus.request(LiftKillSwitch(account=int(user.account_id)))
    own = await maker.http.post(verb(answer.json()["proposal_id"], "approve"))
    assert (own.status_code, own.json()["code"]) == (403, "proposal.own")
    done = (await checker.http.post(verb(answer.json()["proposal_id"], "approve"))).json()
    assert (done["status"], done["result"]["engaged"]) == ("done", False), done
    assert (await user.order()).json()["status"] == "new"


async def test_the_switch_of_an_instrument_is_lifted_by_two_as_it_was_named(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user()
    await maker.http.post("/v1/risk/kill", json={"symbol": "BTC-USD", "mode": "reduce_only"})
    two = await maker.http.delete("/v1/risk/kill?symbol=BTC-USD&firm=7")
    assert (two.status_code, two.json()["field"]) == (400, "symbol"), "what cannot be is not proposed"
    answer = (await maker.http.delete("/v1/risk/kill?symbol=BTC-USD")).json()
    assert (await user.order()).json()["scope"] == "instrument"
    done = (await checker.http.post(verb(answer["proposal_id"], "approve"))).json()
    assert (done["status"], done["result"]["scope"], done["result"]["symbol"]) == ("done", "instrument", "BTC-USD"), (
        done
    )
    assert (await user.order()).json()["status"] == "new"


async def test_limits_of_the_venue_and_of_a_firm_are_changed_by_two(opened: House) -> None:
    maker, checker = await opened.admin(), await opened.admin()
    for path, body, scope in (
        ("/v1/risk/limits/venue", {"max_open_each": 3}, "venue"),
        ("/v1/risk/limits/firm/7", {"currency": "USD", "credit": "5.00"}, "firm"),
    ):
        wrong = await maker.http.put(path, json={"reason": "x", "currency": "NONE", "max_order_value": "1.00"})
        assert wrong.status_code == 404, wrong.text
        answer = await maker.http.put(path, json={"reason": "review", **body})
        assert (answer.status_code, answer.json()["kind"]) == (202, "limits"), answer.text
        assert (await checker.http.get(path)).json()["records"] == []
        own = await maker.http.post(verb(answer.json()["proposal_id"], "approve"))
        assert (own.status_code, own.json()["code"]) == (403, "proposal.own")
        done = (await checker.http.post(verb(answer.json()["proposal_id"], "approve"))).json()
        assert (done["status"], done["result"]["scope"], done["result"]["who"]) == ("done", scope, maker.user_id), done
        assert len((await checker.http.get(path)).json()["records"]) == 1


async def test_limits_are_changed_by_two(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user()
    path = f"/v1/risk/limits/{user.account_id}"
    wrong = await maker.http.put(path, json={"max_order_value": "1.00", "reason": "x"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "max_order_value")
    answer = await maker.http.put(path, json={"max_open_orders": 1, "reason": "new client"})
    assert (answer.status_code, answer.json()["kind"]) == (202, "limits"), answer.text
    for _ in range(2):
        assert (await user.order(price="1.00")).json()["status"] == "new"
    done = (await checker.http.post(verb(answer.json()["proposal_id"], "approve"))).json()
    assert (done["status"], done["result"]["state"], done["result"]["who"]) == ("done", "standing", maker.user_id), done
    assert (await user.order(price="1.00")).json()["reason"] == "risk.max_open"


async def test_whoever_approves_sees_the_balance_at_once(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user(rich=False)
    made = (await maker.http.post(TRANSACTIONS, json=gift(user))).json()
    assert await dollars(user) == "0.00"
    await checker.http.post(verb(made["proposal_id"], "approve"))
    assert await dollars(user) == "5.00"


async def test_whoever_approves_a_capture_sees_the_balance_at_once(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user()
    hold = {"account_id": user.account_id, "hold_id": "h-1", "currency": "USD", "amount": "3.00"}
    assert (await maker.http.post(HOLDS, json=hold)).status_code == 200
    before = await dollars(user)  # what the ledger has from the hold on
    part = {"account_id": user.account_id, "transaction_id": "c-1", "parts": [{"code": 300, "amount": "1.25"}]}
    answer = await maker.http.post(f"{HOLDS}/h-1/capture", json=part)
    assert (answer.status_code, answer.json()["kind"]) == (202, "capture"), answer.text
    assert await dollars(user) == before
    done = (await checker.http.post(verb(answer.json()["proposal_id"], "approve"))).json()
    assert (done["status"], done["result"]["hold"]["captured"]) == ("done", "1.25"), done
    assert Decimal(before) - Decimal(await dollars(user)) == Decimal("1.25")


async def test_what_is_approved_and_refused_says_why(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user(rich=False)
    body = gift(user)
    for entry in body["entries"]:
        entry["amount"] = entry["amount"].removeprefix("-") if entry["amount"][0] == "-" else f"-{entry['amount']}"
    made = (await maker.http.post(TRANSACTIONS, json=body)).json()
    done = (await checker.http.post(verb(made["proposal_id"], "approve"))).json()
    assert (done["status"], done["code"], done["sequence"]) == ("refused", "transfer.insufficient", None)


async def test_a_rejection_has_its_reason(opened: House) -> None:
    maker, checker, user = await opened.admin(), await opened.admin(), await opened.user(rich=False)
    made = (await maker.http.post(TRANSACTIONS, json=gift(user))).json()
    gone = await checker.http.post(verb(made["proposal_id"], "reject"), json={"reason": "who is that?"})
    assert (gone.json()["status"], gone.json()["detail"]) == ("rejected", "who is that?")
    late = await checker.http.post(verb(made["proposal_id"], "approve"))
    assert (late.status_code, late.json()["code"]) == (409, "proposal.rejected")


def test_the_description_knows_both_answers_and_the_verbs() -> None:
    paths = openapi(all_routes())["paths"]
    assert set(paths[TRANSACTIONS]["post"]["responses"]) >= {"200", "202"}
    assert "202" not in paths["/v1/transfers"]["post"]["responses"]
    approve = paths[f"{PROPOSALS}/{{id}}:approve"]["post"]
    assert [one["name"] for one in approve["parameters"]] == ["id"]

"""Closed periods over HTTP.

Goal: an admin closes months and days, everybody's postings into them are refused by name, corrections show what they correct; nobody
below an admin does or sees any of it.
Method: the gateway with the real ledger behind it, in process.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.admins import TRANSACTIONS, gift
from tests.support.gateway_house import House

PERIODS = "/v1/admin/ledger/periods"


def days_ago(days: int) -> str:
    return str(datetime.now(UTC).date() - timedelta(days=days))


async def test_a_closed_period_refuses_names_and_is_listed(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user()
    end = days_ago(3)
    await admin.http.post(TRANSACTIONS, json=gift(user, "early", effective_date=end))
    done = await admin.http.post(PERIODS, json={"end": end})
    assert done.status_code == 200, done.text
    period = done.json()
    assert (period["period"], period["begin"], period["end"], period["status"]) == (end, None, end, "closed")
    assert (await admin.http.post(PERIODS, json={"end": end})).json() == period
    assert (await admin.http.get(PERIODS)).json() == {"items": [period]}
    late = await admin.http.post(TRANSACTIONS, json=gift(user, "late", effective_date=days_ago(4)))
    problem = late.json()
    assert (late.status_code, problem["code"], problem["field"]) == (409, "period.closed", "effective_date")
    assert (problem["limit"], problem["actual"]) == (days_ago(2), days_ago(4))
    fixed = await admin.http.post(TRANSACTIONS, json=gift(user, "fixed", corrects=end))
    assert fixed.json()["corrects"] == end
    assert (await admin.http.get(f"{TRANSACTIONS}/fixed")).json() == fixed.json()
    back = (await admin.http.post(f"{TRANSACTIONS}/early/reverse", json={})).json()
    assert back["corrects"] == end
    statement = (await user.http.get(f"/v1/accounts/{user.account_id}/statement")).json()
    assert {one["reference"]: one["corrects"] for one in statement["lines"] if one["code"] != "deposit"} == {
        "early": "",
        "fixed": end,
        back["transaction_id"]: end,
    }
    trial = (await admin.http.get("/v1/admin/ledger/trial-balance", params={"as_of": end})).json()
    assert (trial["as_of"], trial["sequence"], trial["balanced"]) == (end, period["sequence"], True)
    assert [one["balance"] for one in trial["lines"] if one["code"] == "900"] == ["-5.00"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "request.invalid.range"),
        ({"month": "2020-13"}, 400, "request.invalid.time"),
        ({"end": "2020-02-30"}, 400, "request.invalid.time"),
        ({"month": "2020-01", "end": "2020-01-31"}, 400, "request.invalid.range"),
        ({"end": "2020-01-31T00:00:00Z"}, 400, "request.invalid.range"),
        ({"end": "2020-01-31", "open": True}, 400, "request.invalid.unknown_field"),
        ({"end": str(date.max)}, 409, "period.open"),
    ],
)
async def test_what_cannot_be_closed_is_refused(venue: House, body: dict[str, object], status: int, code: str) -> None:
    admin = await venue.admin()
    answer = await admin.http.post(PERIODS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await admin.http.get(PERIODS)).json() == {"items": []}


async def test_only_admins_close_and_look(venue: House) -> None:
    user, operator = await venue.user(), await venue.admin("operator")
    for caller, status in ((user.http, 403), (operator.http, 403), (venue.client, 401)):
        for answer in (
            await caller.post(PERIODS, json={"end": days_ago(3)}),
            await caller.get(PERIODS),
            await caller.get(f"{TRANSACTIONS}/gift"),
        ):
            assert answer.status_code == status, answer.text
    admin = await venue.admin()
    assert (await admin.http.get(f"{TRANSACTIONS}/never")).json()["code"] == "transaction.not_found"

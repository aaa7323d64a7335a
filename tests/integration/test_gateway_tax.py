"""Taxes over HTTP.

Goal: an admin sets taxes, charges documents, remits and reports; a customer sees what was taken; nobody else does any of it.
Method: the gateway with the real ledger behind it, in process.
"""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.admins import verb
from tests.support.gateway_house import GENEROUS, House, User, house

RECORDS, DOCUMENTS, REMITTANCES = (f"/v1/admin/tax/{name}" for name in ("records", "documents", "remittances"))
REPORT = "/v1/admin/ledger/tax"


def document(user: User, name: str = "d-1", **changes: Any) -> dict[str, Any]:
    lines = [{"amount": "1.10", "taxes": ["VAT"]}] * 3
    terms = {"document_id": name, "account_id": user.account_id, "currency": "USD", "lines": lines}
    return {**terms, "effective_date": "2026-01-31", **changes}


async def test_a_tax_is_set_charged_shown_remitted_and_reported(venue: House) -> None:
    admin, user = await venue.admin(), await venue.user()
    tax = (await admin.http.put(f"{RECORDS}/VAT", json={"rate": "0.05"})).json()
    assert (tax["code"], tax["rate"], tax["mode"], tax["version"]) == ("VAT", "0.05", "half_even", 1)
    assert (await admin.http.get(RECORDS)).json() == {"items": [tax]}
    done = await admin.http.post(DOCUMENTS, json=document(user))
    assert done.status_code == 200, done.text
    answer = done.json()
    assert answer["taxes"] == [{"code": "VAT", "rate": "0.05", "base": "3.30", "amount": "0.16"}]
    assert (answer["period"], answer["status"], answer["cumulative"]) == ("2026-01", "posted", False)
    lines = (await user.http.get(f"/v1/accounts/{user.account_id}/ledger", params={"limit": 1})).json()["items"]
    assert [(one["credit"], one["amount"], one["reference"]) for one in lines] == [("240", "0.16", "d-1")]
    assert (await admin.http.post(DOCUMENTS, json=document(user))).json() == answer
    assert (await admin.http.get(f"{DOCUMENTS}/d-1")).json() == answer
    paid = await admin.http.post(REMITTANCES, json={"remittance_id": "r-1", "currency": "USD", "amount": "0.16"})
    assert paid.json()["legs"] == [{"debit": "240", "credit": "100", "currency": "USD", "amount": "0.16"}]
    range_ = {"from": "2026-01", "to": "2026-12"}
    report = (await admin.http.get(REPORT, params=range_)).json()
    assert report["lines"] == [
        {"period": "2026-01", "code": "VAT", "currency": "USD", "documents": 1, "base": "3.30", "amount": "0.16"}
    ]
    assert (report["from"], report["to"], report["complete"]) == ("2026-01", "2026-12", True)
    sheet = await admin.http.get(REPORT, params={**range_, "format": "csv"})
    assert sheet.headers["content-disposition"] == 'attachment; filename="tax-2026-01-2026-12.csv"'
    assert [row["amount"] for row in csv.DictReader(io.StringIO(sheet.text))] == ["0.16"]


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"lines": []}, 400, "request.invalid.range", "lines"),
        ({"lines": [{"amount": "1", "taxes": ["VAT"]}] * 1_001}, 400, "request.invalid.range", "lines"),
        ({"lines": [{"amount": 1, "taxes": ["VAT"]}]}, 400, "request.invalid.type", "lines[0].amount"),
        ({"lines": [{"amount": "1", "taxes": ["NONE"]}]}, 404, "tax.not_found", "lines"),
        ({"account_id": "4000000000"}, 404, "account.not_found", "account_id"),
        ({"rate": "1"}, 400, "request.invalid.unknown_field", "rate"),
    ],
)
async def test_what_cannot_be_charged_is_refused_by_name(
    venue: House, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    admin, user = await venue.admin(), await venue.user()
    await admin.http.put(f"{RECORDS}/VAT", json={"rate": "0.05"})
    answer = await admin.http.post(DOCUMENTS, json=document(user, **changes))
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)


async def test_only_admins_have_to_do_with_taxes(venue: House) -> None:
    user, operator = await venue.user(), await venue.admin("operator")
    for caller, status in ((user.http, 403), (operator.http, 403), (venue.client, 401)):
        for answer in (
            await caller.get(RECORDS),
            await caller.put(f"{RECORDS}/VAT", json={"rate": "0.05"}),
            await caller.post(DOCUMENTS, json=document(user)),
            await caller.get(f"{DOCUMENTS}/d-1"),
            await caller.post(REMITTANCES, json={"remittance_id": "r-1", "currency": "USD", "amount": "1"}),
            await caller.get(REPORT, params={"from": "2026-01", "to": "2026-01"}),
        ):
            assert answer.status_code == status, answer.text


async def test_with_four_eyes_each_of_them_is_a_proposal(tmp_path: Path) -> None:
    async with house(tmp_path, replace(GENEROUS, four_eyes=True)) as venue:
        maker, checker, user = await venue.admin(), await venue.admin(), await venue.user()
        for method, path, body in (
            ("PUT", f"{RECORDS}/VAT", {"rate": "0.05"}),
            ("POST", DOCUMENTS, document(user)),
            ("POST", REMITTANCES, {"remittance_id": "r-1", "currency": "USD", "amount": "0.16"}),
        ):
            made = await maker.http.request(method, path, json=body)
            assert made.status_code == 202, made.text
            done = await checker.http.post(verb(made.json()["proposal_id"], "approve"))
            assert done.json()["status"] == "done", done.text
        assert (await maker.http.get(f"{DOCUMENTS}/d-1")).json()["taxes"][0]["amount"] == "0.16"

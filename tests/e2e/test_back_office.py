"""The back office in a real venue: two people decide, the engine posts, a kill and the loss of every table change nothing.

Goal: quotes, conversions, taxes, documents, closed periods and proposals are what they were after `kill -9`, and after the ledger's
tables were thrown away: the journal and the office's file have everything.
Method: one venue with the native engine and its annex on free loopback ports, with four eyes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("venue")]
SECOND = "second@example.com"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    opened = Venue(tmp_path / "venue", {"QC_FOUR_EYES": "true"})
    try:
        opened.begin()
        opened.make_admin(SECOND)
        opened.start()
        yield opened
    finally:
        opened.close()


def decided(maker: Trader, checker: Trader, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    made = maker.venue.http.request(method, path, json=body, headers=maker.headers)
    assert made.status_code == 202, made.text
    approve = f"/v1/admin/proposals/{made.json()['proposal_id']}:approve"
    assert maker.post(approve, None).json()["code"] == "proposal.own"
    done = checker.post(approve, None).json()
    assert done["status"] == "done", done
    result: dict[str, Any] = done["result"]
    return result


def shown(admin: Trader, trader: Trader, end: str) -> dict[str, Any]:
    """Return what everybody can see of it."""
    own = f"/v1/accounts/{trader.account}"
    paths = {
        "conversion": f"{own}/conversions/c-1",
        "quote": f"{own}/quotes/q-1",
        "balances": f"{own}/balances",
        "entries": f"{own}/ledger",
        "document": "/v1/admin/tax/documents/d-1",
        "taxes": "/v1/admin/tax/records",
        "periods": "/v1/admin/ledger/periods",
        "proposals": "/v1/admin/proposals",
        "fix": "/v1/admin/ledger/transactions/fix",
        "trial": f"/v1/admin/ledger/trial-balance?as_of={end}",
    }
    http = admin.venue.http
    answers = {name: http.get(path, headers=admin.headers) for name, path in paths.items()}
    assert {name: one.text for name, one in answers.items() if one.status_code != 200} == {}
    found = {name: one.json() for name, one in answers.items()}
    for name in ("balances", "entries"):
        del found[name]["sequence"]  # how far the view is, not what is in it
    return found


def test_what_two_people_decided_survives_kills_and_the_loss_of_the_tables(venue: Venue) -> None:
    admin, second = venue.log_in(ADMIN), venue.log_in(SECOND)
    ann = venue.register("ann")
    venue.fund(admin, ann, USD="100000.00")
    now = datetime.now(UTC)
    end = str(now.date() - timedelta(days=3))
    table = {
        "source": "desk",
        "time": now.isoformat(),
        "expires": (now + timedelta(minutes=5)).isoformat(),
        "quotes": [{"quote_id": "q-1", "sold": "USD", "bought": "EUR", "rate": "0.8480", "mid": "0.8500"}],
    }
    assert decided(admin, second, "POST", "/v1/admin/fx/quotes", table)["quotes"][0]["state"] == "offered"
    body = {"conversion_id": "c-1", "quote_id": "q-1", "amount": "1000.01"}
    done = ann.post(f"/v1/accounts/{ann.account}/conversions", body)
    assert done.status_code == 200, done.text
    assert (done.json()["received"], done.json()["spread"], done.json()["residue"]) == ("848.00", "2.00", "17/20")
    decided(admin, second, "PUT", "/v1/admin/tax/records/VAT", {"rate": "0.05"})
    document = {
        "document_id": "d-1",
        "account_id": ann.account,
        "currency": "USD",
        "lines": [{"amount": "1.10", "taxes": ["VAT"]}] * 3,
        "effective_date": end,
    }
    decided(admin, second, "POST", "/v1/admin/tax/documents", document)
    decided(admin, second, "POST", "/v1/admin/ledger/periods", {"end": end})
    fix = {
        "transaction_id": "fix",
        "entries": [
            {"account_id": ann.account, "currency": "USD", "amount": "0.01"},
            {"code": 240, "currency": "USD", "amount": "-0.01"},
        ],
        "corrects": end,
    }
    assert decided(admin, second, "POST", "/v1/admin/ledger/transactions", fix)["corrects"] == end
    late = admin.post(
        "/v1/admin/ledger/transactions", fix | {"transaction_id": "late", "corrects": None, "effective_date": end}
    )
    assert (late.status_code, late.json()["code"]) == (409, "period.closed")
    before = shown(admin, ann, end)
    assert [line["balance"] for line in before["trial"]["lines"] if line["code"] == "240"] == ["0.16"]
    assert before["quote"]["state"] == "used"
    assert ann.balances()["EUR"] == ("848.00", "0.00")

    venue.kill()
    venue.start()
    admin, ann = venue.log_in(ADMIN), venue.log_in(ann.email, ann.account)
    assert shown(admin, ann, end) == before

    venue.kill()
    for file in venue.data_dir.glob("quantumcore_ledger.sqlite*"):
        file.unlink()
    venue.start()
    admin, ann = venue.log_in(ADMIN), venue.log_in(ann.email, ann.account)
    poll(lambda: ann.get(f"/v1/accounts/{ann.account}/conversions/c-1").status_code == 200)
    poll(lambda: admin.get("/v1/admin/ledger/transactions/fix").status_code == 200)
    after = shown(admin, ann, end)
    assert {name: one for name, one in after.items() if one != before[name]} == {}
    assert ann.post(f"/v1/accounts/{ann.account}/conversions", body).json() == before["conversion"]
    assert admin.ask("ledger", "Reconcile").json()["differences"] == []
    assert venue.stop() == 0
    checked = venue.cli("verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr

"""A split of a served venue, in its own processes.

Goal: what befell all holders is durable when it was answered: killed, with the tables of positions gone, balances, positions and
the action are what they were, and the same id answers the same.
Method: a venue over HTTP with the native engine; kill -9; projections removed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Venue, poll

pytestmark = pytest.mark.timeout(180)
SPLIT = {"action_id": "s-1", "kind": "split", "symbol": "AAPL", "numerator": 3, "denominator": 2, "price": "25.00"}
FUND = {
    "transaction_id": "fund",
    "entries": [
        {"code": 100, "currency": "USD", "amount": "25.00"},
        {"code": 430, "currency": "USD", "amount": "-25.00"},
    ],
}


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    made = Venue(tmp_path / "data")
    yield made
    made.close()


def test_a_split_outlives_kill_and_the_loss_of_the_tables(venue: Venue) -> None:
    admin_account = venue.begin()
    venue.start()
    admin = venue.log_in("admin@example.com", admin_account["account_id"])
    ann, bob = venue.register("ann"), venue.register("bob")
    venue.fund(admin, ann, USD="1000000.00")
    venue.fund(admin, bob, AAPL="150")
    for trader, side in ((bob, "sell"), (ann, "buy")):
        done = trader.submit(side, "101", "30.00", symbol="AAPL")
    assert done["status"] == "filled"
    assert admin.post("/v1/admin/actions", SPLIT).json()["code"] == "transfer.insufficient"
    assert admin.post("/v1/admin/ledger/transactions", FUND).status_code == 200
    told = admin.post("/v1/admin/actions", SPLIT)
    assert told.status_code == 200, told.text
    assert (told.json()["accounts"], told.json()["clearing"], told.json()["asset"]) == (2, "25.00", "74")
    path = f"/v1/accounts/{ann.account}/positions"
    (before,) = ann.get(path).json()["positions"]
    assert (before["quantity"], before["cost"], before["realised"]) == ("151", "3020.00000000", "2.50000000")
    balances = ann.balances(), bob.balances()
    assert (balances[0]["AAPL"][0], balances[1]["AAPL"][0]) == ("151", "73")

    venue.kill()
    for gone in venue.data_dir.glob("quantumcore_positions.sqlite*"):
        gone.unlink()
    venue.start()
    ann, bob = venue.log_in(ann.email, ann.account), venue.log_in(bob.email, bob.account)
    admin = venue.log_in(admin.email, admin.account)
    poll(lambda: ann.get(path).json()["sequence"] >= told.json()["sequence"])
    assert ann.get(path).json()["positions"] == [before]
    assert (ann.balances(), bob.balances()) == balances
    assert admin.get("/v1/admin/actions/s-1").json() == told.json()
    assert admin.post("/v1/admin/actions", SPLIT).json() == told.json()
    assert (ann.balances(), bob.balances()) == balances
    checked = admin.get("/v1/admin/ledger/reconciliation", now="true").json()
    assert checked["breaks"] == []

"""A statement as customers and operators get it: from the real process, with the ledger in its annex.

Goal: REST, the command line beside the running venue and the command line afterwards say the same; what is asked again
after a restart is answered the same; nothing differs between the rooms.
Method: one venue of its own, two traders, some trades; the bytes are compared.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("venue")]
TRADES = 12


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    opened = Venue(tmp_path / "venue", {"QC_RECONCILE_S": "1"})
    try:
        opened.begin()
        yield opened.start()
    finally:
        opened.close()


def trade(venue: Venue, admin: Trader) -> Trader:
    """Return a trader who has bought TRADES times."""
    ann, bob = venue.register("ann"), venue.register("bob")
    for trader in (ann, bob):
        venue.fund(admin, trader, USD="1000000.00", BTC="10")
    for number in range(TRADES):
        price = f"{64_000 + number}.00"
        bob.submit("sell", "0.01", price)
        assert ann.submit("buy", "0.01", price)["status"] == "filled"
    return ann


def test_every_door_gives_the_same_statement_before_and_after_a_restart(venue: Venue, tmp_path: Path) -> None:
    admin = venue.log_in(ADMIN)
    ann = trade(venue, admin)
    path = f"/v1/accounts/{ann.account}/statement"
    told = ann.get(path).json()
    assert told["complete"] is True
    assert len(told["lines"]) == 2 + 3 * TRADES
    assert {one["currency"]: one["balance"] for one in told["closing"]} == {
        currency: total for currency, (total, _) in ann.balances().items()
    }
    body = ann.get(path, format="csv", as_known=told["as_known"]).content
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True))
    assert [row["kind"] for row in rows].count("line") == len(told["lines"])
    poll(lambda: admin.get("/v1/admin/ledger/reconciliation").json()["rounds"] > 1)
    view = admin.get("/v1/admin/ledger/reconciliation", now="true").json()
    assert (view["breaks"], view["trades"]) == ([], 2 * TRADES)

    def written(name: str) -> bytes:
        arguments = ("--as-known", str(told["as_known"]), "--format", "csv", "--out", str(tmp_path / name))
        done = venue.cli("account", "statement", ann.account, *arguments)
        assert done.returncode == 0, done.stderr
        return (tmp_path / name).read_bytes()

    assert written("beside.csv") == body
    venue.kill()
    venue.start()
    ann = venue.log_in(ann.email, ann.account)
    assert ann.get(path, as_known=told["as_known"]).json() == told
    assert venue.stop() == 0
    assert written("afterwards.csv") == body
    balances = venue.cli("account", "balances", ann.account, "--json")
    assert {one["currency"]: one["total"] for one in json.loads(balances.stdout)["balances"]} == {
        one["currency"]: one["balance"] for one in told["closing"]
    }

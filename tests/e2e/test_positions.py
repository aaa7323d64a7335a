"""Positions of a served venue, in its own processes.

Goal: what was traded is in the position that is read next; killed, with its tables gone, the room comes back by itself to the same
digest, and an owner's choice of lots is still there.
Method: a venue over HTTP and the command line; kill -9, and the projection's files removed.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Venue, poll

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    made = Venue(tmp_path / "data")
    yield made
    made.close()


def test_killed_and_wiped_positions_come_back_the_same(venue: Venue) -> None:
    admin_account = venue.begin()
    venue.start()
    admin = venue.log_in("admin@example.com", admin_account["account_id"])
    ann, bob = venue.register("ann"), venue.register("bob")
    venue.fund(admin, ann, USD="1000000.00", BTC="10")
    venue.fund(admin, bob, USD="1000000.00", BTC="10")
    base = f"/v1/accounts/{ann.account}/positions"
    assert ann.put(f"{base}/BTC-USD/method", {"method": "lifo"}).status_code == 200
    for number, (side, price) in enumerate((("buy", "20000"), ("buy", "21000"), ("sell", "22000"), ("buy", "20500"))):
        bob.submit("sell" if side == "buy" else "buy", "0.5", price)
        done = ann.submit(side, "0.5", price)
        assert done["status"] == "filled", number
        found = ann.get(base).json()
        assert found["sequence"] >= done["sequence"]
        assert found["positions"][0]["version"] == number + 1
    (before,) = ann.get(base).json()["positions"]
    assert (before["quantity"], before["method"], before["realised"]) == ("1.00000", "lifo", "500.00000000")
    events = ann.get(f"{base}/BTC-USD/events").json()["items"]
    snapshot = admin.ask("positions", "GetPositionSnapshot").json()
    shown = venue.cli("positions", ann.account, "--json")
    assert json.loads(shown.stdout)["positions"] == [before]

    venue.kill()
    for path in venue.data_dir.glob("quantumcore_positions.sqlite*"):
        path.unlink()
    venue.start()
    ann, admin = venue.log_in(ann.email, ann.account), venue.log_in(admin.email, admin.account)
    poll(lambda: ann.get(base).json()["sequence"] >= found["sequence"])
    (after,) = ann.get(base).json()["positions"]
    assert after == before
    assert ann.get(f"{base}/BTC-USD/events").json()["items"] == events
    again = admin.ask("positions", "GetPositionSnapshot").json()
    assert (again["digest"], again["positions"]) == (snapshot["digest"], snapshot["positions"])
    rebuilt = venue.cli("positions", "--rebuild", "--json")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert json.loads(rebuilt.stdout)["state"] == "equal"
    assert venue.stop() == 0

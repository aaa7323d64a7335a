"""A venue with a payout rail is killed again and again while withdrawals are under way.

Goal: after any kill each withdrawal ends done when it was paid and where it began when it was not; no hold stays open, and the ledger
equals the engine.
Method: a real venue whose payouts an operator says; kill -9 at seeded moments; every withdrawal is asked for again after each start.
"""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("payouts")]
KILLS = 4
WITHDRAWALS = 24
COST = 110  # 100.00 and a fee of 10.00


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    environment = {"QC_PAYOUT_RAIL": "operator", "QC_PAYOUT_FEES": '{"USD": "10.00"}'}
    opened = Venue(tmp_path / "data", environment)
    yield opened
    opened.close()


def keep_asking(admin: Trader, owner: Trader, words: dict[str, bool], stop: threading.Event) -> None:
    """Ask for every withdrawal and say the rail's word of what waits for one, until told to stop or nobody answers."""
    while not stop.is_set():
        try:
            for name in words:
                body = {"transfer_id": name, "kind": "withdrawal", "currency": "USD", "amount": "100.00"}
                owner.post("/v1/transfers", body)
            for one in admin.get("/v1/admin/payouts", limit=1000).json().get("items", []):
                if one["step"] == "await_word":
                    word = "confirm" if words[one["transfer_id"]] else "fail"
                    admin.venue.http.post(f"/v1/admin/payouts/{one['payout_id']}/{word}", headers=admin.headers)
        except (httpx.HTTPError, ValueError):
            return


@pytest.mark.hazard("G5")
def test_every_withdrawal_ends_whatever_is_killed(venue: Venue, seed: int) -> None:
    rng = random.Random(seed)
    account = venue.begin()["account_id"]
    venue.start()
    admin, owner = venue.log_in(ADMIN, account), venue.register("owner")
    venue.fund(admin, owner, USD="10000.00")
    words = {f"w-{number}": rng.random() < 0.5 for number in range(WITHDRAWALS)}
    for _ in range(KILLS):
        stop = threading.Event()
        asking = threading.Thread(target=keep_asking, args=(admin, owner, words, stop))
        asking.start()
        time.sleep(rng.uniform(0.02, 0.4))
        venue.kill()
        stop.set()
        asking.join()
        venue.start()
        admin, owner = venue.log_in(ADMIN, account), venue.log_in(owner.email, owner.account)
    stop = threading.Event()
    asking = threading.Thread(target=keep_asking, args=(admin, owner, words, stop))
    asking.start()

    def ended() -> bool:
        shown = [owner.get(f"/v1/transfers/{name}", account_id=owner.account) for name in words]
        return all(one.status_code == 200 and one.json()["status"] in ("posted", "failed") for one in shown)

    poll(ended)
    stop.set()
    asking.join()
    found = {name: owner.get(f"/v1/transfers/{name}", account_id=owner.account).json()["status"] for name in words}
    assert found == {name: "posted" if paid else "failed" for name, paid in words.items()}, f"seed {seed}"
    assert owner.get(f"/v1/accounts/{owner.account}/holds").json()["client_holds"] == []
    total, held = owner.balances()["USD"]
    assert (float(total), float(held)) == (10_000 - COST * sum(words.values()), 0), f"seed {seed}"
    assert admin.get("/v1/admin/payouts").json()["items"] == []
    assert admin.ask("ledger", "Reconcile").json()["differences"] == []
    assert venue.stop() == 0

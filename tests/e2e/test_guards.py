"""Guards in a real venue: set over HTTP and on the command line, across the annex, judged by the engine that trades, through a kill of the risk room.

Goal: what the venue began with, and what an officer sets, stands and is judged by; after a kill it is shown again; who is paused is resumed.
Method: one venue on free loopback ports with all its rooms; SIGKILL to the annex between what is set and what is looked at.
"""

import os
import signal
from typing import Any

import pytest

from tests.e2e.test_risk import annex_of
from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("venue")]
BASE = "/v1/risk/guards"
WHY = {"reason": "desk four"}


@pytest.fixture
def venue(own_venue: Venue) -> Venue:
    return own_venue


def standing(admin: Trader, what: str) -> list[dict[str, Any]]:
    """Return what stands; nothing while the risk room is away."""
    answer = admin.get(f"{BASE}/{what}")
    items: list[dict[str, Any]] = answer.json()["items"] if answer.status_code == 200 else []
    return items


def test_guards_are_set_live_and_stand_after_a_kill_of_the_risk_room(venue: Venue) -> None:
    admin, ann, bob = venue.log_in(ADMIN), venue.register("ann"), venue.register("bob")
    venue.fund(admin, ann, USD="100000.00")
    venue.fund(admin, bob, BTC="5")
    begun = {one["what"]["command"]: one["what"]["rate"] for one in poll(lambda: standing(admin, "throttles"))}
    assert begun["new"] == 2_000  # the default of a new venue

    done = venue.cli("risk", "guards", "set", "restriction", "BTC-USD", "--account", ann.account, "--reason", "news")
    assert done.returncode == 0, done.stderr
    assert ann.submit("buy", "1", "9000.00")["reason"] == "risk.restricted"
    os.kill(annex_of(venue), signal.SIGKILL)
    (listed,) = poll(lambda: standing(admin, "restrictions"))
    assert (listed["what"]["symbol"], listed["what"]["account"]) == ("BTC-USD", int(ann.account))
    assert ann.submit("buy", "1", "9000.00")["reason"] == "risk.restricted"
    lifted = admin.put(f"{BASE}/restrictions/BTC-USD", {"account_id": ann.account, "restricted": False, **WHY})
    assert lifted.json()["status"] == "done", lifted.text
    assert ann.submit("buy", "1", "9000.00")["status"] == "new"

    pattern = admin.put(f"{BASE}/patterns/{ann.account}", {"executions": 1, "executions_s": "60", **WHY})
    assert pattern.json()["status"] == "done", pattern.text
    bob.submit("sell", "1", "9000.00")
    assert ann.submit("buy", "1", "9000.00")["reason"] == "risk.repeat"
    (pause,) = poll(lambda: standing(admin, "pauses"))
    assert (pause["account_id"], pause["cause"], pause["until"]) == (ann.account, "executions", None)
    shown = venue.cli("risk", "guards", "pauses")
    assert "somebody resumes it" in shown.stdout, shown.stderr
    resumed = venue.cli("risk", "guards", "resume", ann.account, "executions", "--reason", "spoken to")
    assert resumed.returncode == 0, resumed.stderr
    assert ann.submit("buy", "1", "9000.00")["status"] == "new"
    changes = venue.cli("risk", "guards", "changes", "--subject", ann.account)
    assert "type resume" in changes.stdout.splitlines()[0], changes.stderr
    assert "(news)" in changes.stdout.splitlines()[-1]

"""Risk in a real venue: figures across the annex, computations in the workers, limits that the engine enforces, and what is left after a kill.

Goal: what a risk officer sets and sees is what happens to a trader's orders; a killed annex costs no order and no setting.
Method: one venue on free loopback ports with all its rooms; figures worked out by hand.
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("venue")]
OPTION = {"underlying_price": "100", "strike": "100", "years": "1", "volatility": "0.2", "type": "put"}


@pytest.fixture
def venue(own_venue: Venue) -> Venue:
    return own_venue


def risk(trader: Trader) -> dict[str, Any]:
    answer = trader.get(f"/v1/accounts/{trader.account}/risk")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_trader_is_measured_limited_and_killed(venue: Venue) -> None:
    """1 BTC at 20,000: 2 % of it a day is 400, so VaR 95 % is 658.00; margin by volatility 5 % of it."""
    admin = venue.log_in(ADMIN)
    ann, bob = venue.register("ann"), venue.register("bob")
    venue.fund(admin, ann, USD="100000.00")
    venue.fund(admin, bob, BTC="5")
    bob.submit("sell", "1", "20000.00")
    assert ann.submit("buy", "1", "20000.00")["status"] == "filled"
    shown = risk(ann)
    assert (shown["total_exposure"], shown["var_95"], shown["var_99"]) == ("20000.00", "658.00", "930.40")
    assert (shown["margin_used"], shown["equity"], shown["daily_loss"]) == ("0.00", "99980.00", "20.00")

    profile = {"profile": "volatility", "reason": "margined from today"}
    assert admin.put(f"/v1/risk/parameters/profile/{ann.account}", profile).status_code == 200
    assert risk(ann)["margin_used"] == "1000.00"

    stressed = ann.post("/v1/risk/stress", {"scenarios": [{"name": "half", "prices": {"*": "-0.5"}}]}).json()
    assert [(one["name"], one["profit"]) for one in stressed["results"]] == [("half", "-10000.00")]
    drawn = ann.get(f"/v1/accounts/{ann.account}/risk/var?method=monte_carlo&seed=3").json()
    assert abs(float(drawn["value_at_risk"]) - 930.4) < 100
    (option,) = ann.post("/v1/risk/greeks", {"contracts": [OPTION]}).json()["contracts"]
    assert float(option["price"]) == pytest.approx(7.9656, abs=1e-4)

    limit = {"max_long": "1.5", "reason": "new client"}
    assert admin.put(f"/v1/risk/limits/{ann.account}/BTC-USD", limit).json()["status"] == "standing"
    over = ann.submit("buy", "0.6", "1.00")
    assert (over["status"], over["reason"]) == ("rejected", "risk.position")
    assert ann.submit("buy", "0.5", "1.00")["status"] == "new"
    long = next(one for one in risk(ann)["limits"] if one["name"] == "long")
    assert (long["limit"], long["used"], long["use"]) == ("1.50000", "1.50000", "1.0000")

    printed = venue.cli("risk", "kill", ann.account)
    assert (printed.returncode, printed.stdout) == (
        0,
        f"kill switch of account {ann.account} engaged: 1 orders cancelled\n",
    )
    assert risk(ann)["killed"]
    assert ann.submit("buy", "0.1", "1.00")["reason"] == "risk.killed"
    table = venue.cli("risk", "show", ann.account)
    assert table.returncode == 0, table.stderr
    assert "KILLED" in table.stdout

    assert venue.stop() == 0
    venue.start()
    again = risk(venue.log_in(f"{ann.email}", ann.account))
    assert (again["margin_used"], again["killed"], again["parameters_version"]) == ("1000.00", True, 1)


def test_a_killed_annex_costs_no_order_and_no_setting(venue: Venue) -> None:
    """While the rooms that follow are gone the kill switch works; the risk room comes back with what was set."""
    admin = venue.log_in(ADMIN)
    ann = venue.register("ann")
    venue.fund(admin, ann, USD="1000.00")
    volatility = {"volatility": "0.05", "reason": "wild"}
    assert admin.put("/v1/risk/parameters/volatility/BTC-USD", volatility).status_code == 200
    charges = {"contract": "0.5", "reason": "scenarios"}
    assert admin.put("/v1/risk/parameters/charges/BTC-USD", charges).status_code == 200
    assert admin.put("/v1/risk/parameters/spreads", {"spreads": [], "reason": "none"}).status_code == 200
    typed = venue.cli("risk", "parameters", "profile", ann.account, "strategies", "--reason", "options")
    assert typed.returncode == 0, typed.stderr
    assert ann.submit("buy", "0.1", "1.00")["status"] == "new"
    os.kill(annex_of(venue), signal.SIGKILL)
    engaged = admin.post("/v1/risk/kill", {"account_id": ann.account})
    assert (engaged.status_code, engaged.json()["cancelled"]) == (200, 1)
    poll(lambda: ann.get(f"/v1/accounts/{ann.account}/risk").status_code == 200)
    assert risk(ann)["killed"]
    page = admin.get("/v1/risk/parameters").json()
    values = [(one["kind"], one["subject"], one["value"]) for one in page["items"]]
    assert values[0] == ("profile", ann.account, "strategies")
    assert values[1] == ("spreads", "*", [])
    assert (values[2][:2], values[2][2]["contract"]) == (("charges", "BTC-USD"), "0.500000")
    assert values[3:] == [("volatility", "BTC-USD", "0.05")]
    shown = risk(ann)
    assert (shown["margin_profile"], shown["margin_used"]) == ("strategies", "0.00")


def annex_of(venue: Venue) -> int:
    """Return the process of the annex: the child of the venue that follows."""
    assert venue.process is not None
    house = venue.process.pid
    children = Path(f"/proc/{house}/task/{house}/children").read_text().split()
    return next(int(pid) for pid in children if b"quantumcore.app.annex" in Path(f"/proc/{pid}/cmdline").read_bytes())

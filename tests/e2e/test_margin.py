"""Margin in a real venue: set over HTTP and on the command line, found by the watch across the annex, reduced by the desk, through kills of its process.

Goal: an account that falls below maintenance is reduced to what its equity bears and not one lot further, however often the risk room's process is killed.
What is below nothing the insurance fund takes, once, and all that the venue owes stays the same.
Method: one venue on free loopback ports with all its rooms; SIGKILL to the annex as soon as the mark has fallen, and again after the first step.
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_risk import annex_of
from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("venue")]
BASE = "/v1/risk/margin"
WHY = {"reason": "on margin from today"}


@pytest.fixture
def venue(own_venue: Venue) -> Venue:
    return own_venue


def standing(trader: Trader) -> dict[str, Any] | None:
    """Return how a trader stands in dollars; None while the risk room is away."""
    answer = trader.get(f"/v1/accounts/{trader.account}/risk")
    if answer.status_code != 200:
        return None
    (found,) = answer.json()["engine_margin"] or [None]
    return found


def steps(admin: Trader) -> list[dict[str, Any]]:
    """Return the steps of liquidations, the first first; none while the risk room is away."""
    answer = admin.get(f"{BASE}/liquidations")
    return answer.json()["items"][::-1] if answer.status_code == 200 else []


def ended(admin: Trader, rung: str) -> bool:
    """Tell whether the last step of a liquidation is done, and on which rung it ends."""
    found = steps(admin)
    return bool(found) and (found[-1]["rung"], found[-1]["status"]) == (rung, "done")


def test_an_account_is_reduced_just_as_far_as_it_must_through_kills_of_the_risk_room(venue: Venue) -> None:
    """1 BTC at 10,000 with 1,000 of equity, on 8 % and 4 %; at 9,300 two quarters must go: 297.67, then 295.34 against 186.00."""
    admin = venue.log_in(ADMIN)
    ann, bob = venue.register("ann"), venue.register("bob")
    venue.fund(admin, ann, USD="1010.00")
    venue.fund(admin, bob, USD="100000.00", BTC="5")
    credit = {"currency": "USD", "limit": "50000.00"}
    assert admin.put(f"/v1/accounts/{ann.account}/credit", credit).status_code == 200
    terms = venue.cli("risk", "margin", "terms", "BTC-USD", "0.08", "0.04", "--reason", "on margin from today")
    assert terms.returncode == 0, terms.stderr
    mark = "/v1/admin/instruments/BTC-USD/mark"
    assert admin.put(mark, {"price": "10000.00"}).status_code == 200
    profile = admin.put(f"{BASE}/accounts/{ann.account}/USD", {"profile": "volatility", **WHY})
    assert profile.json()["status"] == "done", profile.text
    poll(lambda: (standing(ann) or {}).get("day_opening") == "1010.00")
    bob.submit("sell", "1", "10000.00")
    assert ann.submit("buy", "1", "10000.00")["status"] == "filled"
    shown = standing(ann)
    assert shown is not None
    assert (shown["equity"], shown["initial"], shown["maintenance"]) == ("1000.00", "800.00", "400.00")
    refused = ann.submit("buy", "0.5", "10000.00")
    assert (refused["reason"], refused["limit"], refused["actual"]) == ("risk.no_funds", "1000.00", "1200.00")

    bob.submit("buy", "3", "9300.00")
    assert admin.put(mark, {"price": "9300.00"}).status_code == 200
    os.kill(annex_of(venue), signal.SIGKILL)
    poll(lambda: steps(admin))
    os.kill(annex_of(venue), signal.SIGKILL)
    poll(lambda: ended(admin, "warn"))
    found = steps(admin)
    assert [one["status"] for one in found if one["status"] not in ("done", "dropped")] == []
    sold = [fill["quantity"] for fill in ann.fills() if fill["side"] == "sell"]
    assert sold == ["0.25000", "0.25000"]
    after = standing(ann)
    assert after is not None
    assert (after["rung"], after["equity"], after["maintenance"]) == ("warn", "295.34", "186.00")
    assert after["loss"]  # of its day, which began at midnight: 10 % is the venue's limit
    assert ann.submit("buy", "0.01", "9300.00")["reason"] == "session.halted"  # it may only reduce
    ids = [order["client_order_id"] for one in found for order in one["orders"]]
    assert len(ids) == len(set(ids))
    listed = venue.cli("risk", "margin", "liquidations", "--account", ann.account)
    assert "warn done: nothing sent" in listed.stdout, listed.stderr
    table = venue.cli("risk", "show", ann.account)
    assert "Margin by the engine" in table.stdout, table.stderr


def test_the_fund_takes_who_is_worth_less_than_nothing_once_through_kills_of_the_risk_room(tmp_path: Path) -> None:
    """1 BTC at 10,000 with 1,000 of equity; at 8,900 it is worth 100.00 less than is owed: the fund pays 9,000.00 and has it."""
    venue = Venue(tmp_path / "venue")
    try:
        venue.make_admin()
        venue.start()
        fund = venue.register("fund")
        assert venue.stop() == 0
        venue.close()
        floor = '{"USD": "5000.00"}'
        insured = {"QC_RISK_INSURANCE_FUND": fund.account, "QC_RISK_INSURANCE_FLOOR": floor}
        venue = Venue(tmp_path / "venue", insured)
        venue.start()
        admin, fund = venue.log_in(ADMIN), venue.log_in(fund.email, fund.account)
        ann, bob = venue.register("ann"), venue.register("bob")
        venue.fund(admin, ann, USD="1010.00")  # 10.00 are the fee
        venue.fund(admin, bob, USD="100000.00", BTC="5")
        venue.fund(admin, fund, USD="20000.00")
        credit = {"currency": "USD", "limit": "50000.00"}
        assert admin.put(f"/v1/accounts/{ann.account}/credit", credit).status_code == 200
        assert admin.put(f"{BASE}/terms/BTC-USD", {"initial": "0.08", "maintenance": "0.04", **WHY}).status_code == 200
        mark = "/v1/admin/instruments/BTC-USD/mark"
        assert admin.put(mark, {"price": "10000.00"}).status_code == 200
        profile = admin.put(f"{BASE}/accounts/{ann.account}/USD", {"profile": "volatility", **WHY})
        assert profile.json()["status"] == "done", profile.text
        bob.submit("sell", "1", "10000.00")
        assert ann.submit("buy", "1", "10000.00")["status"] == "filled"
        assert admin.put(mark, {"price": "8900.00"}).status_code == 200
        os.kill(annex_of(venue), signal.SIGKILL)
        poll(lambda: steps(admin))
        os.kill(annex_of(venue), signal.SIGKILL)
        poll(lambda: ended(admin, "none"))
        first, *_ = found = steps(admin)
        assert [one["rung"] for one in found if one["filled"]] == ["fund"]
        assert (first["equity"], first["fund"], first["floor"]) == (-10_000, 2_000_000, 500_000)
        taken = {"account_id": fund.account, "symbol": "BTC-USD", "quantity": "1.00000", "money": "9000.00"}
        assert first["taken"] == [taken]
        poll(lambda: fund.balances().get("BTC", ("",))[0] == "1.00000000")
        assert (ann.balances()["USD"][0], fund.balances()["USD"][0]) == ("0.00", "11000.00")
        listed = venue.cli("risk", "margin", "liquidations", "--account", ann.account)
        assert f"1.00000 BTC-USD to {fund.account} for 9000.00" in listed.stdout, listed.stderr
        assert venue.stop() == 0
        checked = venue.cli("verify")
        assert checked.returncode == 0, checked.stdout + checked.stderr
    finally:
        venue.close()

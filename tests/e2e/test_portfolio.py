"""What an account is worth, in a real venue: deposits, trades, rates, the annex in between.

Goal: total, lines, holdings and results of an account that deposits, buys, sells and is valued in two currencies are those
that a person works out; a restart forgets nothing of it.
Method: one venue on free loopback ports with all its rooms; figures worked out by hand.
"""

from decimal import Decimal

import pytest

from tests.support.processes import ADMIN, Trader, Venue, poll

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("venue")]


@pytest.fixture
def venue(own_venue: Venue) -> Venue:
    return own_venue


def portfolio(trader: Trader) -> dict:
    answer = trader.get(f"/v1/accounts/{trader.account}/portfolio")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_account_that_trades_is_worth_what_a_person_works_out(venue: Venue) -> None:
    """1 BTC bought at 20,000 beside a deposit of 2; the last trade is at 21,000; a dollar is 0.80 euros."""
    admin = venue.log_in(ADMIN)
    ann, bob = venue.register("ann"), venue.register("bob")
    venue.fund(admin, ann, USD="100000.00", BTC="2")
    venue.fund(admin, bob, USD="100000.00", BTC="5")
    assert portfolio(ann)["total"] == "100000.00"
    assert portfolio(ann)["unpriced"] == ["BTC"]

    bob.submit("sell", "1", "20000.00")
    assert ann.submit("buy", "1", "20000.00")["status"] == "filled"
    shown = portfolio(ann)
    (line,) = shown["lines"]
    assert (line["symbol"], line["quantity"], Decimal(line["average_cost"])) == ("BTC-USD", "1.00000", 20_000)
    (beyond,) = shown["holdings"]
    assert (beyond["currency"], Decimal(beyond["quantity"]), beyond["value"]) == ("BTC", 2, "40000.00")
    fee = Decimal("20.00")  # 10 bp of 20,000
    assert Decimal(shown["total"]) == 100_000 - fee + 40_000
    assert (Decimal(shown["pnl"]["fees"]), Decimal(shown["pnl"]["total"])) == (fee, -fee)

    bob.submit("sell", "0.1", "21000.00")
    carol = venue.register("carol")
    venue.fund(admin, carol, USD="10000.00")
    assert carol.submit("buy", "0.1", "21000.00")["status"] == "filled"
    poll(lambda: Decimal(portfolio(ann)["pnl"]["unrealised"]) == 1_000)  # a trade of others is seen a moment later
    shown = portfolio(ann)
    assert Decimal(shown["total"]) == 100_000 - 20_000 - fee + 63_000
    assert Decimal(shown["pnl"]["unrealised"]) == 1_000

    chosen = ann.put(f"/v1/accounts/{ann.account}/reporting-currency", {"currency": "EUR"})
    assert chosen.json() == {"account_id": ann.account, "currency": "EUR"}
    refused = ann.get(f"/v1/accounts/{ann.account}/portfolio")
    assert (refused.status_code, refused.json()["code"]) == (503, "fx.rate_missing")
    clock = venue.http.get("/v1/time").json()["time"]
    rates = {
        "snapshot_id": "one",
        "source": "desk",
        "time": clock,
        "rates": [{"base": "USD", "quote": "EUR", "rate": "0.80"}],
    }
    assert ann.post("/v1/fx/snapshots", rates).status_code == 403
    assert admin.post("/v1/fx/snapshots", rates).json()["in_force"]
    shown = portfolio(ann)
    assert Decimal(shown["total"]) == Decimal("0.80") * (143_000 - fee)
    assert (shown["fx_snapshot_id"], shown["reporting_currency"]) == ("one", "EUR")
    assert Decimal(shown["pnl"]["fx_unrealised"]) == 0

    clock = venue.http.get("/v1/time").json()["time"]
    fallen = {**rates, "snapshot_id": "two", "time": clock, "rates": [{"base": "USD", "quote": "EUR", "rate": "0.70"}]}
    assert admin.post("/v1/fx/snapshots", fallen).status_code == 200
    shown = portfolio(ann)
    assert Decimal(shown["pnl"]["fx_unrealised"]) == -2_000  # 20,000 of cost, a tenth of a euro less each
    assert Decimal(shown["pnl"]["unrealised"]) == 700

    printed = venue.cli("portfolio", ann.account, "--json")
    assert printed.returncode == 0, printed.stderr
    assert f'"total": "{shown["total"]}"' in printed.stdout

    assert venue.stop() == 0
    venue.start()
    again = portfolio(venue.log_in(f"{ann.email}", ann.account))
    assert (again["total"], again["pnl"], again["fx_snapshot_id"]) == (shown["total"], shown["pnl"], "two")

"""`quantumcore risk`: figures and stress as tables, JSON and a picture; the kill switch.

Goal: an operator sees what the venue answered, and nothing else; what he asks for is what reaches it.
Method: the command line in process, a venue that answers what a test says.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.contracts.errors import NotFound
from quantumcore.contracts.levels import named
from quantumcore.contracts.messages import Request
from quantumcore.contracts.orders_preview import PreviewOrder
from quantumcore.contracts.risk import GetRiskMetrics, GetStress, GetVar
from quantumcore.contracts.risk_kill import EngageKillSwitch, GetKillSwitches, LiftKillSwitch, scope_of
from quantumcore.contracts.terms import OrderTerms
from tests.support.operator_door import answering

FIGURES: dict[str, Any] = {
    "account_id": "1001",
    "currency": "USD",
    "sequence": 9,
    "fx_snapshot_id": "fx-1",
    "killed": True,
    "kill_mode": "all",
    "equity": "25000.00",
    "margin_used": "750.00",
    "margin_available": "24250.00",
    "total_exposure": "15000.00",
    "net_exposure": "-15000.00",
    "var_95": "493.50",
    "var_99": "697.80",
    "es_975": "701.34",
    "max_drawdown": None,
    "daily_profit": "-15.00",
    "by_symbol": [{"name": "AAPL", "gross": "15000.00", "net": "-15000.00"}],
    "marks": [{"symbol": "AAPL", "price": "150.00", "stale": True, "age_s": "77.000"}],
    "limits": [
        {"name": "open_orders", "symbol": None, "currency": None, "limit": "10", "used": "9", "use": "0.9000"},
        {"name": "daily_loss", "symbol": None, "currency": None, "limit": "0.00", "used": "0.00", "use": None},
    ],
    "unpriced": ["NEW"],
    "engine_margin": [
        {
            "currency": "EUR",
            "profile": "scenarios",
            "equity": "3000.17",
            "initial": "2400.00",
            "maintenance": "1200.00",
            "use": "0.7999",
            "rung": "none",
            "day_result": "-16.25",
            "day_peak": "12.50",
            "stale": False,
            "too_large": False,
            "assessed_ns": 1_700_000_000 * 10**9,
        }
    ],
}
VAR = {
    "currency": "USD",
    "confidence": "0.99",
    "value_at_risk": "711.88",
    "shortfall": "818.14",
    "losses": ["900.00", "711.88", "0.00", "-300.00"],
}
STRESS: dict[str, Any] = {
    "account_id": "1001",
    "currency": "USD",
    "sequence": 9,
    "equity": "25000.00",
    "results": [
        {"name": "prices -30 %", "profit": "-4500.00", "equity": "20500.00", "unmoved": []},
        {"name": "1987-10-19", "profit": "0.00", "equity": "25000.00", "unmoved": ["AAPL"]},
    ],
    "worst": "prices -30 %",
    "fall": "-0.800000",
    "rise": None,
    "correlated_var": "697.80",
}

SWITCHES: dict[str, Any] = {
    "sequence": 9,
    "items": [
        {"scope": "venue", "symbol": None, "mode": "reduce_only", "sequence": 3, "time_ns": 0},
        {"scope": "firm", "symbol": None, "firm": 7, "mode": "all", "sequence": 8, "time_ns": 0},
        {"scope": "instrument", "symbol": "AAPL", "mode": "all", "sequence": 9, "time_ns": 0},
    ],
    "complete": False,
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request[Any]]:
    """A venue that knows account 1001, and what it was asked."""

    def answer(request: Request[Any]) -> dict[str, Any]:
        match request:
            case EngageKillSwitch() | LiftKillSwitch():
                scope = scope_of(request)
                whose = named(scope, request.account or request.firm or request.session, request.symbol or None)
                mode = request.mode if isinstance(request, EngageKillSwitch) else "off"
                return {**whose, "mode": mode, "engaged": mode != "off", "cancelled": 3, "accounts": [], "sequence": 4}
            case PreviewOrder():
                return {"outcome": "accepted"}
            case GetKillSwitches():
                return SWITCHES
            case GetRiskMetrics(account=1001):
                return FIGURES
            case GetStress():
                return STRESS
            case GetVar():
                return VAR
            case _:
                raise NotFound("account.not_found", "account not found")

    return answering(monkeypatch, answer)


def run(tmp_path: Path, *arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["risk", *arguments, "--data-dir", str(tmp_path)])


def test_figures_are_shown_as_tables_or_json(asked: list[Request[Any]], tmp_path: Path) -> None:
    shown = run(tmp_path, "show", "1001")
    assert shown.exit_code == 0, shown.output
    for text in (
        "KILLED",
        "697.80",
        "150.00 (stale)",
        "77.000",
        "90.0%",
        "rates of fx-1",
        "in no figure: NEW",
        "24250.00",
        "EUR (scenarios)",
        "3000.17",
        "80.0%",
        "-16.25",
    ):
        assert text in shown.output
    assert json.loads(run(tmp_path, "show", "1001", "--json").stdout) == FIGURES
    assert asked == [GetRiskMetrics(account=1001)] * 2


def test_a_simulated_day_is_drawn(asked: list[Request[Any]], tmp_path: Path) -> None:
    picture = tmp_path / "day.png"
    done = run(tmp_path, "show", "1001", "--plot", str(picture), "--json")
    assert done.exit_code == 0, done.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    (_, drawn) = asked
    assert isinstance(drawn, GetVar)
    assert (drawn.method, drawn.losses) == ("monte_carlo", True)
    bad = run(tmp_path, "show", "1001", "--plot", str(tmp_path / "day.nonsense"))
    assert (bad.exit_code, "plot.file" in bad.stderr) == (1, True)


def test_without_the_extra_nothing_is_asked(
    asked: list[Request[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run(tmp_path, "show", "1001", "--plot", "x.png")
    assert (done.exit_code, "plot.extra" in done.stderr, asked) == (1, True, [])


def test_stress_is_shown_with_the_worst_and_what_it_says_nothing_of(asked: list[Request[Any]], tmp_path: Path) -> None:
    shown = run(tmp_path, "stress", "1001")
    assert shown.exit_code == 0, shown.output
    for text in ("prices -30 %", "-4500.00", "20500.00", "AAPL", "fall of -0.800000", "together: 697.80"):
        assert text in shown.output
    assert json.loads(run(tmp_path, "stress", "1001", "--json").stdout) == STRESS
    assert asked == [GetStress(account=1001)] * 2


def test_the_kill_switch_is_engaged_and_lifted_of_an_account_and_of_the_venue(
    asked: list[Request[Any]], tmp_path: Path
) -> None:
    said = run(tmp_path, "kill", "1001")
    assert said.stdout == "kill switch of account 1001 engaged: 3 orders cancelled\n"
    assert run(tmp_path, "kill", "0", "--lift").stdout == "kill switch of the venue lifted: 3 orders cancelled\n"
    assert json.loads(run(tmp_path, "kill", "0", "--json").stdout)["engaged"] is True
    assert asked == [EngageKillSwitch(account=1001), LiftKillSwitch(), EngageKillSwitch()]


@pytest.mark.parametrize(
    "given, whose, request_",
    [
        (["--firm", "7"], "firm 7 engaged", EngageKillSwitch(firm=7)),
        (["--session", "9", "--lift"], "session 9 lifted", LiftKillSwitch(session=9)),
        (
            ["--symbol", "AAPL", "--reduce-only"],
            "instrument AAPL engaged, reduce-only",
            EngageKillSwitch(symbol="AAPL", mode="reduce_only"),
        ),
    ],
)
def test_the_kill_switch_of_other_levels(
    asked: list[Request[Any]], tmp_path: Path, given: list[str], whose: str, request_: Request[Any]
) -> None:
    assert run(tmp_path, "kill", *given).stdout == f"kill switch of {whose}: 3 orders cancelled\n"
    assert asked == [request_]


def test_a_kill_switch_of_nothing_is_not_the_venues(asked: list[Request[Any]], tmp_path: Path) -> None:
    done = run(tmp_path, "kill")
    assert (done.exit_code, "name an account" in done.stderr, asked) == (2, True, [])


def test_switches_are_listed(asked: list[Request[Any]], tmp_path: Path) -> None:
    shown = run(tmp_path, "switches")
    for text in ("the venue", "reduce only", "firm 7", "instrument AAPL", "there are more"):
        assert text in shown.output
    assert json.loads(run(tmp_path, "switches", "--json").stdout) == SWITCHES
    assert asked == [GetKillSwitches()] * 2


def test_a_short_sale_says_that_it_is_exempt(asked: list[Request[Any]], tmp_path: Path) -> None:
    given = ("preview", "1001", "sell", "1", "AAPL", "--price", "10", "--json")
    assert run(tmp_path, *given, "--short-exempt").exit_code == 0
    assert run(tmp_path, *given).exit_code == 0
    first, second = (request.order.terms for request in asked if isinstance(request, PreviewOrder))
    assert (first, second) == (OrderTerms(short_exempt=True), None)


def test_an_account_that_may_only_reduce_says_so(
    asked: list[Request[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FIGURES, "kill_mode", "reduce_only")
    assert "REDUCE ONLY" in run(tmp_path, "show", "1001").output


def test_an_unknown_account_is_told_in_one_sentence(asked: list[Request[Any]], tmp_path: Path) -> None:
    done = run(tmp_path, "show", "7")
    assert (done.exit_code, done.stderr) == (1, "quantumcore: account not found (account.not_found)\n")
    assert len(asked) == 1

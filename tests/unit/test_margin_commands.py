"""`quantumcore risk margin`: what is typed is what is asked, as decimals; answers as text or JSON.

Goal: an operator sets, assesses and looks up through his own door, under his own name.
Method: the command line in process, a venue that answers what a test says.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.app.terminal import operator
from quantumcore.contracts.messages import Request
from quantumcore.contracts.risk_margin import (
    AccountMargin,
    AssessAccount,
    GetLiquidations,
    GetMarginChanges,
    LotGreeks,
    LotModel,
    MarginTerms,
    RiskArray,
    RiskDay,
    RiskLimits,
    SetMargin,
)

CHANGE: dict[str, Any] = {
    "number": 4,
    "what": {"type": "day", "account": 1001, "currency": "USD"},
    "state": "done",
    "who": "operator",
    "reason": "a new day",
    "time_ns": 1,
    "sequence": 77,
    "code": "",
}
STANDING: dict[str, Any] = {
    "currency": "USD",
    "profile": "volatility",
    "equity": "300.00",
    "initial": "744.00",
    "maintenance": "372.00",
    "use": "2.4800",
    "rung": "partial",
    "day_result": None,
    "stale": False,
    "too_large": False,
}
STEP: dict[str, Any] = {
    "number": 9,
    "account_id": "1001",
    "currency": "USD",
    "episode": 26,
    "attempt": 1,
    "rung": "partial",
    "equity": 30_000,
    "initial": 74_400,
    "maintenance": 37_200,
    "orders": [
        {"side": "sell", "quantity": "25", "symbol": "AAPL", "price": "88.35", "client_order_id": "liq-1-1a-1-1"}
    ],
    "taken": [],
    "paid": None,
    "state": "done",
    "filled": 25,
}
TAKEN = {
    **STEP,
    "rung": "deleverage",
    "orders": [],
    "taken": [{"account_id": "9", "symbol": "AAPL", "quantity": "-100", "money": "-9000.00"}],
    "paid": "1.50",
}
ANSWERS: dict[type[Request[Any]], dict[str, Any]] = {
    SetMargin: CHANGE,
    AssessAccount: STANDING,
    GetMarginChanges: {"items": [CHANGE], "next_cursor": None},
    GetLiquidations: {"items": [STEP, TAKEN], "next_cursor": None},
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request[Any]]:
    """Return what reaches the venue."""
    heard: list[Request[Any]] = []

    def ask(_data_dir: Path | None, request: Request[Any]) -> dict[str, Any]:
        heard.append(request)
        return ANSWERS[type(request)]

    monkeypatch.setattr("quantumcore.app.margin_commands.ask_venue", ask)
    return heard


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["risk", "margin", *arguments], env={"COLUMNS": "200"})


def test_each_setting_is_asked_as_it_was_typed(asked: list[Request[Any]], tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text('{"underlying": "AAPL", "price_range": "9", "volatility": "0.25"}')
    model = LotModel(underlying="AAPL", price_range="9", volatility="0.25")
    cases = [
        (
            ["terms", "AAPL", "0.08", "0.04", "--slope", "0.1", "--mark-age-s", "5", "--always-volatility"],
            MarginTerms(
                symbol="AAPL", initial="0.08", maintenance="0.04", slope="0.1", mark_age_s="5", always_volatility=True
            ),
        ),
        (["array", "AAPL", "--losses", "1,2,3"], RiskArray(symbol="AAPL", losses=["1", "2", "3"])),
        (["array", "AAPL", "--model", str(file)], RiskArray(symbol="AAPL", model=model)),
        (["greeks", "AAPL", "--delta", "0.5", "--vega=-1"], LotGreeks(symbol="AAPL", delta="0.5", vega="-1")),
        (["greeks", "AAPL", "--model", str(file)], LotGreeks(symbol="AAPL", model=model)),
        (["account", "1001", "USD", "scenarios"], AccountMargin(account=1001, currency="USD", profile="scenarios")),
        (
            ["limits", "USD", "--account", "1001", "--gross", "5.00", "--share", "0.5"],
            RiskLimits(account=1001, currency="USD", gross="5.00", share="0.5"),
        ),
        (["day", "1001", "USD"], RiskDay(account=1001, currency="USD")),
    ]
    for arguments, what in cases:
        done = run(*arguments, "--reason", "weekly review")
        assert done.exit_code == 0, done.output
        assert "change 4 done at sequence 77" in done.output
        assert asked[-1] == SetMargin(what=what, who=operator(), reason="weekly review")
    assert run("day", "1001", "USD").exit_code == 2  # without a reason


def test_a_file_that_holds_no_model_asks_nothing(asked: list[Request[Any]], tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    for text in ("{", '{"underlying": "AAPL"}', '{"underlying": "A", "price_range": 9, "volatility": "1"}'):
        file.write_text(text)
        for what in ("array", "greeks"):
            assert run(what, "AAPL", "--model", str(file), "--reason", "x").exit_code == 1
    assert asked == []


def test_an_assessment_changes_and_liquidations_are_shown_as_text_or_json(asked: list[Request[Any]]) -> None:
    shown = run("assess", "1001", "USD")
    assert "rung partial; equity 300.00, initial 744.00, maintenance 372.00, day_result -" in shown.output
    assert "operator: type day, account 1001, currency USD (a new day)" in run("changes").output
    listed = run("liquidations", "--account", "1001").output
    assert "26.1 partial done: sell 25 AAPL at 88.35; equity 30000" in listed
    assert "26.1 deleverage done: -100 AAPL to 9 for -9000.00, 1.50 paid by the fund; equity 30000" in listed
    assert json.loads(run("assess", "1001", "USD", "--json").stdout) == STANDING
    assert asked[0] == AssessAccount(account=1001, currency="USD")
    assert asked[2] == GetLiquidations(account=1001, limit=20)

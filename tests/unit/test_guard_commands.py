"""`quantumcore risk guards`: what is typed is what is asked, as decimals; answers as tables, text or JSON.

Goal: an operator sets, resumes and looks up through his own door, under his own name.
Method: the command line in process, a venue that answers what a test says.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.contracts.messages import Request
from quantumcore.contracts.risk_guards import (
    Entitlements,
    GetGuardChanges,
    GetGuards,
    GetPauses,
    GuardSetting,
    InstrumentClass,
    Locate,
    Patterns,
    Protection,
    Restriction,
    Resume,
    SetGuard,
    Throttle,
)

CHANGE: dict[str, Any] = {
    "number": 4,
    "what": {"type": "locate", "account": 1001, "symbol": "AAPL", "quantity": "500"},
    "state": "done",
    "who": "ruth",
    "reason": "desk four",
    "time_ns": 1,
    "sequence": 77,
    "code": "",
}
RECORDS: dict[str, Any] = {
    "items": [
        {
            "what": {"type": "entitlements", "account": 1001, "products": [1, 2], "enabled": True},
            "sequence": 5,
            "time_ns": 1,
        },
        {
            "what": {"type": "entitlements", "account": 1002, "products": None, "enabled": False},
            "sequence": 6,
            "time_ns": 1,
        },
    ],
    "next_cursor": "1002.0.0.0",
    "sequence": 9,
}
PAUSED: dict[str, Any] = {
    "items": [
        {
            "account_id": "1001",
            "cause": "protection",
            "underlying": "AAPL",
            "until_ns": 1_700_000_000_000_000_000,
            "sequence": 8,
            "time_ns": 1,
        },
        {
            "account_id": "1002",
            "cause": "executions",
            "underlying": None,
            "until_ns": None,
            "sequence": 7,
            "time_ns": 1,
        },
    ],
    "next_cursor": None,
    "sequence": 9,
}
ANSWERS: dict[type[Request[Any]], dict[str, Any]] = {
    SetGuard: CHANGE,
    GetGuards: RECORDS,
    GetPauses: PAUSED,
    GetGuardChanges: {"items": [CHANGE], "next_cursor": None},
}
SETTINGS: list[tuple[str, GuardSetting]] = [
    (
        "set class AAPL --underlying SPX --product 3 --needs-locate --price-test --outside-s 0.5",
        InstrumentClass(
            symbol="AAPL", underlying="SPX", product=3, needs_locate=True, price_test=True, outside_s="0.5"
        ),
    ),
    ("set entitlements 1001 --product 1 --product 2", Entitlements(account=1001, products=[1, 2])),
    ("set entitlements 1001 --disabled", Entitlements(account=1001, enabled=False)),
    ("set restriction AAPL", Restriction(symbol="AAPL")),
    ("set restriction AAPL --account 1001", Restriction(symbol="AAPL", account=1001)),
    ("set restriction AAPL --group 9 --lift", Restriction(symbol="AAPL", group=9, restricted=False)),
    ("set locate 1001 AAPL 500", Locate(account=1001, symbol="AAPL", quantity="500")),
    ("set throttle new 100 --burst 200", Throttle(command="new", rate=100, burst=200)),
    (
        "set throttle mass_cancel 1 --burst 2 --account 1001",
        Throttle(command="mass_cancel", account=1001, rate=1, burst=2),
    ),
    ("set throttle cancel 0 --session 7", Throttle(command="cancel", session=7)),
    (
        (
            "set patterns 1001 --ratio 5 --free-orders 9 --ratio-s 60 --executions 8 --executions-s 1.5 "
            "--duplicates 7 --duplicates-s 0.1"
        ),
        Patterns(
            account=1001,
            ratio=5,
            free_orders=9,
            ratio_s="60",
            executions=8,
            executions_s="1.5",
            duplicates=7,
            duplicates_s="0.1",
        ),
    ),
    (
        "set protection 1001 AAPL 1.5 --fills 20 --quantity 400 --frozen-s 5 --delta 7.5 --vega 8",
        Protection(
            account=1001,
            underlying="AAPL",
            window_s="1.5",
            fills=20,
            quantity="400",
            frozen_s="5",
            delta="7.5",
            vega="8",
        ),
    ),
    ("resume 1001 executions", Resume(account=1001, cause="executions")),
    (
        "resume 1001 protection --underlying AAPL --pause 8",
        Resume(account=1001, cause="protection", underlying="AAPL", pause=8),
    ),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request[Any]]:
    """Return what reaches the venue."""
    heard: list[Request[Any]] = []

    def ask(_data_dir: Path | None, request: Request[Any]) -> dict[str, Any]:
        heard.append(request)
        return ANSWERS[type(request)]

    monkeypatch.setattr("quantumcore.app.guard_commands.ask_venue", ask)
    return heard


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["risk", "guards", *arguments], env={"COLUMNS": "200"})


@pytest.mark.parametrize("typed, what", SETTINGS, ids=str)
def test_each_setting_is_asked_as_it_was_typed(asked: list[Request[Any]], typed: str, what: GuardSetting) -> None:
    done = run(*typed.split(), "--reason", "desk four")
    assert done.exit_code == 0, done.output
    assert "change 4 done at sequence 77" in done.output
    assert asked == [SetGuard(what=what, who=f"operator uid {os.getuid()}", reason="desk four")]
    assert run(*typed.split()).exit_code == 2  # without a reason


def test_records_are_a_table_of_their_fields(asked: list[Request[Any]]) -> None:
    shown = run("show", "entitlements", "--account", "1001", "--symbol", "AAPL", "--limit", "2", "--cursor", "7").output
    assert asked == [GetGuards(kind="entitlements", account=1001, symbol="AAPL", limit=2, cursor="7")]
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert lines == [["1001", "1, 2", "yes", "5"], ["1002", "all", "no", "6"]]
    assert "entitlements at sequence 9" in shown
    assert "there are more than these" in shown
    assert json.loads(run("show", "entitlements", "--json").stdout) == RECORDS


def test_who_is_paused_is_shown_with_the_end_of_it(asked: list[Request[Any]]) -> None:
    shown = run("pauses", "--account", "1001").output
    assert asked == [GetPauses(account=1001)]
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert lines == [
        ["1001", "protection", "AAPL", "2023-11-14T22:13:20.000000000Z", "8"],
        ["1002", "executions", "", "somebody resumes it", "7"],
    ]
    assert json.loads(run("pauses", "--json").stdout) == PAUSED


def test_changes_are_shown_as_text_or_json(asked: list[Request[Any]]) -> None:
    told = run("changes", "--subject", "1001").output
    assert "4 done  ruth: type locate, account 1001, symbol AAPL, quantity 500 (desk four)" in told
    assert asked == [GetGuardChanges(subject="1001", limit=20)]
    assert json.loads(run("changes", "--json").stdout)["items"] == [CHANGE]

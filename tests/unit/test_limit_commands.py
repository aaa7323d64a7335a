"""`quantumcore risk limits`: what an operator names is what the venue is asked, and what it answers is what he reads.

Goal: no level is named by omission; numbers go as they were written; who and why go along.
Method: the command line in process, a venue that answers what a test says.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.contracts.messages import Request
from quantumcore.contracts.risk_limits import GetLevelLimits, GetLimitChanges, GetLimits, SetLimits
from tests.support.operator_door import answering

RECORD = {"name": "credit", "scope": "firm", "symbol": None, "currency": "USD", "value": "100.00", "sequence": 8}
OWN: dict[str, Any] = {"account_id": "1002", "sequence": 9, "records": [RECORD]}
USED: dict[str, Any] = {
    "name": "credit",
    "scope": "firm",
    "symbol": None,
    "currency": "USD",
    "limit": "100.00",
    "used": "81.25",
    "use": "0.8125",
}
LEVEL: dict[str, Any] = {
    "scope": "firm",
    "firm": 7,
    "group": None,
    "symbol": None,
    "sequence": 9,
    "records": [RECORD],
    "accounts": 3,
    "limits": [USED],
}
CHANGE: dict[str, Any] = {
    "number": 3,
    "scope": "account",
    "account_id": "1002",
    "firm": None,
    "group": None,
    "symbol": "AAPL",
    "state": "standing",
    "who": "ruth",
    "reason": "new client",
    "given": {"long": 5},
    "before": {"long": 9},
    "sequence": 9,
}
WHO = f"operator uid {os.getuid()}"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request[Any]]:
    def answer(request: Request[Any]) -> dict[str, Any]:
        match request:
            case SetLimits():
                return CHANGE
            case GetLimitChanges():
                return {"items": [CHANGE], "next_cursor": "2"}
            case GetLimits():
                return OWN
            case _:
                return LEVEL

    return answering(monkeypatch, answer)


def run(tmp_path: Path, *arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["risk", "limits", *arguments, "--data-dir", str(tmp_path)])


@pytest.mark.parametrize(
    "given, request_",
    [
        (["0"], GetLevelLimits()),
        (["--firm", "7"], GetLevelLimits(firm=7)),
        (["--group", "9"], GetLevelLimits(group=9)),
        (["--symbol", "AAPL"], GetLevelLimits(symbol="AAPL")),
        (["1002", "--symbol", "AAPL"], GetLimits(account=1002, symbol="AAPL")),
    ],
)
def test_records_of_a_level_are_shown(
    asked: list[Request[Any]], tmp_path: Path, given: list[str], request_: Request[Any]
) -> None:
    shown = run(tmp_path, "show", *given)
    whose = "account 1002" if isinstance(request_, GetLimits) else "firm 7"
    for text in (f"Limits of {whose} at sequence 9", "credit", "100.00 USD"):
        assert text in shown.output, shown.output
    together = ("What its 3 accounts use together", "credit USD", "81.25", "81.2%")
    assert all((text in shown.output) is isinstance(request_, GetLevelLimits) for text in together), shown.output
    assert json.loads(run(tmp_path, "show", *given, "--json").stdout)["records"] == [RECORD]
    assert asked == [request_] * 2


def test_what_is_too_much_to_sum_says_so(
    asked: list[Request[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LEVEL, "limits", None)
    monkeypatch.setitem(LEVEL, "accounts", 10_001)
    assert "it has 10001 accounts: what they use together is too much to sum" in run(tmp_path, "show", "0").output
    monkeypatch.setitem(LEVEL, "accounts", None)
    assert "together" not in run(tmp_path, "show", "0").output


def test_what_is_set_goes_as_it_was_written(asked: list[Request[Any]], tmp_path: Path) -> None:
    numbers = ["--max-long", "5.50", "--max-order-value", "10.00", "--max-open-each", "3"]
    done = run(
        tmp_path,
        "set",
        "1002",
        "--symbol",
        "AAPL",
        *numbers,
        "--reason",
        "new client",
        "--expires",
        "2090-01-01T00:00:00Z",
    )
    assert done.exit_code == 0, done.output
    said = "limits of account 1002 in AAPL standing since sequence 9, until 2090-01-01T00:00:00Z"
    assert done.stdout == f"{said}\n"
    signed = {"who": WHO, "reason": "new client"}
    values = {"max_long": "5.50", "max_order_value": "10.00", "max_open_each": 3}
    assert asked == [SetLimits(account=1002, symbol="AAPL", **values, **signed, expires_ns=3_786_912_000 * 10**9)]


@pytest.mark.parametrize(
    "given, named",
    [
        (["0", "--max-open-orders", "4"], {"max_open_orders": 4}),
        (["--firm", "7", "--currency", "USD", "--credit", "5.00"], {"firm": 7, "currency": "USD", "credit": "5.00"}),
        (["--group", "9", "--max-short", "3"], {"group": 9, "max_short": "3"}),
        (
            ["0", "--max-interest-share", "0.1", "--max-volume-share", "2"],
            {"max_interest_share": "0.1", "max_volume_share": "2"},
        ),
        (["--symbol", "AAPL", "--max-order-quantity", "2"], {"symbol": "AAPL", "max_order_quantity": "2"}),
        (["1002", "--max-open-value", "2"], {"account": 1002, "max_open_value": "2"}),
    ],
)
def test_each_level_can_be_named(
    asked: list[Request[Any]], tmp_path: Path, given: list[str], named: dict[str, Any]
) -> None:
    assert json.loads(run(tmp_path, "set", *given, "--reason", "review", "--json").stdout) == CHANGE
    assert asked == [SetLimits(**named, who=WHO, reason="review")]


@pytest.mark.parametrize(
    "given, says",
    [
        (["set", "--max-open-each", "3", "--reason", "x"], "name an account (0: the venue)"),
        (["show"], "name an account (0: the venue)"),
        (["show", "1002", "--firm", "7"], "an account or a firm or a group"),
        (["set", "0", "--max-open-each", "3"], "--reason"),
        (["set", "0", "--max-open-each", "3", "--reason", "x", "--expires", "tomorrow"], "request.invalid.time"),
    ],
)
def test_what_is_not_said_is_not_guessed(
    asked: list[Request[Any]], tmp_path: Path, given: list[str], says: str
) -> None:
    done = run(tmp_path, *given)
    assert done.exit_code != 0
    assert says in done.stderr
    assert asked == []


def test_changes_are_listed(asked: list[Request[Any]], tmp_path: Path) -> None:
    shown = run(tmp_path, "changes", "--account", "1002", "--limit", "5")
    for text in ("account 1002 in AAPL", "standing", "ruth", "new client", "long 5", "long 9", "there are older ones"):
        assert text in shown.output
    assert json.loads(run(tmp_path, "changes", "--json").stdout)["items"] == [CHANGE]
    assert asked == [GetLimitChanges(account=1002, limit=5), GetLimitChanges(limit=20)]

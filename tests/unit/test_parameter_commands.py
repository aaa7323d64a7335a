"""`quantumcore risk parameters`: what is typed is what is asked, as decimals; versions as text or JSON.

Goal: an operator sets what figures stand on through his own door, under his own name.
Method: the command line in process, a venue that answers what a test says.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.app.operator import MAX_LINE
from quantumcore.app.terminal import operator
from quantumcore.contracts.messages import Request
from quantumcore.contracts.risk_parameters import (
    GetParameters,
    SetCharges,
    SetMarginFloor,
    SetMarginProfile,
    SetSector,
    SetSpreads,
    SetVolatility,
    SpreadCredit,
    UnderlyingCharges,
)
from tests.support.operator_door import answering

SIGNED: dict[str, Any] = {"who": operator(), "reason": "review"}
SPREAD = {"first": "AAPL", "second": "MSFT", "credit": "0.50000000", "of_first": 1, "of_second": 2}
VERSION: dict[str, Any] = {"version": 4, "who": "ruth", "reason": "review", "time_ns": 1}
VERSIONS = [
    VERSION | {"kind": "profile", "subject": "1001", "value": "strategies"},
    VERSION | {"kind": "charges", "subject": "AAPL", "value": {"calendar": "0.1", "delivery": "0"}},
    VERSION | {"kind": "spreads", "subject": "*", "value": [SPREAD, SPREAD]},
    VERSION | {"kind": "spreads", "subject": "*", "value": []},
    VERSION | {"kind": "correlation", "subject": "*", "value": [["AAPL", "MSFT", "0.3"]]},
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request[Any]]:
    def answer(request: Request[Any]) -> dict[str, Any]:
        if isinstance(request, GetParameters):
            return {"items": VERSIONS, "version": 4, "next_cursor": None}
        return VERSIONS[0]

    return answering(monkeypatch, answer)


def run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["risk", "parameters", *arguments, "--data-dir", str(tmp_path)])


@pytest.mark.parametrize(
    "typed, expected",
    [
        (["volatility", "AAPL", "0.03"], SetVolatility(symbol="AAPL", volatility="0.03", **SIGNED)),
        (["floor", "AAPL", "0.1"], SetMarginFloor(symbol="AAPL", floor="0.1", **SIGNED)),
        (["sector", "AAPL", "tech"], SetSector(symbol="AAPL", sector="tech", **SIGNED)),
        (["profile", "1001", "strategies"], SetMarginProfile(account=1001, profile="strategies", **SIGNED)),
        (
            ["charges", "AAPL", "--calendar", "0.1", "--concentrated", "2", "--concentrated-from", "80"],
            SetCharges(
                symbol="AAPL",
                charges=UnderlyingCharges(calendar="0.1", concentrated="2", concentrated_from="80"),
                **SIGNED,
            ),
        ),
        (
            ["charges", "AAPL", "--delivery", "1", "--short-option", "2", "--contract", "3"],
            SetCharges(
                symbol="AAPL", charges=UnderlyingCharges(delivery="1", short_option="2", contract="3"), **SIGNED
            ),
        ),
    ],
)
def test_what_is_typed_is_what_is_asked(
    asked: list[Request[Any]], tmp_path: Path, typed: list[str], expected: Request[Any]
) -> None:
    done = run(tmp_path, *typed, "--reason", "review")
    assert done.exit_code == 0, done.output
    assert asked == [expected]
    assert done.stdout == "4 profile 1001 ruth: strategies (review)\n"


def test_spreads_are_read_from_a_file_and_a_thousand_go_through_the_door(
    asked: list[Request[Any]], tmp_path: Path
) -> None:
    file = tmp_path / "spreads.json"
    many = [SPREAD | {"first": "A" * 24, "second": "B" * 24, "of_first": 10**6, "of_second": 10**6}] * 1_000
    file.write_text(json.dumps(many))
    done = run(tmp_path, "spreads", str(file), "--reason", "review")
    assert done.exit_code == 0, done.output
    assert asked == [SetSpreads(spreads=[SpreadCredit(**many[0])] * 1_000, **SIGNED)]
    assert len(msgspec.json.encode({"request": "SetSpreads", "body": msgspec.to_builtins(asked[0])})) < MAX_LINE
    for text in ("[{}]", '[{"first": "A", "second": "B", "credit": "1", "more": 1}]', "nothing"):
        file.write_text(text)
        bad = run(tmp_path, "spreads", str(file), "--reason", "review")
        assert (bad.exit_code, "holds no spreads" in bad.stderr) == (1, True)
    gone = run(tmp_path, "spreads", str(tmp_path / "none.json"), "--reason", "review")
    assert (gone.exit_code, "holds no spreads" in gone.stderr) == (1, True)
    assert len(asked) == 1


def test_versions_are_shown_as_lines_or_json(asked: list[Request[Any]], tmp_path: Path) -> None:
    shown = run(tmp_path, "show", "--kind", "spreads", "--subject", "*", "--limit", "5")
    assert shown.stdout.splitlines() == [
        "4 profile 1001 ruth: strategies (review)",
        "4 charges AAPL ruth: calendar 0.1, delivery 0 (review)",
        "4 spreads * ruth: AAPL MSFT 0.50000000 1 2; AAPL MSFT 0.50000000 1 2 (review)",
        "4 spreads * ruth: none (review)",
        "4 correlation * ruth: AAPL MSFT 0.3 (review)",
    ]
    assert asked == [GetParameters(kind="spreads", subject="*", limit=5)]
    assert json.loads(run(tmp_path, "show", "--json").stdout)["items"] == VERSIONS

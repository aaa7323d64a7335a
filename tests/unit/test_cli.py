"""The command line: what an operator types.

Goal: every command is found, speaks JSON when asked, and says what is wrong in one sentence with a non-zero exit.
Method: typer's runner in this process; what would start a venue is replaced, the rest is real.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.app.offline import Ask
from quantumcore.app.plot import parts_of
from quantumcore.app.settings import Settings
from quantumcore.contracts.auth import CreateUser
from quantumcore.contracts.errors import Conflict, Unavailable
from quantumcore.contracts.matching import GetEngineStatus, TakeSnapshot
from quantumcore.contracts.messages import Request
from quantumcore.contracts.portfolio import GetPerformance, GetPortfolio, GetValuationHistory
from quantumcore.contracts.positions import GetPositions, RebuildPositions
from tests.support.operator_door import answering

COMMANDS = ("run", "user", "status", "positions", "portfolio", "risk", "snapshot", "bench", "verify", "demo", "replay")


class Asked:
    """What reached the venue, and what it says."""

    def __init__(self) -> None:
        self.requests: list[tuple[Path, Request[Any]]] = []
        self.reply: dict[str, Any] | Exception = {}

    async def ask(self, data_dir: Path, request: Request[Any]) -> dict[str, Any]:
        self.requests.append((data_dir, request))
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked()
    monkeypatch.setattr("quantumcore.app.operator.ask", made.ask)
    return made


def _run(*arguments: str, given: str = "") -> Any:
    return CliRunner().invoke(cli.app, list(arguments), input=given)


def test_every_command_is_listed_and_explains_itself() -> None:
    listed = _run("--help")
    assert listed.exit_code == 0
    for name in COMMANDS:
        assert name in listed.output
        assert _run(name, "--help").exit_code == 0


def test_a_user_is_created_with_the_password_of_one_line(asked: Asked, tmp_path: Path) -> None:
    asked.reply = {"user_id": "u", "account_id": "1001"}
    arguments = ("user", "create", "a@example.com", "--role", "admin", "--password-stdin", "--data-dir", str(tmp_path))
    done = _run(*arguments, "--json", given="a pass phrase with spaces \nsecond line\n")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"user_id": "u", "account_id": "1001"}
    assert asked.requests == [
        (tmp_path, CreateUser(email="a@example.com", password="a pass phrase with spaces ", roles=["admin"]))
    ]
    assert "1001" in _run(*arguments, given="a pass phrase\n").stdout


def test_without_a_role_a_user_is_a_trader(asked: Asked, tmp_path: Path) -> None:
    asked.reply = {"user_id": "u", "account_id": "1"}
    _run("user", "create", "a@example.com", "--password-stdin", "--data-dir", str(tmp_path), given="twelve letters\n")
    _, request = asked.requests[0]
    assert isinstance(request, CreateUser)
    assert request.roles == ["trader"]


def test_what_the_venue_refuses_is_one_sentence_with_its_code(asked: Asked, tmp_path: Path) -> None:
    asked.reply = Conflict("user.exists", "there is such a user")
    done = _run("user", "create", "a@example.com", "--password-stdin", "--data-dir", str(tmp_path), given="x" * 12)
    assert done.exit_code == 1
    assert done.stderr == "quantumcore: there is such a user (user.exists)\n"
    assert done.stdout == ""


def test_status_is_a_table_or_json(asked: Asked, tmp_path: Path) -> None:
    asked.reply = {"sequence": 7, "halted": False}
    assert json.loads(_run("status", "--json", "--data-dir", str(tmp_path)).stdout) == asked.reply
    assert _run("status", "--data-dir", str(tmp_path)).stdout.split() == ["sequence", "7", "halted", "False"]
    assert asked.requests[0] == (tmp_path, GetEngineStatus())


POSITION = {
    "symbol": "AAPL",
    "quantity": "-5",
    "average": None,
    "mark": "1.50",
    "mark_source": "mark",
    "stale": True,
    "value": "-7.50000000",
    "realised": "1.00000000",
    "unrealised": None,
    "fees": "0.00000000",
    "currency": "USD",
    "method": "fifo",
}


def test_positions_are_a_table_or_json(asked: Asked, tmp_path: Path) -> None:
    asked.reply = {"account_id": "7", "sequence": 9, "positions": [POSITION]}
    assert json.loads(_run("positions", "7", "--json", "--data-dir", str(tmp_path)).stdout) == asked.reply
    assert asked.requests == [(tmp_path, GetPositions(account=7))]
    table = _run("positions", "7", "--data-dir", str(tmp_path)).stdout
    assert "account 7 at sequence 9" in table
    assert "stale" in table


def test_positions_want_an_account_or_a_rebuild(asked: Asked, tmp_path: Path) -> None:
    for arguments in ((), ("7", "--rebuild")):
        assert _run("positions", *arguments, "--data-dir", str(tmp_path)).exit_code == 2
    assert asked.requests == []


@pytest.mark.parametrize(("state", "code"), [("equal", 0), ("different", 1), ("failed", 1)])
def test_a_rebuild_ends_with_what_it_found(asked: Asked, tmp_path: Path, state: str, code: int) -> None:
    asked.reply = {"sequence": 9, "target": 9, "events": 4, "positions": 2, "milliseconds": 1, "detail": ""}
    asked.reply |= {"state": state, "live": "a", "rebuilt": "a"}
    done = _run("positions", "--rebuild", "--json", "--data-dir", str(tmp_path))
    assert (done.exit_code, json.loads(done.stdout)) == (code, asked.reply)
    assert asked.requests == [(tmp_path, RebuildPositions())]
    assert state in _run("positions", "--rebuild", "--data-dir", str(tmp_path)).stdout


def test_a_snapshot_is_asked_for(asked: Asked, tmp_path: Path) -> None:
    assert _run("snapshot", "--data-dir", str(tmp_path)).stdout == "snapshot written\n"
    assert asked.requests == [(tmp_path, TakeSnapshot())]


class Opened:
    """A venue that is opened because none runs: how often, and what it was asked."""

    def __init__(self, replies: dict[type[Request[Any]], dict[str, Any]]) -> None:
        self.times = 0
        self.requests: list[Request[Any]] = []
        self._replies = replies

    @asynccontextmanager
    async def opened(self, _settings: Settings) -> AsyncIterator[Ask]:
        self.times += 1
        yield self._ask

    async def _ask(self, request: Request[Any]) -> dict[str, Any]:
        self.requests.append(request)
        return self._replies[type(request)]


def test_where_no_venue_runs_it_is_opened_for_the_one_question(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.reply = Unavailable("unavailable", "no venue runs")
    venue = Opened({GetEngineStatus: {"sequence": 3}})
    monkeypatch.setattr("quantumcore.app.offline.opened", venue.opened)
    assert json.loads(_run("status", "--json", "--data-dir", str(tmp_path)).stdout) == {"sequence": 3}
    assert (venue.times, venue.requests) == (1, [GetEngineStatus()])


def test_a_venue_that_does_not_run_is_opened_once_for_all_that_a_portfolio_asks(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.reply = Unavailable("unavailable", "no venue runs")
    page = {"items": [], "next_cursor": None}
    venue = Opened({GetPortfolio: WORTH, GetPerformance: MADE, GetValuationHistory: page})
    monkeypatch.setattr("quantumcore.app.offline.opened", venue.opened)
    done = _run("portfolio", "1001", "--data-dir", str(tmp_path), "--plot", str(tmp_path / "worth.png"), "--json")
    assert done.exit_code == 0, done.output
    assert [type(one) for one in venue.requests] == [GetPortfolio, GetPerformance, GetValuationHistory]
    assert (venue.times, len(asked.requests)) == (1, 1)


def test_a_rebuild_whose_venue_ends_meanwhile_begins_anew_in_the_one_that_is_opened(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = {"sequence": 1, "target": 9, "events": 4, "positions": 2, "milliseconds": 1, "live": "", "rebuilt": ""}
    numbers["detail"] = ""
    told: list[RebuildPositions] = []

    async def running_then_gone(_data_dir: Path, request: RebuildPositions) -> dict[str, Any]:
        told.append(request)
        if len(told) > 1:
            raise Unavailable("unavailable", "no venue runs")
        return {**numbers, "state": "running"}

    monkeypatch.setattr("quantumcore.app.operator.ask", running_then_gone)
    heard: list[bool] = []

    async def opened(request: RebuildPositions) -> dict[str, Any]:
        heard.append(request.start)
        return {**numbers, "state": "equal" if request.start else "none"}

    @asynccontextmanager
    async def venue(_settings: Settings) -> AsyncIterator[Ask]:
        yield opened

    monkeypatch.setattr("quantumcore.app.offline.opened", venue)
    done = _run("positions", "--rebuild", "--json", "--data-dir", str(tmp_path))
    assert json.loads(done.stdout)["state"] == "equal"
    assert [one.start for one in told] == [True, False]
    assert heard == [False, True]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify",), "holds no venue (verify.nothing)"),
        (("run", "--port-base", "0"), "(settings.invalid)"),
        (("run", "--config", "/nowhere/settings.toml"), "/nowhere/settings.toml"),
        (("run", "--instruments", "/nowhere/instruments.toml"), "(definition.invalid)"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    from tests.support.processes import command

    done = command(*arguments, "--data-dir", str(tmp_path))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("quantumcore: ")
    assert said in line


def test_an_unknown_bench_is_named_beside_those_there_are() -> None:
    done = _run("bench", "nothing")
    assert done.exit_code == 2
    assert "'nothing'" in done.stderr
    assert "core" in done.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert _run("fly").exit_code == 2


WORTH = {
    "account_id": "1001",
    "reporting_currency": "USD",
    "sequence": 7,
    "fx_snapshot_id": "fx-1",
    "total": "25000.00",
    "cash": "10000.00",
    "assets": "15000.00",
    "unsettled": "0.00",
    "stale": ["AAPL"],
    "unpriced": ["NEW"],
    "pnl": {"realised": "12.34567890", "total": "12.34567890"},
    "concentration": {
        "gross_value": "15000.00",
        "herfindahl": "1.00000000",
        "top": [["AAPL", "1.00000000"]],
        "top_share": "1.00000000",
    },
    "cash_lines": [
        {"currency": "USD", "total": "10000.00", "available": "9000.00", "rate": "1.000000000000", "value": "10000.00"}
    ],
    "holdings": [
        {"currency": "NEW", "quantity": "5", "symbol": None, "current_price": None, "value": None, "weight": None}
    ],
    "lines": [
        {
            "symbol": "AAPL",
            "quantity": "100",
            "average_cost": "140.00000000",
            "current_price": "150.00",
            "stale": True,
            "market_value": "15000.00",
            "currency": "USD",
            "unrealised": "1000.00000000",
            "percent": "7.14285714",
            "value": "15000.00",
            "weight": "1.00000000",
        }
    ],
}
MADE = {
    "points": 2,
    "time_weighted_return": "0.01000000",
    "max_drawdown": "0.00",
    "max_drawdown_percent": "0.00000000",
    "volatility": None,
    "sharpe": None,
}


@pytest.fixture
def valued(monkeypatch: pytest.MonkeyPatch) -> list[Request[Any]]:
    """A venue that knows account 1001, and what it was asked."""
    point = {"time_ns": 1_700_000_000_000_000_000, "total": "1000.00"}

    def answer(request: Request[Any]) -> dict[str, Any]:
        if isinstance(request, GetPortfolio):
            return WORTH
        if isinstance(request, GetPerformance):
            return MADE
        return {"items": [point, point], "next_cursor": None if request.cursor else "9"}

    return answering(monkeypatch, answer)


def test_a_portfolio_is_shown_as_tables_or_json(valued: list[Request[Any]], tmp_path: Path) -> None:
    shown = _run("portfolio", "1001", "--data-dir", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    for text in ("25000.00", "AAPL", "150.00 (stale)", "7.14", "rates of fx-1", "at a stale price: AAPL", "NEW"):
        assert text in shown.output
    printed = _run("portfolio", "1001", "--data-dir", str(tmp_path), "--json")
    assert json.loads(printed.stdout) == {**WORTH, "performance": MADE}
    assert valued[:2] == [GetPortfolio(account=1001), GetPerformance(account=1001)]


def test_a_portfolio_is_drawn(valued: list[Request[Any]], tmp_path: Path) -> None:
    """Every page of the history is read; the file is a picture; another format than there is, is told."""
    picture = tmp_path / "worth.png"
    done = _run("portfolio", "1001", "--data-dir", str(tmp_path), "--plot", str(picture), "--json")
    assert done.exit_code == 0, done.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [one.cursor for one in valued[2:]] == ["", "9"]
    bad = _run("portfolio", "1001", "--data-dir", str(tmp_path), "--plot", str(tmp_path / "worth.nonsense"))
    assert (bad.exit_code, "plot.file" in bad.stderr) == (1, True)


def test_without_the_extra_a_picture_is_refused_before_anything_is_asked(
    valued: list[Request[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = _run("portfolio", "1001", "--data-dir", str(tmp_path), "--plot", "x.png")
    assert done.exit_code == 1
    assert done.stderr == "quantumcore: pictures need the extra: pip install 'quantumcore[plot]' (plot.extra)\n"
    assert valued == []
    assert _run("portfolio", "1001", "--data-dir", str(tmp_path)).exit_code == 0


def test_parts_of_an_account_are_drawn_the_largest_first_and_the_rest_as_one() -> None:
    lines = [{"symbol": f"S{n}", "value": f"{(-1) ** n * n}.00"} for n in range(15)]
    parts = parts_of({"lines": lines, "holdings": [], "cash_lines": []})
    assert [name for name, _ in parts][:3] == ["S14", "S13", "S12"]
    assert parts[-1] == ("others", float(sum((-1) ** n * n for n in range(6))))

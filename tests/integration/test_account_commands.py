"""`quantumcore account ...` of a venue that runs, and of its directory when it does not.

Goal: both ways give the same bytes; a file that is not whole does not have its name; what is wrong is one sentence.
Method: a house of its own in this process, without ports; money through its bus; then the commands themselves.
"""

import asyncio
import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.app import accounts, cli
from quantumcore.app.compose import build
from quantumcore.app.operator import OperatorSocket
from quantumcore.app.run import Running
from quantumcore.app.settings import Settings, load_settings
from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import MakeTransfer, OpenAccount
from quantumcore.contracts.ledger_reports import GetStatement, StatementBalance, StatementPage
from quantumcore.contracts.matching import EngineStatus, GetEngineStatus

ACCOUNT, OTHER, LINES = 4711, 4712, 30
OWNER = "00000000-0000-0000-0000-00000000004d"
QUIET = Console(file=io.StringIO())


async def furnish(running: Running) -> None:
    bus = running.house.bus
    for account in (ACCOUNT, OTHER):
        await bus.request(OpenAccount(account=account, owner=OWNER))
    for number in range(LINES):
        await bus.request(
            MakeTransfer(
                transfer_id=f"t-{number}",
                kind=("deposit", "withdrawal", "transfer")[min(number % 4, 2)] if number else "deposit",
                account=ACCOUNT,
                to_account=OTHER if number and number % 4 >= 2 else 0,
                currency="USD",
                amount="1000.00" if not number else "1.50",
            )
        )


async def both_ways(settings: Settings, out: Path) -> dict[str, tuple[bytes, bytes]]:
    """Return what each form has of the running venue, and afterwards of its directory."""
    running = Running(settings, await build(settings))
    query = GetStatement(account=ACCOUNT, limit=7)
    told: dict[str, list[bytes]] = {"json": [], "csv": []}
    try:
        await running.start()
        await running._operator.open()
        await furnish(running)
        shown = io.StringIO()
        await accounts.show_statement(settings, query, Console(file=shown, width=200))
        assert "t-29" in shown.getvalue()
        for form, bodies in told.items():
            file = out / f"running.{form}"
            assert await accounts.statement(settings, query, form, file, QUIET) == LINES
            bodies.append(file.read_bytes())
    finally:
        await running.stop()
    for form, bodies in told.items():
        file = out / f"stopped.{form}"
        assert await accounts.statement(settings, query, form, file, QUIET) == LINES
        bodies.append(file.read_bytes())
    return {form: (first, second) for form, (first, second) in told.items()}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[bytes, bytes]]]:
    """A venue that has stopped, and its statements from before and after."""
    directory = tmp_path_factory.mktemp("venue")
    settings = load_settings(data_dir=directory, annex=False)
    return directory, asyncio.run(both_ways(settings, directory))


def _run(directory: Path, *arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["account", *arguments, "--data-dir", str(directory)])


def test_a_running_venue_and_its_directory_say_the_same(stopped: Any) -> None:
    _, told = stopped
    for form, (running, after) in told.items():
        if form == "csv":
            assert running == after
        else:  # opening the directory may have added a sequence
            first, second = json.loads(running), json.loads(after)
            assert first["complete"]
            assert (first["lines"], first["closing"]) == (second["lines"], second["closing"])
    rows = list(csv.DictReader(io.StringIO(told["csv"][0].decode(), newline="")))
    assert [row["kind"] for row in rows] == ["line"] * LINES + ["closing"]


def test_balances_are_a_table_or_json(stopped: Any) -> None:
    directory, told = stopped
    closing = json.loads(told["json"][0])["closing"]
    done = _run(directory, "balances", str(ACCOUNT), "--json")
    assert done.exit_code == 0, done.output
    (usd,) = json.loads(done.stdout)["balances"]
    assert [(usd["currency"], usd["total"])] == [(one["currency"], one["balance"]) for one in closing]
    assert usd["total"] in _run(directory, "balances", str(ACCOUNT)).stdout


def test_a_statement_goes_to_the_screen_or_into_a_file(stopped: Any, tmp_path: Path) -> None:
    directory, told = stopped
    shown = _run(directory, "statement", str(ACCOUNT))
    assert shown.exit_code == 0, shown.output
    assert "closing" in shown.stdout
    done = _run(directory, "statement", str(ACCOUNT), "--format", "csv", "--out", str(tmp_path / "s.csv"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "s.csv").read_bytes() == told["csv"][0]
    assert [file.name for file in tmp_path.iterdir()] == ["s.csv"]
    part = json.loads(_run(directory, "statement", str(ACCOUNT), "--json", "--currency", "USD", "--to", "30").stdout)
    assert part["lines"] == [line for line in json.loads(told["json"][0])["lines"] if line["sequence"] < 30]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("statement", "999"), "(account.not_found)"),
        (("balances", "999"), "(account.not_found)"),
        (("statement", str(ACCOUNT), "--from", "x"), "(request.invalid.time)"),
        (("statement", str(ACCOUNT), "--to", "2999-01-01T00:00:00Z"), "(statement.range.future)"),
        (("statement", str(ACCOUNT), "--currency", "EURO"), "(currency.not_found)"),
        (("statement", str(ACCOUNT), "--format", "pdf"), "(statement.format.unknown)"),
        (("statement", str(ACCOUNT), "--format", "parquet"), "(statement.file)"),
        (("statement", str(ACCOUNT), "--format", "csv", "--out", "/nowhere/s.csv"), "(statement.file)"),
    ],
)
def test_what_cannot_be_stated_is_said_in_one_sentence(stopped: Any, arguments: tuple[str, ...], said: str) -> None:
    done = _run(stopped[0], *arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith("quantumcore: ")
    assert said in done.stderr


async def test_a_file_that_is_not_whole_does_not_have_its_name(tmp_path: Path) -> None:
    """The venue goes away after the first page."""
    bus = EmbeddedBus()
    asked: list[GetStatement] = []

    async def status(_request: GetEngineStatus) -> EngineStatus:
        return EngineStatus(0, 1, 8, 8, "00", 0, 0, False)

    async def page(request: GetStatement) -> StatementPage:
        asked.append(request)
        if len(asked) > 1:
            raise Unavailable("unavailable", "the database is gone")
        return StatementPage("1", 1, 9, 8, [], [], [StatementBalance("USD", "1.00")], "4.0.0")

    bus.handle(GetEngineStatus, status)
    bus.handle(GetStatement, page)
    door = OperatorSocket(bus, tmp_path)
    await door.open()
    files = tmp_path / "files"
    await asyncio.to_thread(files.mkdir)
    try:
        with pytest.raises(QuantumCoreError, match="the database is gone"):
            await accounts.statement(
                Settings(data_dir=tmp_path), GetStatement(account=1), "json", files / "s.json", QUIET
            )
    finally:
        await door.close()
        await bus.close()
    assert await asyncio.to_thread(os.listdir, files) == ["s.json.part"]
    assert (asked[1].cursor, asked[1].opening, asked[1].as_known) == ("4.0.0", [StatementBalance("USD", "1.00")], 8)

"""The operator's door: a Unix socket in the data directory.

Goal: only the owner of the directory gets in, only the listed requests are answered, and whatever is said comes back as
one line.
Method: a door on a bus with one handler; raw lines for what our own client would never say.
"""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.app import operator
from quantumcore.app.operator import ALLOWED, MAX_LINE, SOCKET, OperatorSocket, ask
from quantumcore.contracts.auth import CreateUser
from quantumcore.contracts.errors import Conflict, OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.contracts.matching import EngineStatus, GetEngineStatus, TakeSnapshot

STATUS = EngineStatus(
    shard=0, epoch=1, sequence=7, journal_sequence=7, state_hash="00", open_orders=0, inbox=0, halted=False
)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Path]:
    """The directory of an open door; GetEngineStatus is answered, TakeSnapshot is refused, CreateUser has no handler."""
    bus = EmbeddedBus()

    async def status(_: GetEngineStatus) -> EngineStatus:
        return STATUS

    async def refuse(_: TakeSnapshot) -> None:
        raise Conflict("journal.busy", "not now")

    bus.handle(GetEngineStatus, status)
    bus.handle(TakeSnapshot, refuse)
    opened = OperatorSocket(bus, tmp_path)
    await opened.open()
    yield tmp_path
    await opened.close()


async def _say(directory: Path, line: bytes) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(str(directory / SOCKET))
    writer.write(line)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return json.loads(answer) if answer else {}


async def test_an_allowed_request_is_answered(door: Path) -> None:
    assert await ask(door, GetEngineStatus()) == {
        "shard": 0, "epoch": 1, "sequence": 7, "journal_sequence": 7, "state_hash": "00",
        "open_orders": 0, "inbox": 0, "halted": False, "reason": "",
    }  # fmt: skip


async def test_an_error_keeps_its_code_on_the_way(door: Path) -> None:
    with pytest.raises(QuantumCoreError) as caught:
        await ask(door, TakeSnapshot())
    assert (caught.value.code, caught.value.detail) == ("journal.busy", "not now")


async def test_only_the_owner_may_open_it_and_it_is_gone_after_close(tmp_path: Path) -> None:
    opened = OperatorSocket(EmbeddedBus(), tmp_path)
    await opened.open()
    assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600
    await opened.close()
    assert not (tmp_path / SOCKET).exists()


async def test_a_socket_left_by_a_killed_process_is_replaced(tmp_path: Path) -> None:
    (tmp_path / SOCKET).write_text("left behind")
    opened = OperatorSocket(EmbeddedBus(), tmp_path)
    await opened.open()
    assert stat.S_ISSOCK((tmp_path / SOCKET).stat().st_mode)
    await opened.close()


def test_what_changes_money_or_orders_is_not_among_the_allowed() -> None:
    """But for the kill switch and margin, which end orders and make none, limits, guards and parameters of figures; with four eyes their own room refuses here what needs two."""
    reads = {"GetUser", "GetEngineStatus", "GetRooms", "GetBalances", "GetStatement", "GetPositions"}
    reads |= {"GetPortfolio", "GetPerformance", "GetValuationHistory", "GetFxSnapshot", "PreviewOrder"}
    reads |= {
        "GetRiskMetrics",
        "GetVar",
        "GetStress",
        "GetLimits",
        "GetKillSwitches",
        "GetLevelLimits",
        "GetLimitChanges",
        "GetMarginChanges",
        "GetLiquidations",
        "GetGuards",
        "GetPauses",
        "GetGuardChanges",
        "GetParameters",
    }
    switch = {"EngageKillSwitch", "LiftKillSwitch"}
    margin = {"SetMargin", "AssessAccount", "SetGuard"}
    figures = {"SetVolatility", "SetMarginFloor", "SetSector", "SetMarginProfile", "SetCharges", "SetSpreads"}
    sets = {"CreateUser", "TakeSnapshot", "RebuildPositions", "SetLimits"}
    assert set(ALLOWED) == sets | reads | switch | margin | figures


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"not json\n",
        b"[1, 2]\n",
        b"{}\n",
        b'{"request": "Sequence", "body": {"command": ""}}\n',
        b'{"request": 7}\n',
        b'{"request": "GetEngineStatus", "body": []}\n',
        b'{"request": "CreateUser", "body": {"email": 5}}\n',
        b'{"request": "CreateUser"}\n',
        b"\xff\xfe\n",
    ],
)
async def test_nonsense_is_answered_as_such_and_the_door_stays_open(door: Path, line: bytes) -> None:
    assert (await _say(door, line))["error"]["code"] == "request.invalid"
    assert (await ask(door, GetEngineStatus()))["sequence"] == 7


async def test_a_line_that_never_ends_is_hung_up_on(door: Path) -> None:
    assert await _say(door, b"x" * (MAX_LINE + 10)) == {}
    assert (await ask(door, GetEngineStatus()))["sequence"] == 7


async def test_where_no_venue_runs_one_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no venue runs"):
        await ask(tmp_path, GetEngineStatus())


async def test_a_venue_that_does_not_answer_leaves_the_outcome_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator, "ANSWER_S", 0.05)
    silent: list[asyncio.StreamWriter] = []

    async def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    server = await asyncio.start_unix_server(hear, str(tmp_path / SOCKET))
    with pytest.raises(OutcomeUnknown):
        await ask(tmp_path, CreateUser(email="a@b.c", password="p" * 12, roles=["admin"]))
    for writer in silent:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_the_path_may_be_longer_than_a_unix_address(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    bus = EmbeddedBus()

    async def status(_: GetEngineStatus) -> EngineStatus:
        return STATUS

    bus.handle(GetEngineStatus, status)
    opened = OperatorSocket(bus, deep)
    await opened.open()
    assert (await ask(deep, GetEngineStatus()))["sequence"] == 7
    await opened.close()
    assert not (deep / SOCKET).exists()

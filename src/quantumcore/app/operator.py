"""The operator's door: a Unix socket in the data directory that only its owner may open.

One line of JSON in, {"request": "<Name>", "body": {...}}; one line out, {"reply": {...}} or {"error": {"code", "detail"}}.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import msgspec

from quantumcore.contracts.auth import CreateUser, GetUser
from quantumcore.contracts.directory import GetRooms
from quantumcore.contracts.errors import InvalidCommand, OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import GetBalances
from quantumcore.contracts.ledger_reports import GetStatement
from quantumcore.contracts.matching import GetEngineStatus, TakeSnapshot
from quantumcore.contracts.messages import Request
from quantumcore.contracts.orders_preview import PreviewOrder
from quantumcore.contracts.portfolio import GetFxSnapshot, GetPerformance, GetPortfolio, GetValuationHistory
from quantumcore.contracts.positions import GetPositions, RebuildPositions
from quantumcore.contracts.risk import GetRiskMetrics, GetStress, GetVar
from quantumcore.contracts.risk_guards import GetGuardChanges, GetGuards, GetPauses, SetGuard
from quantumcore.contracts.risk_kill import EngageKillSwitch, GetKillSwitches, LiftKillSwitch
from quantumcore.contracts.risk_limits import GetLevelLimits, GetLimitChanges, GetLimits, SetLimits
from quantumcore.contracts.risk_margin import AssessAccount, GetLiquidations, GetMarginChanges, SetMargin
from quantumcore.contracts.risk_parameters import (
    GetParameters,
    SetCharges,
    SetMarginFloor,
    SetMarginProfile,
    SetSector,
    SetSpreads,
    SetVolatility,
)
from quantumcore.ports.bus import Bus

SOCKET = "operator.sock"
MAX_LINE = 256 << 10  # a list of 1,000 spreads is long
MAX_ANSWER = 64 << 20  # a page of a statement, or all positions of an account, is long
ANSWER_S = 30.0
ALLOWED: dict[str, type[Request[Any]]] = {
    r.__name__: r
    for r in (
        *(CreateUser, GetUser, GetEngineStatus, TakeSnapshot, GetRooms, GetBalances, GetStatement),
        *(GetPositions, RebuildPositions, GetPortfolio, GetPerformance, GetValuationHistory, GetFxSnapshot),
        PreviewOrder,
        *(GetRiskMetrics, GetVar, GetStress, GetLimits, EngageKillSwitch, LiftKillSwitch, GetKillSwitches),
        *(GetLevelLimits, GetLimitChanges, SetLimits),
        *(SetMargin, AssessAccount, GetMarginChanges, GetLiquidations),
        *(SetGuard, GetGuards, GetPauses, GetGuardChanges),
        *(SetVolatility, SetMarginFloor, SetSector, SetMarginProfile, SetCharges, SetSpreads, GetParameters),
    )
}


class OperatorSocket:
    """Serves the allowed requests to whoever may read the data directory."""

    def __init__(self, bus: Bus, data_dir: Path) -> None:
        self._bus = bus
        self._data_dir = data_dir
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; a socket left by a killed process is replaced (the journal's lock proves that it is dead)."""
        path = self._data_dir / SOCKET
        path.unlink(missing_ok=True)
        with _short(path) as address:
            old = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._serve, address, limit=MAX_LINE)
            finally:
                os.umask(old)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            (self._data_dir / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), ANSWER_S)
            writer.write(msgspec.json.encode(await answer(self._bus, line)) + b"\n")
            await writer.drain()
        except (TimeoutError, ValueError, ConnectionError):
            pass  # the other side is gone or talks nonsense: there is nobody to tell
        finally:
            writer.close()


async def answer(bus: Bus, line: bytes) -> dict[str, Any]:
    """Return the answer to one line."""
    try:
        given = msgspec.json.decode(line, type=dict[str, Any])
        request = ALLOWED.get(str(given.get("request")))
        if request is None:
            raise InvalidCommand("request.invalid", "no such request", field="request")
        message = msgspec.convert(given.get("body", {}), request)
        return {"reply": msgspec.to_builtins(await bus.request(message, deadline_s=ANSWER_S))}
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        return {"error": {"code": "request.invalid", "detail": str(error)}}
    except QuantumCoreError as error:
        return {"error": {"code": error.code, "detail": error.detail}}


async def ask(data_dir: Path, request: Request[Any]) -> dict[str, Any]:
    """Ask a running venue.

    Raises:
        Unavailable: No venue runs on this directory.
        OutcomeUnknown: It did not answer in ANSWER_S.
        QuantumCoreError: What the venue answered.
    """
    try:
        with _short(data_dir / SOCKET) as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=MAX_ANSWER)
    except OSError as error:
        raise Unavailable("unavailable", f"no venue runs on {data_dir}") from error
    body = {"request": type(request).__name__, "body": msgspec.to_builtins(request)}
    writer.write(json.dumps(body).encode() + b"\n")
    await writer.drain()
    try:
        line = await asyncio.wait_for(reader.readline(), ANSWER_S)
    except TimeoutError as error:
        raise OutcomeUnknown("outcome.unknown", f"the venue did not answer within {ANSWER_S:g} s") from error
    finally:
        writer.close()
    return unwrap(json.loads(line or b'{"error": {"code": "unavailable", "detail": "the venue hung up"}}'))


def unwrap(answered: dict[str, Any]) -> dict[str, Any]:
    """Return the reply, or raise the error that stands in its place."""
    if "error" in answered:
        raise QuantumCoreError(answered["error"]["code"], answered["error"]["detail"])
    reply: dict[str, Any] = answered["reply"]
    return reply


class _short:  # noqa: N801  # reads as a function: with _short(path) as address
    """Give a path that fits into the 108 bytes of a Unix address, however deep the directory lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._directory = -1

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) < 100:
            return str(self._path)
        self._directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._directory}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._directory >= 0:
            os.close(self._directory)

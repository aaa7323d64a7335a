"""Both engines under one name, so that a rule is tested once and holds twice."""

from collections.abc import Callable
from typing import Any

import pytest

from quantumcore.contracts.errors import Corrupted, InvalidCommand
from quantumcore.core._native import Engine as NativeEngine
from quantumcore.core._native import InvalidCommand as NativeInvalidCommand
from quantumcore.core._native import InvariantViolation
from quantumcore.core.twin import Engine as TwinEngine

FRAMING_ERRORS = (InvalidCommand, NativeInvalidCommand)
BROKEN = (InvariantViolation, Corrupted)  # an engine that contradicts itself
NewEngine = Callable[..., Any]

both_engines = pytest.mark.parametrize(
    "new_engine",
    [pytest.param(TwinEngine, id="twin"), pytest.param(NativeEngine, id="native")],
)


def step(engine: Any, commands: bytes, time_ns: int) -> bytes:
    """Return the events of a step; an engine that contradicts itself fails the test, as any wrong answer does."""
    try:
        return bytes(engine.step(commands, time_ns))
    except BROKEN as error:
        raise AssertionError(str(error)) from error


def check(engine: Any) -> None:
    """Let the engine check itself; what it finds fails the test."""
    try:
        engine.check()
    except BROKEN as error:
        raise AssertionError(str(error)) from error

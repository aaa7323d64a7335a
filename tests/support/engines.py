"""Both engines under one name, so that a rule is tested once and holds twice."""

from collections.abc import Callable
from typing import Any

import pytest

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.core.twin import Engine as TwinEngine

try:
    from quantumcore.core._native import Engine as NativeEngine
    from quantumcore.core._native import InvalidCommand as NativeInvalidCommand
except ImportError:  # pragma: no cover - only before the first build
    NativeEngine = None
    NativeInvalidCommand = InvalidCommand

FRAMING_ERRORS = (InvalidCommand, NativeInvalidCommand)
NewEngine = Callable[..., Any]

needs_native = pytest.mark.skipif(NativeEngine is None, reason="the native core is not built: make build")

both_engines = pytest.mark.parametrize(
    "new_engine",
    [pytest.param(TwinEngine, id="twin"), pytest.param(NativeEngine, id="native", marks=needs_native)],
)

"""The operator's door of a venue that says what a test wants: what the command line asks, and what it hears."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts.messages import Request


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Any], dict[str, Any]]) -> list[Request[Any]]:
    """Let `answer` say or raise what the command line hears, on a wide terminal; return the list that fills with what it asks."""
    seen: list[Request[Any]] = []

    async def ask(_data_dir: Path, request: Request[Any]) -> dict[str, Any]:
        seen.append(request)
        return answer(request)

    monkeypatch.setattr("quantumcore.app.operator.ask", ask)
    monkeypatch.setenv("COLUMNS", "200")
    return seen

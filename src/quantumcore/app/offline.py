"""Open a venue without ports for a few requests: how an operator prepares, or reads, a venue that does not run."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from quantumcore.adapters import logs
from quantumcore.app.compose import build
from quantumcore.app.operator import answer, unwrap
from quantumcore.app.run import Running
from quantumcore.app.settings import Settings
from quantumcore.contracts.messages import Request

Ask = Callable[[Request[Any]], Awaitable[dict[str, Any]]]


async def ask_offline(settings: Settings, request: Request[Any]) -> dict[str, Any]:
    """Start the rooms, ask, stop them. The journal's lock keeps a second process out meanwhile."""
    async with opened(settings) as ask:
        return await ask(request)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Ask]:
    """Start the rooms; give what asks them, as the operator's door would; stop them."""
    logs.configure("quantumcore", "ERROR", sys.stderr)
    alone = settings.model_copy(update={"annex": False})  # a few questions are not worth a second process
    running = Running(alone, await build(alone))

    async def ask(request: Request[Any]) -> dict[str, Any]:
        body = {"request": type(request).__name__, "body": msgspec.to_builtins(request)}
        return unwrap(await answer(running.house.bus, msgspec.json.encode(body)))

    try:
        await running.start()
        yield ask
    finally:
        await running.stop()

"""Open a venue without ports for one request: how an operator prepares a venue that does not run."""

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


async def ask_offline(settings: Settings, request: Request[Any]) -> dict[str, Any]:
    """Start the rooms, ask, stop them."""
    async with opened(settings) as asked:
        return await asked(request)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Callable[[Request[Any]], Awaitable[dict[str, Any]]]]:
    """Give a way to ask the rooms, which run until the end. The journal's lock keeps a second process out meanwhile."""
    logs.configure("quantumcore", "ERROR", sys.stderr)
    alone = settings.model_copy(update={"annex": False})  # one question is not worth a second process
    running = Running(alone, await build(alone))
    try:
        await running.start()

        async def asked(request: Request[Any]) -> dict[str, Any]:
            body = {"request": type(request).__name__, "body": msgspec.to_builtins(request)}
            return unwrap(await answer(running.house.bus, msgspec.json.encode(body)))

        yield asked
    finally:
        await running.stop()

"""Open a venue without ports for a few requests: how an operator prepares, or reads, a venue that does not run."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from quantumcore.adapters import logs
from quantumcore.app import operator
from quantumcore.app.compose import build
from quantumcore.app.run import Running
from quantumcore.app.settings import Settings
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.messages import Request

Ask = Callable[[Request[Any]], Awaitable[dict[str, Any]]]


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[Ask]:
    """Give what asks the running venue; if none runs, the venue in its directory, opened once for all that is asked.

    The journal's lock keeps a second process out meanwhile.
    """
    async with AsyncExitStack() as stack:
        alone: Ask | None = None

        async def ask(request: Request[Any]) -> dict[str, Any]:
            nonlocal alone
            if alone is None:
                try:
                    return await operator.ask(settings.data_dir, request)
                except Unavailable:
                    alone = await stack.enter_async_context(opened(settings))
            return await alone(request)

        yield ask


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Ask]:
    """Start the rooms; give what asks them, as the operator's door would; stop them."""
    logs.configure("quantumcore", "ERROR", sys.stderr)
    alone = settings.model_copy(update={"annex": False})  # a few questions are not worth a second process
    running = Running(alone, await build(alone))

    async def ask(request: Request[Any]) -> dict[str, Any]:
        body = {"request": type(request).__name__, "body": msgspec.to_builtins(request)}
        return operator.unwrap(await operator.answer(running.house.bus, msgspec.json.encode(body)))

    try:
        await running.start()
        yield ask
    finally:
        await running.stop()

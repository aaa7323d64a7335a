"""A client of the stream that a test can read like a book."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.stream_frames import checked

PATIENCE_S = 10.0


class StreamClient:
    """One connection; what is said is kept until it is asked for."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._kept: list[dict[str, Any]] = []

    async def say(self, **message: Any) -> None:
        """Send one message."""
        await self.connection.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """Return the next message, heartbeats left out."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message: dict[str, Any] = checked(json.loads(await self.connection.recv()))
                if message.get("channel") != "heartbeat":
                    return message

    async def hear_of(self, channel: str) -> dict[str, Any]:
        """Return the next message of `channel`; what comes before it stays for others."""
        for at, message in enumerate(self._kept):
            if message.get("channel") == channel:
                return self._kept.pop(at)
        while True:
            message = await self.hear()
            if message.get("channel") == channel:
                return message
            self._kept.append(message)

    async def answer(self, op: str) -> dict[str, Any]:
        """Return the next answer to `op`."""
        for at, message in enumerate(self._kept):
            if message.get("op") == op:
                return self._kept.pop(at)
        while True:
            message = await self.hear()
            if message.get("op") == op:
                return message
            self._kept.append(message)

    async def auth(self, token: str, **more: Any) -> dict[str, Any]:
        """Say who we are."""
        await self.say(op="auth", token=token, **more)
        return await self.answer("auth")

    async def subscribe(self, *channels: dict[str, Any]) -> list[dict[str, Any]]:
        """Subscribe and return the answers."""
        await self.say(op="subscribe", channels=list(channels), id=1)
        return [await self.answer("subscribe") for _ in channels]

    async def closed(self) -> int:
        """Read until the other side closes; return its code."""
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await self.connection.recv()
        assert closed.value.rcvd is not None, closed.value
        return closed.value.rcvd.code


@asynccontextmanager
async def stream(address: str, **options: Any) -> AsyncIterator[StreamClient]:
    """Connect to /v1/stream at `address`."""
    async with connect(f"ws://{address}/v1/stream", **{"max_queue": None, "close_timeout": 1, **options}) as connection:
        yield StreamClient(connection)

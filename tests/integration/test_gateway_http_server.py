"""Answers leave in one write, and only those that may.

Method: a real socket of a real server; a plain ASGI application behind it answers in the shapes that differ.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from quantumcore.services.gateway.service import UVICORN


async def _application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    headers = [(b"content-length", b"2")]
    match scope["path"]:
        case "/split":
            headers.append((b"x-bad", b"a\r\nx-worse: b"))
        case "/short":
            headers = [(b"content-length", b"3")]
        case "/late":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            raise RuntimeError("after the head")
        case "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"b"})
            return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def _connected(**changes: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    options: dict[str, Any] = {**UVICORN, "loop": "none", **changes}
    config = uvicorn.Config(_application, log_config=None, port=0, **options)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()
    finally:
        server.should_exit = True
        await server.shutdown()


async def _exchange(request: bytes) -> bytes:
    async with _connected() as (reader, writer):
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 5)


def _get(path: str, *, method: str = "GET", last: bool = True) -> bytes:
    ending = "connection: close\r\n" if last else ""
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\n{ending}\r\n".encode()


async def test_pipelined_requests_are_answered_in_order_and_whole() -> None:
    answer = await _exchange(_get("/a", last=False) + _get("/b", last=False) + _get("/c"))
    assert answer.count(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n") == 3
    assert answer.count(b"\r\n\r\nok") == 3


async def test_head_has_no_body() -> None:
    answer = await _exchange(_get("/a", method="HEAD"))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_stream_is_chunked_as_ever() -> None:
    answer = await _exchange(_get("/stream", last=False) + _get("/a"))
    assert b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n" in answer
    assert answer.endswith(b"ok")


async def test_a_line_break_in_a_header_splits_no_answer() -> None:
    answer = await _exchange(_get("/split", last=False))
    assert b"x-worse" not in answer


async def test_a_wrong_length_is_never_sent_as_right() -> None:
    answer = await _exchange(_get("/short", last=False))
    assert b"\r\n\r\nok" not in answer or b"content-length: 3" in answer


async def test_a_failure_between_head_and_body_is_500() -> None:
    answer = await _exchange(_get("/late", last=False))
    assert answer.startswith(b"HTTP/1.1 500 ")


async def test_an_idle_connection_is_closed_after_its_time_counted_from_the_last_answer() -> None:
    allowed = 1
    async with _connected(timeout_keep_alive=allowed) as (reader, writer):
        for _ in range(4):  # longer in all than an idle connection lives
            writer.write(_get("/a", last=False))
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\nok"), 5)).startswith(b"HTTP/1.1 200")
            answered = time.monotonic()
            await asyncio.sleep(0.4 * allowed)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert time.monotonic() - answered >= allowed - 0.01

"""Answers leave in one write, and only those that may; heads and readers have limits.

Method: a real socket of a real server; a plain ASGI application behind it answers in the shapes that differ.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from quantumcore.services.gateway import http_server
from quantumcore.services.gateway.service import UVICORN
from tests.support.waiting import eventually

_LARGE = b"x" * (8 << 20)


async def _application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    headers = [(b"content-length", b"2")]
    match scope["path"]:
        case "/split":
            headers.append((b"x-bad", b"a\r\nx-worse: b"))
        case "/large":
            headers = [(b"content-length", b"%d" % len(_LARGE))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": _LARGE})
            return
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
async def _server(**changes: Any) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    options: dict[str, Any] = {**UVICORN, "loop": "none", **changes}
    config = uvicorn.Config(_application, log_config=None, port=0, **options)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await server.shutdown()


async def _exchange(request: bytes) -> bytes:
    async with _server() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    return answer


def _problem(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    return int(head.split(b" ")[1]), json.loads(body)["code"]


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


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0x10\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET /a HTTP/1.1\nhost: x\n x: y\n\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
async def test_what_two_parsers_could_read_in_two_ways_is_refused(request_: bytes) -> None:
    assert _problem(await _exchange(request_)) == (400, "request.invalid.malformed")


async def test_a_head_of_many_lines_is_refused() -> None:
    lines = b"".join(b"x-%d: y\r\n" % at for at in range(http_server.HEAD_LINES))
    answer = await _exchange(b"GET /a HTTP/1.1\r\nhost: x\r\n" + lines + b"\r\n")
    assert _problem(answer) == (431, "request.head_too_large")
    fits = await _exchange(_get("/a")[:-2] + b"".join(b"x-%d: y\r\n" % at for at in range(98)) + b"\r\n")
    assert fits.startswith(b"HTTP/1.1 200 ")


async def test_a_head_without_end_is_refused_before_it_fills_the_memory() -> None:
    async with _server() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\nx: ")
        sent = 0
        try:
            while sent < 64 << 20:
                writer.write(b"y" * 65_536)
                sent += 65_536
                await asyncio.wait_for(writer.drain(), 5)
        except ConnectionError:
            pass
        assert sent < 32 << 20, "it went on reading"
        writer.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\nx: " + b"y" * http_server.HEAD_BYTES)
        assert _problem(await asyncio.wait_for(reader.read(), 5)) == (431, "request.head_too_large")
        writer.close()


@pytest.mark.parametrize("opening", [b"", b"GET /a HTTP/1.1\r\nhost: x\r\n", b"GET /a HTTP/1.1\r\n\r\nGET /b HT"])
async def test_a_head_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch, opening: bytes) -> None:
    monkeypatch.setattr(http_server, "HEAD_S", 0.05)
    answer = await _exchange(opening)  # ends only because the server ends it
    if opening:
        last = answer[answer.rindex(b"HTTP/1.1 ") :]
        assert _problem(last) == (408, "request.timeout")
    else:
        assert answer == b""


async def test_a_quiet_connection_between_requests_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_S", 0.02)
    async with _server() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(_get("/a", last=False))
            answer = await asyncio.wait_for(reader.readuntil(b"ok"), 5)
            assert answer.startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.1)
        writer.close()


async def test_a_reader_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "TAKEN_S", 0.05)
    async with _server() as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(_get("/large", last=False) + _get("/a", last=False))
        try:
            await eventually(lambda: server.server_state.tasks)
            await eventually(lambda: not server.server_state.tasks)
            await eventually(lambda: not server.server_state.connections)
        finally:
            writer.transport.abort()


async def test_more_connections_than_the_limit_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "CONNECTIONS", 1)
    async with _server() as (_, port):
        _, first = await asyncio.open_connection("127.0.0.1", port)
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        assert _problem(await asyncio.wait_for(reader.read(), 5)) == (503, "overloaded")
        first.close()
        second.close()


async def test_an_idle_connection_is_closed_after_its_time_counted_from_the_last_answer() -> None:
    allowed = 1
    async with _server(timeout_keep_alive=allowed) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(4):  # longer in all than an idle connection lives
            writer.write(_get("/a", last=False))
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\nok"), 5)).startswith(b"HTTP/1.1 200")
            answered = time.monotonic()
            await asyncio.sleep(0.4 * allowed)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert time.monotonic() - answered >= allowed - 0.01
        writer.close()

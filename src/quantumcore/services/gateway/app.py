"""One request's walk: address, credentials, allowance, shape, permission, handler, answer. Plain ASGI.

The order of judgement is that of the behaviour page: a request is counted before it is read, and read before it is
judged. Only this dispatcher turns an unexpected exception into `internal`; other requests are served meanwhile.
"""

import asyncio
import itertools
import logging
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.types import Receive, Scope, Send

from quantumcore.contracts.errors import (
    Internal,
    QuantumCoreError,
    RateLimited,
    Refused,
    Unauthenticated,
    Unavailable,
    invalid,
)
from quantumcore.services.gateway.codec import JSON, MSGPACK, convert, encode, parse_query
from quantumcore.services.gateway.errors import PROBLEM_TYPE, problem
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.idempotency import HEADER, REPLAYED, Kept, key_of
from quantumcore.services.gateway.limits import LimitReached
from quantumcore.services.gateway.request import Call, SlowBodies
from quantumcore.services.gateway.routing import ANYBODY, PUBLIC, Answer, Encoded, Route, Router, Streamed

_log = logging.getLogger(__name__)
_PLAIN = (
    b"content-length: %d\r\nx-request-id: %b\r\ncache-control: no-store\r\ncontent-type: %b\r\n"
    b"ratelimit-limit: %d\r\nratelimit-remaining: %d\r\nratelimit-reset: %d\r\n"
)
"""The lines of nearly every answer: what stands in them is ours."""
_SHAPED = (Answer, Encoded, Streamed)
Reply = tuple[int, bytes, bytes, float | None]
Socket = Callable[[Scope, Receive, Send], Awaitable[None]]
ONCE = frozenset(
    {
        b"host",
        b"authorization",
        b"content-length",
        b"content-type",
        b"qc-key",
        b"qc-timestamp",
        b"qc-recv-window",
        b"qc-signature",
    }
)
"""Headers that may stand once: of two, a proxy could judge the one and we the other."""


class GatewayApp:
    """The ASGI application: HTTP here, sockets handed on.

    Attributes:
        in_flight: Requests being worked on.
        draining: Set at stop: nothing new is taken in, what is in flight is finished.
    """

    def __init__(self, gate: Gate, routes: Iterable[Route], socket: Socket) -> None:
        self.in_flight = 0
        self.draining = False
        self._gate = gate
        self._router = Router(routes)
        self._socket = socket
        self._slow_bodies = SlowBodies(gate.settings.slow_bodies)
        self._idle: asyncio.Event | None = None  # somebody waits for the last request
        self._prefix = gate.clock.token(6).hex()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, socket or the server's life cycle."""
        if scope["type"] != "http":
            await (_lifespan(receive, send) if scope["type"] == "lifespan" else self._socket(scope, receive, send))
            return
        gate = self._gate
        started = gate.clock.monotonic()
        call = Call(scope, receive, f"{self._prefix}{next(self._numbers):x}", gate.settings, self._slow_bodies)
        route, call.params = self._router.find(call.method, call.path)
        self.in_flight += 1
        try:
            status, content_type, body, retry_after = await self._answer(route, call, scope)
            if call.rest is not None:
                await self._stream(send, route, call, content_type, body)
            elif not _sent_at_once(call, status, content_type, body):
                await _send(send, call, status, content_type, body, retry_after)
        finally:
            self.in_flight -= 1
            if self._idle is not None and not self.in_flight:
                self._idle.set()
        gate.metrics.answered(route.method, route.template, status, gate.clock.monotonic() - started)

    async def drained(self, timeout_s: float) -> bool:
        """Wait until nothing is in flight, at most `timeout_s`; tell whether that came."""
        self._idle = self._idle or asyncio.Event()
        try:
            async with asyncio.timeout(timeout_s):
                while self.in_flight:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _answer(self, route: Route, call: Call, scope: Scope) -> Reply:
        try:
            arguments = await self._judge(route, call, scope)
            if HEADER in call.headers and route.keyed:
                return await self._once(route, call, scope, arguments)
            return _shown(await route.handler(self._gate, call, *arguments), call)
        except Exception as error:  # noqa: BLE001  # the dispatcher of the web server: a defect is one answer `internal`
            return self._refuse(error, route, call)

    async def _stream(self, send: Send, route: Route, call: Call, content_type: bytes, first: bytes) -> None:
        """Send an answer part by part; one that fails on its way has no end, and its connection is closed."""
        rest = call.rest
        assert rest is not None
        try:
            headers = _headers(call, content_type, None)
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for part in rest:
                if call.at_once is not None and call.at_once.disconnected:
                    return
                if part:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except QuantumCoreError as error:
            self._gate.metrics.cut_off.inc()
            _log.error("request %s was cut off: %s", call.request_id, error, extra=_context(route, call))
        finally:
            await rest.aclose()

    async def _once(self, route: Route, call: Call, scope: Scope, arguments: list[Any]) -> Reply:
        """Do what was asked unless this is a repeat; a repeat gets the first answer."""
        repeats = self._gate.repeats
        key = key_of([value for name, value in scope["headers"] if name == HEADER])
        one = await repeats.begin(call.caller.key, key, (call.method, call.path, call.query_raw, arguments))
        if isinstance(one, Kept):
            call.headers_out = REPLAYED
            return one.status, one.content_type, one.body, None
        named: str | None = None
        try:
            value = await route.handler(self._gate, call, *arguments)
            reply = _shown(value, call)
            if route.named is not None and isinstance(value, Answer):
                named = route.named(value.value)
        except Exception as error:  # noqa: BLE001  # as above; the answer must be kept before it is given
            reply = self._refuse(error, route, call)
        status, content_type, body, _ = reply
        await repeats.end(one, status, content_type, body, named)
        return reply

    def _refuse(self, error: Exception, route: Route, call: Call) -> Reply:
        if not isinstance(error, QuantumCoreError) or error.status == 500:
            _log.error("request %s failed", call.request_id, exc_info=error, extra=_context(route, call))
            if not isinstance(error, QuantumCoreError):
                error = Internal("internal")
        elif isinstance(error, LimitReached):
            call.allowance = error.allowance
            self._gate.metrics.refused.labels(error.what).inc()
        retry_after = error.retry_after
        if retry_after is None and isinstance(error, RateLimited | Unavailable):
            retry_after = 1.0
        return error.status, PROBLEM_TYPE, encode(problem(error, call.request_id), msgpack=False), retry_after

    async def _judge(self, route: Route, call: Call, scope: Scope) -> list[Any]:
        """Return what the handler is called with, or raise why it is not called."""
        gate = self._gate
        if route.counts != "nothing":
            if self.draining:
                raise Unavailable("unavailable", "the venue is shutting down", retry_after=1.0)
            if self.in_flight > gate.settings.in_flight:
                raise Unavailable("overloaded", "too many requests are being worked on", retry_after=1.0)
            client = scope.get("client")
            if len(call.headers) != len(scope["headers"]):
                _no_doubles(scope)
            call.peer = gate.peers.address(client[0] if client else "", call.headers)
            await self._identify(route, call)
        arguments: list[Any] = []
        if route.decoder is not None:
            msgpack = call.sent_msgpack()
            body = call.body_at_once()
            if body is None:
                body = await call.body()
            arguments.append(route.decoder.decode(body, msgpack=msgpack))
        if route.query is not None:
            arguments.append(convert(parse_query(call.query_raw) if call.query_raw else {}, route.query, "query"))
        elif call.query_raw and parse_query(call.query_raw):
            raise invalid("unknown_field", "no query parameters here", field="query")
        if route.scope not in (PUBLIC, ANYBODY):
            call.caller.need(route.scope)
        return arguments

    async def _identify(self, route: Route, call: Call) -> None:
        limits = self._gate.limits
        if route.counts == "login":
            call.charge(await limits.login(call.peer))
        try:
            identities = self._gate.identities
            caller = identities.remembered(call.headers) or await identities.caller(call, call.peer)
            if caller is None and route.scope != PUBLIC:
                raise Unauthenticated(detail="this needs a log-in or a signed request")
        except Refused:  # bad credentials, and a body that nobody could verify: too long, too slow, cut off
            call.charge(await limits.peer(call.peer))
            raise
        if caller is None:
            call.charge(await limits.peer(call.peer))
            return
        call.identify(caller)
        call.charge(await (limits.cancels if route.counts == "cancel" else limits.user)(caller.key))


def _shown(value: Any, call: Call) -> Reply:
    msgpack = call.wants_msgpack
    kind = MSGPACK if msgpack else JSON
    if not isinstance(value, _SHAPED):
        return 200, kind, encode(value, msgpack=msgpack), None
    match value:
        case Encoded(body, status, content_type, headers):
            call.headers_out = headers
            return status, content_type or kind, body, None
        case Streamed(first, rest, content_type, headers):
            call.headers_out = headers
            call.rest = rest
            return 200, content_type, first, None
        case Answer(None, status):
            return status, b"", b"", None
        case Answer(answer, status):
            return status, kind, encode(answer, msgpack=msgpack), None


def _no_doubles(scope: Scope) -> None:
    names = [name for name, _ in scope["headers"] if name in ONCE]
    for name in names:
        if names.count(name) > 1:
            raise invalid(
                "header",
                "a header is given more than once that may stand once",
                field=name.decode(),
                limit="1",
                actual=str(names.count(name)),
            )


def _context(route: Route, call: Call) -> dict[str, str]:
    """Return what the log may say of a request: never its body, headers or query."""
    return {"request_id": call.request_id, "operation": f"{route.method} {route.template}"}


def _sent_at_once(call: Call, status: int, content_type: bytes, body: bytes) -> bool:
    """Send an answer of the most frequent kind without waiting; tell whether that was possible."""
    allowance = call.allowance
    if status != 200 or call.at_once is None or allowance is None or call.headers_out or call.method == "HEAD":
        return False
    numbers = allowance.limit, allowance.left, math.ceil(allowance.reset)
    lines = _PLAIN % (len(body), call.request_id.encode(), content_type, *numbers)
    return call.at_once.whole_answer(status, lines, body)


async def _send(
    send: Send, call: Call, status: int, content_type: bytes, body: bytes, retry_after: float | None
) -> None:
    headers = _headers(call, content_type, len(body))
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(retry_after))))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers(call: Call, content_type: bytes, length: int | None) -> list[tuple[bytes, bytes]]:
    headers = [] if length is None else [(b"content-length", b"%d" % length)]
    headers += [(b"x-request-id", call.request_id.encode()), (b"cache-control", b"no-store"), *call.headers_out]
    if content_type:
        headers.append((b"content-type", content_type))
    if call.allowance is not None:
        headers.extend(call.allowance.headers())
    return headers


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

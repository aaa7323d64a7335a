"""uvicorn's HTTP/1.1 with an answer that costs one write and no search of every header; all else is uvicorn's.

An order's answer is one head and one body, both made here: they go out together, after one look for line breaks that
do not belong. Whatever has another shape (a stream, HEAD, a connection that ends) takes uvicorn's own way.

A head has limits that uvicorn's parser does not know: bytes, lines, time to arrive; an answer has time to be taken.
"""

import asyncio
import re
from typing import Any, Protocol
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from quantumcore.contracts.errors import QuantumCoreError, Refused, Unavailable, invalid
from quantumcore.services.gateway.codec import encode_json
from quantumcore.services.gateway.errors import PROBLEM_TYPE, SlowBody, problem

AT_ONCE = "quantumcore.at_once"
"""Key in the scope: an `AtOnce`. Take it out: left there, scope and request hold each other until the collector comes."""
BUSY = float("inf")
_HEAD_LINES = 2
_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9._:-]+)+\Z")
"""A path with nothing in it that would need a parser."""
_UVICORNS_OWN = frozenset((b"connection", b"transfer-encoding"))
HEAD_BYTES = 1 << 16
HEAD_LINES = 100
HEAD_S = 10.0
TAKEN_S = 8.0
CONNECTIONS = 10_000


class _DefaultHeaders:
    """uvicorn's own headers as they are written; it makes a new list once a second."""

    made_of: Any = None
    raw = b""

    @classmethod
    def of(cls, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return `headers` as bytes."""
        if headers is not cls.made_of:
            cls.raw = b"".join(b"%s: %s\r\n" % (name.lower(), value) for name, value in headers)
            cls.made_of = headers
        return cls.raw


class HeadTooLarge(Refused):
    """More bytes or lines before the body than a request needs."""

    status = 431
    default_code = "request.head_too_large"


class SlowHead(SlowBody):
    """The head was not complete in time."""


class AtOnce(Protocol):
    """A request that can be read and answered without waiting, if it is of the simple kind.

    Attributes:
        headers: Of a name that stands twice, the last.
        disconnected: Nobody is there any more to take an answer.
    """

    headers: dict[bytes, bytes]
    disconnected: bool

    def whole_body(self) -> bytes | None:
        """Return the body, or None while some of it is missing or the client waits for our word to send it."""

    def whole_answer(self, status: int, lines: bytes, body: bytes) -> bool:
        """Write an answer at once; tell whether it was, or must go its usual way.

        Args:
            lines: Whole header lines, content-length among them, with nothing in them that a client could have chosen.
        """


class _News:
    """asyncio.Event for one request: the event itself is made when somebody waits, which for a short body nobody does."""

    _told = False
    _event: asyncio.Event | None = None

    def set(self) -> None:
        """Let who waits go on."""
        self._told = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        """Let the next one wait."""
        self._told = False
        if self._event is not None:
            self._event.clear()

    async def wait(self) -> None:
        """Wait until it is set."""
        if not self._told:
            self._event = self._event or asyncio.Event()
            await self._event.wait()


class _Cycle(RequestResponseCycle):
    headers: dict[bytes, bytes]
    _head: Any = None

    def whole_body(self) -> bytes | None:
        """As `AtOnce` says."""
        if self.more_body or self.waiting_for_100_continue or self.disconnected:
            return None
        body = bytes(self.body)
        self.body = bytearray()
        self.flow.resume_reading()
        return body

    def whole_answer(self, status: int, lines: bytes, body: bytes) -> bool:
        """As `AtOnce` says."""
        if not self.keep_alive or self.disconnected or self.response_started or self.flow.write_paused:
            return False
        self._written(b"".join((STATUS_LINE[status], _DefaultHeaders.of(self.default_headers), lines, b"\r\n", body)))
        return True

    def _written(self, raw: bytes) -> None:
        self.response_started = self.response_complete = True
        self.transport.write(raw)
        self.message_event.set()
        self.on_response()

    async def send(self, message: Any) -> None:
        """Keep the head until its body comes; a second head before that (uvicorn's own 500) takes its place."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        if self.flow.write_paused and not self.disconnected and not await self._taken():
            return
        head, self._head = self._head, None
        if head is not None:
            if self._sent_whole(head, message):
                return
            await super().send(head)
        await super().send(message)

    async def _taken(self) -> bool:
        """Wait until the client has taken what was written before; who takes nothing is cut off, and his request ends."""
        try:
            async with asyncio.timeout(TAKEN_S):
                await self.flow.drain()
        except TimeoutError:
            self.disconnected = True
            self.transport.abort()
            return False
        return True

    def _sent_whole(self, head: Any, message: Any) -> bool:
        """Write head and body at once if this answer is of the simple kind; tell whether it was."""
        if (
            message.get("more_body", False)
            or not self.keep_alive
            or self.disconnected
            or self.flow.write_paused
            or self.scope["method"] == "HEAD"
        ):
            return False
        body = message.get("body", b"")
        parts = [STATUS_LINE[head["status"]], _DefaultHeaders.of(self.default_headers)]
        length = b""
        for name, value in head["headers"]:
            lower = name.lower()
            if lower == b"content-length":
                length = value
            elif lower in _UVICORNS_OWN:
                return False
            parts += (lower, b": ", value, b"\r\n")
        if length != b"%d" % len(body):
            return False
        parts.append(b"\r\n")
        raw = b"".join(parts)
        lines = len(self.default_headers) + len(head["headers"]) + _HEAD_LINES
        if raw.count(b"\r") != lines or raw.count(b"\n") != lines or b"\0" in raw:
            return False  # a break inside a value: uvicorn refuses it
        self._written(raw + body)
        return True


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with our cycle; neither a root path nor a limit of uvicorn's own is used.

    The timer that ends an idle connection is not made anew for each request: it runs on and looks, when it is up, since when
    nothing was asked.

    A request that is being read has a `scope` that is not its cycle's yet: that is how an unfinished head is known.
    """

    _idle_since = BUSY
    _head_bytes = 0
    _refusal: QuantumCoreError | None = None
    _unfinished: object = None
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            self._end(Unavailable("overloaded", "too many connections", retry_after=1.0))
            return
        self._clock = self.loop.call_later(HEAD_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, the timers too: nothing holds a connection that is gone."""
        self._stop_clock()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse; count what belongs to a head that is not complete yet."""
        super().data_received(data)
        if self.cycle is not None and self.cycle.scope is self.scope:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._end(_too_large("bytes", HEAD_BYTES, self._head_bytes))

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; a socket has limits of its own."""
        self._stop_clock()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or one whose head is too large, and end the connection."""
        self._end(self._refusal or invalid("malformed", "this is no HTTP/1.1 request"))

    def _end(self, error: QuantumCoreError) -> None:
        body = encode_json(problem(error, ""))
        head = b"content-type: %b\r\ncontent-length: %d\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[error.status] + head % (PROBLEM_TYPE, len(body)) + body)
        self.transport.close()

    def _look(self) -> None:
        """Give up a head that was unfinished a whole period ago; the request before it is answered first."""
        self._clock = None
        if self.transport.is_closing():
            return
        busy = self.cycle is not None and not self.cycle.response_complete
        finished = self.cycle is not None and self.cycle.scope is self.scope
        if busy or finished:
            self._unfinished = None
        elif self.scope is None:
            self.transport.close()  # nothing was said at all: nobody waits for an answer
            return
        elif self._unfinished is self.scope:
            self._end(SlowHead(detail="the head was not complete in time", limit=str(HEAD_S)))
            return
        else:
            self._unfinished = self.scope
        self._clock = self.loop.call_later(HEAD_S, self._look)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep it; whether one of them is `expect` is seen once, when all are there."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Begin the request, or queue it behind the one that is not answered yet."""
        if len(self.headers) > HEAD_LINES:
            self._refusal = _too_large("lines", HEAD_LINES, len(self.headers))
            raise self._refusal
        http_version = self.parser.get_http_version()
        scope: Any = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        if http_version != "1.1":
            scope["http_version"] = http_version
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        if _PLAIN_PATH.match(self.url):
            raw_path, query = self.url, b""
        else:
            url = httptools.parse_url(self.url)
            raw_path, query = url.path, url.query or b""
        path = raw_path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        headers = dict(self.headers)
        before = self.cycle
        self.cycle = cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=_News(),  # type: ignore[arg-type]  # an Event in all that is asked of it
            expect_100_continue=headers.get(b"expect", b"").lower() == b"100-continue",
            keep_alive=http_version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        cycle.headers = headers
        scope[AT_ONCE] = cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body; of a request that has become a socket, or is answered, nobody wants it."""
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope or cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The body is whole."""
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope and not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Begin the next request of the pipeline, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._watch(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Hang up if nothing was asked for as long as is allowed."""
        self.timeout_keep_alive_task = None
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if rest <= 0:
            super().timeout_keep_alive_handler()
        elif rest < BUSY:
            self._watch(rest)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = BUSY

    def _watch(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)


def _too_large(what: str, limit: int, actual: int) -> HeadTooLarge:
    return HeadTooLarge(detail=f"the head has more than {limit} {what}", limit=str(limit), actual=str(actual))

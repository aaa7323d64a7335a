"""uvicorn's HTTP/1.1 with an answer that costs one write and no search of every header; all else is uvicorn's.

An order's answer is one head and one body, both made here: they go out together, after one look for line breaks that
do not belong. Whatever has another shape (a stream, HEAD, a connection that ends) takes uvicorn's own way.
"""

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

WHOLE_BODY = "quantumcore.whole_body"
"""Key in the scope: a function that gives the body if all of it has arrived, so that nobody needs to wait for it."""
BUSY = float("inf")
_HEAD_LINES = 2
_UVICORNS_OWN = frozenset((b"connection", b"transfer-encoding"))


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


class _Cycle(RequestResponseCycle):
    _head: Any = None

    def whole_body(self) -> bytes | None:
        """Return the body, or None while some of it is missing or the client waits for our word to send it."""
        if self.more_body or self.waiting_for_100_continue or self.disconnected:
            return None
        body = bytes(self.body)
        self.body = bytearray()
        self.flow.resume_reading()
        return body

    async def send(self, message: Any) -> None:
        """Keep the head until its body comes; a second head before that (uvicorn's own 500) takes its place."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            if self._sent_whole(head, message):
                return
            await super().send(head)
        await super().send(message)

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
        self.response_started = self.response_complete = True
        self.transport.write(raw + body)
        self.message_event.set()
        self.on_response()
        return True


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with our cycle; neither a root path nor a limit of uvicorn's own is used.

    The timer that ends an idle connection is not made anew for each request: it runs on and looks, when it is up, since when
    nothing was asked.
    """

    _idle_since = BUSY

    def on_headers_complete(self) -> None:
        """Begin the request, or queue it behind the one that is not answered yet."""
        http_version = self.parser.get_http_version()
        scope: Any = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        if http_version != "1.1":
            scope["http_version"] = http_version
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=http_version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        scope[WHOLE_BODY] = cycle.whole_body
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nothing hold a connection that is gone."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = BUSY

    def _watch(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

"""One HTTP request as the handlers see it: headers and body with their limits, who calls, what was asked."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope

from quantumcore.contracts.errors import TooLarge, Unavailable, invalid
from quantumcore.services.gateway.codec import JSON, MSGPACK
from quantumcore.services.gateway.errors import SlowBody, UnsupportedMediaType
from quantumcore.services.gateway.http_server import AT_ONCE, AtOnce
from quantumcore.services.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from quantumcore.services.gateway.identity import Caller
    from quantumcore.services.gateway.limits import Allowance


class SlowBodies:
    """Bodies that have not arrived whole, counted by who sends them: one client must not hold all places."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waited_for: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waited_for)

    def enter(self, who: str) -> None:
        """Take one place of `who`.

        Raises:
            Unavailable: `overloaded`: he has none left.
        """
        others = self._waited_for.get(who, 0)
        if others >= self._limit:
            raise Unavailable("overloaded", "too many bodies of this client are on their way", limit=str(self._limit))
        self._waited_for[who] = others + 1

    def leave(self, who: str) -> None:
        """Give one place of `who` back."""
        others = self._waited_for.pop(who) - 1
        if others:
            self._waited_for[who] = others


class Call:
    """One request on its way.

    Attributes:
        request_id: Named in every answer and in the log.
        params: Parts of the path by their name in the template.
        headers_out: Further headers of the answer.
        allowance: What it has spent, once it was counted.
        at_once: Reads and writes without waiting, if the server can.
        session: Number of the socket it came by; 0 for a request of its own.
        ends_orders: The socket asked that its orders go with it.
        rest: What of a streamed answer comes after its first part; None: the answer is whole.
    """

    peer = ""
    session = 0
    ends_orders = False
    rest: "AsyncGenerator[bytes, None] | None" = None
    headers_out: tuple[tuple[bytes, bytes], ...] = ()
    allowance: "Allowance | None" = None
    _caller: "Caller | None" = None
    _body: bytes | None = None

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        request_id: str,
        settings: GatewaySettings,
        slow_bodies: SlowBodies,
    ) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_raw: bytes = scope["query_string"]
        self.at_once: AtOnce | None = scope.pop(AT_ONCE, None)
        self.headers: dict[bytes, bytes] = dict(scope["headers"]) if self.at_once is None else self.at_once.headers
        self.request_id = request_id
        self.params: dict[str, str] = {}
        self._scope = scope
        self._receive = receive
        self._settings = settings
        self._slow_bodies = slow_bodies

    @property
    def raw_path(self) -> str:
        """The path as sent, for signatures."""
        raw: bytes = self._scope.get("raw_path") or self.path.encode()
        return raw.decode("latin-1")

    @property
    def query_text(self) -> str:
        """The query as sent, for signatures."""
        return self.query_raw.decode("latin-1")

    @property
    def caller(self) -> "Caller":
        """Who calls; only routes that need nobody are served without."""
        assert self._caller is not None, "the route's scope lets nobody in without a caller"
        return self._caller

    def identify(self, caller: "Caller") -> None:
        """Remember who calls."""
        self._caller = caller

    def charge(self, allowance: "Allowance") -> None:
        """Remember what was spent; the tightest window is what the answer shows."""
        if self.allowance is None or allowance.left < self.allowance.left:
            self.allowance = allowance

    @property
    def wants_msgpack(self) -> bool:
        """Whether the caller reads MessagePack rather than JSON."""
        return self.headers.get(b"accept", b"").startswith(MSGPACK)

    def sent_msgpack(self) -> bool:
        """Tell whether the body is MessagePack rather than JSON.

        Raises:
            UnsupportedMediaType: It is neither.
        """
        kind = self.headers.get(b"content-type", JSON)
        if kind != JSON:
            kind = kind.partition(b";")[0].strip().lower()
        if kind == JSON:
            return False
        if kind == MSGPACK:
            return True
        raise UnsupportedMediaType(
            detail="the content type must be application/json or application/msgpack", field="content-type"
        )

    def body_at_once(self) -> bytes | None:
        """Return the whole body, or None while `body` would wait for it; raises TooLarge as that does."""
        if self._body is None and self.at_once is not None:
            body = self.at_once.whole_body()
            if body is not None and len(body) > self._settings.body_bytes:
                raise _too_large(self._settings.body_bytes)
            self._body = body
        return self._body

    async def body(self) -> bytes:
        """Return the whole body, read once.

        Raises:
            TooLarge: Over the limit, by its header or as it arrives.
            SlowBody: Not complete in time.
            InvalidCommand: The client left in the middle of it.
            Unavailable: Too many bodies of this client are waited for.
        """
        if self.body_at_once() is None:
            declared = self.headers.get(b"content-length")
            limit = self._settings.body_bytes
            if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
                raise _too_large(limit)
            if declared == b"0" or (declared is None and b"transfer-encoding" not in self.headers):
                self._body = b""
            else:
                self._body = await self._read(limit)
        assert self._body is not None
        return self._body

    async def _read(self, limit: int) -> bytes:
        who = self.peer if self._caller is None else self._caller.key
        self._slow_bodies.enter(who)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_timeout_s):
                while True:
                    message: Any = await self._receive()
                    if message["type"] != "http.request":
                        raise invalid("malformed", "the body ended early")
                    part = message.get("body", b"")
                    size += len(part)
                    if size > limit:
                        raise _too_large(limit)
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts) if len(parts) > 1 else part
        except TimeoutError:
            raise SlowBody(
                detail="the body was not complete in time", limit=str(self._settings.body_timeout_s)
            ) from None
        finally:
            self._slow_bodies.leave(who)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(detail=f"the body is over {limit} bytes", limit=str(limit))

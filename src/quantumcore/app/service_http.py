"""Each service's own port: /health, /ready, /metrics, and its queries.

GET /queries names what may be asked; POST /queries/<Name> with the query's fields as JSON asks it, with a bearer token that
holds `read`; a query about an account wants that account granted (admin: any).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from quantumcore.contracts.auth import Identity, VerifyToken
from quantumcore.contracts.errors import (
    Forbidden,
    Internal,
    InvalidCommand,
    NotFound,
    OutcomeUnknown,
    QuantumCoreError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from quantumcore.contracts.messages import Request
from quantumcore.ports.bus import Bus

MAX_BODY = 64 << 10
BODY_S = 5.0


def service_app(
    reasons: Callable[[], list[str]],
    bus: Bus,
    queries: Sequence[type[Request[Any]]],
    registry: CollectorRegistry = REGISTRY,
    elsewhere: Callable[[], Awaitable[bytes]] | None = None,
) -> Starlette:
    """Return the HTTP face of one service.

    Args:
        reasons: Says why it is not ready.
        registry: What it counts.
        elsewhere: Gives what it counts in another process, as text; while that is gone, it is missing.
    """
    by_name = {query.__name__: query for query in queries}

    async def health(_: HttpRequest) -> Response:
        return PlainTextResponse("OK")

    async def ready(_: HttpRequest) -> Response:
        why = reasons()
        return JSONResponse({"ready": not why, "reasons": why}, status_code=503 if why else 200)

    async def metrics(_: HttpRequest) -> Response:
        text = generate_latest(registry)
        if elsewhere is not None:
            with suppress(Unavailable, OutcomeUnknown):
                text += await elsewhere()
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    async def list_queries(_: HttpRequest) -> Response:
        return JSONResponse({name: list(query.__struct_fields__) for name, query in by_name.items()})

    async def ask(request: HttpRequest) -> Response:
        try:
            query = by_name.get(request.path_params["name"])
            if query is None:
                raise NotFound("query.not_found", "this service answers no such query")
            identity = await _identify(request, bus)
            message = _decode(await _body(request), query)
            _check_access(identity, message)
            answer = await bus.request(message)
        except QuantumCoreError as error:
            return _problem(error)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", metrics),
            Route("/queries", list_queries),
            Route("/queries/{name}", ask, methods=["POST"]),
        ]
    )


async def _identify(request: HttpRequest, bus: Bus) -> Identity:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise Unauthenticated(detail="a bearer token is required")
    identity = await bus.request(VerifyToken(token=token, peer=request.client.host if request.client else ""))
    if "read" not in identity.scopes and not identity.is_admin:
        raise Forbidden(detail="the scope read is required", field="scopes")
    return identity


async def _body(request: HttpRequest) -> bytes:
    chunks = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                chunks += chunk
                if len(chunks) > MAX_BODY:
                    raise TooLarge(detail="the body is too large", limit=str(MAX_BODY))
    except TimeoutError as error:
        raise InvalidCommand("request.timeout", f"the body did not arrive within {BODY_S:g} s") from error
    return bytes(chunks)


def _decode(body: bytes, query: type[Request[Any]]) -> Request[Any]:
    try:
        fields = msgspec.json.decode(body or b"{}", type=dict[str, Any])
        unknown = sorted(set(fields) - set(query.__struct_fields__))
        if unknown:
            raise InvalidCommand("request.invalid", f"unknown field {unknown[0][:64]}", field=unknown[0][:64])
        message: Request[Any] = msgspec.convert(fields, query)
        return message
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise InvalidCommand("request.invalid", str(error)) from error


def _check_access(identity: Identity, message: Request[Any]) -> None:
    if identity.is_admin:
        return
    if not hasattr(message, "account"):
        raise Forbidden(detail="only an admin may ask this", field="scopes")
    if message.account not in identity.accounts:
        raise NotFound("account.not_found", "account not found", field="account")


def _problem(error: QuantumCoreError) -> Response:
    shown = error if not isinstance(error, Internal) else Internal(detail="internal error")
    body = {
        "type": "about:blank",
        "title": shown.code,
        "status": shown.status,
        "detail": shown.detail,
        "code": shown.code,
        "field": shown.field,
        "limit": shown.limit,
        "actual": shown.actual,
        "retryable": shown.retryable,
    }
    return JSONResponse(body, status_code=shown.status, media_type="application/problem+json")

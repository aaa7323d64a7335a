"""GET /openapi.json, made from the route table and the message types; and a small page that shows it and the stream."""

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec

from quantumcore.contracts.market import Book, Book3
from quantumcore.services.gateway.answers import BatchAnswer, BatchError, OrderAnswer
from quantumcore.services.gateway.asyncapi import asyncapi
from quantumcore.services.gateway.bodies import BatchBody, OrderBody
from quantumcore.services.gateway.codec import encode_json
from quantumcore.services.gateway.docs_page import PAGE, POLICY
from quantumcore.services.gateway.errors import Problem
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.idempotency import KEY_MAX
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import ANYBODY, PUBLIC, Encoded, Route

REF = "#/components/schemas/{name}"
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key again, with the same request, gets the first answer again for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!-~]+$"},
}
TITLES = {
    "auth": "auth",
    "admin": "admin",
    "market": "market",
    "orders": "orders",
    "orders:batch": "orders",
    "orders:linked": "orders",
    "orders:cancel-all-after": "orders",
}


def reference_routes(routes: Sequence[Route]) -> list[Route]:
    """Return the routes that describe `routes`."""
    document, stream = encode_json(openapi(routes)), encode_json(asyncapi())

    async def describe(_gate: Gate, _call: Call) -> Encoded:
        """Describe the API as OpenAPI 3.1."""
        return Encoded(document, content_type=b"application/json")

    async def describe_stream(_gate: Gate, _call: Call) -> Encoded:
        """Describe the stream as AsyncAPI 3.0."""
        return Encoded(stream, content_type=b"application/json")

    async def page(_gate: Gate, _call: Call) -> Encoded:
        """Show the reference page."""
        return Encoded(PAGE, content_type=b"text/html; charset=utf-8", headers=((b"content-security-policy", POLICY),))

    return [
        Route("GET", "/openapi.json", describe, scope=PUBLIC),
        Route("GET", "/asyncapi.json", describe_stream, scope=PUBLIC),
        Route("GET", "/docs", page, scope=PUBLIC),
    ]


def openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of `routes`."""
    types: list[Any] = [Problem, OrderBody, OrderAnswer, BatchError, Book3]
    for route in routes:
        types += [kind for kind in (route.body, route.answer, route.query, route.proposal) if kind is not None]
    unique = list(dict.fromkeys(types))
    found, schemas = msgspec.json.schema_components(unique, ref_template=REF)
    refs = dict(zip(unique, found, strict=True))
    schemas[BatchBody.__name__]["properties"]["orders"]["items"] = refs[OrderBody]
    schemas[BatchAnswer.__name__]["properties"]["items"]["items"] = {"anyOf": [refs[OrderAnswer], refs[BatchError]]}
    refs[Book] = {"anyOf": [refs[Book], refs[Book3]]}  # by price, or with level=3 order by order
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, refs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "QuantumCore",
            "version": "1",
            "description": "Decimals and ids are strings; times are RFC 3339 in UTC with nanoseconds; unknown fields are refused.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "key": {"type": "apiKey", "in": "header", "name": "QC-Key"},
            },
        },
    }


def _operation(route: Route, refs: dict[Any, dict[str, Any]], schemas: dict[str, Any]) -> dict[str, Any]:
    words = route.template.strip("/").split("/")
    area = words[1] if words[0] == "v1" and len(words) > 1 else words[0]
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": inspect.getdoc(route.handler) or "",
        "tags": [TITLES.get(area, area)],
        "responses": {str(route.status): _success(route.answer, route.forms, refs)},
    }
    if route.proposal is not None:
        operation["responses"]["202"] = _success(route.proposal, (), refs)
    operation["responses"]["default"] = {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": refs[Problem]}},
    }
    if route.counts != "nothing":
        operation["responses"]["429"] = operation["responses"]["default"]
    if route.scope != PUBLIC:
        operation["security"] = [{"bearer": []}, {"key": []}]
        operation["x-scope"] = "any verified user" if route.scope == ANYBODY else route.scope
    parameters = [
        {
            "name": word[1:].partition("}")[0],
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for word in words
        if word[:1] == "{"
    ]
    if route.query is not None:
        parameters += _query(schemas[route.query.__name__])
    if route.keyed:
        parameters.append(IDEMPOTENCY_KEY)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {kind: {"schema": refs[route.body]} for kind in ("application/json", "application/msgpack")}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _success(answer: Any, forms: Sequence[str], refs: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if answer is None:
        return {"description": "Done"}
    kinds = ("application/json",) if forms else ("application/json", "application/msgpack")
    content = {kind: {"schema": refs[answer]} for kind in kinds}
    content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in forms}
    return {"description": inspect.getdoc(answer) or "", "content": content}


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": kind}
        for name, kind in schema["properties"].items()
    ]

"""GET /asyncapi.json: the socket of /v1/stream as AsyncAPI 3.0, made from the message types that it speaks with.

Actions are the venue's: it receives what a client says, and sends what a client hears. Schemas keep to JSON Schema
draft 7, which is what AsyncAPI takes when nothing else is named.
"""

import inspect
import types
import typing
from typing import Any

import msgspec
from msgspec import UnsetType

from quantumcore.contracts.orders import MassCancelled
from quantumcore.services.gateway import frames
from quantumcore.services.gateway.answers import OrderAnswer
from quantumcore.services.gateway.errors import Problem

CHANNEL = "stream"
ADDRESS = "/v1/stream"
REF = "#/components/schemas/{name}"
HEARD: dict[str, type[Any]] = {str(kind.__struct_config__.tag): kind for kind in typing.get_args(frames.Heard)}
TOLD: tuple[type[Any], ...] = (
    frames.BookFrame,
    frames.OrderBookFrame,
    frames.TradesFrame,
    frames.TickerFrame,
    frames.StatusFrame,
    frames.AuctionFrame,
    frames.OrdersFrame,
    frames.FillsFrame,
    frames.RiskFrame,
    frames.Status,
    frames.Heartbeat,
)
REFUSAL = "Refusal"
ANSWERED_WITH: dict[str, dict[str, Any]] = {
    "subscribe": {"channel": frames.ShownChannel, "seq": int},
    "unsubscribe": {"channel": frames.ShownChannel},
    "auth": {"data": frames.Connected},
    "ping": {"data": str},
    "order.submit": {"data": OrderAnswer},
    "order.cancel": {"data": OrderAnswer},
    "order.amend": {"data": OrderAnswer},
    "order.mass_cancel": {"data": MassCancelled},
}
"""What stands beside op, id and ok in the answer to each operation that was done."""


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of the stream."""
    members = {kind for answer in ANSWERED_WITH.values() for kind in answer.values()}
    kinds = [*HEARD.values(), *TOLD, *sorted(members, key=repr), Problem, frames.Said]
    found, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    refs = dict(zip(kinds, found, strict=True))
    schemas = {name: _draft_7(schema) for name, schema in schemas.items()}
    identity = schemas.pop(frames.Said.__name__)["properties"]["id"]
    for kind in _structs([*TOLD, *members]):
        schemas[kind.__name__]["required"] = _always_there(kind)
    for op, kind in HEARD.items():
        schemas[f"{kind.__name__}Done"] = _done(op, identity, {n: refs[k] for n, k in ANSWERED_WITH[op].items()})
    schemas[REFUSAL] = _refusal(identity, refs[frames.ShownChannel], refs[Problem])
    names = [*(kind.__name__ for kind in HEARD.values()), *(f"{kind.__name__}Done" for kind in HEARD.values())]
    names += [REFUSAL, *(kind.__name__ for kind in TOLD)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "QuantumCore stream",
            "version": "1",
            "description": "Decimals and ids are strings; times are RFC 3339 in UTC with nanoseconds; unknown fields are "
            "refused. Every data message carries seq and the prev_seq of the message before it on its channel.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "venue": {"host": "{host}", "protocol": "ws", "variables": {"host": {"default": "127.0.0.1:8000"}}},
        },
        "channels": {
            CHANNEL: {
                "address": ADDRESS,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": _operations(),
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "summary": schemas[name].get("description", ""),
                    "payload": {"$ref": REF.format(name=name)},
                }
                for name in names
            },
            "schemas": schemas,
        },
    }


def _operations() -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{CHANNEL}"}

    def messages(*names: str) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in names]

    heard = {
        op: {
            "action": "receive",
            "channel": channel,
            "summary": inspect.getdoc(kind) or "",
            "messages": messages(kind.__name__),
            "reply": {"channel": channel, "messages": messages(f"{kind.__name__}Done", REFUSAL)},
        }
        for op, kind in HEARD.items()
    }
    told = {
        "action": "send",
        "channel": channel,
        "summary": "What is subscribed to, and what the stream says of itself.",
        "messages": messages(*(kind.__name__ for kind in TOLD)),
    }
    return {**heard, "told": told}


def _done(op: str, identity: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": f"{HEARD[op].__name__}Done",
        "description": f"The answer to {op}: it was done.",
        "type": "object",
        "properties": {"op": {"enum": [op]}, "id": identity, "ok": {"enum": [True]}, **more},
        "required": ["op", "id", "ok", *more],
    }


def _refusal(identity: dict[str, Any], channel: dict[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": REFUSAL,
        "description": "The answer to an operation that was refused; op is empty when the message could not be read. A "
        "subscription that ends because access was taken away is told as a refusal without id.",
        "type": "object",
        "properties": {
            "op": {"enum": [*HEARD, ""]},
            "id": identity,
            "ok": {"enum": [False]},
            "channel": channel,
            "error": problem,
        },
        "required": ["op", "id", "ok", "error"],
    }


def _structs(kinds: list[Any]) -> list[type[Any]]:
    """Return `kinds` that are structs, and the structs inside them."""
    found: list[type[Any]] = []
    queue = list(kinds)
    while queue:
        kind = queue.pop()
        queue += typing.get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
            if kind.__struct_config__.array_like:
                continue
            found.append(kind)
            queue += [field.type for field in msgspec.structs.fields(kind)]
    return found


def _always_there(kind: type[Any]) -> list[str]:
    """Return the fields that are always sent: a default is said too, only what is unset is left out."""
    return [one.encode_name for one in msgspec.structs.fields(kind) if not _may_be_unset(one.type)]


def _may_be_unset(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType) and UnsetType in typing.get_args(kind)


def _draft_7(schema: Any) -> Any:
    """Return `schema` with tuples in the words of draft 7."""
    if isinstance(schema, list):
        return [_draft_7(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    done = {name: _draft_7(value) for name, value in schema.items()}
    if "prefixItems" in done:
        done.pop("items", None)
        done["items"], done["additionalItems"] = done.pop("prefixItems"), False
    return done

"""What the stream says and hears, held to /asyncapi.json: every frame that a test reads is one of the messages there.

Here the schemas are closed: a member that nobody described is an error, although clients must bear one.
"""

import copy
from typing import Any

import jsonschema_rs

from quantumcore.services.gateway.asyncapi import HEARD, REFUSAL, TOLD, asyncapi

DOCUMENT = asyncapi()
SAID = {op: kind.__name__ for op, kind in HEARD.items()}
_BY_CHANNEL = {
    DOCUMENT["components"]["schemas"][kind.__name__]["properties"]["channel"]["enum"][0]: kind.__name__ for kind in TOLD
}
_BY_CHANNEL |= {"book": "BookFrame", "status": "Status"}  # two messages share these; the other one is told apart below
_TOLD_APART = {("book", "level", 3): "OrderBookFrame", ("status", "event", "instrument"): "StatusFrame"}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    done = {name: _closed(value) for name, value in schema.items()}
    if done.get("type") == "object" and "properties" in done:
        done["additionalProperties"] = False
    return done


_SCHEMAS = {name: _closed(copy.deepcopy(schema)) for name, schema in DOCUMENT["components"]["schemas"].items()}
_VALIDATORS = {
    name: jsonschema_rs.Draft7Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": _SCHEMAS}})
    for name in DOCUMENT["components"]["messages"]
}


def name_of(frame: dict[str, Any]) -> str:
    """Return the name of the message that a frame from the venue must be."""
    if "op" not in frame:
        for (channel, member, value), name in _TOLD_APART.items():
            if frame["channel"] == channel and frame.get(member) == value:
                return name
        return _BY_CHANNEL[frame["channel"]]
    return f"{SAID[frame['op']]}Done" if frame["ok"] else REFUSAL


def check(name: str, message: Any) -> None:
    """Fail unless `message` is a `name`."""
    errors = [
        f"{'/'.join(map(str, one.instance_path))}: {one.message}" for one in _VALIDATORS[name].iter_errors(message)
    ]
    assert errors == [], (name, message, errors)


def checked(frame: dict[str, Any]) -> dict[str, Any]:
    """Return `frame`, which is what the description says."""
    check(name_of(frame), frame)
    return frame

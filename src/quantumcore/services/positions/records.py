"""Position events as they are kept: each with the number of its schema, readable for as long as it is kept. Pure.

A record is a JSON array, so that integers of any size and a reader of ten years hence fare well. When Change gets another
shape, SCHEMA grows by one and UPCASTERS learns, from the old number, to make an array of the next shape. Old records are
never rewritten; tests/unit/test_positions_records.py keeps one of each schema for ever.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from quantumcore.contracts.errors import Corrupted
from quantumcore.services.positions.domain import Change

SCHEMA = 2
Array = list[Any]


def _without_actions(array: Array) -> Array:
    """Return a record of schema 1 as one of schema 2: what it tells was no action's."""
    return [*array, [1, 1], 0, 0, []]


UPCASTERS: dict[int, Callable[[Array], Array]] = {1: _without_actions}
"""From a schema to the next."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Change).decode
_decode_array = msgspec.json.Decoder(list[Any]).decode


def encode(change: Change) -> str:
    """Return the record of a change, of schema SCHEMA."""
    return _encode(change).decode()


def decode(
    schema: int,
    payload: str | bytes,
    upcasters: Mapping[int, Callable[[Array], Array]] = UPCASTERS,
    newest: int = SCHEMA,
) -> Change:
    """Return the change that a record of any schema tells.

    Raises:
        Corrupted: `position.record`: not a record, or of a schema that this program does not know.
    """
    try:
        if schema == newest:
            return _decode(payload)
        array = _decode_array(payload)
        while schema < newest:
            array = upcasters[schema](array)
            schema += 1
        if schema == newest:
            return msgspec.convert(array, Change)
    except (msgspec.MsgspecError, KeyError, IndexError, ValueError) as error:
        raise Corrupted("position.record", f"a record of schema {schema} cannot be read: {error}") from error
    raise Corrupted("position.record", f"a record of schema {schema}; this program knows {newest}")

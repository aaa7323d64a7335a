"""Bytes to message types and back: JSON, or MessagePack when asked.

Decoding is strict: unknown fields, numbers where decimals are due, NaN and malformed text are refused, each naming its
field. Of a key that stands twice in one object the last counts (RFC 8259 section 4 leaves it open); a signature is over
the bytes, so nobody in between can make use of it.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from quantumcore.contracts.errors import invalid
from quantumcore.contracts.values import I64_MAX, parse_time, show_time
from quantumcore.services.gateway.errors import refuse_shape

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

JSON = b"application/json"
MSGPACK = b"application/msgpack"

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()
encode_json = _json.encode


class Decoder(Generic[T]):
    """Reads one type from either format."""

    def __init__(self, kind: Any) -> None:
        self._json: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)
        self._msgpack: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)

    def decode(self, body: bytes | msgspec.Raw, *, msgpack: bool = False) -> T:
        """Return the value in `body`.

        Raises:
            InvalidCommand: `request.invalid` with field and rule.
        """
        try:
            return (self._msgpack if msgpack else self._json).decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as error:
            refuse_shape(error)


def convert(values: Mapping[str, str], kind: type[T], where: str) -> T:
    """Return the query parameters `values` as a `kind`; texts become numbers where numbers are due.

    Raises:
        InvalidCommand: `request.invalid` with field and rule.
    """
    try:
        return msgspec.convert(values, kind, strict=False)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        refuse_shape(error, where)


def encode(value: Any, *, msgpack: bool) -> bytes:
    """Return `value` in the format that the caller reads."""
    return _msgpack.encode(value) if msgpack else _json.encode(value)


class _Second:
    """The text of the last second shown: most times in one answer share it."""

    second = -1
    text = ""


def rfc3339(ns: int) -> str:
    """Return UTC nanoseconds as RFC 3339 with nine decimals and Z."""
    second, rest = divmod(ns, 1_000_000_000)
    if second != _Second.second:
        _Second.text = show_time(second * 1_000_000_000)[:-10]
        _Second.second = second
    return f"{_Second.text}{rest:09d}Z"


def readable(value: Any) -> Any:
    """Return what a room says as clients read it: a time, `x_ns`, is `x`, as RFC 3339."""
    if isinstance(value, list):
        return [readable(one) for one in value]
    if not isinstance(value, dict):
        return value
    times = {name.removesuffix("_ns"): rfc3339(one) for name, one in value.items() if name.endswith("_ns")}
    return {name: readable(one) for name, one in value.items() if not name.endswith("_ns")} | times


def shown(kind: type[S], view: Any, **more: Any) -> S:
    """Return a room's view as a client's `kind`, which has its fields by their names, its times as `readable` says, and `more`."""
    return kind(**readable(msgspec.structs.asdict(view)), **more)


def instant(text: str, field: str) -> int:
    """Return the UTC nanoseconds of an RFC 3339 time.

    Raises:
        InvalidCommand: No time, or none that nanoseconds of 63 bits can say (1970 to 2262).
    """
    found = parse_time(text, field)
    if not 0 <= found <= I64_MAX:
        raise invalid("range", f"{field} must be from 1970 to 2262", field=field, actual=text[:64])
    return found


def parse_query(raw: bytes, limit: int = 50) -> dict[str, str]:
    """Return the parameters of a query string.

    Raises:
        InvalidCommand: More than `limit` parameters, one given twice, or bytes that are no UTF-8.
    """
    from urllib.parse import parse_qsl

    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=limit, errors="strict")
    except ValueError:
        raise invalid("malformed", "the query cannot be read") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, _ in pairs if sum(1 for other, _ in pairs if other == name) > 1)
        raise invalid("range", "a query parameter is given twice", field=twice[:64])
    return found

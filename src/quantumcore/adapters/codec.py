"""Messages to bytes and back: msgpack, with one decoder per type made once."""

from functools import cache
from typing import Any

import msgspec

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.messages import Notice, Request, reply_type

encode = msgspec.msgpack.Encoder().encode


@cache
def decoder(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    """Return the decoder of `kind`; made once per type of the language, so there are few."""
    return msgspec.msgpack.Decoder(kind)


def decode_request(kind: type[Request[Any]], raw: bytes) -> Any:
    """Return the request that `raw` holds.

    Raises:
        InvalidCommand: Not a message of this type.
    """
    try:
        return decoder(kind).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # msgpack text that is no UTF-8 raises the latter
        raise InvalidCommand("request.invalid", f"no {kind.__name__}: {error}") from error


def decode_reply(kind: type[Request[Any]], raw: bytes) -> Any:
    """Return the reply to a request of type `kind`; a reply of another shape is the handler's defect and raises MsgspecError."""
    return reply_decoder(kind).decode(raw)


@cache
def reply_decoder(kind: type[Request[Any]]) -> "msgspec.msgpack.Decoder[Any]":
    """Return the decoder of the reply to `kind`."""
    return decoder(reply_type(kind))  # type: ignore[arg-type]  # a type is hashable


@cache
def batch_decoder(kind: type[Notice]) -> "msgspec.msgpack.Decoder[Any]":
    """Return the decoder of a batch of notices of type `kind`."""
    return msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]  # a type made at run time

"""What a message between rooms is: a request has one reply type, an event none.

Messages are frozen and cross the bus as msgpack, so that a room cannot change what another holds.
"""

from typing import Generic, TypeVar, get_args

import msgspec

R = TypeVar("R")


class Request(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """Asks for exactly one `R`, or ends in an error of contracts.errors."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Tells all who listen; nobody answers."""


class Done(msgspec.Struct, frozen=True):
    """The reply of a request that has nothing to say but that it happened."""


def reply_type(request: type[Request[R]]) -> type[R]:
    """Return the reply type that `request` names in its base: GetBook(Request[Book]) -> Book."""
    for base in request.__orig_bases__:  # type: ignore[attr-defined]  # set by typing on generic subclasses
        for argument in get_args(base):
            return argument  # type: ignore[no-any-return]  # the type argument is the reply class
    raise TypeError(f"{request.__name__} names no reply type")

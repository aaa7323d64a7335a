"""`Idempotency-Key`: the first answer to a POST is kept under the caller's key, and a repeat gets it again.

nothing ──begin──▶ RUNNING ──end──▶ DONE       a repeat gets the answer
                      │  └──────▶ UNSAID       the answer holds a secret, or is too long: a repeat is told that it was done
                      └──forget──▶ nothing     nothing happened (429, 503): a repeat is a first request

What the cache holds is bounded, and no secret: of the key and of the request only digests, of an answer that is said
once only what names the thing made. Operations whose body holds a password keep nothing, since a digest of a password
can be guessed at. An end that is not known (500, 504) is kept like any other: under one key nothing is done twice.
"""

import hashlib
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from quantumcore.contracts.errors import Conflict, InvalidCommand, RateLimited, Unavailable, invalid
from quantumcore.ports.cache import Cache
from quantumcore.services.gateway.codec import encode_json
from quantumcore.services.gateway.metrics import GatewayMetrics
from quantumcore.services.gateway.settings import GatewaySettings

HEADER = b"idempotency-key"
REPLAYED = ((b"idempotency-replayed", b"true"),)
KEY_MAX = 128
SHOWN = 64
WINDOW_S = 3_600.0


class State(IntEnum):
    """What is known of a key."""

    RUNNING = 0
    DONE = 1
    UNSAID = 2


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What the cache holds under a key; `named` is what an unsaid answer made."""

    state: State
    request: bytes
    status: int = 0
    content_type: bytes = b""
    body: bytes = b""
    named: str = ""


class Repeatable(NamedTuple):
    """One request under a key: where its answer is kept, and a digest of what was asked."""

    place: str
    request: bytes


class StillRunning(Conflict):
    """The first request under this key has no answer yet."""

    default_code = "idempotency.running"

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later: it will be given the first answer."""
        return True


def key_of(values: list[bytes]) -> bytes:
    """Return the key that the header's `values` are.

    Raises:
        InvalidCommand: `request.invalid.idempotency_key`: given twice, or not 1 to 128 visible characters of ASCII.
    """
    if len(values) != 1:
        raise _bad("is given more than once", "1", str(len(values)))
    (key,) = values
    if len(key) > KEY_MAX:
        raise _bad(f"has more than {KEY_MAX} characters", str(KEY_MAX), str(len(key)))
    if not key or not all(0x20 < character < 0x7F for character in key):
        shown = ascii(key[:SHOWN].decode("latin-1"))[1:-1]
        raise _bad(f"must be 1 to {KEY_MAX} visible characters of ASCII", str(KEY_MAX), shown)
    return key


def _bad(what: str, limit: str, actual: str) -> InvalidCommand:
    return invalid(
        "idempotency_key", f"the header Idempotency-Key {what}", field="Idempotency-Key", limit=limit, actual=actual
    )


class Repeats:
    """Keeps first answers in the shared cache."""

    def __init__(self, cache: Cache, settings: GatewaySettings, metrics: GatewayMetrics) -> None:
        self._cache = cache
        self._settings = settings
        self._metrics = metrics

    async def begin(self, caller: str, key: bytes, asked: tuple[str, str, bytes, list[Any]]) -> Repeatable | Kept:
        """Return what to tell `end` of, or the first answer if this is a repeat.

        Args:
            caller: Who asks; another's keys are other keys.
            key: As `key_of` returned it.
            asked: Method, path, query and what the body says, in whichever format it said it.

        Raises:
            Conflict: `idempotency.mismatch`: the key stands for another request; `idempotency.unsaid`: it was done, and
                its answer is not said twice.
            StillRunning: The first request is not answered yet.
            RateLimited: Too many new keys; nothing happened.
            Unavailable: The cache does not answer; nothing happened.
        """
        method, path, query, body = asked
        request = hashlib.sha256(encode_json([method, path, query.hex(), body])).digest()
        place = "idempotency:" + hashlib.sha256(b"\0".join((caller.encode(), key))).hexdigest()
        one = Repeatable(place, request)
        known = await self._cache.get(place)
        if known is not None:
            return self._repeat(msgspec.msgpack.decode(known, type=Kept), one)
        # Between the look and the mark another gateway may look too: only one of them may spend this.
        running_s = self._settings.idempotency_running_s
        if not (await self._cache.spend(f"{place}:first", 1, 1, running_s))[0]:
            self._count("running")
            raise _running()
        allowed, _, ends_s = await self._cache.spend(
            f"idempotency-keys:{caller}", 1, self._settings.idempotency_keys, WINDOW_S
        )
        if not allowed:
            await self._cache.delete(f"{place}:first")
            limit = self._settings.idempotency_keys
            raise RateLimited(
                "rate.limited", f"over {limit} new idempotency keys per hour", limit=str(limit), retry_after=ends_s
            )
        await self._cache.put(place, msgspec.msgpack.encode(Kept(State.RUNNING, request)), running_s)
        return one

    async def end(self, one: Repeatable, status: int, content_type: bytes, body: bytes, named: str | None) -> None:
        """Keep the answer; of one that is `named` only that. What never happened is forgotten.

        The answer is given in any case. Without the cache a repeat within `idempotency_running_s` is told that the first
        one still runs, and a later one is a first request.
        """
        try:
            if status in (429, 503):
                await self._cache.delete(one.place)
                await self._cache.delete(f"{one.place}:first")
                return
            kept = Kept(State.DONE, one.request, status, content_type, body)
            if named is not None or len(body) > self._settings.idempotency_bytes:
                kept = Kept(State.UNSAID, one.request, status, named=named or "")
            await self._cache.put(one.place, msgspec.msgpack.encode(kept), self._settings.idempotency_s)
        except Unavailable:
            self._count("lost")

    def _repeat(self, kept: Kept, one: Repeatable) -> Kept:
        if kept.request != one.request:
            self._count("mismatch")
            raise Conflict(
                "idempotency.mismatch",
                "this Idempotency-Key stands for another request (method, path, query or body)",
                field="Idempotency-Key",
            )
        if kept.state is State.RUNNING:
            self._count("running")
            raise _running()
        if kept.state is State.UNSAID:
            self._count("unsaid")
            raise Conflict(
                "idempotency.unsaid",
                f"the first request was done with status {kept.status}; its answer is not said a second time",
                field="Idempotency-Key",
                actual=kept.named,
            )
        self._count("replayed")
        return kept

    def _count(self, what: str) -> None:
        self._metrics.repeats.labels(what).inc()


def _running() -> StillRunning:
    return StillRunning(
        "idempotency.running",
        "the first request with this Idempotency-Key has no answer yet",
        field="Idempotency-Key",
        retry_after=1.0,
    )

"""Joins the buses of two processes over a stream socket: a request nobody answers here is asked there, and notices cross
if somebody on the other side listens.

A frame is a u32 length and the msgpack of [kind, number, name, payload]; payloads are what the bus has encoded already, so
nothing is decoded on the way. Limits: MAX_IN_FLIGHT requests are under way, the next is `overloaded`; notices beyond
BACKLOG_BYTES that the other side has not read are dropped, counted and said once per spell (whoever hears a stream with a
gap asks again). When the stream ends, what was asked has an unknown outcome and what is asked from then on is unavailable.
"""

import asyncio
import logging
import struct
from typing import Any, NamedTuple, Protocol

import msgspec

from quantumcore.adapters import failures
from quantumcore.contracts.errors import OutcomeUnknown, QuantumCoreError, Unavailable

MAX_IN_FLIGHT = 10_000
MAX_FRAME = 64 << 20
BACKLOG_BYTES = 32 << 20

ASK, ANSWER, FAILURE, TELL, LISTEN = range(5)
Answer = tuple[bool, bytes]

_LENGTH = struct.Struct("<I")
_log = logging.getLogger(__name__)


class Frame(NamedTuple):
    """One message of the stream.

    Attributes:
        number: Of the request, in ASK and its answer; how many notices, in TELL.
        name: The type of the request or of the notices.
    """

    kind: int
    number: int
    name: str
    payload: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


class LinkedBus(Protocol):
    """What the link needs of the bus on this side."""

    def answer_encoded(self, name: str, raw: bytes) -> "asyncio.Future[Answer | None]":
        """Answer a request that came encoded, by a handler of this side."""

    def tell_encoded(self, name: str, raw: bytes, count: int) -> None:
        """Hand notices that came encoded to the listeners of this side."""

    def listened(self) -> list[str]:
        """Name the types of notices that somebody on this side hears."""


class BusLink(asyncio.Protocol):
    """One side of the link; give it to the loop as the protocol of a connected socket, then to the bus.

    Attributes:
        wanted: Types of notices that the other side hears.
        dropped: Notices lost because the other side did not read.
        ended: Set when the stream is gone.
    """

    def __init__(self, bus: LinkedBus) -> None:
        self.wanted: set[str] = set()
        self.dropped = 0
        self.ended = asyncio.Event()
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._asked: dict[int, asyncio.Future[Answer | None]] = {}
        self._number = 0
        self._unread = b""
        self._out: list[bytes] = []
        self._lagging = False

    @property
    def in_flight(self) -> int:
        """Requests that wait for the other side's answer."""
        return len(self._asked)

    def ask(self, name: str, raw: bytes) -> "asyncio.Future[Answer | None]":
        """Ask the other side; the future is the caller's to give up.

        Raises:
            Unavailable: The stream is gone, or too many requests are under way (`overloaded`); nothing was sent.
        """
        if self._transport is None or self.ended.is_set():
            raise Unavailable("unavailable", f"nobody answers {name}", retry_after=1.0)
        if len(self._asked) >= MAX_IN_FLIGHT:
            raise Unavailable("overloaded", f"{MAX_IN_FLIGHT} requests are being answered", retry_after=0.1)
        self._number += 1
        number = self._number
        answer = self._asked[number] = self._loop.create_future()
        answer.add_done_callback(lambda _: self._asked.pop(number, None))
        self._send(Frame(ASK, number, name, raw))
        return answer

    def tell(self, name: str, raw: bytes, count: int) -> None:
        """Pass notices on, unless the other side is too far behind."""
        if self._transport is None or self.ended.is_set():
            return
        behind = self._transport.get_write_buffer_size() > BACKLOG_BYTES
        if behind:
            self.dropped += count
            if not self._lagging:
                _log.warning("the other process is %d bytes behind and loses notices", BACKLOG_BYTES)
        else:
            self._send(Frame(TELL, count, name, raw))
        self._lagging = behind

    def listen(self, name: str) -> None:
        """Say that somebody here hears notices of this type."""
        if self._transport is not None and not self.ended.is_set():
            self._send(Frame(LISTEN, 0, name, b""))

    def close(self) -> None:
        """Send what is queued and end the stream; a second close does nothing."""
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what is heard on this side."""
        self._transport = transport
        for name in self._bus.listened():
            self.listen(name)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits that nobody knows."""
        self.ended.set()
        lost = OutcomeUnknown("outcome.unknown", "the other process ended before it answered")
        for answer in list(self._asked.values()):
            if not answer.done():
                answer.set_result((False, _encode(failures.pack(lost))))

    def data_received(self, data: bytes) -> None:
        """Take whole frames, keep the rest."""
        data = self._unread + data if self._unread else data
        at, size = 0, len(data)
        while size - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, at)
            end = at + _LENGTH.size + length
            if length > MAX_FRAME:
                _log.error("a frame of %d bytes is no frame; the link is closed", length)
                self._transport.abort()
                return
            if end > size:
                break
            self._take(_decode(memoryview(data)[at + _LENGTH.size : end]))
            at = end
        self._unread = data[at:]

    def _take(self, frame: Frame) -> None:
        if frame.kind == ASK:
            self._answer(frame)
        elif frame.kind == TELL:
            self._bus.tell_encoded(frame.name, frame.payload, frame.number)
        elif frame.kind == LISTEN:
            self.wanted.add(frame.name)
        else:
            answer = self._asked.get(frame.number)
            if answer is not None and not answer.done():  # else whoever asked has given up
                answer.set_result((frame.kind == ANSWER, frame.payload))

    def _answer(self, asked: Frame) -> None:
        try:
            work = self._bus.answer_encoded(asked.name, asked.payload)
        except QuantumCoreError as error:
            self._send(Frame(FAILURE, asked.number, "", _encode(failures.pack(error))))
            return
        work.add_done_callback(lambda done: self._answered(asked.number, done))

    def _answered(self, number: int, done: "asyncio.Future[Answer | None]") -> None:
        outcome = None if done.cancelled() else done.result()
        if outcome is not None and not self.ended.is_set():
            self._send(Frame(ANSWER if outcome[0] else FAILURE, number, "", outcome[1]))

    def _send(self, frame: Frame) -> None:
        """Queue `frame`; all that one turn of the loop queues leaves in one write."""
        raw = _encode(frame)
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out += (_LENGTH.pack(len(raw)), raw)

    def _flush(self) -> None:
        if self._out and not self.ended.is_set():
            self._transport.write(b"".join(self._out))
        self._out = []

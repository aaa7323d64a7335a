"""The bus within one process: the same encoding, errors and deadlines as between processes, without a network.

A link (adapters/bus_link) joins it to the bus of one other process: what nobody answers here is asked there.

Used from one event loop. Limits: MAX_IN_FLIGHT requests run at once, the next is `overloaded`; a listener that is
behind by QUEUE_BATCHES batches loses the oldest, which its subscription counts and the log says once per spell.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from types import CoroutineType
from typing import Any, TypeVar

import msgspec
from prometheus_client.core import Metric

from quantumcore.adapters import failures
from quantumcore.adapters.bus_link import Answer, BusLink
from quantumcore.adapters.codec import batch_decoder, decode_reply, decode_request, encode
from quantumcore.adapters.deadlines import Deadlines
from quantumcore.contracts.errors import Internal, OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.contracts.messages import Notice, Request
from quantumcore.ports.bus import DEADLINE_S
from quantumcore.ports.telemetry import counter, gauge

A = TypeVar("A")
R = TypeVar("R")
Q = TypeVar("Q", bound=Request)  # type: ignore[type-arg]  # a handler is typed by its own request class
N = TypeVar("N", bound=Notice)

QUEUE_BATCHES = 1_024
MAX_IN_FLIGHT = 10_000
CLOSE_GRACE_S = 10.0
DEFECT = 500  # status of Internal and Corrupted: logged here, with the chain, whoever asked

_log = logging.getLogger(__name__)


class EmbeddedBus:
    """Answers requests by calling their handler in a task of its own, so that neither deadline nor caller can cut it short.

    A handler may return a future instead of a coroutine: it is under way by itself, so it gets no task. One whose work
    is to ask another handler and to make something of the reply gets such a future from `ask`.
    """

    def __init__(self) -> None:
        self._handlers: dict[type[Request[Any]], Callable[[Any], Awaitable[object]]] = {}
        self._listeners: dict[type[Notice], list[EmbeddedSubscription]] = {}
        self._requests: dict[str, type[Request[Any]]] = {}
        self._notices: dict[str, type[Notice]] = {}
        self._link: BusLink | None = None
        # The loop holds tasks weakly: without this one may vanish unfinished.
        self._running: set[asyncio.Future[Any]] = set()
        self._deadlines: Deadlines[_Asked] = Deadlines(_Asked.expired)
        self._closed = False
        self._overloaded = 0
        self._dropped: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        """Requests that are being answered now."""
        return len(self._running)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what is under way and what listeners have lost."""
        dropped = self._dropped.copy()
        waiting = 0
        for listeners in self._listeners.values():
            for listener in listeners:
                dropped[listener.notice.__name__] += listener.dropped
                waiting += listener.waiting
        yield gauge("qc_bus_in_flight_requests", "Requests that are being answered", len(self._running))
        yield counter("qc_bus_overloaded_requests", "Requests refused because too many ran", self._overloaded)
        yield gauge("qc_bus_waiting_batches", "Batches of notices in the queues of listeners", waiting)
        yield counter("qc_bus_dropped_notices", "Notices lost by listeners that were behind", dropped, by="notice")

    def handle(self, request: type[Q], handler: Callable[[Q], Awaitable[object]]) -> None:
        """Answer every `request` of this type with `handler`.

        Raises:
            ValueError: It has a handler already.
        """
        if request in self._handlers:
            raise ValueError(f"{request.__name__} has a handler already")
        self._handlers[request] = handler
        self._requests[request.__name__] = request

    def join(self, link: BusLink | None) -> None:
        """Ask over `link` what nobody answers here, from now on; None: ask nobody."""
        self._link = link

    async def request(self, message: Request[R], *, deadline_s: float = DEADLINE_S) -> R:
        """Ask and wait for the answer.

        Raises:
            Unavailable: Nobody answers this type, too many requests run (`overloaded`), or the bus is closed; nothing happened.
            OutcomeUnknown: The deadline passed; the handler goes on.
            QuantumCoreError: What the handler raised, with code, detail and chain of causes.
        """
        return await self._ask(message, None, deadline_s)  # type: ignore[no-any-return]  # the decoder is the reply type's

    def ask(
        self,
        message: Request[R],
        then: Callable[[R], A | Coroutine[Any, Any, A]],
        *,
        deadline_s: float = DEADLINE_S,
    ) -> "asyncio.Future[A]":
        """Ask at once; the future gives what `then` makes of the reply, and fails as `request` does or as `then` raises.

        A coroutine that `then` returns gets a task; the deadline is the reply's alone.
        """
        return self._ask(message, then, deadline_s)

    def subscribe(self, notice: type[N], listener: Callable[[Sequence[N]], Awaitable[None]]) -> "EmbeddedSubscription":
        """Hear every notice of this type in order, one batch at a time; see the head of this file for the limit."""
        subscription = EmbeddedSubscription(notice, listener, self._forget)
        self._listeners.setdefault(notice, []).append(subscription)
        self._notices[notice.__name__] = notice
        if self._link is not None:
            self._link.listen(notice.__name__)
        return subscription

    async def publish(self, notices: Sequence[Notice]) -> None:
        """Hand `notices` to the queue of each listener and return at once."""
        groups: dict[type[Notice], list[Notice]] = {}
        for notice in notices:
            groups.setdefault(type(notice), []).append(notice)
        link = self._link
        for kind, group in groups.items():
            listeners = self._listeners.get(kind)
            linked = link is not None and kind.__name__ in link.wanted
            if listeners or linked:
                raw = encode(group)
                for listener in listeners or ():
                    listener.put(raw, len(group))
                if link is not None and linked:
                    link.tell(kind.__name__, raw, len(group))

    def answer_encoded(self, name: str, raw: bytes) -> "asyncio.Future[Answer | None]":
        """Answer a request that came over the link; only handlers of this process are asked.

        Raises:
            Unavailable: As `request`.
        """
        kind = self._requests.get(name)
        if kind is None or self._closed:
            raise Unavailable("unavailable", f"nobody answers {name}", retry_after=1.0)
        if len(self._running) >= MAX_IN_FLIGHT:
            raise self._full()
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

        def settled(work: "asyncio.Future[Any]") -> None:
            self._running.discard(work)
            if not answer.done():
                answer.set_result(_outcome(kind, work))

        self._begin(kind, raw).add_done_callback(settled)
        return answer

    def tell_encoded(self, name: str, raw: bytes, count: int) -> None:
        """Hand notices that came over the link to the listeners of this process."""
        kind = self._notices.get(name)
        for listener in self._listeners.get(kind, ()) if kind else ():
            listener.put(raw, count)

    def listened(self) -> list[str]:
        """Name the types of notices that somebody in this process has heard."""
        return list(self._notices)

    async def close(self) -> None:
        """Refuse new requests, let the running ones end (CLOSE_GRACE_S, then they are cancelled), stop all listeners."""
        self._closed = True
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=CLOSE_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for listeners in list(self._listeners.values()):
            for listener in list(listeners):
                await listener.close()

    def _ask(
        self, message: Request[Any], then: Callable[[Any], Any] | None, deadline_s: float
    ) -> "asyncio.Future[Any]":
        kind = type(message)
        loop = asyncio.get_running_loop()
        raw = encode(message)
        running = self._running
        asked = _Asked(kind, then, deadline_s, loop.create_future(), running)
        if kind in self._handlers and not self._closed:
            if len(running) >= MAX_IN_FLIGHT:
                raise self._full()
            self._begin(kind, raw).add_done_callback(asked.settled)
        elif self._link is not None and not self._closed:
            asked.told_by(self._link.ask(kind.__name__, raw))
        else:
            raise Unavailable("unavailable", f"nobody answers {kind.__name__}", retry_after=1.0)
        asked.due = self._deadlines.watch(loop, asked, deadline_s)
        return asked.answer

    def _full(self) -> Unavailable:
        self._overloaded += 1
        return Unavailable("overloaded", f"{MAX_IN_FLIGHT} requests are being answered", retry_after=0.1)

    def _begin(self, kind: type[Request[Any]], raw: bytes) -> "asyncio.Future[Any]":
        """Call the handler; what it does from then on lives by itself, and ends in the future."""
        work: Any
        try:
            work = self._handlers[kind](decode_request(kind, raw))
            if not isinstance(work, asyncio.Future):
                work = asyncio.ensure_future(work)
        except Exception as error:  # noqa: BLE001  # as in `_outcome`: one bad request is one answer
            work = asyncio.get_running_loop().create_future()
            work.set_exception(error)
        self._running.add(work)
        return work  # type: ignore[no-any-return]  # one of three futures

    def _forget(self, subscription: "EmbeddedSubscription") -> None:
        listeners = self._listeners.get(subscription.notice, [])
        if subscription in listeners:
            listeners.remove(subscription)
            self._dropped[subscription.notice.__name__] += subscription.dropped


class _Asked(msgspec.Struct, eq=False):
    """One question until its answer: an outcome, a deadline that passed, or nobody who waits any more.

    Attributes:
        then: What makes an answer of the reply; None: the reply is the answer.
        running: Where the work for it stands until it is settled.
        due: Where its deadline is watched.
    """

    kind: type[Request[Any]]
    then: Callable[[Any], Any] | None
    deadline_s: float
    answer: "asyncio.Future[Any]"
    running: "set[asyncio.Future[Any]]"
    due: "set[_Asked]" = set()  # of a Struct: each has its own

    def settled(self, work: "asyncio.Future[Any]") -> None:
        """Take the outcome of `work` as if it had come from afar."""
        self.running.discard(work)
        self.told(_outcome(self.kind, work))

    def told(self, outcome: Answer) -> None:
        """Take the outcome; too late for the deadline, nobody hears it."""
        self.due.discard(self)
        answer = self.answer
        if answer.done():
            return
        succeeded, raw = outcome
        if not succeeded:
            answer.set_exception(failures.unpack(msgspec.msgpack.decode(raw, type=failures.Failed)))
            return
        try:
            reply = decode_reply(self.kind, raw)
        except msgspec.MsgspecError as error:
            internal = Internal("internal", f"the answer to {self.kind.__name__} has another shape")
            internal.__cause__ = error
            answer.set_exception(internal)
            return
        if self.then is None:
            answer.set_result(reply)
        else:
            self._go_on(reply, self.then)

    def _go_on(self, reply: Any, then: Callable[[Any], Any]) -> None:
        answer = self.answer
        try:
            made = then(reply)
        except Exception as error:  # noqa: BLE001  # `then` is a part of a handler: its defect is one answer `internal`
            answer.set_exception(error)
            return
        if not isinstance(made, CoroutineType):
            answer.set_result(made)
            return
        task = asyncio.ensure_future(made)
        answer.add_done_callback(lambda _: task.cancel())  # holds the task, which the loop does not
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Future[Any]") -> None:
        if self.answer.done():
            return
        if task.cancelled():
            self.answer.cancel()
        elif (error := task.exception()) is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(task.result())

    def told_by(self, elsewhere: "asyncio.Future[Answer | None]") -> None:
        """Take the outcome from another process when it comes; who waits no more has no place there either."""

        def told(outcome: "asyncio.Future[Answer | None]") -> None:
            if not outcome.cancelled() and (told := outcome.result()) is not None:
                self.told(told)

        elsewhere.add_done_callback(told)
        self.answer.add_done_callback(lambda _: elsewhere.cancel())

    def expired(self) -> None:
        """The deadline has passed."""
        if not self.answer.done():
            self.answer.set_exception(
                OutcomeUnknown("outcome.unknown", f"no answer to {self.kind.__name__} within {self.deadline_s:g} s")
            )


def _outcome(kind: type[Request[Any]], work: "asyncio.Future[Any]") -> Answer:
    """Return how `work` ended, as bytes."""
    try:
        return True, encode(work.result())
    except asyncio.CancelledError:
        return _failure(kind, OutcomeUnknown("outcome.unknown", "the room is stopping"))
    except Exception as error:  # noqa: BLE001  # the dispatcher of the bus: a defect of one handler is one answer `internal`
        return _failure(kind, error)


def _failure(kind: type[Request[Any]], error: BaseException) -> Answer:
    """Return `error` as it travels; a defect is logged here."""
    if not isinstance(error, QuantumCoreError) or error.status == DEFECT:
        _log.error("handler of %s failed", kind.__name__, exc_info=error)
    return False, encode(failures.pack(error))


class EmbeddedSubscription:
    """One listener's queue and the task that empties it, which lives only while there is something in it.

    Attributes:
        dropped: Notices this listener has lost because it was QUEUE_BATCHES behind.
        failed: Batches its listener raised on; each is logged and the stream goes on.
    """

    def __init__(
        self,
        notice: type[Notice],
        listener: Callable[[Any], Awaitable[None]],
        forget: "Callable[[EmbeddedSubscription], None]",
    ) -> None:
        self.notice = notice
        self.dropped = 0
        self.failed = 0
        self._listener = listener
        self._forget = forget
        self._queue: deque[tuple[bytes, int]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lagging = False

    @property
    def lagged(self) -> bool:
        """Whether it has lost anything since it caught up last."""
        return self._lagging

    @property
    def waiting(self) -> int:
        """Batches in the queue."""
        return len(self._queue)

    def put(self, raw: bytes, count: int) -> None:
        """Queue a batch of `count` notices, at the cost of the oldest when the queue is full."""
        if len(self._queue) >= QUEUE_BATCHES:
            self.dropped += self._queue.popleft()[1]
            if not self._lagging:
                self._lagging = True
                _log.warning(
                    "a listener of %s is %d batches behind and loses the oldest", self.notice.__name__, QUEUE_BATCHES
                )
        self._queue.append((raw, count))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    async def close(self) -> None:
        """End it: what is queued is dropped, a listener at work is cancelled; a second close does nothing."""
        self._forget(self)
        self._queue.clear()
        task = self._task
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _drain(self) -> None:
        decode = batch_decoder(self.notice).decode
        try:
            while self._queue:
                raw, _ = self._queue.popleft()
                try:
                    await self._listener(decode(raw))
                except Exception:  # noqa: BLE001  # the dispatcher of notices: one bad batch must not end the stream
                    self.failed += 1
                    _log.exception("a listener of %s failed", self.notice.__name__)
            self._lagging = False
        finally:
            self._task = None

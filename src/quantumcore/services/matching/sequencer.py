"""The sequencer: what waits becomes a batch, a batch becomes durable, then everyone is told.

    submit ─▶ inbox ─▶ [engine's thread: step + sync] ─▶ event log ─▶ answers

One batch is in flight at a time; whatever arrives meanwhile is the next one. That is the group commit: it adds no delay
of its own and grows with the load. All state here belongs to the loop, so there is no lock.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from prometheus_client.core import Metric

from quantumcore.contracts.errors import InvalidCommand, OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.contracts.matching import Sequenced
from quantumcore.contracts.wire import MAX_COMMAND, MIN_COMMAND
from quantumcore.core.engine_thread import EngineThread
from quantumcore.core.shard import Shard, Stepped, split
from quantumcore.ports.clock import Clock
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.telemetry import MICROSECONDS, Durations, counter, gauge

INBOX = 8192
"""Places for commands that wait, a long one takes several; without one the answer is `overloaded`."""
CANCEL_INBOX = 1024
"""Places of their own for cancels: a full house can still be left."""
MAX_BATCH = 1000
"""Places of what is stepped at once."""
PLACE_BYTES = 512


class _Waiting(msgspec.Struct, eq=False):
    commands: Sequence[bytes]
    done: "asyncio.Future[Any]"
    cancel: bool
    single: bool
    places: int


class Sequencer:
    """Feeds a shard. After a failure that leaves doubt it is halted for good: only a restart recovers.

    Attributes:
        halted: Why it stopped, or empty.
    """

    def __init__(
        self,
        shard: Shard,
        thread: EngineThread,
        log: EventLog,
        clock: Clock,
        heard: Callable[[Stepped], None] = lambda _stepped: None,
    ) -> None:
        """Take what is fed, and `heard`, which is called with every batch before its commands are answered."""
        self.halted = ""
        self._heard = heard
        self._shard = shard
        self._thread = thread
        self._log = log
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._places = {False: INBOX, True: CANCEL_INBOX}
        self._untold: deque[EventBatch] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._commands = 0
        self._batch_seconds = Durations(
            "qc_matching_batch_seconds", "Time of a batch: step and sync, the thread's turn included"
        )

        self._gate_seconds = Durations(
            "qc_matching_gate_seconds",
            "Time of a command in the engine, gate included; the commands of a batch have equal parts of its time",
            MICROSECONDS,
        )

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what waits and how batches go."""
        yield from self._batch_seconds.collect()
        yield from self._gate_seconds.collect()
        yield counter("qc_matching_commands", "Commands made durable since the start", self._commands)
        yield gauge("qc_matching_inbox_commands", "Places of the commands that wait for the engine", self.depth)
        yield gauge("qc_matching_halted", "1 after a failure that only a restart mends", bool(self.halted))

    @property
    def depth(self) -> int:
        """Places of the commands that wait."""
        return INBOX + CANCEL_INBOX - self._places[False] - self._places[True]

    async def submit(self, commands: Sequence[bytes], *, cancel: bool = False) -> list[Sequenced]:
        """Sequence `commands` one after the other with none in between; return their outcomes once they are durable.

        Raises as `put` does, and OutcomeUnknown when the shard stopped after they were handed on.
        """
        outcomes: list[Sequenced] = await self.put(commands, cancel=cancel)
        return outcomes

    def put(self, commands: Sequence[bytes], *, cancel: bool = False, single: bool = False) -> "asyncio.Future[Any]":
        """Let `commands` wait for their turn; the future gives their outcomes, or of a `single` one its outcome.

        Raises:
            InvalidCommand: A command whose bytes do not say their own size; the engine judges everything else.
            Unavailable: `overloaded` (no place), `halted`; the future may raise it too (`journal.full`). Nothing happened.
        """
        count = len(commands)
        for command in commands:
            size = len(command)
            if int.from_bytes(command[:2], "little") != size or size % 8 or not MIN_COMMAND <= size <= MAX_COMMAND:
                raise _cut(command)  # it would fail those that share its batch
            if size > PLACE_BYTES:
                count += (size - 1) // PLACE_BYTES
        if self.halted:
            raise Unavailable("halted", f"the shard has stopped: {self.halted}", retry_after=5)
        use_cancel_places = cancel and self._places[True] >= count
        if self._places[use_cancel_places] < count:
            limit = INBOX if not cancel else INBOX + CANCEL_INBOX
            raise Unavailable(
                "overloaded", "the inbox is full", limit=str(limit), actual=str(self.depth), retry_after=1
            )
        self._places[use_cancel_places] -= count
        item = _Waiting(commands, asyncio.get_running_loop().create_future(), use_cancel_places, single, count)
        self._waiting.append(item)
        if self._pump is None:
            self._pump = asyncio.create_task(self._work(), name="sequencer")
        return item.done

    async def drain(self) -> None:
        """Wait until nothing waits and nothing is in flight."""
        while self._pump is not None:
            await asyncio.wait([self._pump])

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._one_batch(self._take())
        finally:
            self._pump = None

    def _take(self) -> list[_Waiting]:
        waiting, places = self._waiting, self._places
        batch: list[_Waiting] = []
        room = MAX_BATCH
        for item in waiting:
            if item.places > room and batch:
                break
            room -= item.places
            places[item.cancel] += item.places
            batch.append(item)
        for _ in batch:
            waiting.popleft()
        return batch

    async def _one_batch(self, batch: list[_Waiting]) -> None:
        commands = [command for item in batch for command in item.commands]
        began = time.perf_counter()
        time_ns = self._clock.now()
        try:
            self._catch_up()
            stepped = await self._thread.run(lambda: self._step(commands, time_ns))
        except Unavailable as error:
            if error.code == "journal.failed":
                self._halt(batch, error)
            else:
                _refuse(batch, error)
        except Exception as error:  # noqa: BLE001  # a broken invariant, a failed disk: the journal knows what is true
            self._halt(batch, error)
        else:
            self._batch_seconds.observe(time.perf_counter() - began)
            self._gate_seconds.observe(stepped.engine_s / max(1, len(commands)), len(commands))
            self._commands += len(commands)
            self._tell(batch, stepped)

    def _step(self, commands: list[bytes], time_ns: int) -> Stepped:
        stepped = self._shard.step(commands, time_ns)
        self._shard.sync()
        return stepped

    def _tell(self, batch: list[_Waiting], stepped: Stepped) -> None:
        """The commands are durable: whatever happens to the event log, they are answered."""
        self._untold.append(EventBatch(stepped.first, stepped.last, stepped.events))
        with suppress(Unavailable):  # the next batch tries again before it takes anything new
            self._catch_up()
        self._heard(stepped)
        outcomes = map(
            Sequenced, itertools.count(stepped.first), itertools.repeat(stepped.time_ns), split(stepped.events)
        )
        for item in batch:
            told = next(outcomes) if item.single else list(itertools.islice(outcomes, len(item.commands)))
            if not item.done.done():
                item.done.set_result(told)

    def _catch_up(self) -> None:
        """Append to the event log what it has not taken yet, in order.

        Raises:
            Unavailable: `event_log.full`; it keeps what it took.
        """
        while self._untold:
            self._log.append(self._untold[0])
            self._untold.popleft()

    def _halt(self, batch: list[_Waiting], cause: Exception) -> None:
        self.halted = f"after sequence {self._shard.engine.sequence}: {cause}"
        unknown = OutcomeUnknown(
            "outcome.unknown", "the shard stopped while the command was in it; ask again with the same id"
        )
        unknown.__cause__ = cause
        _refuse(batch, unknown)
        rest, self._waiting = list(self._waiting), deque()
        self._places = {False: INBOX, True: CANCEL_INBOX}
        _refuse(rest, Unavailable("halted", f"the shard has stopped: {self.halted}", retry_after=5))


def _cut(command: bytes) -> InvalidCommand:
    return InvalidCommand(
        "request.invalid", "the command does not say its own size", limit=str(MAX_COMMAND), actual=str(len(command))
    )


def _refuse(batch: list[_Waiting], error: QuantumCoreError) -> None:
    for item in batch:
        if not item.done.done():
            item.done.set_exception(error)

"""When commands reach the engine."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from prometheus_client.core import Metric

from quantumcore.contracts.errors import Corrupted, InvalidCommand, Unavailable, invalid
from quantumcore.contracts.matching import (
    EngineStatus,
    GetEngineStatus,
    GetSessionEnd,
    SequenceBatch,
    Sequenced,
    SequencedBatch,
    SessionEnd,
    TakeSnapshot,
)
from quantumcore.contracts.matching import (
    Sequence as SequenceRequest,
)
from quantumcore.contracts.messages import Done
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.reference import Catalogue, GetReference, Reference
from quantumcore.contracts.values import I64_MAX
from quantumcore.contracts.wire import (
    CommandRefused,
    DefineCurrency,
    DefineInstrument,
    InstrumentStatusChanged,
    SetInstrumentStatus,
    decode_events,
    iter_events,
)
from quantumcore.core.engine_thread import EngineThread
from quantumcore.core.shard import HeldSnapshot, Shard, Stepped
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.services.matching.agenda import Agenda
from quantumcore.services.matching.calendar import Calendar, ns_of
from quantumcore.services.matching.profile import Profile
from quantumcore.services.matching.queries import EngineQueries
from quantumcore.services.matching.sequencer import MAX_BATCH, Sequencer

SNAPSHOT_EVERY_S = 30.0
SNAPSHOT_EVERY_BYTES = 64 << 20
NO_CALENDARS: Mapping[str, Calendar] = MappingProxyType({})
RETRY_S = 1.0
LEAST_S = 0.01  # between two acts: whatever the engine says is due, this task never spins
STATUS_CHANGED = InstrumentStatusChanged.beginning()
_DEFINING = frozenset((DefineCurrency.KIND, DefineInstrument.KIND, SetInstrumentStatus.KIND))


class MatchingService:
    """Answers Sequence, SequenceBatch, GetReference, TakeSnapshot, and what may be asked of the engine.

    Owns the journal and the engine. `genesis` defines what the venue begins with; what the shard knows already is left
    alone. `calendars`, by symbol, say when an instrument is in which phase; one without a calendar trades around the clock.
    `profile` is what an account without limits of its own may: a new venue is told it before anything else, and a currency
    with its definition; without one nothing is limited.
    """

    name = "matching"

    def __init__(
        self,
        bus: Bus,
        log: EventLog,
        clock: Clock,
        open_shard: Callable[[int], Shard],
        genesis: Sequence[bytes],
        calendars: Mapping[str, Calendar] = NO_CALENDARS,
        profile: Profile | None = None,
    ) -> None:
        self._bus = bus
        self._log = log
        self._clock = clock
        self._open_shard = open_shard
        self._genesis = genesis
        self._calendars = calendars
        self._profile = profile
        self._catalogue = Catalogue()
        self._agenda: Agenda | None = None
        self._sooner = asyncio.Event()
        self._shard: Shard | None = None
        self._thread = EngineThread()
        self._sequencer: Sequencer | None = None
        self._queries = EngineQueries(self._thread, clock, lambda: self._catalogue, lambda: self._owned().engine)

    def attach(self) -> None:
        """Hand over the handlers."""
        self._bus.handle(SequenceRequest, self.sequence)
        self._bus.handle(SequenceBatch, self.sequence_batch)
        self._bus.handle(GetReference, self.reference)
        self._bus.handle(GetEngineStatus, self.status)
        self._bus.handle(TakeSnapshot, self.take_snapshot)
        self._bus.handle(GetSessionEnd, self.session_end)
        self._queries.attach(self._bus)

    async def start(self) -> None:
        """Recover the shard, tell the event log what it lacks, and define the instruments of a new venue."""
        told = self._log.last
        self._shard = await self._thread.run(lambda: self._open_shard(told))
        await self._recover(self._shard)
        self._sequencer = Sequencer(self._shard, self._thread, self._log, self._clock, self._heard)
        missing = self._with_limits([command for command in self._genesis if not self._catalogue.defines(command)])
        if self._profile is not None and self._shard.journal.last_sequence == 0:
            missing = [*self._profile.of_venue(), *missing]
        for start in range(0, len(missing), MAX_BATCH):
            self._check_genesis(await self._submit(missing[start : start + MAX_BATCH]))
        await self._open_sessions(self._shard)

    async def _open_sessions(self, shard: Shard) -> None:
        """Bring instruments with a calendar into the phase of now, before the first order comes."""
        since_ns, deadline_ns = await self._thread.run(lambda: (shard.engine.time_ns, shard.engine.next_deadline()))
        symbols, now_ns = self._catalogue.symbols, self._clock.now()
        calendars = {symbols[one].number: calendar for one, calendar in self._calendars.items() if one in symbols}
        self._agenda = Agenda(calendars, now_ns)
        self._agenda.deadline_ns = deadline_ns
        opening = self._agenda.opening(since_ns or now_ns, now_ns, self._statuses())
        if opening:
            await self._submit(opening)

    async def _recover(self, shard: Shard) -> None:
        if self._log.last > shard.journal.last_sequence:
            raise Corrupted(
                "corrupted",
                f"the event log stands at {self._log.last}, beyond the journal's {shard.journal.last_sequence}",
            )
        tail = shard.recover()
        while (stepped := await self._thread.run(lambda: next(tail, None))) is not None:
            self._log.append(EventBatch(max(stepped.first, self._log.last + 1), stepped.last, stepped.events))
        definitions = await self._thread.run(lambda: shard.engine.currencies() + shard.engine.instruments())
        self._catalogue = Catalogue.of_definitions(shard.number, definitions)

    @staticmethod
    def _check_genesis(outcomes: Sequence[Sequenced]) -> None:
        for outcome in outcomes:
            for event in decode_events(outcome.events):
                if isinstance(event, CommandRefused):
                    raise InvalidCommand("definition.invalid", f"a definition was refused: {Reason(event.reason).name}")

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Snapshots and time."""
        return [("snapshots", self._keep_snapshots), ("time", self._keep_time)]

    def not_ready(self) -> list[str]:
        """Not before recovery; never again after a halt."""
        if self._sequencer is None:
            return ["matching: recovering"]
        return [f"matching: halted {self._sequencer.halted}"] if self._sequencer.halted else []

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what waits and how batches go; nothing before the recovery."""
        if self._sequencer is not None:
            yield from self._sequencer.collect()

    async def stop(self) -> None:
        """Answer what is in flight, snapshot, close the journal; what the start has begun ends first."""
        if self._sequencer is not None:
            await self._sequencer.drain()
            if not self._sequencer.halted:
                await self.take_snapshot(TakeSnapshot())
        if self._shard is not None:
            await self._thread.run(self._shard.close)
        await asyncio.to_thread(self._thread.close)

    # ------------------------------------------------------------------------------------- commands

    def sequence(self, request: SequenceRequest) -> Awaitable[Sequenced]:
        """Sequence one command; see contracts.matching.Sequence. What defines nothing needs no task: its future is enough."""
        command = request.command
        if command[2:3] and command[2] in _DEFINING:
            return self._define(command)
        return self._ready().put([command], cancel=request.cancel, single=True)

    async def sequence_batch(self, request: SequenceBatch) -> SequencedBatch:
        """Sequence several commands with none in between."""
        return SequencedBatch(await self._submit(request.commands))

    async def take_snapshot(self, _: TakeSnapshot) -> Done:
        """Write a snapshot; the event log is made durable first, so that no event can be missed after a recovery.

        The engine waits for one copy of its state; memory for it, hashing and the disk are another thread's.
        """
        shard = self._owned()
        copy = await self._thread.run(shard.begin_snapshot)
        await asyncio.to_thread(copy.prepare)

        def hold() -> HeldSnapshot:
            self._log.sync()
            return shard.hold_snapshot(copy)

        held = await self._thread.run(hold)
        await asyncio.to_thread(shard.write_snapshot, held)
        return Done()

    # -------------------------------------------------------------------------------------- queries

    async def reference(self, _: GetReference) -> Reference:
        """Answer every definition."""
        return self._catalogue.snapshot(self._log.last)

    async def status(self, _: GetEngineStatus) -> EngineStatus:
        """Answer where the shard stands."""
        shard, sequencer = self._owned(), self._ready()
        engine, journal = shard.engine, shard.journal
        sequence, durable, epoch, state_hash, open_orders = await self._thread.run(
            lambda: (
                engine.sequence,
                journal.durable_sequence,
                journal.epoch,
                engine.state_hash(),
                engine.open_orders(),
            )
        )
        return EngineStatus(
            shard=shard.number,
            epoch=epoch,
            sequence=sequence,
            journal_sequence=durable,
            state_hash=f"{state_hash:016x}",
            open_orders=open_orders,
            inbox=sequencer.depth,
            halted=bool(sequencer.halted),
            reason=sequencer.halted,
        )

    async def session_end(self, request: GetSessionEnd) -> SessionEnd:
        """Answer when the session of a date ends; around the clock that is the end of the date in UTC.

        Raises:
            InvalidCommand: No date, or none with a session.
            NotFound: `instrument.not_found`.
        """
        self._catalogue.symbol(request.symbol)
        try:
            day = date.fromisoformat(request.date)
        except ValueError:
            detail = "expires_at must be a date such as 2026-12-24 or a time"
            raise invalid("time", detail, field="expires_at", actual=request.date[:64]) from None
        calendar = self._calendars.get(request.symbol)
        if calendar is None:
            end = ns_of(datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)) if day < date.max else None
        else:
            end = calendar.session_end(day)
        if end is None or not 0 < end <= I64_MAX:
            raise invalid("range", "no session ends on that date", field="expires_at", actual=request.date)
        return SessionEnd(end)

    # ---------------------------------------------------------------------------------------- tasks

    async def _keep_snapshots(self) -> None:
        waited = 0.0
        while True:
            await self._clock.sleep(1.0)
            waited += 1.0
            pending = self._owned().bytes_since_snapshot
            if pending >= SNAPSHOT_EVERY_BYTES or (pending and waited >= SNAPSHOT_EVERY_S):
                await self.take_snapshot(TakeSnapshot())
                waited = 0.0

    async def _keep_time(self) -> None:
        """Tell the engine what has become due: wakes for that alone, and when something is due sooner than it thought."""
        while True:
            agenda = self._agenda_of()
            self._sooner.clear()
            wait_ns = agenda.due_ns - self._clock.now()
            if wait_ns > 0:
                await self._sleep(wait_ns / 1e9)
                continue
            now_ns = self._clock.now()
            try:
                await self._submit(agenda.commands(now_ns, self._statuses()))
            except Unavailable:
                if self._ready().halted:
                    raise
                await self._clock.sleep(RETRY_S)  # what is due stays due
            else:
                agenda.done(now_ns)
                if agenda.due_ns <= self._clock.now():
                    await self._clock.sleep(LEAST_S)

    async def _sleep(self, seconds: float) -> None:
        """Wait so long, or until something is due sooner."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        sooner = asyncio.ensure_future(self._sooner.wait())
        try:
            await asyncio.wait({sleeping, sooner}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            sooner.cancel()

    def _heard(self, stepped: Stepped) -> None:
        """Learn from a batch which phases it changed, and what is due next; who sleeps beyond that is woken."""
        if STATUS_CHANGED in stepped.events:  # perhaps: the bytes may mean something else
            for event in iter_events(stepped.events):
                if isinstance(event, InstrumentStatusChanged) and event.instrument in self._catalogue.instruments:
                    self._catalogue.apply(event)
        agenda = self._agenda
        if agenda is None or agenda.deadline_ns == stepped.deadline_ns:
            return
        before, agenda.deadline_ns = agenda.due_ns, stepped.deadline_ns
        if agenda.due_ns < before:
            self._sooner.set()

    def _statuses(self) -> dict[int, int]:
        return {number: instrument.status for number, instrument in self._catalogue.instruments.items()}

    def _agenda_of(self) -> Agenda:
        if self._agenda is None:
            raise Unavailable("unavailable", "matching has not started", retry_after=1)
        return self._agenda

    # -------------------------------------------------------------------------------------- helpers

    async def _define(self, command: bytes) -> Sequenced:
        return (await self._submit(self._with_limits([command])))[0]

    def _with_limits(self, definitions: list[bytes]) -> list[bytes]:
        """Return `definitions`, a new currency's with the limits of the profile behind it; bytes that cannot be read are the engine's."""
        try:
            new = [command for command in definitions if not self._catalogue.defines(command)]
            return definitions if self._profile is None or not new else self._profile.with_limits(definitions)
        except InvalidCommand:
            return definitions

    async def _submit(self, commands: Sequence[bytes], *, cancel: bool = False) -> list[Sequenced]:
        outcomes = await self._ready().submit(commands, cancel=cancel)
        for command, outcome in zip(commands, outcomes, strict=True):
            if command[2] in _DEFINING:
                for event in decode_events(outcome.events):
                    self._catalogue.apply(event)
        return outcomes

    def _ready(self) -> Sequencer:
        if self._sequencer is None:
            raise Unavailable("unavailable", "matching has not started", retry_after=1)
        return self._sequencer

    def _owned(self) -> Shard:
        if self._shard is None:
            raise Unavailable("unavailable", "matching has not started", retry_after=1)
        return self._shard

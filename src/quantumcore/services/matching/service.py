"""When commands reach the engine, and what may be asked of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from prometheus_client.core import Metric

from quantumcore.contracts.errors import Corrupted, InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.matching import (
    EngineAccount,
    EngineBalance,
    EngineStatus,
    EngineTotals,
    GetEngineAccount,
    GetEngineStatus,
    GetEngineTotals,
    HouseTotal,
    SequenceBatch,
    Sequenced,
    SequencedBatch,
    TakeSnapshot,
)
from quantumcore.contracts.matching import (
    Sequence as SequenceRequest,
)
from quantumcore.contracts.messages import Done
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.reference import Catalogue, GetReference, Reference
from quantumcore.contracts.wire import (
    AdvanceTime,
    CommandRefused,
    DefineCurrency,
    DefineInstrument,
    SetInstrumentStatus,
    decode_events,
)
from quantumcore.core.engine_thread import EngineThread
from quantumcore.core.shard import HeldSnapshot, Shard
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.services.matching.sequencer import MAX_BATCH, Sequencer

SNAPSHOT_EVERY_S = 30.0
SNAPSHOT_EVERY_BYTES = 64 << 20
ADVANCE_TIME_EVERY_S = 60.0
_DEFINING = frozenset((DefineCurrency.KIND, DefineInstrument.KIND, SetInstrumentStatus.KIND))


class MatchingService:
    """Answers Sequence, SequenceBatch, GetReference, GetEngineStatus, GetEngineAccount, GetEngineTotals, TakeSnapshot.

    Owns the journal and the engine. `genesis` defines what the venue begins with; what the shard knows already is left alone.
    """

    name = "matching"

    def __init__(
        self, bus: Bus, log: EventLog, clock: Clock, open_shard: Callable[[int], Shard], genesis: Sequence[bytes]
    ) -> None:
        self._bus = bus
        self._log = log
        self._clock = clock
        self._open_shard = open_shard
        self._genesis = genesis
        self._catalogue = Catalogue()
        self._shard: Shard | None = None
        self._thread = EngineThread()
        self._sequencer: Sequencer | None = None

    def attach(self) -> None:
        """Hand over the handlers."""
        self._bus.handle(SequenceRequest, self.sequence)
        self._bus.handle(SequenceBatch, self.sequence_batch)
        self._bus.handle(GetReference, self.reference)
        self._bus.handle(GetEngineStatus, self.status)
        self._bus.handle(GetEngineAccount, self.account)
        self._bus.handle(GetEngineTotals, self.totals)
        self._bus.handle(TakeSnapshot, self.take_snapshot)

    async def start(self) -> None:
        """Recover the shard, tell the event log what it lacks, and define the instruments of a new venue."""
        told = self._log.last
        self._shard = await self._thread.run(lambda: self._open_shard(told))
        await self._recover(self._shard)
        self._sequencer = Sequencer(self._shard, self._thread, self._log, self._clock)
        missing = [command for command in self._genesis if not self._catalogue.defines(command)]
        for start in range(0, len(missing), MAX_BATCH):
            self._check_genesis(await self._submit(missing[start : start + MAX_BATCH]))

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
        return [("snapshots", self._keep_snapshots), ("time", self._advance_time)]

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

    async def account(self, request: GetEngineAccount) -> EngineAccount:
        """Answer one account's balances."""
        engine = self._owned().engine

        def job() -> tuple[int, bool, list[tuple[int, int, int]]]:
            return engine.sequence, request.account in engine.accounts(), engine.balances(request.account)

        sequence, known, balances = await self._thread.run(job)
        if not known:
            raise NotFound("account.not_found", "account not found", field="account")
        return EngineAccount(request.account, sequence, [EngineBalance(*balance) for balance in balances])

    async def totals(self, _: GetEngineTotals) -> EngineTotals:
        """Answer every currency's sums."""
        engine = self._owned().engine
        currencies = list(self._catalogue.currencies)

        def job() -> tuple[int, list[tuple[Any, ...]]]:
            return engine.sequence, [(currency, *engine.totals(currency)) for currency in currencies]

        sequence, totals = await self._thread.run(job)
        return EngineTotals(sequence, [HouseTotal(*line) for line in totals])

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

    async def _advance_time(self) -> None:
        while True:
            await self._clock.sleep(ADVANCE_TIME_EVERY_S)
            await self._ready().submit([AdvanceTime().encode()])

    # -------------------------------------------------------------------------------------- helpers

    async def _define(self, command: bytes) -> Sequenced:
        return (await self._submit([command]))[0]

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

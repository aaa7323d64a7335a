"""The engine's events into the tables of positions: exactly once, however often and in whatever order they are delivered."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts import wire
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.positions import PositionsMoved
from quantumcore.contracts.reference import Instrument
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.progress import parts, without_holes
from quantumcore.ports.telemetry import counter
from quantumcore.services.positions import snapshots, store
from quantumcore.services.positions.folding import Choices
from quantumcore.services.positions.store import Applied

_DEFINES = tuple(kind.beginning() for kind in (wire.CurrencyDefined, wire.InstrumentDefined))


class Projection:
    """Applies deliveries and tells PositionsMoved.

    Attributes:
        database: Where positions stand.
        cursor: Last sequence that is committed.
        tells: Whether PositionsMoved is told: of two side by side the one that is read does.
        choices: What owners chose; a part of every fold.
        marks: The price of every instrument, as committed.
        now_ns: The time of the last event that was applied.
        gaps, duplicates: Holes that were fetched from the event log; sequences that were told again.
    """

    def __init__(
        self,
        bus: Bus,
        log: EventLog,
        database: Database,
        choices: Database,
        definitions: Definitions,
        snapshot_events: int,
    ) -> None:
        """Take where positions stand, and where what owners chose stands (it may be the same)."""
        self.database = database
        self.cursor = 0
        self.tells = True
        self.choices = Choices()
        self.marks: dict[int, Mark] = {}
        self.now_ns = 0
        self.gaps = 0
        self.duplicates = 0
        self.events = 0
        self._bus = bus
        self._log = log
        self._choices = choices
        self._catalogue = definitions.catalogue
        self._snapshot_events = snapshot_events

    async def open(self) -> int:
        """Read where the tables stand; return the cursor."""

        def work(connection: Connection) -> tuple[store.Stand, dict[int, Mark]]:
            return store.read_stand(connection), store.load_marks(connection)

        self.choices = await self._choices.read(store.load_choices)
        stand, self.marks = await self.database.read(work)
        self.cursor, self.now_ns = stand.sequence, stand.time_ns
        return self.cursor

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Apply what is new in `batches`, cursor and effects together, and tell whose positions moved; one call at a time.

        Raises:
            Unavailable: The database did not take it, or a hole that the log cannot fill yet; the rest follows when
                `batches` come again.
            Corrupted, InvalidCommand: A gap or an impossible event, with its position; nothing of that part was applied.
        """
        whole = without_holes(batches, self.cursor, self._log)
        self._count(batches, whole)
        for part in parts(whole):
            await self._commit(part)

    async def _commit(self, part: Sequence[EventBatch]) -> None:
        self._learn(part)
        work = partial(
            _apply,
            batches=part,
            instruments=self._catalogue.instruments,
            chosen=self.choices,
            every=self._snapshot_events,
        )
        applied = await self.database.write(work)
        self.marks |= applied.marks
        self.cursor, self.now_ns = applied.stand.sequence, applied.stand.time_ns
        self.events += applied.events
        if applied.accounts and self.tells:
            await self._bus.publish([PositionsMoved(accounts=applied.accounts, sequence=applied.stand.sequence)])

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how deliveries came."""
        yield counter("qc_positions_events", "Position events made", self.events)
        yield counter("qc_positions_gaps", "Holes in a delivery, fetched from the event log", self.gaps)
        yield counter("qc_positions_duplicates", "Sequences told again, and skipped", self.duplicates)

    def _count(self, given: Sequence[EventBatch], whole: Sequence[EventBatch]) -> None:
        known = set(given)
        told = sum(batch.last - batch.first + 1 for batch in given)
        was_given = True
        for batch in whole:
            is_given = batch in known
            if not is_given:
                told += batch.last - batch.first + 1
                self.gaps += was_given
            was_given = is_given
        upto = whole[-1].last if whole else self.cursor
        self.duplicates += told - (upto - self.cursor)

    def _learn(self, batches: Sequence[EventBatch]) -> None:
        """Take in definitions; a batch whose bytes hold none is not decoded for it."""
        for batch in batches:
            if any(beginning in batch.raw for beginning in _DEFINES):
                for event in batch.events:
                    self._catalogue.apply(event)


def _apply(
    connection: Connection,
    batches: Sequence[EventBatch],
    instruments: Mapping[int, Instrument],
    chosen: Choices,
    every: int,
) -> Applied:
    applied = store.apply(connection, batches, instruments, chosen)
    if applied.events and snapshots.is_due(applied.stand, every):
        snapshots.take(connection)
    return applied

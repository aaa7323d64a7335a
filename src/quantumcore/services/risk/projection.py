"""The engine's events into the room's tables: exactly once, however often and in whatever order they are delivered."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from quantumcore.contracts import wire
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.reference import Instrument
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.progress import parts, without_holes
from quantumcore.services.risk import store
from quantumcore.services.risk.store import Applied

_DEFINES = tuple(kind.beginning() for kind in (wire.CurrencyDefined, wire.InstrumentDefined))


class Projection:
    """Applies deliveries, and says what moved.

    Attributes:
        stand: What is committed. marks: The price of every instrument, as committed.
        openings: The prices with which the day of the last event began; of instruments that had one.
        engaged: Kill switches that are engaged.
    """

    def __init__(
        self,
        log: EventLog,
        database: Database,
        definitions: Definitions,
        kept_days: int,
        moved: Callable[[Applied], Awaitable[None]],
    ) -> None:
        """`moved` is told what each commit did."""
        self.stand = store.Stand()
        self.marks: dict[int, Mark] = {}
        self.openings: dict[int, Mark] = {}
        self.engaged = 0
        self._log = log
        self._database = database
        self._catalogue = definitions.catalogue
        self._kept_days = kept_days
        self._moved = moved

    async def open(self) -> int:
        """Read where the tables stand; return the cursor."""

        def work(connection: Connection) -> tuple[store.Stand, dict[int, Mark], dict[int, Mark], int]:
            stand = store.read_stand(connection)
            openings = store.read_openings(connection, stand.time_ns // DAY_NS)
            return stand, store.load_marks(connection), openings, store.count_engaged(connection)

        self.stand, self.marks, self.openings, self.engaged = await self._database.read(work)
        return self.stand.sequence

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Apply what is new in `batches`, cursor and effects together; one call at a time.

        Raises:
            Unavailable: The database did not take it, or a hole that the log cannot fill yet; the rest follows when
                `batches` come again.
            Corrupted: A gap or an impossible event, with its position; nothing of that part was applied.
        """
        for part in parts(without_holes(batches, self.stand.sequence, self._log)):
            self._learn(part)
            work = partial(
                _apply,
                batches=part,
                instruments=self._catalogue.instruments,
                kept_days=self._kept_days,
                day=self.stand.time_ns // DAY_NS,
            )
            applied, openings, self.engaged = await self._database.write(work)
            if openings is not None:
                self.openings = openings
            self.marks |= applied.marks
            self.stand = applied.stand
            await self._moved(applied)

    def _learn(self, batches: Sequence[EventBatch]) -> None:
        """Take in definitions; a batch whose bytes hold none is not looked through for it."""
        for batch in batches:
            if any(beginning in batch.raw for beginning in _DEFINES):
                for event in batch.events:
                    self._catalogue.apply(event)


def _apply(
    connection: Connection,
    batches: Sequence[EventBatch],
    instruments: Mapping[int, Instrument],
    kept_days: int,
    day: int,
) -> tuple[Applied, dict[int, Mark] | None, int]:
    """Apply, and return what was done, the opening prices if a day after `day` has begun, and how many switches are engaged."""
    applied = store.apply(connection, batches, instruments, kept_days)
    now = applied.stand.time_ns // DAY_NS
    openings = store.read_openings(connection, now) if now != day else None
    return applied, openings, store.count_engaged(connection)

"""What each account holds and what it made of it: positions follow the engine's trades and answer who asks."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from prometheus_client.core import Metric

from quantumcore.contracts.actions import ActionView, GetAction, show_action
from quantumcore.contracts.errors import Conflict, NotFound, Unavailable, check_count
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.positions import (
    GetLots,
    GetPosition,
    GetPositionEvents,
    GetPositions,
    GetPositionSnapshot,
    LotMethod,
    Lots,
    OnePosition,
    PositionEventPage,
    Positions,
    PositionSnapshot,
    PositionsRebuild,
    PositionView,
    RebuildPositions,
    SetLotMethod,
)
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.following import Following
from quantumcore.ports.telemetry import gauge
from quantumcore.services.positions import queries, segments, store
from quantumcore.services.positions.choosing import MAX_CHOICES, shown_terms, terms_of
from quantumcore.services.positions.domain import FLAT, Position
from quantumcore.services.positions.projection import Projection
from quantumcore.services.positions.queries import AccountView
from quantumcore.services.positions.rebuild import Rebuild
from quantumcore.services.positions.settings import PositionsSettings
from quantumcore.services.positions.sides import Sides
from quantumcore.services.positions.snapshots import State, digest, read_state
from quantumcore.services.positions.views import show_event, show_lot, show_position

MAX_SNAPSHOT = 50_000  # positions in one answer: about 30 MB, half of what the link to another process carries
COMPACT_S = 5  # seconds between two looks for events to put aside


class PositionsService:
    """Answers the requests of contracts/positions. Follows the event log. Tells PositionsMoved.

    `choices` is a database of its own, for what owners chose could not be rebuilt; all else may lag behind the disk.
    """

    name = "positions"

    def __init__(
        self,
        bus: Bus,
        log: EventLog,
        database: Database,
        clock: Clock,
        choices: Database | None = None,
        settings: PositionsSettings | None = None,
        beside: Callable[[], Awaitable[Database]] | None = None,
    ) -> None:
        """Take what it stands on; `beside` opens the tables of a second projection, if the settings want one."""
        self._bus = bus
        self._log = log
        self._open_beside = beside
        self._choices = choices or database
        self._clock = clock
        self._settings = settings = settings or PositionsSettings()
        self._definitions = Definitions(bus)
        # None of these knows the room, so that a room which is dropped is gone at once.
        self.projection = Projection(bus, log, database, self._choices, self._definitions, settings.snapshot_events)
        self._sides = Sides(log, self.projection)
        self._follower = Follower(self.name, log, self._sides.apply)
        self._following = Following(self._follower, log, clock, self._definitions, self.projection.open)
        self._rebuild = Rebuild(log, clock, self._definitions, self._sides)

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(GetPosition, self.position)
        self._bus.handle(GetPositions, self.positions)
        self._bus.handle(GetPositionEvents, self.events)
        self._bus.handle(GetLots, self.lots)
        self._bus.handle(GetPositionSnapshot, self.snapshot)
        self._bus.handle(SetLotMethod, self.set_lot_method)
        self._bus.handle(RebuildPositions, self.rebuild)
        self._bus.handle(GetAction, self.action)

    async def start(self) -> None:
        """Open the tables."""
        if self._open_beside is not None and self._settings.side_by_side:
            database = await self._open_beside()
            every = self._settings.snapshot_events
            self._sides.beside(Projection(self._bus, self._log, database, self._choices, self._definitions, every))
        await self._following.start()

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name the projection, and what puts old events aside."""
        return [*self._following.tasks(), ("compaction", self._compact), ("side by side", self._sides.run)]

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        return self._following.not_ready()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what this room looks like."""
        yield from self._follower.collect()
        yield from self.projection.collect()
        yield from self._sides.collect()
        now, limit = self.projection.now_ns, self._settings.stale_ns
        stale = sum(mark.stale(now, limit) for mark in self.projection.marks.values())
        yield gauge("qc_positions_stale_marks", "Instruments whose price is older than it may be", stale)
        yield gauge("qc_positions_rebuild_seconds", "What the last rebuild took", self._rebuild.seconds)

    async def stop(self) -> None:
        """End a rebuild; the projection's task has ended, and each of its batches is whole or not at all."""
        await self._rebuild.stop()
        if self._sides.new is not None:
            await self._sides.new.database.close()

    # --------------------------------------------------------------------------------------------- queries

    async def positions(self, query: GetPositions) -> Positions:
        """Return all positions of an account at one sequence, by symbol."""
        view = await self._account(query.account, query.at_least)
        shown = [
            self._show(query.account, instrument, position, view.marks.get(instrument), view.stand.time_ns)
            for instrument, position in view.positions.items()
        ]
        ordered = sorted(shown, key=lambda one: one.symbol)
        return Positions(str(query.account), view.stand.sequence, ordered)

    async def position(self, query: GetPosition) -> OnePosition:
        """Return one position; None when the account never traded the instrument.

        Raises:
            NotFound: `instrument.not_found`.
            Conflict: `version.mismatch`.
        """
        instrument = await self._instrument(query.symbol)
        view = await self._account(query.account, query.at_least)
        found = view.positions.get(instrument.number)
        _expect(query.expected_version, found)
        mark, now_ns = view.marks.get(instrument.number), view.stand.time_ns
        shown = self._show(query.account, instrument.number, found, mark, now_ns) if found else None
        return OnePosition(str(query.account), instrument.symbol, view.stand.sequence, shown)

    async def events(self, query: GetPositionEvents) -> PositionEventPage:
        """Return a page of what happened to a position, newest first unless asked.

        Raises:
            InvalidCommand: limit or cursor.
            NotFound: `instrument.not_found`.
            Corrupted: `position.segment`, `position.record`.
        """
        check_count(query.limit, queries.MAX_PAGE)
        after = queries.parse_place(query.cursor) if query.cursor else None
        instrument = await self._instrument(query.symbol)
        await self._following.reached(query.at_least)
        work = partial(
            queries.event_page,
            key=(query.account, instrument.number),
            after=after,
            limit=query.limit,
            ascending=query.ascending,
        )
        stand, found, going_on = await self._database.read(work)
        items = [show_event(change, instrument, self._catalogue.shard) for change in found]
        return PositionEventPage(items, queries.show_place(going_on), stand.sequence)

    async def lots(self, query: GetLots) -> Lots:
        """Return the open lots of a position.

        Raises:
            NotFound: `instrument.not_found`.
        """
        instrument = await self._instrument(query.symbol)
        view = await self._account(query.account, query.at_least)
        found = view.positions.get(instrument.number, FLAT).open_lots
        shown = [show_lot(lot, instrument, self._catalogue) for lot in found]
        return Lots(str(query.account), instrument.symbol, view.stand.sequence, shown)

    async def action(self, query: GetAction) -> ActionView:
        """Return the action that was done under an id.

        Raises:
            NotFound: `action.not_found`.
        """
        await self._following.reached(query.at_least)
        found = await self._database.read(partial(queries.action, action_id=query.action_id))
        if found is None:
            raise NotFound("action.not_found", "no action was done under this id", field="action_id")
        return show_action(found, self._catalogue)

    async def snapshot(self, query: GetPositionSnapshot) -> PositionSnapshot:
        """Return everything at exactly one cursor.

        Raises:
            Unavailable: `position.capacity`.
        """
        await self._following.reached(query.at_least)
        state: State = await self._database.read(read_state)
        if len(state.positions) > MAX_SNAPSHOT:
            raise Unavailable("position.capacity", f"more than {MAX_SNAPSHOT} positions: ask for accounts instead")
        now_ns = state.stand.time_ns
        shown = [
            self._show(account, instrument, position, state.marks.get(instrument), now_ns)
            for (account, instrument), position in state.positions.items()
        ]
        ordered = sorted(shown, key=lambda one: (int(one.account_id), one.symbol))
        return PositionSnapshot(state.stand.sequence, now_ns, digest(state.positions, state.marks), ordered)

    async def rebuild(self, request: RebuildPositions) -> PositionsRebuild:
        """Fold the event log anew beside what stands, or tell how far that is."""
        return self._rebuild.begin() if request.start else self._rebuild.state()

    # --------------------------------------------------------------------------------------------- choices

    async def set_lot_method(self, request: SetLotMethod) -> LotMethod:
        """Keep how a position counts from the next sequence on.

        Raises:
            InvalidCommand, NotFound, Conflict, Unavailable: As contracts/positions says; nothing was changed.
        """
        instrument = await self._instrument(request.symbol)
        terms = terms_of(request, self._catalogue.shard)
        key = request.account, instrument.number
        async with self._sides.applying:
            view: AccountView = await self._database.read(partial(queries.account_view, account=request.account))
            found = view.positions.get(instrument.number)
            _expect(request.expected_version, found)
            known = self.projection.choices
            stands = known.at(key, view.stand.sequence + 1)
            if found is not None and found.quantity:
                counts = found.method, found.wash_sales
                if counts != (terms.method, terms.wash_sales):
                    raise Conflict(
                        "position.open", "the method changes only while the position is flat", field="method"
                    )
            if terms != stands:
                if known.count >= MAX_CHOICES:
                    raise Unavailable("position.capacity", f"the room keeps {MAX_CHOICES} choices")
                since = view.stand.sequence + 1
                await self._choices.write(partial(store.save_choice, key=key, since=since, terms=terms))
                known.add(key, since, terms)
        return shown_terms(request.account, instrument.symbol, terms, view.stand.sequence, self._catalogue.shard)

    # ------------------------------------------------------------------------------------------ projection

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Apply what is new in `batches`.

        Raises:
            Unavailable, Corrupted, InvalidCommand: As Projection.apply says.
        """
        await self._sides.apply(batches)

    async def _compact(self) -> None:
        """Put old events aside for ever, a segment at a time."""
        while True:
            await self._clock.sleep(COMPACT_S)
            work = partial(
                segments.compact,
                instruments=self._catalogue.instruments,
                retention_ns=self._settings.retention_ns,
            )
            while self._following.opened and await self._database.write(work) > 0:
                pass

    # --------------------------------------------------------------------------------------------- helpers

    @property
    def _database(self) -> Database:
        return self._sides.database

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue

    async def _instrument(self, symbol: str) -> Instrument:
        found = await self._definitions.instrument(symbol) if is_symbol(symbol) else None
        if found is None:
            raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field="symbol")
        return found

    async def _account(self, account: int, at_least: int) -> AccountView:
        await self._following.reached(at_least)
        return await self._database.read(partial(queries.account_view, account=account))

    def _show(self, account: int, instrument: int, found: Position, mark: Mark | None, now_ns: int) -> PositionView:
        defined = self._catalogue.instruments[instrument]
        return show_position(account, defined, found, mark, now_ns, self._settings.stale_ns)


def _expect(version: int, found: Position | None) -> None:
    """Raise Conflict unless the position has the version that its asker expects; -1 expects none."""
    stands = found.version if found else 0
    if version not in (-1, stands):
        raise Conflict(
            "version.mismatch",
            f"the position has version {stands}",
            field="expected_version",
            limit=str(stands),
            actual=str(version),
        )

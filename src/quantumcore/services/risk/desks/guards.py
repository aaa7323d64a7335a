"""What people set of guards of the engine (keeping/setting_desk.py), what stands of it, and who is paused.

A pause is lifted at most once: which one is meant is written down, and what was left unfinished is done only while that one stands. So a kill
between the command and what became of it does not lift a pause that came later, which nobody has decided about.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from msgspec import structs
from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, check_count, invalid
from quantumcore.contracts.levels import MAX_NUMBER
from quantumcore.contracts.risk import MAX_PAGE
from quantumcore.contracts.risk_guards import (
    KINDS,
    CheckGuard,
    GetGuardChanges,
    GetGuards,
    GetPauses,
    GuardChange,
    GuardChanges,
    GuardSetting,
    Pauses,
    Resume,
    SetGuard,
    SetGuardByTwo,
    StandingGuard,
    StandingGuards,
)
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk import guard_store, store
from quantumcore.services.risk.desks.keeping.setting_changes import Change, SettingChanges
from quantumcore.services.risk.desks.keeping.setting_desk import Judged, SettingDesk
from quantumcore.services.risk.desks.keeping.signed import Surroundings
from quantumcore.services.risk.desks.keeping.writing import Outcome
from quantumcore.services.risk.guards.commands import account_of, command_of, subject_of, symbols_of
from quantumcore.services.risk.guards.records import EVENTS, GuardEvent, Key, key_of, pause_of, record_of
from quantumcore.services.risk.tables import guard_changes
from quantumcore.services.risk.units import whole

PROTECTION, PAUSE = "protection", "pause"


class Found(NamedTuple):
    """A page of events, where the next one begins, and as of which sequence."""

    events: list[GuardEvent]
    next_cursor: str | None
    sequence: int


class GuardDesk(SettingDesk[GuardSetting, GuardChange]):
    """Answers SetGuard, SetGuardByTwo, CheckGuard, GetGuardChanges, GetGuards and GetPauses."""

    def __init__(self, on: Surroundings, reached: Callable[[int], Awaitable[object]], *, four_eyes: bool) -> None:
        """Take what it stands on, and how to wait for a sequence."""
        kept: SettingChanges[GuardSetting] = SettingChanges(guard_changes, GuardSetting)
        super().__init__("guards", on, kept, GuardChange, four_eyes=four_eyes)
        self._reached = reached

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._on.bus.handle(SetGuard, self.set)
        self._on.bus.handle(SetGuardByTwo, self.set_by_two)
        self._on.bus.handle(CheckGuard, self.check)
        self._on.bus.handle(GetGuardChanges, self.page)
        self._on.bus.handle(GetGuards, self.records)
        self._on.bus.handle(GetPauses, self.pauses)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of changes."""
        yield counter("qc_risk_guard_changes", "Changes of guards by what became of them", self.changes, by="state")

    async def page(self, query: GetGuardChanges) -> GuardChanges:
        """Return a page of changes, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        return GuardChanges(*await self._page(query))

    # ------------------------------------------------------------------------------------------ what stands

    async def records(self, query: GetGuards) -> StandingGuards:
        """Return a page of the records of a kind.

        Raises:
            NotFound, InvalidCommand, Unavailable: As contracts/risk_guards says.
        """
        if query.kind not in KINDS:
            named = f"kind must be one of {', '.join(KINDS)}"
            raise invalid("range", named, field="kind", actual=query.kind[:64])
        instrument = 0
        if query.symbol:
            await self._see_symbols(symbol=query.symbol)
            instrument = self._catalogue.symbol(query.symbol).number
        of = {"number" if query.kind == PROTECTION else "instrument": instrument}
        found = await self._stands(query, query.kind, **of)
        items = [
            StandingGuard(what=record_of(one, self._catalogue), sequence=one.sequence, time_ns=one.time_ns)
            for one in found.events
        ]
        return StandingGuards(items=items, next_cursor=found.next_cursor, sequence=found.sequence)

    async def pauses(self, query: GetPauses) -> Pauses:
        """Return a page of the pauses that stand now.

        Raises:
            InvalidCommand, Unavailable: As contracts/risk_guards says.
        """
        found = await self._stands(query, PAUSE)
        now = self._on.clock.now()
        items = [
            pause_of(one, self._catalogue)
            for one in found.events
            if isinstance(one, wire.PauseChanged) and now < one.until_ns
        ]
        return Pauses(items=items, next_cursor=found.next_cursor, sequence=found.sequence)

    async def _stands(self, query: GetGuards | GetPauses, kind: str, **of: int) -> Found:
        check_count(query.limit, MAX_PAGE)
        whole(query.account, "account_id", 0, MAX_NUMBER)
        number = EVENTS[kind].KIND
        after = _place(number, query.cursor) if query.cursor else None
        await self._reached(query.at_least)

        def work(connection: Connection) -> tuple[list[GuardEvent], int]:
            found = guard_store.page(connection, number, after, query.limit + 1, query.account, **of)
            return found, store.read_stand(connection).sequence

        events, sequence = await self._on.database.read(work)
        if any(one.instrument not in self._catalogue.instruments for one in events if one.instrument):
            await self._on.definitions.refresh()
        more = len(events) > query.limit
        return Found(events[: query.limit], _cursor(events[query.limit - 1]) if more else None, sequence)

    # ------------------------------------------------------------------------------------------ one change

    async def _judged(self, what: GuardSetting) -> Judged[GuardSetting]:
        await self._see_symbols(**symbols_of(what))
        account = account_of(what)
        made = command_of(what, self._catalogue)
        await self._on.caught_up()  # an account, or a pause, may be as old as this request
        if account is not None:
            await self._see_account(account)
        if isinstance(made, wire.Resume) and isinstance(what, Resume):
            what = structs.replace(what, pause=await self._meant(what, made))
        return Judged(what, subject_of(what), made)

    async def _do(self, change: Change[GuardSetting]) -> None:
        command = wire.decode_command(change.command)
        if isinstance(command, wire.Resume) and isinstance(change.what, Resume):
            await self._on.caught_up()
            last = await self._pause(command)
            if last is not None and (not last.paused or last.sequence != change.what.pause):
                over = 0 if last.paused else last.sequence
                await self._ended(change, Outcome(over, ""))  # that pause is over: nothing is lifted twice
                return
        await self._sent(change)

    async def _meant(self, what: Resume, command: wire.Resume) -> int:
        """Return the sequence of the pause that is to be lifted.

        Raises:
            Conflict: There is none, or it is not the one that was meant.
        """
        last = await self._pause(command)
        stands = last is not None and last.paused and self._on.clock.now() < last.until_ns
        if last is None or not stands or what.pause not in (0, last.sequence):
            detail = "there is no such pause" if not stands else "another pause stands by now"
            actual = str(last.sequence) if last is not None and stands else ""
            raise Conflict("risk.not_paused", detail, field="pause" if stands else "account_id", actual=actual)
        return last.sequence

    async def _pause(self, command: wire.Resume) -> wire.PauseChanged | None:
        """Return what was told last of the pauses that a command would lift."""
        key = Key(wire.PauseChanged.KIND, command.account, 0, command.underlying, command.cause)
        found = await self._on.database.read(partial(guard_store.find, key=key))
        return found if isinstance(found, wire.PauseChanged) else None


def _cursor(event: GuardEvent) -> str:
    """Return where a page ends: the key without its kind."""
    return ".".join(map(str, key_of(event)[1:]))


def _place(kind: int, cursor: str) -> Key:
    """Return the key that a page ended with.

    Raises:
        InvalidCommand: It is none.
    """
    parts = cursor.split(".")
    fits = all(part.isascii() and part.isdigit() and len(part) <= len(str(MAX_NUMBER)) for part in parts)
    if len(parts) != len(Key._fields) - 1 or not fits:
        raise invalid("range", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    return Key(kind, *map(int, parts))

"""Limits that people set, of every level: written down, then commanded, then in force (writing.py); at their expiry what stood before comes back.

asked ──the engine has it──▶ standing ──a later one──▶ replaced
  └──it refuses──▶ refused      └──its time is over──▶ reverted, and a change back is asked
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound, invalid, needs_second
from quantumcore.contracts.levels import named
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.contracts.messages import Done
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Catalogue, Currency, Instrument
from quantumcore.contracts.risk_limits import (
    CheckLimits,
    GetLevelLimits,
    GetLimitChanges,
    LevelLimits,
    LimitChange,
    LimitChanges,
    SetLimits,
    SetLimitsByTwo,
)
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk import parameters as terms
from quantumcore.services.risk import store
from quantumcore.services.risk.desks import change_store, numbered, records
from quantumcore.services.risk.desks.change_store import Change, State
from quantumcore.services.risk.desks.writing import Writing, outcome
from quantumcore.services.risk.levels import Limit
from quantumcore.services.risk.together import Together, read_together
from quantumcore.services.risk.valuation import limits

EXPIRY = "expiry"
"""Who sets what an expiry brings back."""
_log = logging.getLogger(__name__)


class LimitDesk:
    """Answers SetLimits, SetLimitsByTwo, CheckLimits, GetLevelLimits and GetLimitChanges.

    Attributes:
        changes: By what became of them.
    """

    def __init__(
        self,
        bus: Bus,
        own: Database,
        database: Database,
        clock: Clock,
        definitions: Definitions,
        caught_up: Callable[[], Awaitable[object]],
        *,
        four_eyes: bool,
    ) -> None:
        self.changes: Counter[str] = Counter({state.name.lower(): 0 for state in State})
        self._bus = bus
        self._own = own
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self._caught_up = caught_up
        self._four_eyes = four_eyes
        self._writing = Writing(
            own,
            clock,
            "limits",
            add=change_store.add,
            find=change_store.find,
            unfinished=change_store.unfinished,
            do=self._do,
            due=self._revert,
        )
        self.run, self.look = self._writing.run, self._writing.look

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(SetLimits, self.set_limits)
        self._bus.handle(SetLimitsByTwo, self.set_by_two)
        self._bus.handle(CheckLimits, self.check)
        self._bus.handle(GetLevelLimits, self.of_level)
        self._bus.handle(GetLimitChanges, self.page)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of changes."""
        yield counter("qc_risk_limit_changes", "Changes of limits by what became of them", self.changes, by="state")

    async def set_limits(self, command: SetLimits) -> LimitChange:
        """Set limits, if one person is enough for that.

        Raises:
            Forbidden, NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_limits says.
        """
        if self._four_eyes:
            raise needs_second()
        return await self._set(command)

    async def set_by_two(self, command: SetLimitsByTwo) -> LimitChange:
        """Set limits.

        Raises:
            NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_limits says.
        """
        return await self._set(command.asked)

    async def check(self, query: CheckLimits) -> Done:
        """Do nothing if it could be set now.

        Raises:
            NotFound, InvalidCommand: What is wrong, by its field.
        """
        await self._change(query.asked)
        return Done()

    async def of_level(self, query: GetLevelLimits) -> LevelLimits:
        """Return what stands of a level.

        Raises:
            NotFound, InvalidCommand: As contracts/risk_limits says.
        """
        scope = records.scope_of(query)
        instrument = await self._instrument(query.symbol) if query.symbol else None
        level = records.level_asked(query, scope, instrument.number if instrument else 0)
        await self._caught_up()

        def work(connection: Connection) -> tuple[int, dict[str, Limit], Together | None]:
            found = read_together(connection, level) if scope in (Scope.FIRM, Scope.GROUP) else None
            return store.read_stand(connection).sequence, store.read_level(connection, level), found

        sequence, found, together = await self._database.read(work)
        instruments, currencies = self._catalogue.instruments, self._catalogue.currencies
        shown = [limits.record((*level, name), one, instruments, currencies) for name, one in sorted(found.items())]
        whose = named(scope, level.number, instrument.symbol if instrument else None)
        accounts = None if together is None else together.accounts
        used = None if together is None else limits.of_level(level, found, together, instruments, currencies)
        return LevelLimits(**whose, sequence=sequence, records=shown, accounts=accounts, limits=used)

    async def page(self, query: GetLimitChanges) -> LimitChanges:
        """Return a page of changes, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        found, following = await numbered.page(
            self._own, change_store.page, query.limit, query.cursor, account=query.account
        )
        return LimitChanges([self._shown(one) for one in found], following)

    # ---------------------------------------------------------------------------------------- one change

    async def _set(self, command: SetLimits) -> LimitChange:
        return self._shown(await self._writing.keep(partial(self._change, command)))

    async def _revert(self) -> None:
        """Ask for what stood before each change whose time is over."""
        for over in await self._own.read(partial(change_store.expired, now_ns=self._clock.now())):
            back = Change(
                number=0,
                account=over.account,
                instrument=over.instrument,
                currency=over.currency,
                scope=over.scope,
                other=over.other,
                state=State.ASKED,
                given=over.before,
                before=over.given,
                who=EXPIRY,
                reason=f"change {over.number} was until now",
                time_ns=self._clock.now(),
                expires_ns=0,
            )
            await self._own.write(partial(change_store.reverted, over=over, change=back))
            self.changes["reverted"] += 1

    async def _do(self, change: Change) -> None:
        """Command a change, and write down what became of it.

        Raises:
            Unavailable, OutcomeUnknown: It stays asked.
        """
        outcomes = (
            await self._bus.request(
                SequenceBatch(commands=records.commands(change.level, change.currency, change.given))
            )
        ).outcomes
        sequence, code = outcome([wire.decode_events(one.events)[-1] for one in outcomes])
        state = State.REFUSED if code else State.STANDING
        await self._own.write(
            partial(change_store.ended, number=change.number, state=state, sequence=sequence, code=code)
        )
        self.changes[state.name.lower()] += 1

    async def _change(self, command: SetLimits) -> Change:
        """Return what is to be set, with what stands.

        Raises:
            NotFound, InvalidCommand: As contracts/risk_limits says.
        """
        terms.check_signed(command.who, command.reason)
        now = self._clock.now()
        if command.expires_ns and command.expires_ns <= now:
            raise invalid("range", "an expiry is in the future", field="expires")
        scope = records.scope_of(command)
        instrument = await self._instrument(command.symbol) if command.symbol else None
        currency = await self._currency(command, instrument)
        given = records.numbers_of(command, scope, instrument, currency)
        level = records.level_asked(command, scope, instrument.number if instrument else 0)
        await self._caught_up()
        if scope is Scope.ACCOUNT and not await self._database.read(partial(store.is_open, account=command.account)):
            raise NotFound("account.not_found", "account not found", field="account_id")
        money = currency.number if currency else 0
        names = records.stored_names(money)
        standing = await self._database.read(partial(store.read_level, level=level))
        return Change(
            number=0,
            account=command.account,
            instrument=level.instrument,
            currency=money,
            scope=scope,
            other=command.firm or command.group,
            state=State.ASKED,
            given=given,
            before={names[name]: limit.value for name, limit in standing.items() if name in names},
            who=command.who,
            reason=command.reason,
            time_ns=now,
            expires_ns=command.expires_ns,
        )

    async def _instrument(self, symbol: str) -> Instrument:
        found = await self._definitions.instrument(symbol) if is_symbol(symbol) else None
        if found is None:
            raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field="symbol")
        return found

    async def _currency(self, command: SetLimits, instrument: Instrument | None) -> Currency | None:
        if instrument is not None:
            if command.currency not in ("", instrument.quote.code):
                detail = "values of a symbol are in its quote"
                raise invalid(
                    "range", detail, field="currency", limit=instrument.quote.code, actual=command.currency[:64]
                )
            return instrument.quote
        if not command.currency:
            return None
        if command.currency not in self._catalogue.codes:
            await self._definitions.refresh()
        return self._catalogue.currency(command.currency)

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue

    def _shown(self, change: Change) -> LimitChange:
        symbol = self._catalogue.instruments[change.instrument].symbol if change.instrument else None
        currency = self._catalogue.currencies[change.currency].code if change.currency else None
        return LimitChange(
            **named(change.scope, change.account or change.other, symbol),
            number=change.number,
            currency=currency,
            state=change.state.name.lower(),
            given=change.given,
            before=change.before,
            who=change.who,
            reason=change.reason,
            time_ns=change.time_ns,
            expires_ns=change.expires_ns,
            sequence=change.sequence,
            code=change.code,
        )

"""Limits that people set, of every level: written down, then commanded, then in force (keeping/writing.py); at their expiry what stood before comes back.

asked ──the engine has it──▶ standing ──a later one──▶ replaced
  └──it refuses──▶ refused      └──its time is over──▶ reverted, and a change back is asked
"""

import logging
from collections.abc import Iterable
from functools import partial

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound, invalid
from quantumcore.contracts.levels import named
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Currency, Instrument
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
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk import parameters as terms
from quantumcore.services.risk import store
from quantumcore.services.risk.desks import change_store, records
from quantumcore.services.risk.desks.change_store import Change, State
from quantumcore.services.risk.desks.keeping import numbered
from quantumcore.services.risk.desks.keeping.signed import SignedDesk, Surroundings
from quantumcore.services.risk.desks.keeping.writing import Writing, outcome
from quantumcore.services.risk.levels import Limit, LimitKey
from quantumcore.services.risk.together import Together, read_together
from quantumcore.services.risk.valuation import limits

EXPIRY = "expiry"
"""Who sets what an expiry brings back."""
_log = logging.getLogger(__name__)


class LimitDesk(SignedDesk[SetLimits, Change, LimitChange]):
    """Answers SetLimits, SetLimitsByTwo, CheckLimits, GetLevelLimits and GetLimitChanges."""

    def __init__(self, on: Surroundings, *, four_eyes: bool) -> None:
        """Take what it stands on."""
        writing = Writing(
            on.own,
            on.clock,
            "limits",
            add=change_store.add,
            find=change_store.find,
            unfinished=change_store.unfinished,
            do=self._do,
            due=self._revert,
        )
        super().__init__(on, writing, (state.name.lower() for state in State), four_eyes=four_eyes)

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._on.bus.handle(SetLimits, self.set)
        self._on.bus.handle(SetLimitsByTwo, self.set_by_two)
        self._on.bus.handle(CheckLimits, self.check)
        self._on.bus.handle(GetLevelLimits, self.of_level)
        self._on.bus.handle(GetLimitChanges, self.page)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of changes."""
        yield counter("qc_risk_limit_changes", "Changes of limits by what became of them", self.changes, by="state")

    async def of_level(self, query: GetLevelLimits) -> LevelLimits:
        """Return what stands of a level.

        Raises:
            NotFound, InvalidCommand: As contracts/risk_limits says.
        """
        scope = records.scope_of(query)
        instrument = await self._instrument(query.symbol) if query.symbol else None
        level = records.level_asked(query, scope, instrument.number if instrument else 0)
        await self._on.caught_up()

        def work(connection: Connection) -> tuple[int, dict[str, Limit], Together | None, dict[LimitKey, Limit]]:
            found = read_together(connection, level) if scope in (Scope.FIRM, Scope.GROUP) else None
            sizes = store.read_limits(connection, [(Scope.INSTRUMENT, 0)]) if scope is Scope.GROUP else {}
            return store.read_stand(connection).sequence, store.read_level(connection, level), found, sizes

        sequence, found, together, sizes = await self._on.database.read(work)
        instruments, currencies = self._catalogue.instruments, self._catalogue.currencies
        shown = [limits.record((*level, name), one, instruments, currencies) for name, one in sorted(found.items())]
        whose = named(scope, level.number, instrument.symbol if instrument else None)
        accounts = None if together is None else together.accounts
        used = None if together is None else limits.of_level(level, found, together, sizes, instruments, currencies)
        return LevelLimits(**whose, sequence=sequence, records=shown, accounts=accounts, limits=used)

    async def page(self, query: GetLimitChanges) -> LimitChanges:
        """Return a page of changes, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        found, following = await numbered.page(
            self._on.own, change_store.page, query.limit, query.cursor, account=query.account
        )
        return LimitChanges([self._shown(one) for one in found], following)

    # ---------------------------------------------------------------------------------------- one change

    async def _revert(self) -> None:
        """Ask for what stood before each change whose time is over."""
        for over in await self._on.own.read(partial(change_store.expired, now_ns=self._on.clock.now())):
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
                time_ns=self._on.clock.now(),
                expires_ns=0,
            )
            await self._on.own.write(partial(change_store.reverted, over=over, change=back))
            self.changes["reverted"] += 1

    async def _do(self, change: Change) -> None:
        """Command a change, and write down what became of it.

        Raises:
            Unavailable, OutcomeUnknown: It stays asked.
        """
        outcomes = (
            await self._on.bus.request(
                SequenceBatch(commands=records.commands(change.level, change.currency, change.given))
            )
        ).outcomes
        sequence, code = outcome([wire.decode_events(one.events)[-1] for one in outcomes])
        state = State.REFUSED if code else State.STANDING
        await self._on.own.write(
            partial(change_store.ended, number=change.number, state=state, sequence=sequence, code=code)
        )
        self.changes[state.name.lower()] += 1

    async def _change(self, command: SetLimits) -> Change:
        """Return what is to be set, with what stands.

        Raises:
            NotFound, InvalidCommand: As contracts/risk_limits says.
        """
        terms.check_signed(command.who, command.reason)
        now = self._on.clock.now()
        if command.expires_ns and command.expires_ns <= now:
            raise invalid("range", "an expiry is in the future", field="expires")
        scope = records.scope_of(command)
        instrument = await self._instrument(command.symbol) if command.symbol else None
        currency = await self._currency(command, instrument)
        given = records.numbers_of(command, scope, instrument, currency)
        level = records.level_asked(command, scope, instrument.number if instrument else 0)
        await self._on.caught_up()
        if scope is Scope.ACCOUNT and not await self._on.database.read(partial(store.is_open, account=command.account)):
            raise NotFound("account.not_found", "account not found", field="account_id")
        money = currency.number if currency else 0
        names = records.stored_names(money)
        standing = await self._on.database.read(partial(store.read_level, level=level))
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
            await self._on.definitions.refresh()
        return self._catalogue.currency(command.currency)

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

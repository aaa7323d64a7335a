"""What people set for margin of the engine: written down, then commanded, then in force (writing.py).

A day whose opening was in doubt is opened again: while matching is away, nothing happens that it could forget.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import msgspec
from prometheus_client.core import Metric

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound, needs_second
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.messages import Done
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.risk_margin import (
    AccountMargin,
    CheckMargin,
    GetMarginChanges,
    LotGreeks,
    MarginChange,
    MarginChanges,
    MarginSetting,
    MarginTerms,
    RiskArray,
    RiskDay,
    SetMargin,
    SetMarginByTwo,
)
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk import parameters as terms
from quantumcore.services.risk import store
from quantumcore.services.risk.desks import margin_changes, numbered
from quantumcore.services.risk.desks.margin_changes import Change, State
from quantumcore.services.risk.desks.margin_models import ModelDesk
from quantumcore.services.risk.desks.writing import Writing, outcome
from quantumcore.services.risk.margin.commands import command_of, subject_of

MODELLED = (RiskArray, LotGreeks)
_OF_SYMBOLS = (MarginTerms, *MODELLED)

_log = logging.getLogger(__name__)


class MarginDesk:
    """Answers SetMargin, SetMarginByTwo, CheckMargin and GetMarginChanges.

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
        models: ModelDesk,
        *,
        four_eyes: bool,
    ) -> None:
        """Take the tables of the room's own truth, those that follow (and how to wait for them), and who makes what models make."""
        self.changes: Counter[str] = Counter({state.name.lower(): 0 for state in State})
        self._bus = bus
        self._own = own
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self._caught_up = caught_up
        self._models = models
        self._four_eyes = four_eyes
        self._writing = Writing(
            own,
            clock,
            "margin",
            add=margin_changes.add,
            find=margin_changes.find,
            unfinished=margin_changes.unfinished,
            do=self._do,
        )
        self.run, self.look = self._writing.run, self._writing.look

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(SetMargin, self.set_margin)
        self._bus.handle(SetMarginByTwo, self.set_by_two)
        self._bus.handle(CheckMargin, self.check)
        self._bus.handle(GetMarginChanges, self.page)

    async def start(self) -> None:
        """Let be made of which people have said how."""
        self._models.begin(await self._own.read(margin_changes.modelled))

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of changes."""
        yield counter("qc_risk_margin_changes", "Changes of margin by what became of them", self.changes, by="state")

    async def set_margin(self, command: SetMargin) -> MarginChange:
        """Set something of margin, if one person is enough for that.

        Raises:
            Forbidden, NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_margin says.
        """
        if self._four_eyes:
            raise needs_second()
        return await self._set(command)

    async def set_by_two(self, command: SetMarginByTwo) -> MarginChange:
        """Set something of margin.

        Raises:
            NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_margin says.
        """
        return await self._set(command.asked)

    async def check(self, query: CheckMargin) -> Done:
        """Do nothing if it could be set now.

        Raises:
            NotFound, InvalidCommand: What is wrong, by its field.
        """
        await self._change(query.asked)
        return Done()

    async def page(self, query: GetMarginChanges) -> MarginChanges:
        """Return a page of changes, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        found, following = await numbered.page(
            self._own, margin_changes.page, query.limit, query.cursor, subject=query.subject[:32]
        )
        return MarginChanges([_shown(one) for one in found], following)

    # ---------------------------------------------------------------------------------------- one change

    async def _set(self, command: SetMargin) -> MarginChange:
        return _shown(await self._writing.keep(partial(self._change, command)))

    async def _do(self, change: Change) -> None:
        """Command a change, and write down what became of it.

        Raises:
            Unavailable, OutcomeUnknown: It stays asked.
        """
        if not isinstance(change.what, MODELLED):
            await self._sent(change)
            return
        async with self._models.sending:
            if await self._sent(change):
                self._models.put(change.what)

    async def _sent(self, change: Change) -> bool:
        """Command a change and write down what became of it; tell whether it was done."""
        sequence, code = outcome(
            wire.decode_events((await self._bus.request(Sequence(command=change.command))).events)[-1:]
        )
        state = State.REFUSED if code else State.DONE
        await self._own.write(
            partial(margin_changes.ended, number=change.number, state=state, sequence=sequence, code=code)
        )
        self.changes[state.name.lower()] += 1
        return not code

    async def _change(self, command: SetMargin) -> Change:
        """Return what is to be set.

        Raises:
            NotFound, InvalidCommand: As contracts/risk_margin says.
        """
        terms.check_signed(command.who, command.reason)
        what = command.what
        await self._know(what)
        await self._caught_up()  # an account, or a price, may be as old as this request
        numbers = await self._models.numbers(what) if isinstance(what, MODELLED) and what.model else None
        made = command_of(what, self._catalogue, numbers)
        account = 0 if isinstance(what, _OF_SYMBOLS) else what.account
        if account or isinstance(what, AccountMargin | RiskDay):
            found = await self._database.read(partial(store.read_account, account=account))
            if not found.opened:
                raise NotFound("account.not_found", "account not found", field="account_id")
        return Change(
            number=0,
            subject=subject_of(what),
            kind=msgspec.json.decode(msgspec.json.encode(what))["type"],
            what=what,
            command=made.encode(),
            state=State.ASKED,
            who=command.who,
            reason=command.reason,
            time_ns=self._clock.now(),
        )

    async def _know(self, what: MarginSetting) -> None:
        """Ask what exists, if something is named that is not known.

        Raises:
            NotFound: No symbol at all.
        """
        if not isinstance(what, _OF_SYMBOLS):
            if what.currency not in self._catalogue.codes:
                await self._definitions.refresh()
            return
        named = [what.symbol, what.model.underlying] if isinstance(what, MODELLED) and what.model else [what.symbol]
        for symbol in named:
            if not is_symbol(symbol) or await self._definitions.instrument(symbol) is None:
                raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field="symbol")

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue


def _shown(change: Change) -> MarginChange:
    return MarginChange(
        number=change.number,
        what=change.what,
        state=change.state.name.lower(),
        who=change.who,
        reason=change.reason,
        time_ns=change.time_ns,
        sequence=change.sequence,
        code=change.code,
    )

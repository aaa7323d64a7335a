"""The watch: who is on margin or has a day is assessed when anything moved for him, so that peaks and rungs are found without an order.

Each account in a currency is assessed at most every `assess_s`, so many in a second, the longest waiting first; and every SWEEP_S also without a
reason, for what no event tells. Where the venue wants it, days begin anew at midnight UTC or with the session.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from functools import partial

from prometheus_client.core import Metric

from quantumcore.contracts import wire
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import InvalidCommand, NotFound, QuantumCoreError
from quantumcore.contracts.matching import Sequence, SequenceBatch
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.risk_margin import AssessAccount, MarginView
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.risk import store
from quantumcore.services.risk.margin.book import Book, Key, Place, changed_terms, of_currencies
from quantumcore.services.risk.margin.standing import of_event, view
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.state import EVERYBODY
from quantumcore.services.risk.store import Applied

PACE_S = 0.25
SWEEP_S = 60.0
AT_A_TIME = 500
"""Commands of one round."""
REOPEN_S = 10.0
"""How long an account is left alone whose day could not begin, for its marks are stale."""
MIDNIGHT, SESSION = "midnight", "session"
_OF_PLACES = (wire.AccountMarginChanged.KIND, wire.RiskDayOpened.KIND)

_log = logging.getLogger(__name__)


class Assessor:
    """Answers AssessAccount, and assesses who moved.

    Attributes:
        done: Commands by kind: assessed, opened (days).
    """

    def __init__(
        self, bus: Bus, database: Database, clock: Clock, definitions: Definitions, book: Book, settings: RiskSettings
    ) -> None:
        self.done: Counter[str] = Counter(dict.fromkeys(("assessed", "opened"), 0))
        self._bus = bus
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self._book = book
        self._settings = settings
        self._waiting: dict[Place, None] = {}
        self._priced: set[int] = set()
        self._last: dict[Place, float] = {}
        self._tried: dict[Place, float] = {}
        self._swept: float | None = None

    def attach(self) -> None:
        """Hand the handler to the bus."""
        self._bus.handle(AssessAccount, self.assess)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what was assessed, and who waits."""
        yield counter("qc_risk_assessments", "Assessments of margin and days that were begun", self.done, by="kind")
        yield gauge(
            "qc_risk_waiting_assessments", "Accounts in a currency that wait to be assessed", len(self._waiting)
        )
        yield gauge("qc_risk_margin_accounts", "Accounts in a currency on margin", len(self._book.profiles))

    def moved(self, applied: Applied) -> None:
        """Let those wait for whom something moved."""
        for account in applied.moved:
            for currency in self._book.currencies(account):
                self._waiting[account, currency] = None
        self._priced |= applied.marks.keys() | changed_terms(applied.margin)
        for key in applied.margin:
            self._changed(key)

    def due(self, place: Place) -> None:
        """Let an account in a currency wait, for somebody knows that it has moved."""
        self._waiting[place] = None

    def _changed(self, key: Key) -> None:
        if key.kind in _OF_PLACES:
            self._waiting[key.account, key.currency] = None
        elif key.kind == wire.RiskLimitsChanged.KIND:
            wanted = self._book.places if key.account == EVERYBODY else [(key.account, key.currency)]
            self._waiting |= dict.fromkeys(place for place in wanted if place[1] == key.currency)

    async def assess(self, command: AssessAccount) -> MarginView:
        """Assess an account in a currency now.

        Raises:
            NotFound, Unavailable, OutcomeUnknown: As contracts/risk_margin says.
        """
        if command.currency not in self._definitions.catalogue.codes:
            await self._definitions.refresh()
        currency = self._definitions.catalogue.currency(command.currency)
        sent = wire.AssessMargin(account=command.account, currency=currency.number).encode()
        told = wire.decode_events((await self._bus.request(Sequence(command=sent))).events)[-1]
        if isinstance(told, wire.CommandRefused):
            if told.reason == Reason.UNKNOWN_ACCOUNT:
                raise NotFound("account.not_found", "account not found", field="account_id")
            raise InvalidCommand(CODES[Reason(told.reason)], f"the engine refused it: {CODES[Reason(told.reason)]}")
        assert isinstance(told, wire.MarginAssessed)
        self._last[command.account, currency.number] = self._clock.monotonic()
        self.done["assessed"] += 1
        return view(of_event(told), currency, told.sequence, told)

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            try:
                await self.round()
            except QuantumCoreError as error:
                _log.warning("accounts on margin are not assessed: %s", error.detail)
            await self._clock.sleep(PACE_S)

    async def round(self) -> None:
        """Begin days that are due, and assess who waits, as far as this round may.

        Raises:
            Unavailable, OutcomeUnknown: Matching or the database does not answer; who was not assessed still waits.
        """
        now = self._clock.monotonic()
        if self._swept is None or now - self._swept >= SWEEP_S:
            self._swept = now
            self._waiting |= dict.fromkeys(self._book.places)
        if self._priced:
            await self._let_holders_wait()
        room = max(1, min(AT_A_TIME, round(self._settings.assess_per_s * PACE_S)))
        await self._open_days(now, room)
        chosen = [place for place in self._waiting if self._may(place, now)][:room]
        if not chosen:
            return
        commands = [wire.AssessMargin(account=account, currency=currency) for account, currency in chosen]
        for place in chosen:
            del self._waiting[place]  # who moves meanwhile waits again
        try:
            await self._bus.request(SequenceBatch(commands=[one.encode() for one in commands]))
        except BaseException:
            self._waiting |= dict.fromkeys(chosen)
            raise
        self._last |= dict.fromkeys(chosen, now)
        self.done["assessed"] += len(chosen)

    async def _let_holders_wait(self) -> None:
        """Let those wait who hold what has another price or record; who only has orders there is found by the sweep."""
        priced, self._priced = self._priced, set()
        try:
            holders = await self._database.read(partial(store.holders, instruments=priced))
        except BaseException:
            self._priced |= priced
            raise
        for account in holders:
            self._waiting |= {(account, currency): None for currency in self._book.currencies(account)}

    def _may(self, place: Place, now: float) -> bool:
        last = self._last.get(place)
        return last is None or now - last >= self._settings.assess_s

    async def _open_days(self, now: float, room: int) -> None:
        begins = self._begins()
        if begins is None:
            return
        due = [place for place in self._book.places if self._book.days.get(place, 0) < begins.get(place[1], 0)]
        chosen = [place for place in due if now - self._tried.get(place, -REOPEN_S) >= REOPEN_S][:room]
        if not chosen:
            return
        for place in chosen:
            self._tried[place] = now
        commands = [wire.OpenRiskDay(account=account, currency=currency) for account, currency in chosen]
        outcomes = (await self._bus.request(SequenceBatch(commands=[one.encode() for one in commands]))).outcomes
        told = [wire.decode_events(one.events)[-1] for one in outcomes]
        self.done["opened"] += sum(isinstance(one, wire.RiskDayOpened) for one in told)

    def _begins(self) -> dict[int, int] | None:
        """Return when the day of each currency began; None: days are opened by nobody but people."""
        if self._settings.open_days == MIDNIGHT:
            midnight = self._clock.now() // DAY_NS * DAY_NS
            return dict.fromkeys((currency for _, currency in self._book.places), midnight)
        if self._settings.open_days == SESSION:
            return of_currencies(self._definitions.catalogue.instruments, self._book.sessions)
        return None

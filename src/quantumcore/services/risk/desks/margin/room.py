"""What of the risk room is about margin of the engine: its desks around one book of what the engine has told."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from prometheus_client.core import Metric

from quantumcore.contracts import wire
from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.matching import GetEngineMargin
from quantumcore.contracts.risk_margin import MarginView
from quantumcore.ports.event_log import EventLog
from quantumcore.services.risk import margin_store
from quantumcore.services.risk.desks.keeping.signed import Surroundings
from quantumcore.services.risk.desks.margin.assessor import Assessor
from quantumcore.services.risk.desks.margin.desk import MarginDesk
from quantumcore.services.risk.desks.margin.liquidation import LiquidationDesk
from quantumcore.services.risk.desks.margin.models import ModelDesk
from quantumcore.services.risk.desks.margin.own_marks import OwnMarks
from quantumcore.services.risk.desks.margin.takeovers import Insurance, TakeOvers
from quantumcore.services.risk.desks.margin.told import MarginTeller
from quantumcore.services.risk.margin.book import Book
from quantumcore.services.risk.margin.standing import of_event, view
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.store import Applied

OLD_NS = 60 * 10**9
"""An assessment that is older is not acted upon; every account is assessed at least as often."""


class MarginRoom:
    """The desks of margin: what is set, what models make, marks of own trades, assessments, what is told, liquidations.

    Attributes:
        book: What the engine has told last.
    """

    def __init__(
        self,
        on: Surroundings,
        marks: Callable[[], Mapping[int, Mark]],
        settings: RiskSettings,
        log: EventLog,
        reached: Callable[[int], Awaitable[int]],
        contracts_changed: Callable[[], None],
    ) -> None:
        """Take what it stands on, the prices that count, and the log.

        `reached` waits a while for the tables to have a sequence; `contracts_changed` hears when somebody has said anew what an instrument is.
        """
        bus, own, database, clock, definitions, caught_up = on
        self.book = Book()
        self._bus = bus
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self.models = ModelDesk(bus, clock, definitions, marks, contracts_changed)
        self.own_marks = OwnMarks(bus, clock, marks, caught_up, settings)
        self.desk = MarginDesk(on, self.models, four_eyes=settings.four_eyes)
        self.assessor = Assessor(bus, database, clock, definitions, self.book, settings)
        self.teller = MarginTeller(bus, own, clock, definitions, settings.warn_at)
        insurance = Insurance(settings.insurance_fund, settings.insurance_floor)
        taking = TakeOvers(bus, database, definitions, self.book, marks, insurance, log, reached)
        self.liquidation = LiquidationDesk(
            bus, own, database, clock, definitions, self.book, marks, self.assessor.due, taking
        )

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self.desk.attach()
        self.assessor.attach()
        self.liquidation.attach()

    async def start(self) -> None:
        """Read what stands; what was assessed last is told if it was not."""
        for key, event in await self._database.read(margin_store.load):
            self.book.put(key, event)
        await self.desk.start()
        await self.liquidation.start()
        self.teller.heard(self.book.assessed)

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what each desk does by itself."""
        marks = [("marks", self.own_marks.run)] if self.own_marks.wanted else []
        return [
            *marks,
            ("margin", self.desk.run),
            ("models", self.models.run),
            ("assessments", self.assessor.run),
            ("rungs", self.teller.run),
            ("liquidations", self.liquidation.run),
        ]

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what the desks did."""
        yield from self.desk.collect()
        yield from self.models.collect()
        yield from self.own_marks.collect()
        yield from self.assessor.collect()
        yield from self.teller.collect()
        yield from self.liquidation.collect()

    def moved(self, applied: Applied) -> None:
        """Take in what a commit has done.

        An assessment of long ago, which is followed anew, is nothing to act upon or to tell: the account is assessed again.
        """
        assessed = {}
        since = self._clock.now() - OLD_NS
        for key, event in applied.margin.items():
            self.book.put(key, event)
            if isinstance(event, wire.MarginAssessed) and event.time_ns > since:
                assessed[key.account, key.currency] = event
        self.own_marks.heard(applied)
        self.assessor.moved(applied)
        self.teller.heard(assessed)
        self.liquidation.heard(assessed)

    async def standings(self, account: int) -> list[MarginView]:
        """Return how an account stands in each currency in which it is on margin or has a day, by the engine.

        While that does not answer, as it was last assessed; what never was is left out then.
        """
        currencies = self.book.currencies(account)
        if not currencies:
            return []
        assessed = {currency: self.book.assessed.get((account, currency)) for currency in currencies}
        known = self._definitions.catalogue.currencies
        try:
            if not known.keys() >= set(currencies):
                await self._definitions.refresh()
            found = await self._bus.request(GetEngineMargin(account=account, currencies=currencies))
        except QuantumCoreError:
            told = ((known.get(currency), event) for currency, event in assessed.items())
            return [view(of_event(event), one, event.sequence, event) for one, event in told if one and event]
        shown = partial(view, sequence=found.sequence)
        return [
            shown(standing, known[currency], assessed=assessed[currency])
            for currency, standing in zip(currencies, found.standings, strict=True)
        ]

"""What accounts could lose and how much of what they may do they use: risk follows the engine's events and answers who asks."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from prometheus_client.core import Metric

from quantumcore.contracts.portfolio import FxPublished
from quantumcore.ports.bus import Bus, Subscription
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.following import Following
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.ports.upstream import Upstream
from quantumcore.ports.workers import Workers
from quantumcore.services.risk.desks.figures import FiguresDesk
from quantumcore.services.risk.desks.guards import GuardDesk
from quantumcore.services.risk.desks.keeping.signed import Surroundings
from quantumcore.services.risk.desks.limits import LimitDesk
from quantumcore.services.risk.desks.margin.room import MarginRoom
from quantumcore.services.risk.desks.parameters import ParameterDesk
from quantumcore.services.risk.desks.switches import SwitchDesk
from quantumcore.services.risk.desks.watch import Watch
from quantumcore.services.risk.folding import PASSED
from quantumcore.services.risk.parameters import Parameters
from quantumcore.services.risk.projection import Projection
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.state import EVERYBODY
from quantumcore.services.risk.store import Applied
from quantumcore.services.risk.valuation.metrics import is_stale
from quantumcore.services.risk.valuation.rates import RatesDesk
from quantumcore.services.risk.valuation.valuer import Valuer


class RiskService:
    """Answers the requests of contracts.risk, risk_guards, risk_limits, risk_margin and risk_parameters. Follows the event log, hears FxPublished. Tells RiskWarning and RiskParametersChanged.

    `own` is a database of its own, for what people set and what was told could not be rebuilt; all else may lag behind the disk.
    """

    name = "risk"

    def __init__(
        self,
        bus: Bus,
        log: EventLog,
        database: Database,
        clock: Clock,
        *,
        upstream: Upstream,
        workers: Workers,
        own: Database | None = None,
        settings: RiskSettings | None = None,
    ) -> None:
        """Take what it stands on: `upstream` asks other rooms, `workers` compute."""
        settings = settings or RiskSettings()
        own = own or database
        self._bus = bus
        self._clock = clock
        self._settings = settings
        definitions = Definitions(bus)
        self.projection = Projection(log, database, definitions, settings.kept_days, self._moved)
        self._follower = Follower(self.name, log, self.apply)
        self._following = Following(self._follower, log, clock, definitions, self.projection.open)
        self._rates = RatesDesk(bus, upstream, clock, settings.fx_stale_s)
        reached = self._following.reached

        async def caught_up() -> object:
            return await reached(log.last)

        on = Surroundings(bus, own, database, clock, definitions, caught_up)
        self.margin = MarginRoom(on, lambda: self.projection.marks, settings, log, reached, self._contracts_changed)
        book, contracts = self.margin.book, self.margin.models.contracts
        self._valuer = Valuer(
            database, clock, definitions, self.projection, self._rates, settings, caught_up, book, contracts
        )
        self._parameters = ParameterDesk(bus, own, database, clock, definitions, self._set, caught_up)
        self._limits = LimitDesk(on, four_eyes=settings.four_eyes)
        self._switches = SwitchDesk(bus, database, definitions, reached)
        self._watch = Watch(bus, own, database, clock, self._valuer, settings)
        self.guards = GuardDesk(on, reached, four_eyes=settings.four_eyes)
        self._figures = FiguresDesk(
            bus, upstream, database, clock, self._valuer, workers, settings, reached, self.margin.standings
        )
        self._checks: Counter[str] = Counter({PASSED: 0})
        self._subscriptions: list[Subscription] = []

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._figures.attach()
        self._parameters.attach()
        self._limits.attach()
        self._switches.attach()
        self._watch.attach()
        self.margin.attach()
        self.guards.attach()
        self._subscriptions = [self._bus.subscribe(FxPublished, self.on_rates)]

    async def start(self) -> None:
        """Open the tables."""
        await self._parameters.start()
        await self._following.start()
        await self._watch.start()
        await self.margin.start()

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name the projection, what looks at accounts that moved, what ends limits, and what follows margin."""
        own = [("warnings", self._watch.run), ("limits", self._limits.run), ("guards", self.guards.run)]
        return [*self._following.tasks(), *own, *self.margin.tasks()]

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        return self._following.not_ready()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what this room looks like."""
        kept, now = self._valuer.kept, self._clock.now()
        stale = sum(is_stale(mark, now, self._settings) for mark in self.projection.marks.values())
        yield from self._follower.collect()
        yield counter("qc_risk_cache_hits", "Figures given again", kept.hits)
        yield counter("qc_risk_computations", "Accounts valued", kept.misses)
        yield gauge("qc_risk_cached_accounts", "Accounts whose figures are kept", len(kept))
        yield counter(
            "qc_risk_checks", "Orders that the engine judged, by the code of a refusal", self._checks, by="code"
        )
        yield gauge("qc_risk_stale_marks", "Instruments whose price is older than it may be", stale)
        yield gauge("qc_risk_kill_switches", "Kill switches that are engaged, of every level", self.projection.engaged)
        yield gauge("qc_risk_parameters_version", "The newest of what people set", self._parameters.current.version)
        yield from self._figures.collect()
        yield from self._parameters.collect()
        yield from self._limits.collect()
        yield from self._watch.collect()
        yield from self.margin.collect()
        yield from self.guards.collect()

    async def stop(self) -> None:
        """Listen to nothing any more; the projection's task has ended, and each of its batches is whole or not at all."""
        for subscription in self._subscriptions:
            await subscription.close()

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Apply what is new in `batches`.

        Raises:
            Unavailable, Corrupted: As Projection.apply says.
        """
        await self.projection.apply(batches)

    async def on_rates(self, notices: Sequence[FxPublished]) -> None:
        """Ask for the rates before they are used again."""
        await self._rates.on_published(notices)

    async def _moved(self, applied: Applied) -> None:
        kept = self._valuer.kept
        self._checks.update(applied.checks)
        if EVERYBODY in applied.moved:
            kept.all_moved()
        kept.moved(applied.moved)
        kept.priced(applied.priced)
        self._watch.moved(applied)
        self.margin.moved(applied)

    def _contracts_changed(self) -> None:
        self._valuer.kept.all_moved()

    def _set(self, parameters: Parameters) -> None:
        self._valuer.parameters = parameters
        self._valuer.kept.all_moved()

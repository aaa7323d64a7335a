"""The risk room in a small venue, whose portfolio room says what a test wants of rates and history."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.adapters.upstream import GuardedUpstream
from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound
from quantumcore.contracts.messages import Request
from quantumcore.contracts.portfolio import FxPublished, FxRate, FxSnapshot, GetFxSnapshot, GetPerformance, Performance
from quantumcore.contracts.risk import GetRiskMetrics, RiskMetrics
from quantumcore.services.risk.service import RiskService
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.work import WORK
from tests.support.position_rooms import order
from tests.support.small_venue import ALICE, BOB, SHARE, SmallVenue, small_venue

R = TypeVar("R")
TRUTH = (
    "accounts",
    "balances",
    "positions",
    "orders",
    "marks",
    "closes",
    "limits",
    "switches",
    "members",
    "drawn",
    "margin_events",
    "guard_events",
    "cursor",
)
"""Tables that are a function of the events, however they were cut."""


class InlineWorkers:
    """Computes at once, in the way of everything else.

    Attributes:
        fault: Raised by the next computation.
    """

    def __init__(self) -> None:
        self.asked: list[Request[Any]] = []
        self.fault: Exception | None = None

    async def compute(self, request: Request[R], *, deadline_s: float) -> R:  # nothing could end it
        """Compute."""
        self.asked.append(request)
        if self.fault is not None:
            raise self.fault
        return cast("R", WORK[type(request)](request))


class PortfolioRoom:
    """What the portfolio room says.

    Attributes:
        rates: By (base, quote), of the snapshot in force; none: there is none.
        drawdown: Of every account.
        down: What it raises instead of an answer.
        asked: Questions for rates.
    """

    def __init__(self, venue: SmallVenue) -> None:
        self.rates: dict[tuple[str, str], int] = {}
        self.drawdown: str | None = None
        self.down: Exception | None = None
        self.asked = 0
        self.time_ns = venue.clock.now()
        self.number = 0
        self._venue = venue
        venue.bus.handle(GetFxSnapshot, self.snapshot)
        venue.bus.handle(GetPerformance, self.performance)

    async def publish(self, **rates: int) -> None:
        """Bring rates into force: EUR_USD=2."""
        self.number += 1
        self.time_ns = self._venue.clock.now()
        self.rates = {(name[:3], name[4:]): rate for name, rate in rates.items()}
        await self._venue.bus.publish([FxPublished(snapshot_id=f"fx-{self.number}", time_ns=self.time_ns)])

    async def snapshot(self, _query: GetFxSnapshot) -> FxSnapshot:
        self.asked += 1
        if self.down is not None:
            raise self.down
        if not self.rates:
            raise NotFound("fx.not_found", "no snapshot")
        rates = [FxRate(base, quote, str(rate), "1", str(rate)) for (base, quote), rate in self.rates.items()]
        return FxSnapshot(f"fx-{self.number}", "test", self.time_ns, rates, False, True)

    async def performance(self, query: GetPerformance) -> Performance:
        if self.down is not None:
            raise self.down
        nothing: tuple[None, ...] = (None,) * 3
        return Performance(str(query.account), "USD", 0, 0, 0, None, self.drawdown, *nothing, "0")


class RiskRoom:
    """A venue with the risk room in it."""

    def __init__(
        self,
        venue: SmallVenue,
        service: RiskService,
        database: SqliteDatabase,
        own: SqliteDatabase,
        portfolio: PortfolioRoom,
        workers: InlineWorkers,
    ) -> None:
        self.venue = venue
        self.service = service
        self.database = database
        self.own = own
        self.portfolio = portfolio
        self.workers = workers

    async def ask(self, message: Request[R]) -> R:
        """Ask over the bus."""
        return await self.venue.bus.request(message)

    async def metrics(self, account: int = ALICE, **asked: Any) -> RiskMetrics:
        """Ask what an account could lose, after everything that was done."""
        at = self.venue.engine.sequence
        return await self.ask(GetRiskMetrics(**{"account": account, "at_least": at, **asked}))

    def trade(self, lots: int, price: int, *, instrument: int = SHARE, account: int = ALICE, other: int = BOB) -> int:
        """Let `account` take `lots` (negative: sell) at `price` ticks from `other`; return the sequence of the trade."""
        side = 1 if lots > 0 else 2
        for who, on in ((other, 3 - side), (account, side)):
            self.venue.do(order(instrument, who, on, abs(lots), price))
        return self.venue.engine.sequence

    def work(self, lots: int, price: int, *, instrument: int = SHARE, account: int = ALICE) -> None:
        """Let an order of `account` rest: `lots` (negative: to sell) at `price` ticks."""
        self.venue.do(order(instrument, account, 1 if lots > 0 else 2, abs(lots), price))

    def mark(self, price: int, *, instrument: int = SHARE) -> None:
        """Set the mark."""
        self.venue.do(wire.SetMark(instrument=instrument, price=price))


def risk_service(
    venue: SmallVenue,
    database: SqliteDatabase,
    own: SqliteDatabase | None = None,
    workers: Any = None,
    **settings: Any,
) -> RiskService:
    """Return the room in a small venue, neither attached nor started."""
    return RiskService(
        venue.bus,
        venue.log,
        database,
        venue.clock,
        upstream=GuardedUpstream(venue.clock),
        workers=workers or InlineWorkers(),
        own=own,
        settings=RiskSettings(**settings),
    )


@asynccontextmanager
async def risk_room(
    directory: Path,
    *,
    commands: list[wire.Command] | None = None,
    workers: Any = None,
    run: bool = True,
    **settings: Any,
) -> AsyncIterator[RiskRoom]:
    """Run the room in a small venue."""
    async with small_venue(directory, commands) as venue:
        database, own = await venue.database("risk"), await venue.database("risk", "risk_parameters")
        portfolio, inline = PortfolioRoom(venue), InlineWorkers()
        service = risk_service(venue, database, own, workers or inline, **settings)
        if run:
            await venue.run(service)
        else:
            service.attach()
            await service.start()
        yield RiskRoom(venue, service, database, own, portfolio, inline)
        await service.stop()

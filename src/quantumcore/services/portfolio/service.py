"""What accounts are worth: asked of ledger, positions and market, at one cursor and one snapshot of rates; and how it went."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from prometheus_client.core import Metric

from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.contracts.ledger import GetBalances, LedgerMoved
from quantumcore.contracts.market import MarketMoved
from quantumcore.contracts.portfolio import (
    GetConversion,
    GetFxSnapshot,
    GetPerformance,
    GetPortfolio,
    GetValuationHistory,
    Performance,
    Portfolio,
    PublishFxSnapshot,
    ReportingCurrency,
    ReportingCurrencySet,
    SetReportingCurrency,
    ValuationPage,
)
from quantumcore.contracts.positions import PositionsMoved
from quantumcore.ports.bus import Bus, Subscription
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.ports.where import Where
from quantumcore.services.portfolio import store
from quantumcore.services.portfolio.cache import Valuations
from quantumcore.services.portfolio.fx_desk import FxDesk
from quantumcore.services.portfolio.market import Market
from quantumcore.services.portfolio.past import Past
from quantumcore.services.portfolio.recorder import Recorder
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.portfolio.valuer import Valuer


class PortfolioService:
    """Answers what contracts.portfolio asks. Hears PositionsMoved, LedgerMoved and MarketMoved, and looks at the event log for
    prices and time from now on. Tells FxPublished and ReportingCurrencySet.
    """

    name = "portfolio"

    def __init__(
        self,
        bus: Bus,
        log: EventLog,
        database: Database,
        clock: Clock,
        settings: PortfolioSettings | None = None,
    ) -> None:
        settings = settings or PortfolioSettings()
        self._bus = bus
        self._log = log
        self._database = database
        self._settings = settings
        self._market = Market(bus)
        self._desk = FxDesk(bus, database, clock, self._market, settings, self._rates_moved)
        self._valuer = Valuer(bus, database, clock, self._market, self._desk, settings)
        self._valuations = Valuations(clock, settings.cache_s, settings.cache_accounts, self._valuer.value)
        self._recorder = Recorder(bus, database, clock, self._market, self._valuations, self._valuer, settings)
        self._past = Past(database, settings)
        self._follower = Follower(self.name, log, self.apply)
        self._subscriptions: list[Subscription] = []
        self._opened = False

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(GetPortfolio, self.portfolio)
        self._bus.handle(SetReportingCurrency, self.set_reporting_currency)
        self._bus.handle(GetValuationHistory, self.history)
        self._bus.handle(GetPerformance, self.performance)
        self._bus.handle(PublishFxSnapshot, self._desk.publish)
        self._bus.handle(GetFxSnapshot, self._desk.get)
        self._bus.handle(GetConversion, self._desk.convert)
        self._subscriptions = [
            self._bus.subscribe(PositionsMoved, self.on_moved),
            self._bus.subscribe(LedgerMoved, self.on_moved),
            self._bus.subscribe(MarketMoved, self.on_market),
        ]

    async def start(self) -> None:
        """Read what stands in the tables, and what may be traded; what is not there yet is read when the task starts."""
        try:
            await self._open()
        except (Unavailable, OutcomeUnknown):
            self._opened = False  # not_ready says so

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what looks at the event log, and what keeps the history."""
        return [("prices", self._follow), ("carrying", self._recorder.carry), ("history", self._recorder.record)]

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        if not self._opened:
            return [f"{self.name}: the tables or the definitions have not been read"]
        return [self._follower.failure] if self._follower.failure else []

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what this room looks like."""
        valuations, recorder = self._valuations, self._recorder
        yield from self._follower.collect()
        yield counter("qc_portfolio_computations", "Valuations computed", valuations.computations)
        yield counter("qc_portfolio_cache_hits", "Valuations given again", valuations.hits)
        yield counter("qc_portfolio_coalesced", "Askers who shared a valuation on its way", valuations.coalesced)
        yield gauge("qc_portfolio_cached_accounts", "Valuations kept", len(valuations))
        yield counter("qc_portfolio_retries", "Times that balances and positions did not agree", self._valuer.retries)
        yield counter("qc_portfolio_stale_lines", "Lines valued at a stale price", self._valuer.stale_lines)
        yield counter("qc_portfolio_history_points", "Points of the history by outcome", recorder.points, by="outcome")
        yield from self._valuer.seconds.collect()

    async def stop(self) -> None:
        """End what is on its way, and listen to nothing any more."""
        for subscription in self._subscriptions:
            await subscription.close()
        await self._valuations.stop()

    # ---------------------------------------------------------------------------------- queries and commands

    async def portfolio(self, query: GetPortfolio) -> Portfolio:
        """Return what an account is worth.

        Raises:
            NotFound: `account.not_found`.
            Unavailable: `fx.rate_missing`, `fx.rate_stale`, `portfolio.moving`, or a room that does not answer.
        """
        with Where.of(query).told():
            valued = await self._valuations.get(query.account, query.at_least)
            self._recorder.know(query.account)
            return valued.portfolio

    async def set_reporting_currency(self, command: SetReportingCurrency) -> ReportingCurrency:
        """Value an account in another currency from now on; the same again changes nothing.

        Raises:
            NotFound: `account.not_found`, `currency.not_found`.
            Unavailable: The database did not take it; nothing changed.
        """
        account, code = command.account, command.currency
        with Where.of(command).told():
            await self._market.currency(code, "currency")
            await self._bus.request(GetBalances(account=account))  # knows whether there is such an account
            if await self._database.write(lambda tx: store.set_reporting(tx, account, code)):
                self._valuations.moved([account])
                await self._bus.publish([ReportingCurrencySet(account=account, currency=code)])
            return ReportingCurrency(str(account), code)

    async def history(self, query: GetValuationHistory) -> ValuationPage:
        """Return a page of an account's history.

        Raises:
            InvalidCommand: limit or cursor.
            NotFound: `account.not_found`.
        """
        with Where.of(query).told():
            await self._bus.request(GetBalances(account=query.account))
            return await self._past.page(query)

    async def performance(self, query: GetPerformance) -> Performance:
        """Return what an account has made.

        Raises:
            InvalidCommand: risk_free.
            NotFound: `account.not_found`.
        """
        with Where.of(query).told():
            await self._bus.request(GetBalances(account=query.account))
            return await self._past.performance(query)

    # ------------------------------------------------------------------------------------------ what moves

    async def on_moved(self, notices: Sequence[PositionsMoved | LedgerMoved]) -> None:
        """Forget what was known of the accounts that moved."""
        accounts = {account for notice in notices for account in notice.accounts}
        self._valuations.moved(accounts)
        self._recorder.moved(accounts)

    async def on_market(self, notices: Sequence[MarketMoved]) -> None:
        """Forget what was valued at prices that are others now."""
        moved = self._market.hear(notices)
        if moved:
            self._valuations.priced(moved)

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Take prices, definitions and time from `batches`."""
        for batch in batches:
            moved = self._market.learn(batch.events)
            if moved:
                self._valuations.priced(moved)
            await asyncio.sleep(0)
        self._recorder.tick()

    def _rates_moved(self) -> None:
        self._valuations.all_moved()

    async def _follow(self) -> None:
        if not self._opened:
            await self._open()
        await self._follower.run()

    async def _open(self) -> None:
        await self._market.start()
        await self._desk.start()
        await self._recorder.start()
        self._follower.cursor = self._log.last  # what is there is in what other rooms answer
        self._follower.failure = ""
        self._opened = True

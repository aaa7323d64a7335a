"""Which adapter serves which port, and which rooms the house has. Nothing else asks."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantumcore.adapters.cache import EmbeddedCache
from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.registry import EmbeddedRegistry
from quantumcore.app.annex.messages import BeginRooms
from quantumcore.app.annex.process import Annex, AnnexRoom
from quantumcore.app.annex.spawn import Spawned
from quantumcore.app.audit_key import audit_key
from quantumcore.app.definitions import load_calendars, load_definitions
from quantumcore.app.directory import DirectoryLock
from quantumcore.app.read_side import FOLLOWING, ReadSideSettings, open_read_side, open_room
from quantumcore.app.settings import Settings
from quantumcore.contracts import (
    actions,
    auth,
    ledger,
    ledger_approvals,
    ledger_audit,
    ledger_fx,
    ledger_periods,
    ledger_reports,
    ledger_tax,
    market,
    matching,
    order_queries,
    portfolio,
    positions,
    reference,
    risk,
    risk_guards,
    risk_kill,
    risk_limits,
    risk_margin,
    risk_parameters,
)
from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.messages import Request
from quantumcore.core.shard import Shard
from quantumcore.ports.service import Service
from quantumcore.ports.telemetry import Measured
from quantumcore.services.auth.service import AuthService
from quantumcore.services.auth.settings import AuthSettings
from quantumcore.services.gateway.service import GatewayService
from quantumcore.services.gateway.settings import GatewaySettings
from quantumcore.services.ledger.settings import LedgerSettings, PayoutSettings
from quantumcore.services.matching.profile import Profile
from quantumcore.services.matching.service import MatchingService
from quantumcore.services.orders.desk import OrderDesk
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.positions.settings import PositionsSettings
from quantumcore.services.risk.desks.kill import KillDesk
from quantumcore.services.risk.settings import RiskSettings

QUERIES: dict[str, tuple[type[Request[Any]], ...]] = {
    "matching": (
        matching.GetEngineStatus,
        matching.GetEngineAccount,
        matching.GetEngineTotals,
        matching.GetEngineHolds,
        reference.GetReference,
    ),
    "auth": (auth.GetUser,),
    "orders": (
        order_queries.GetOrder,
        order_queries.GetAccountOrders,
        order_queries.GetFills,
        order_queries.GetOrderEvents,
        order_queries.GetQueuePosition,
        order_queries.RebuildOrder,
    ),
    "market": (
        market.GetBook,
        market.GetBook3,
        market.GetTrades,
        market.GetTicker,
        market.GetTickers,
        market.GetMarketStatus,
        market.GetAuction,
    ),
    "ledger": (
        ledger.GetBalances,
        ledger.GetHolds,
        ledger.GetEntries,
        ledger.GetTransfer,
        ledger.GetTransaction,
        ledger.GetTrialBalance,
        ledger.Reconcile,
        ledger_audit.VerifyAccount,
        ledger_audit.GetAuditRoots,
        ledger_periods.GetPeriods,
        ledger_tax.GetTaxes,
        ledger_tax.GetTaxDocument,
        ledger_reports.GetStatement,
        ledger_reports.GetGeneralLedger,
        ledger_reports.GetIncome,
        ledger_reports.GetClientMoney,
        ledger_reports.GetReconciliation,
        ledger_approvals.GetProposal,
        ledger_approvals.GetProposals,
        ledger_fx.GetQuote,
        ledger_fx.GetCurrencyConversion,
    ),
    "portfolio": (
        portfolio.GetPortfolio,
        portfolio.GetValuationHistory,
        portfolio.GetPerformance,
        portfolio.GetFxSnapshot,
        portfolio.GetConversion,
    ),
    "positions": (
        positions.GetPosition,
        positions.GetPositions,
        positions.GetPositionEvents,
        positions.GetLots,
        positions.GetPositionSnapshot,
        positions.RebuildPositions,
        actions.GetAction,
    ),
    "risk": (
        risk.GetRiskMetrics,
        risk.GetVar,
        risk.GetStress,
        risk.GetGreeks,
        risk_limits.GetLimits,
        risk.GetRiskUpdates,
        risk_parameters.GetParameters,
        risk_limits.GetLimitChanges,
        risk_limits.GetLevelLimits,
        risk_kill.GetKillSwitches,
        risk_guards.GetGuards,
        risk_guards.GetPauses,
        risk_guards.GetGuardChanges,
        risk_margin.GetMarginChanges,
        risk_margin.GetLiquidations,
    ),
}


@dataclass(frozen=True)
class House:
    """Everything that runs: the rooms in the order in which they start, and what to close after them.

    Attributes:
        closing: What to call after the rooms have stopped.
        watchers: Who knows why the house is not ready; the gateway's /ready asks them.
        registry: Which rooms are there, and where.
        measured: What each room stands on, for its /metrics.
    """

    lock: DirectoryLock
    bus: EmbeddedBus
    log: FileEventLog
    clock: SystemClock
    closing: Sequence[Callable[[], Awaitable[None]]]
    services: Sequence[Service]
    gateway: GatewayService
    watchers: list[Callable[[], list[str]]]
    registry: EmbeddedRegistry
    measured: dict[str, list[Measured]]

    async def close(self) -> None:
        """Release what the rooms stood on."""
        try:
            for close in self.closing:
                await close()
            self.log.close()
        finally:
            self.lock.release()


async def build(settings: Settings, spawned: Spawned | None = None) -> House:
    """Build the embedded house: files, SQLite, one process and its annex, which may be `spawned` already.

    Raises:
        Unavailable: `journal.locked`: another process runs this directory.
        QuantumCoreError: What lies there is damaged, or a setting is wrong.
    """
    lock = DirectoryLock(settings.data_dir)
    try:
        return await _build(settings, lock, spawned)
    except BaseException:
        lock.release()
        raise


async def _build(settings: Settings, lock: DirectoryLock, spawned: Spawned | None) -> House:
    genesis, calendars = load_definitions(settings.instruments), load_calendars(settings.instruments)
    clock = SystemClock()
    bus = EmbeddedBus()
    log = _event_log(settings.data_dir / "events")
    users = await open_room(settings.data_dir, "auth", synchronous="FULL")  # nothing could rebuild it
    watchers: list[Callable[[], list[str]]] = []
    cache = EmbeddedCache(clock)
    gateway = GatewayService(
        bus,
        cache,
        clock,
        gateway_settings(settings),
        house_not_ready=lambda: [reason for watcher in watchers for reason in watcher()],
    )
    matching = MatchingService(
        bus, log, clock, lambda told: _open_shard(settings, told), genesis, calendars, _profile(settings)
    )
    auth = AuthService(bus, users, clock, _auth_settings(settings))
    rooms: list[Service]
    closing = [users.close]
    measured: dict[str, list[Measured]] = {"matching": [log], "gateway": [cache], "auth": [users]}
    told = read_side_settings(settings)
    kill = KillDesk(bus, four_eyes=settings.four_eyes)
    if settings.annex:
        annex = Annex(bus, log, clock, settings.data_dir, settings.log_level, BeginRooms(settings=told))
        await annex.launch(spawned)
        closing.append(annex.stop)  # also when the rooms never began
        measured["gateway"].append(annex)
        desks: dict[str, Service] = {"orders": OrderDesk(bus, log), "risk": kill}
        rooms = [annex, *[AnnexRoom(name, annex, desks.get(name)) for name in FOLLOWING]]
    else:  # beside an annex these are not even imported: that is a tenth of a second of the start
        from quantumcore.app.following import following_rooms
        from quantumcore.services.orders.service import OrdersService

        side = await open_read_side(settings.data_dir, clock)
        closing.append(side.close)
        measured |= side.measured()
        rooms = following_rooms(bus, log, side, clock, told, OrdersService)
        kill.attach()
    services = [matching, *rooms, auth, gateway]
    return House(lock, bus, log, clock, closing, services, gateway, watchers, EmbeddedRegistry(clock), measured)


def _event_log(directory: Path) -> FileEventLog:
    try:
        return FileEventLog(directory)
    except Corrupted as error:
        cure = f"the journal can write it anew: move {directory} away and start again"
        raise Corrupted("corrupted", f"event log: {error.detail}; {cure}") from error


def _open_shard(settings: Settings, told: int) -> Shard:
    return Shard(settings.data_dir, told, segment_bytes=settings.segment_bytes, max_orders=settings.max_orders)


def _auth_settings(settings: Settings) -> AuthSettings:
    return AuthSettings(
        jwt_secret=settings.jwt_secret,
        previous_jwt_secret=settings.previous_jwt_secret,
        key_encryption_key=settings.key_encryption_key,
    )


def read_side_settings(settings: Settings) -> ReadSideSettings:
    """Return what the rooms that follow the event log must know of `settings`."""
    return ReadSideSettings(
        audit_key=audit_key(settings),
        ledger=LedgerSettings(
            reconcile_s=settings.reconcile_s,
            fx_stale_s=settings.fx_stale_s,
            fx_tolerance_bp=settings.fx_tolerance_bp,
            four_eyes=settings.four_eyes,
            proposal_s=settings.proposal_s,
            retention_days=settings.ledger_retention_days,
            payouts=PayoutSettings(
                rail=settings.payout_rail, fees=settings.payout_fees, timeout_s=settings.payout_timeout_s
            ),
        ),
        positions=PositionsSettings(
            stale_ns=settings.positions_stale_s * 10**9,
            snapshot_events=settings.positions_snapshot_events,
            retention_ns=settings.positions_retention_days * 86_400 * 10**9,
            side_by_side=settings.positions_side_by_side,
        ),
        portfolio=PortfolioSettings(
            reporting=settings.reporting_currency,
            cache_s=settings.portfolio_cache_s,
            history_s=settings.portfolio_history_s,
            history_kept=settings.portfolio_history_kept,
            fx_stale_s=settings.fx_stale_s,
            fx_tolerance_bp=settings.fx_tolerance_bp,
        ),
        risk=RiskSettings(
            reporting=settings.reporting_currency,
            fx_stale_s=settings.fx_stale_s,
            stale_s=settings.risk_stale_s,
            kept_days=settings.risk_kept_days,
            warn_at=settings.risk_warn_at,
            daily_loss=settings.risk_daily_loss,
            compute_s=settings.risk_compute_s,
            assess_s=settings.risk_assess_s,
            assess_per_s=settings.risk_assess_per_s,
            open_days=settings.risk_open_days,
            insurance_fund=settings.risk_insurance_fund,
            insurance_floor=settings.risk_insurance_floor,
            marks_from_trades=settings.risk_marks_from_trades,
            four_eyes=settings.four_eyes,
        ),
    )


def _profile(settings: Settings) -> Profile:
    return Profile(
        order_notional=settings.limit_order_notional,
        position_lots=settings.limit_position_lots,
        daily_loss=settings.limit_daily_loss,
        drawdown=settings.limit_drawdown,
        open_orders=settings.limit_open_orders,
        open_each=settings.limit_open_each,
        orders=(settings.throttle_orders, settings.throttle_orders_burst),
        cancels=(settings.throttle_cancels, settings.throttle_cancels_burst),
    )


def gateway_settings(settings: Settings) -> GatewaySettings:
    """Return what the gateway must know of `settings`."""
    return GatewaySettings(
        rate_user=settings.rate_user,
        rate_orders=settings.rate_orders,
        rate_cancels=settings.rate_cancels,
        rate_peer=settings.rate_peer,
        rate_login=settings.rate_login,
        trusted_proxies=settings.trusted_proxies,
        four_eyes=settings.four_eyes,
    )

"""The rooms that follow the event log, built alike in the house and in its annex. Only who runs them imports this."""

from collections.abc import Callable

from quantumcore.adapters.guarded_rail import GuardedRail
from quantumcore.adapters.outbox_rail import OutboxRail
from quantumcore.app.audit_places import auditing_of
from quantumcore.app.read_side import ReadSide, ReadSideSettings
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.payout import OperatedRail
from quantumcore.ports.service import Service
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import PayoutSettings
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.history import OrderHistoryService
from quantumcore.services.portfolio.service import PortfolioService
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.risk.service import RiskService


def following_rooms(
    bus: Bus,
    log: EventLog,
    side: ReadSide,
    clock: Clock,
    settings: ReadSideSettings,
    orders: Callable[[Bus, EventLog, Database, Clock], Service] = OrderHistoryService,
) -> list[Service]:
    """Return the rooms in the order in which they start; `orders` makes the one that has the orders' history."""
    return [
        LedgerService(
            bus,
            log,
            side.ledger,
            clock,
            auditing_of(side.directory, settings.audit_key, settings.ledger.retention_days),
            office=side.office,
            rail=_rail(side, settings.ledger.payouts),
            settings=settings.ledger,
        ),
        orders(bus, log, side.orders, clock),
        MarketService(bus, log, side.market, clock),
        PositionsService(bus, log, side.positions, clock, side.choices, settings.positions, side.open_beside),
        PortfolioService(bus, log, side.portfolio, clock, settings.portfolio),
        RiskService(
            bus,
            log,
            side.risk,
            clock,
            upstream=side.rooms,
            workers=side.workers,
            own=side.parameters,
            settings=settings.risk,
        ),
    ]


def _rail(side: ReadSide, settings: PayoutSettings) -> OperatedRail | None:
    if settings.rail != "operator":
        return None
    return GuardedRail(OutboxRail(side.directory / "payouts.jsonl"), side.rails)

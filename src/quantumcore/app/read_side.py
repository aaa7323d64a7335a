"""The rooms that follow the event log and what they stand on: built alike in the house and in its annex."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.app.audit import auditing_of
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.service import Service
from quantumcore.ports.telemetry import Measured
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.history import OrderHistoryService
from quantumcore.services.portfolio.service import PortfolioService
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.positions.settings import PositionsSettings

ROOMS = ("ledger", "orders", "market", "positions")
"""Whose tables the journal can make anew."""
FOLLOWING = (*ROOMS, "portfolio")


class ReadSideSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the rooms are told. A message: the annex gets it over its socket, for a command line is for everybody to read.

    Attributes:
        audit_key: Signs the roots of the ledger's audit.
        reconcile_s: How often the ledger is compared with engine, trades and positions, in seconds.
    """

    audit_key: bytes
    reconcile_s: float
    positions: PositionsSettings = PositionsSettings()
    portfolio: PortfolioSettings = PortfolioSettings()


@dataclass(frozen=True)
class ReadSide:
    """The tables of the rooms.

    Attributes:
        choices: The positions room's own truth; it and the portfolio's tables are synced with each commit, for no journal has them.
    """

    directory: Path
    ledger: SqliteDatabase
    orders: SqliteDatabase
    market: SqliteDatabase
    positions: SqliteDatabase
    choices: SqliteDatabase
    portfolio: SqliteDatabase

    def measured(self) -> dict[str, list[Measured]]:
        """Return what each room stands on, for its /metrics."""
        return {
            "ledger": [self.ledger],
            "orders": [self.orders],
            "market": [self.market],
            "positions": [self.positions, self.choices],
            "portfolio": [self.portfolio],
        }

    async def open_beside(self) -> SqliteDatabase:
        """Open the tables of a second projection of positions; whoever asked closes them."""
        beside = self.directory / "quantumcore_positions_beside.sqlite"
        return await open_database(beside, _migrations("positions"), synchronous="NORMAL")

    async def close(self) -> None:
        """Release them."""
        for database in (self.ledger, self.orders, self.market, self.positions, self.choices, self.portfolio):
            await database.close()


async def open_read_side(data_dir: Path) -> ReadSide:
    """Open the tables below `data_dir`. What can be rebuilt from the journal may lag behind the disk."""
    opened = {name: await open_room(data_dir, name, synchronous="NORMAL") for name in ROOMS}
    choices = data_dir / "quantumcore_positions_choices.sqlite"  # the room's tables once more, for its own truth alone
    opened["choices"] = await open_database(choices, _migrations("positions"), synchronous="FULL")
    opened["portfolio"] = await open_room(data_dir, "portfolio", synchronous="FULL")
    return ReadSide(data_dir, **opened)


async def open_room(data_dir: Path, name: str, *, synchronous: str) -> SqliteDatabase:
    """Open the tables of one room."""
    return await open_database(data_dir / f"quantumcore_{name}.sqlite", _migrations(name), synchronous=synchronous)


def _migrations(name: str) -> str:
    return f"quantumcore.services.{name}.migrations"


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
            auditing_of(side.directory, settings.audit_key),
            reconcile_s=settings.reconcile_s,
        ),
        orders(bus, log, side.orders, clock),
        MarketService(bus, log, side.market, clock),
        PositionsService(bus, log, side.positions, clock, side.choices, settings.positions, side.open_beside),
        PortfolioService(bus, log, side.portfolio, clock, settings.portfolio),
    ]

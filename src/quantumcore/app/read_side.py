"""The rooms that follow the event log and what they stand on: built alike in the house and in its annex."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.service import Service
from quantumcore.ports.telemetry import Measured
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.history import OrderHistoryService

ROOMS = ("ledger", "orders", "market")


@dataclass(frozen=True)
class ReadSide:
    """The tables of the rooms; all can be rebuilt from the journal."""

    ledger: SqliteDatabase
    orders: SqliteDatabase
    market: SqliteDatabase

    def measured(self) -> dict[str, list[Measured]]:
        """Return what each room stands on, for its /metrics."""
        return {"ledger": [self.ledger], "orders": [self.orders], "market": [self.market]}

    async def close(self) -> None:
        """Release them."""
        for database in (self.ledger, self.orders, self.market):
            await database.close()


async def open_read_side(data_dir: Path) -> ReadSide:
    """Open the tables below `data_dir`. What can be rebuilt from the journal may lag behind the disk."""
    return ReadSide(*[await open_room(data_dir, name, synchronous="NORMAL") for name in ROOMS])


async def open_room(data_dir: Path, name: str, *, synchronous: str) -> SqliteDatabase:
    """Open the tables of one room."""
    return await open_database(
        data_dir / f"quantumcore_{name}.sqlite", f"quantumcore.services.{name}.migrations", synchronous=synchronous
    )


def following_rooms(bus: Bus, log: EventLog, side: ReadSide, clock: Clock, reconcile_s: float) -> Sequence[Service]:
    """Return the rooms of the annex, in the order in which they start."""
    return (
        LedgerService(bus, log, side.ledger, clock, reconcile_s=reconcile_s),
        OrderHistoryService(bus, log, side.orders, clock),
        MarketService(bus, log, side.market, clock),
    )

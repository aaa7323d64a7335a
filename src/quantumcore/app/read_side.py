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
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.positions.settings import PositionsSettings

ROOMS = ("ledger", "orders", "market", "positions")


@dataclass(frozen=True)
class ReadSide:
    """The tables of the rooms; all can be rebuilt from the journal but the choices, which are synced with each commit."""

    ledger: SqliteDatabase
    orders: SqliteDatabase
    market: SqliteDatabase
    positions: SqliteDatabase
    choices: SqliteDatabase
    beside: Path

    def measured(self) -> dict[str, list[Measured]]:
        """Return what each room stands on, for its /metrics."""
        return {
            "ledger": [self.ledger],
            "orders": [self.orders],
            "market": [self.market],
            "positions": [self.positions, self.choices],
        }

    async def open_beside(self) -> SqliteDatabase:
        """Open the tables of a second projection of positions; whoever asked closes them."""
        return await open_database(self.beside, _migrations("positions"), synchronous="NORMAL")

    async def close(self) -> None:
        """Release them."""
        for database in (self.ledger, self.orders, self.market, self.positions, self.choices):
            await database.close()


async def open_read_side(data_dir: Path) -> ReadSide:
    """Open the tables below `data_dir`. What can be rebuilt from the journal may lag behind the disk."""
    ledger, orders, market, positions = [await open_room(data_dir, name, synchronous="NORMAL") for name in ROOMS]
    own = data_dir / "quantumcore_positions_choices.sqlite"  # the room's tables once more, for its own truth alone
    choices = await open_database(own, _migrations("positions"), synchronous="FULL")
    return ReadSide(ledger, orders, market, positions, choices, data_dir / "quantumcore_positions_beside.sqlite")


async def open_room(data_dir: Path, name: str, *, synchronous: str) -> SqliteDatabase:
    """Open the tables of one room."""
    return await open_database(data_dir / f"quantumcore_{name}.sqlite", _migrations(name), synchronous=synchronous)


def _migrations(name: str) -> str:
    return f"quantumcore.services.{name}.migrations"


def following_rooms(
    bus: Bus, log: EventLog, side: ReadSide, clock: Clock, positions: PositionsSettings
) -> Sequence[Service]:
    """Return the rooms of the annex, in the order in which they start."""
    return (
        LedgerService(bus, log, side.ledger, clock),
        OrderHistoryService(bus, log, side.orders, clock),
        MarketService(bus, log, side.market, clock),
        positions_service(bus, log, side, clock, positions),
    )


def positions_service(
    bus: Bus, log: EventLog, side: ReadSide, clock: Clock, settings: PositionsSettings
) -> PositionsService:
    """Return the positions room; its second projection, if the settings want one, has a file of its own."""
    return PositionsService(bus, log, side.positions, clock, side.choices, settings, side.open_beside)

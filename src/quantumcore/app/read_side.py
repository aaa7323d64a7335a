"""What the rooms that follow the event log stand on, and what they are told: alike in the house and in its annex."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.adapters.upstream import GuardedUpstream
from quantumcore.app.workers.pool import WorkerPool
from quantumcore.ports.clock import Clock
from quantumcore.ports.telemetry import Measured
from quantumcore.services.ledger.settings import LedgerSettings
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.positions.settings import PositionsSettings
from quantumcore.services.risk.settings import RiskSettings

ROOMS = ("ledger", "orders", "market", "positions", "risk")
"""Whose tables the journal can make anew."""
FOLLOWING = ("ledger", "orders", "market", "positions", "portfolio", "risk")
"""In the order in which they start."""


class ReadSideSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the rooms are told. A message: the annex gets it over its socket, for a command line is for everybody to read.

    Attributes:
        audit_key: Signs the roots of the ledger's audit.
    """

    audit_key: bytes
    ledger: LedgerSettings = LedgerSettings()
    positions: PositionsSettings = PositionsSettings()
    portfolio: PortfolioSettings = PortfolioSettings()
    risk: RiskSettings = RiskSettings()


@dataclass(frozen=True)
class ReadSide:
    """The tables of the rooms, and how they ask what is outside of them.

    Attributes:
        rails: Guards the payout rail. rooms: Guards the rooms that another can do without for a while.
        workers: Compute for the risk room.
        office, choices, parameters: What people decided in the ledger's, the positions and the risk room; they and the
            portfolio's tables are synced with each commit, for no journal has them.
    """

    directory: Path
    rails: GuardedUpstream
    rooms: GuardedUpstream
    workers: WorkerPool
    ledger: SqliteDatabase
    office: SqliteDatabase
    orders: SqliteDatabase
    market: SqliteDatabase
    positions: SqliteDatabase
    choices: SqliteDatabase
    portfolio: SqliteDatabase
    risk: SqliteDatabase
    parameters: SqliteDatabase

    def measured(self) -> dict[str, list[Measured]]:
        """Return what each room stands on, for its /metrics."""
        return {
            "ledger": [self.ledger, self.office, self.rails],
            "orders": [self.orders],
            "market": [self.market],
            "positions": [self.positions, self.choices],
            "portfolio": [self.portfolio],
            "risk": [self.risk, self.parameters, self.rooms, self.workers],
        }

    async def open_beside(self) -> SqliteDatabase:
        """Open the tables of a second projection of positions; whoever asked closes them."""
        beside = self.directory / "quantumcore_positions_beside.sqlite"
        return await open_database(beside, _migrations("positions"), synchronous="NORMAL")

    async def close(self) -> None:
        """Release them."""
        await self.workers.stop()
        own = self.office, self.choices, self.portfolio, self.parameters
        for database in (self.ledger, self.orders, self.market, self.positions, self.risk, *own):
            await database.close()


async def open_read_side(data_dir: Path, clock: Clock) -> ReadSide:
    """Open the tables below `data_dir`. What can be rebuilt from the journal may lag behind the disk."""
    opened = {name: await open_room(data_dir, name, synchronous="NORMAL") for name in ROOMS}
    for name, room in (
        ("office", "ledger"),
        ("choices", "positions"),
        ("parameters", "risk"),
    ):  # its tables once more, for its own truth alone
        own = data_dir / f"quantumcore_{room}_{name}.sqlite"
        opened[name] = await open_database(own, _migrations(room), synchronous="FULL")
    opened["portfolio"] = await open_room(data_dir, "portfolio", synchronous="FULL")
    return ReadSide(data_dir, GuardedUpstream(clock), GuardedUpstream(clock), WorkerPool(clock), **opened)


async def open_room(data_dir: Path, name: str, *, synchronous: str) -> SqliteDatabase:
    """Open the tables of one room."""
    return await open_database(data_dir / f"quantumcore_{name}.sqlite", _migrations(name), synchronous=synchronous)


def _migrations(name: str) -> str:
    return f"quantumcore.services.{name}.migrations"

"""The positions room in a small venue: trades in one line, and digests of all it keeps."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts import wire
from quantumcore.contracts.positions import GetPosition, PositionView
from quantumcore.contracts.reference import Catalogue
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.positions import store
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.positions.settings import PositionsSettings
from quantumcore.services.positions.tables import metadata
from tests.support.small_venue import ALICE, BOB, COIN, SHARE, SmallVenue, small_venue
from tests.support.tables import open_tables

MIGRATIONS = "quantumcore.services.positions.migrations"
TRUTH = ("positions", "lots", "events", "marks", "choices", "actions")
"""Tables that are a function of the events, however they were cut; snapshots fall where batches end."""

_names = count(1)


class PositionsRoom:
    """A venue with the positions room in it."""

    def __init__(self, venue: SmallVenue, service: PositionsService, database: SqliteDatabase) -> None:
        self.venue = venue
        self.service = service
        self.database = database

    async def ask(self, message: Any) -> Any:
        """Ask over the bus."""
        return await self.venue.bus.request(message)

    def trade(self, lots: int, price: int, *, instrument: int = SHARE, account: int = ALICE, other: int = BOB) -> int:
        """Let `account` take `lots` (negative: sell) at `price` ticks from `other`; return the sequence of the trade."""
        side = 1 if lots > 0 else 2
        for who, on in ((other, 3 - side), (account, side)):
            self.venue.do(order(instrument, who, on, abs(lots), price))
        return self.venue.engine.sequence

    async def position(self, symbol: str = "AAPL", account: int = ALICE) -> PositionView | None:
        """Return the position as it stands after everything that was done."""
        at = self.venue.engine.sequence
        return (await self.ask(GetPosition(account=account, symbol=symbol, at_least=at))).position


def order(instrument: int, account: int, side: int, lots: int, price: int, *, session: int = 0) -> wire.SubmitOrder:
    """Return a limit order until cancelled; in lots and ticks of the small venue; session: the connection that it comes by."""
    return wire.SubmitOrder(
        instrument=instrument,
        account=account,
        side=side,
        quantity=lots,
        quantity_scale=5 if instrument == COIN else 0,
        price=price,
        price_scale=2,
        order_type=2,
        time_in_force=1,
        session=session,
        client_id=f"p-{next(_names)}",
    )


@asynccontextmanager
async def positions_room(
    directory: Path, settings: PositionsSettings | None = None, *, commands: list[wire.Command] | None = None
) -> AsyncIterator[PositionsRoom]:
    """Run the room in a small venue."""
    async with small_venue(directory, commands) as venue:
        database = await venue.database("positions")
        service = PositionsService(venue.bus, venue.log, database, venue.clock, settings=settings)
        await venue.run(service)
        yield PositionsRoom(venue, service, database)


@asynccontextmanager
async def position_tables(directory: Path, name: str = "positions") -> AsyncIterator[SqliteDatabase]:
    """Open the room's tables."""
    database = await open_tables(directory / f"{name}.db", MIGRATIONS)
    try:
        yield database
    finally:
        await database.close()


def catalogue_of(batches: Iterable[EventBatch]) -> Catalogue:
    """Return what the events define."""
    found = Catalogue()
    for batch in batches:
        for event in batch.events:
            found.apply(event)
    return found


async def digest(database: SqliteDatabase, names: Iterable[str] = TRUTH) -> str:
    """Return a digest of every row of these tables."""

    def work(connection: Connection) -> str:
        total = hashlib.sha256()
        for name in names:
            table = metadata.tables[name]
            for row in connection.execute(select(table).order_by(*table.primary_key)):
                total.update(repr(tuple(row)).encode())
        return total.hexdigest()

    return await database.read(work)


async def assert_quantities(database: SqliteDatabase, engine: Engine) -> None:
    """Fail unless every position has the engine's lots, and its lots sum to it."""

    def work(connection: Connection) -> tuple[store.Stand, dict[tuple[int, int], Any]]:
        return store.read_stand(connection), store.all_positions(connection)

    stand, found = await database.read(work)
    assert stand.sequence == engine.sequence
    assert stand.positions == len(found)
    theirs = {key: lots for key, lots in engine._venue.positions.items() if lots}
    assert {key: position.quantity for key, position in found.items() if position.quantity} == theirs
    for position in found.values():
        assert sum(lot.quantity for lot in position.open_lots) == position.quantity
        assert sum(lot.cost for lot in position.open_lots) == position.cost

"""The orders room in a small venue, and orders in one line; what a test does not say stands at a plain default."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts.orders import OrderView, SubmitOrder
from quantumcore.services.orders.service import OrdersService
from tests.support.small_venue import ALICE, BOB, SmallVenue, small_venue

_ids = count(1)
TABLES = ("orders", "fills", "order_updates", "cursor")


def order(**changes: Any) -> SubmitOrder:
    """Return a limit buy of Alice's until cancelled on BTC-USD."""
    body: dict[str, Any] = {
        "account": ALICE,
        "client_order_id": f"order-{next(_ids)}",
        "symbol": "BTC-USD",
        "side": "buy",
        "type": "limit",
        "time_in_force": "gtc",
        "quantity": "1",
        "price": "64000",
    }
    return SubmitOrder(**{**body, **changes})


def limit(side: str, quantity: str, price: str, **changes: Any) -> SubmitOrder:
    """Return a limit order until cancelled."""
    return order(side=side, quantity=quantity, price=price, **changes)


def market(side: str, quantity: str, **changes: Any) -> SubmitOrder:
    """Return a market order."""
    return order(side=side, quantity=quantity, type="market", time_in_force="ioc", price=None, **changes)


class Room:
    """A venue with the orders room in it."""

    def __init__(self, venue: SmallVenue, service: OrdersService, database: SqliteDatabase) -> None:
        self.venue = venue
        self.service = service
        self.database = database

    async def ask(self, message: Any) -> Any:
        """Ask over the bus."""
        return await self.venue.bus.request(message)

    async def trade(self, quantity: str, price: str) -> tuple[OrderView, OrderView]:
        """Let Bob rest and Alice take; return (maker's view at its rest, taker's view)."""
        maker = await self.ask(limit("sell", quantity, price, account=BOB))
        taker = await self.ask(limit("buy", quantity, price, account=ALICE))
        return maker, taker

    async def caught_up(self) -> int:
        """Wait until all of the log is projected; return its last sequence."""
        last = self.venue.log.last
        assert await self.service.history.follower.reached(last, 20.0) == last, self.service.not_ready()
        return last


@asynccontextmanager
async def orders_room(directory: Path, commands: Any = None) -> AsyncIterator[Room]:
    """Open a venue and its orders room."""
    async with small_venue(directory, commands) as venue:
        database = await venue.database("orders")
        service = await venue.run(OrdersService(venue.bus, venue.log, database, venue.clock))
        yield Room(venue, service, database)


async def digest(database: SqliteDatabase, tables: tuple[str, ...] = TABLES) -> str:
    """Return a hash over every row of the tables, in the order of their keys."""

    def work(connection: Connection) -> str:
        hashed = hashlib.sha256()
        for table in tables:
            for row in sorted(connection.execute(text(f"SELECT * FROM {table}")).all(), key=repr):
                hashed.update(repr(tuple(row)).encode())
        return hashed.hexdigest()

    return await database.read(work)

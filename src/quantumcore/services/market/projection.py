"""The event log becomes books in memory, trades in tables, and MarketMoved for all who listen.

The books may be ahead of the tables (a write that failed), never behind what was told. A start takes the stored books
and reads the log from there; what it reads up to the tables' cursor was told in an earlier life and is not told again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.market import MarketMoved
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.wire import Event
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.progress import parts, without_holes
from quantumcore.services.market import store
from quantumcore.services.market.state import Markets, trade_view
from quantumcore.services.market.store import TradeRow

EVENTS_PER_TURN = 500  # the loop is free again after each: about 2 ms
SNAPSHOT_EVENTS = 50_000  # and at least twice the orders that stand, so that storing books stays a small share


class MarketProjection:
    """Applies events and keeps what a start needs.

    Attributes:
        markets: The books and tickers.
        cursor: Last sequence whose trades are committed.
        trades: How many were committed since the start.
    """

    def __init__(
        self, bus: Bus, log: EventLog, database: Database, catalogue: Catalogue, snapshot_events: int = SNAPSHOT_EVENTS
    ) -> None:
        self.markets = Markets(catalogue)
        self.cursor = 0
        self.trades = 0
        self._bus = bus
        self._log = log
        self._database = database
        self._catalogue = catalogue
        self._snapshot_events = snapshot_events
        self._since_snapshot = 0
        self._turn = 0
        self._pending: list[TradeRow] = []
        self._untold: list[MarketMoved] = []
        self._broken = ""

    async def open(self) -> int:
        """Read the stored books, bring them to where the tables stand, and return that sequence.

        Raises:
            Unavailable: The database did not answer.
            Corrupted: The log does not go on from the stored books.
        """
        stored = await self._database.read(store.load)
        self.markets.load(stored.books_at, stored.books)
        self._pending.clear()
        self._broken = ""
        while self.markets.sequence < stored.trades_at:
            batches = self._log.read(self.markets.sequence)
            if not batches or batches[0].first != self.markets.sequence + 1:
                raise Corrupted("order.gap", f"the log does not go on from {self.markets.sequence}.0")
            for batch in batches:
                await self._take([event for event in batch.events if event.sequence <= stored.trades_at])
        self.markets.settle()
        self.markets.settle_statuses()
        self.markets.settle_auctions()
        self._pending.clear()
        self.cursor = stored.trades_at
        return self.cursor

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Apply what is new in `batches`, commit its trades, tell what moved.

        Raises:
            Unavailable: The database or the bus did not take it; the rest follows when `batches` come again.
            Corrupted: An event that no book can have; every later call says so too.
        """
        for part in parts(without_holes(batches, self.cursor, self._log)):
            for batch in part:
                await self._take(batch.events)
            upto = part[-1].last
            rows = list(self._pending)
            await self._database.write(partial(store.save_trades, rows=rows, upto=upto))
            self.cursor = upto
            del self._pending[: len(rows)]
            self.trades += len(rows)
            moved = MarketMoved(
                books=self.markets.settle(),
                trades=[row.trade for row in rows],
                sequence=self.markets.sequence,
                statuses=self.markets.settle_statuses(),
                auctions=self.markets.settle_auctions(),
            )
            if moved.books or moved.trades or moved.statuses or moved.auctions:
                self._untold.append(moved)
            await self._tell()
            if self._since_snapshot >= max(self._snapshot_events, 2 * self.markets.open_orders):
                await self.store_books()
        await self._tell()

    async def store_books(self) -> None:
        """Store the books as they stand, unless the tables' trades do not reach them yet.

        Raises:
            Unavailable: The database did not take it; the stored books are as before.
        """
        if self._broken or self.markets.sequence != self.cursor:
            return
        at = self.cursor
        snapshots = self.markets.snapshot()
        await self._database.write(lambda connection: store.save_books(connection, snapshots, at))
        self._since_snapshot = 0

    async def _take(self, events: Sequence[Event]) -> None:
        """Apply `events` to the books, some at a time, whole sequences each."""
        if self._broken:
            raise Corrupted("corrupted", self._broken)
        try:
            for some in whole_sequences(events):
                for instrument, trade in self.markets.apply(some):
                    self._pending.append(
                        TradeRow(instrument.number, trade_view(instrument, trade, self._catalogue.shard))
                    )
                self._since_snapshot += len(some)
                self._turn += len(some)
                if self._turn >= EVENTS_PER_TURN:
                    self._turn = 0
                    await asyncio.sleep(0)
        except Corrupted as error:
            self._broken = error.detail
            raise

    async def _tell(self) -> None:
        if self._untold:
            await self._bus.publish(self._untold)
            self._untold = []


def whole_sequences(events: Sequence[Event], limit: int = EVENTS_PER_TURN) -> Iterator[Sequence[Event]]:
    """Yield `events` in runs that end with a sequence and are at least `limit` long, the last excepted."""
    start = 0
    for at in range(limit - 1, len(events)):
        if at - start + 1 >= limit and events[at].is_last:
            yield events[start : at + 1]
            start = at + 1
    if start < len(events):
        yield events[start:]

"""What the market shows: books, trades and tickers, as the engine's events leave them."""

from collections.abc import Awaitable, Callable, Iterable

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts.errors import InvalidCommand, Unavailable
from quantumcore.contracts.market import (
    MAX_DEPTH,
    Auction,
    Book,
    Book3,
    BookOrder,
    GetAuction,
    GetBook,
    GetBook3,
    GetMarketStatus,
    GetTicker,
    GetTickers,
    GetTrades,
    MarketStatus,
    Ticker,
    Tickers,
    TradePage,
    TradeTick,
)
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.values import OrderId
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.following import Following
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.market import store
from quantumcore.services.market.book import BUY, SELL, Side
from quantumcore.services.market.projection import MarketProjection
from quantumcore.services.market.state import Market, level_view

MAX_PAGE = 1_000
MAX_KEY = 2**63 - 1


class MarketService:
    """Answers GetBook, GetBook3, GetTrades, GetTicker, GetTickers, GetMarketStatus, GetAuction. Follows the event log.

    Tells MarketMoved.

    Books and tickers are answered from memory, so a database that is gone stops the trades' pages and the following, not
    what was shown last.
    """

    name = "market"

    def __init__(self, bus: Bus, log: EventLog, database: Database, clock: Clock) -> None:
        self._bus = bus
        self._database = database
        self._clock = clock
        self._definitions = Definitions(bus)
        self._catalogue = self._definitions.catalogue
        self._projection = MarketProjection(bus, log, database, self._catalogue)
        self._markets = self._projection.markets
        self._follower = Follower(self.name, log, self._projection.apply)
        self._following = Following(self._follower, log, clock, self._definitions, self._projection.open)

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(GetBook, self.book)
        self._bus.handle(GetBook3, self.book3)
        self._bus.handle(GetTrades, self.trades)
        self._bus.handle(GetTicker, self.ticker)
        self._bus.handle(GetTickers, self.tickers)
        self._bus.handle(GetMarketStatus, self.status)
        self._bus.handle(GetAuction, self.auction)

    async def start(self) -> None:
        """Open the tables."""
        await self._following.start()

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name the projection."""
        return self._following.tasks()

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        return self._following.not_ready()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what this room looks like."""
        yield from self._follower.collect()
        yield gauge("qc_market_resting_orders", "Orders in all books", self._markets.open_orders)
        yield counter("qc_market_trades", "Trades taken from the log since the start", self._projection.trades)

    async def stop(self) -> None:
        """Store the books, so that the next start is short; without them it is only longer."""
        if self._following.opened:
            try:
                await self._projection.store_books()
            except Unavailable:
                return

    async def book(self, query: GetBook) -> Book:
        """Return the best levels of both sides as they stood after one sequence.

        Raises:
            InvalidCommand: depth is not 1 to MAX_DEPTH.
            NotFound: `instrument.not_found`.
        """
        check_depth(query.depth)
        instrument, market = await self._market(query.symbol, query.at_least)
        sides = (market.book.bids, market.book.asks)
        bids, asks = ([level_view(instrument, *row) for row in side.levels(query.depth)] for side in sides)
        return Book(instrument.symbol, self._markets.sequence, bids, asks)

    async def book3(self, query: GetBook3) -> Book3:
        """Return the first orders of both sides in priority; raises as `book` does."""
        check_depth(query.depth)
        instrument, market = await self._market(query.symbol, query.at_least)
        bids, asks = (self._orders(instrument, market.book.side(side), query.depth) for side in (BUY, SELL))
        return Book3(instrument.symbol, self._markets.sequence, bids, asks)

    async def trades(self, query: GetTrades) -> TradePage:
        """Return a page of trades, newest first.

        Raises:
            InvalidCommand: limit or cursor.
            NotFound: `instrument.not_found`.
        """
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidCommand(
                "request.invalid",
                f"limit must be 1 to {MAX_PAGE}",
                field="limit",
                limit=str(MAX_PAGE),
                actual=str(query.limit),
            )
        after = _position(query.cursor) if query.cursor else None
        instrument, _ = await self._market(query.symbol, query.at_least)

        def work(connection: Connection) -> tuple[int, list[TradeTick]]:
            found = store.trades_page(connection, instrument.number, after, query.limit + 1)
            return store.read_cursor(connection, store.TRADES), found

        sequence, found = await self._database.read(work)
        page = found[: query.limit]
        following = f"{page[-1].sequence}.{page[-1].index}" if len(found) > query.limit else None
        return TradePage(page, following, sequence)

    async def ticker(self, query: GetTicker) -> Ticker:
        """Return one symbol's ticker.

        Raises:
            NotFound: `instrument.not_found`.
        """
        instrument, market = await self._market(query.symbol, query.at_least)
        return self._ticker(instrument, market)

    async def tickers(self, _query: GetTickers) -> Tickers:
        """Return every symbol's ticker, by symbol."""
        known = sorted(self._catalogue.instruments.values(), key=lambda instrument: instrument.symbol)
        items = [self._ticker(instrument, self._markets.of(instrument.number)) for instrument in known]
        return Tickers(items, self._markets.sequence)

    async def status(self, query: GetMarketStatus) -> MarketStatus:
        """Return a symbol's phase and limit state.

        Raises:
            NotFound: `instrument.not_found`.
        """
        instrument, market = await self._market(query.symbol, query.at_least)
        return market.situation.shown_status(instrument)

    async def auction(self, query: GetAuction) -> Auction:
        """Return what a symbol's call would trade now, and its last auction.

        Raises:
            NotFound: `instrument.not_found`.
        """
        instrument, market = await self._market(query.symbol, query.at_least)
        return market.situation.shown_auction(instrument, self._markets.sequence)

    async def _market(self, symbol: str, at_least: int) -> tuple[Instrument, Market]:
        await self._following.reached(at_least)
        instrument = self._catalogue.symbol(symbol)
        return instrument, self._markets.of(instrument.number)

    def _orders(self, instrument: Instrument, side: Side, depth: int) -> list[BookOrder]:
        shown: list[BookOrder] = []
        for order in side.orders():
            if len(shown) == depth:
                break
            order_id = OrderId(self._catalogue.shard, order.sequence, order.slot).text()
            shown.append(BookOrder(order_id, instrument.price(order.price), instrument.quantity(order.shown)))
        return shown

    def _ticker(self, instrument: Instrument, market: Market) -> Ticker:
        ticker, day = market.ticker, market.ticker.day(self._clock.now())
        bid, bid_quantity = _best(instrument, market.book.bids)
        ask, ask_quantity = _best(instrument, market.book.asks)
        traded = ticker.last_quantity > 0
        return Ticker(
            symbol=instrument.symbol,
            sequence=self._markets.sequence,
            bid=bid,
            bid_quantity=bid_quantity,
            ask=ask,
            ask_quantity=ask_quantity,
            last=instrument.price(ticker.last_price) if traded else None,
            last_quantity=instrument.quantity(ticker.last_quantity) if traded else None,
            open_24h=None if day.open is None else instrument.price(day.open),
            high_24h=None if day.high is None else instrument.price(day.high),
            low_24h=None if day.low is None else instrument.price(day.low),
            volume_24h=instrument.quantity(day.volume),
            trades_24h=day.trades,
            time_ns=self._markets.time_ns,
        )


def check_depth(depth: int) -> None:
    """Raise InvalidCommand unless `depth` is a book's."""
    if not 1 <= depth <= MAX_DEPTH:
        raise InvalidCommand(
            "request.invalid",
            f"depth must be 1 to {MAX_DEPTH}",
            field="depth",
            limit=str(MAX_DEPTH),
            actual=str(depth),
        )


def _best(instrument: Instrument, side: Side) -> tuple[str | None, str | None]:
    for price, lots, _ in side.levels(1):
        return instrument.price(price), instrument.quantity(lots)
    return None, None


def _position(cursor: str) -> tuple[int, int]:
    """Return the position that a cursor of ours names; raise InvalidCommand when it cannot be one."""
    sequence, _, index = cursor.partition(".")
    words = (sequence, index)
    if not all(word.isascii() and word.isdigit() and len(word) < 20 and int(word) <= MAX_KEY for word in words):
        raise InvalidCommand("request.invalid", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    return int(sequence), int(index)

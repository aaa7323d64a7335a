"""Public channels: one feed per channel, symbol and view; its frames are encoded once for all who read it.

A feed is written when its market moved and its interval has passed, so a busy symbol costs the same as a quiet one.
A reader that is behind misses frames, is told how many, and gets the state anew when it has caught up.
"""

import asyncio
import logging

from quantumcore.contracts.errors import NotFound, QuantumCoreError
from quantumcore.contracts.market import MarketMoved, MarketStatus, TradeTick
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.services.gateway.books import FollowedBook
from quantumcore.services.gateway.frames import Channel
from quantumcore.services.gateway.market_feeds import (
    AuctionFeed,
    BookFeed,
    Feed,
    OrderBookFeed,
    Reader,
    StatusFeed,
    TickerFeed,
    TradesFeed,
)

ORDER_BY_ORDER = 3
TICK_S = 0.01
RETRY_S = 1.0

_log = logging.getLogger(__name__)


class Feeds:
    """All feeds that somebody reads, and the books under them. A feed lives as long as it has a reader."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._feeds: dict[Key, Feed] = {}
        self._of_symbol: dict[str, set[Feed]] = {}
        self._books: dict[str, FollowedBook] = {}
        self._dirty: set[Feed] = set()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._feeds)

    async def subscribe(self, reader: Reader, channel: Channel) -> Feed:
        """Let `reader` hear `channel`: send it the feed's state before anything else is awaited.

        Raises:
            NotFound: There is no such symbol.
            Unavailable: The market room does not answer.
        """
        if channel.symbol is None or not is_symbol(channel.symbol):
            raise NotFound("instrument.not_found", "instrument not found", field="symbol")
        feed = self._feeds.get(_key(channel)) or self._open(channel)
        feed.coming += 1
        try:
            while not feed.stands:
                await feed.refresh()
            feed.readers.add(reader)
        finally:
            feed.coming -= 1
            self._close_unread(feed)
        return feed

    def unsubscribe(self, reader: Reader, feed: Feed) -> None:
        """Let `reader` hear no more of `feed`."""
        feed.readers.discard(reader)
        self._close_unread(feed)

    def on_market(self, move: MarketMoved) -> None:
        """Follow what moved; feeds of other symbols are not touched."""
        for change in move.books:
            book = self._books.get(change.symbol)
            if book is not None:
                book.apply(change)
        trades: dict[str, list[TradeTick]] = {}
        for trade in move.trades:
            trades.setdefault(trade.symbol, []).append(trade)
        statuses: dict[str, list[MarketStatus]] = {}
        for status in move.statuses:
            statuses.setdefault(status.symbol, []).append(status)
        auctions = {auction.symbol for auction in move.auctions}
        for symbol in {change.symbol for change in move.books} | trades.keys() | statuses.keys() | auctions:
            for feed in self._of_symbol.get(symbol, ()):
                match feed:
                    case TradesFeed():
                        traded = [one for one in trades.get(symbol, ()) if feed.stands and one.sequence > feed.seq]
                        if traded:
                            feed.on_trades(traded)
                    case StatusFeed():
                        changed = [one for one in statuses.get(symbol, ()) if feed.stands and one.sequence > feed.seq]
                        feed.on_statuses(changed)
                    case AuctionFeed() if symbol not in auctions:
                        pass
                    case _:
                        self._dirty.add(feed)
        if self._dirty:
            self._wake.set()

    async def run(self) -> None:
        """Write feeds that moved, each at most once per its interval; for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty:
                now = self._clock.monotonic()
                due = [feed for feed in self._dirty if feed.due <= now]
                for feed in due:
                    self._dirty.discard(feed)
                    feed.due = now + feed.interval_s
                await asyncio.gather(*map(self._refresh, due))
                await self._clock.sleep(TICK_S)

    async def _refresh(self, feed: Feed) -> None:
        try:
            await feed.refresh()
        except QuantumCoreError as error:  # the market room is late or gone: readers keep what they have, we try again
            _log.warning("feed %s of %s not refreshed: %s", feed.name, feed.symbol, error.code)
            feed.due = self._clock.monotonic() + RETRY_S
            if feed.readers:
                self._dirty.add(feed)

    def _open(self, channel: Channel) -> Feed:
        symbol, interval_s = channel.symbol or "", channel.interval_ms / 1_000
        feed: Feed
        match channel.name:
            case "trades":
                feed = TradesFeed(channel, 0.0, self._bus)
            case "ticker":
                feed = TickerFeed(channel, interval_s, self._bus)
            case "status":
                feed = StatusFeed(channel, 0.0, self._bus)
            case "auction":
                feed = AuctionFeed(channel, interval_s, self._bus)
            case _ if channel.level == ORDER_BY_ORDER:
                feed = OrderBookFeed(channel, interval_s, self._bus)
            case _:
                feed = BookFeed(channel, interval_s, self._books.setdefault(symbol, FollowedBook(symbol)), self._bus)
        self._feeds[_key(channel)] = feed
        self._of_symbol.setdefault(symbol, set()).add(feed)
        return feed

    def _close_unread(self, feed: Feed) -> None:
        if feed.readers or feed.coming:
            return
        self._dirty.discard(feed)
        self._feeds.pop(_key(feed.channel), None)
        others = self._of_symbol.get(feed.symbol, set())
        others.discard(feed)
        if not others:
            self._of_symbol.pop(feed.symbol, None)
        if not any(isinstance(other, BookFeed) for other in others):
            self._books.pop(feed.symbol, None)


Key = tuple[str, str, int, int, int]


def _key(channel: Channel) -> Key:
    symbol = channel.symbol or ""
    match channel.name:
        case "trades":
            return "trades", symbol, 0, 0, 0
        case "status":
            return "status", symbol, 0, 0, 0
        case "ticker" | "auction":
            return channel.name, symbol, 0, 0, channel.interval_ms
        case _ if channel.level == 1:
            return "book", symbol, 1, 1, channel.interval_ms
        case _:
            return "book", symbol, channel.level, channel.depth, channel.interval_ms

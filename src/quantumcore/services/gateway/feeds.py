"""Public channels: one feed per channel, symbol and view; its frames are encoded once for all who read it.

A feed is written when its market moved and its interval has passed, so a busy symbol costs the same as a quiet one.
A reader that is behind misses frames, is told how many, and gets the state anew when it has caught up.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Literal, Protocol

from quantumcore.contracts.errors import NotFound, QuantumCoreError
from quantumcore.contracts.market import BookLevel, GetBook, GetTicker, MarketMoved, Ticker, TradeTick
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.services.gateway import market_answers
from quantumcore.services.gateway.books import FollowedBook, checksum, difference
from quantumcore.services.gateway.frames import BookFrame, Channel, TickerFrame, TradesFrame, text

SNAPSHOT_DEPTH = 500
TICK_S = 0.01
RETRY_S = 1.0

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """Who hears a public feed."""

    def hear(self, feed: "Feed", frame: str) -> None:
        """Take one frame, or count it as missed."""


class Feed:
    """One channel of one symbol.

    Attributes:
        coming: Readers on their way, who will begin with the state.
        stands: Whether there is a state to begin with.
        seq: That of the last frame.
        due: When it may be written again, in monotonic seconds.
    """

    def __init__(self, channel: Channel, interval_s: float) -> None:
        self.channel = channel
        self.name = channel.name
        self.symbol = channel.symbol or ""
        self.interval_s = interval_s
        self.readers: set[Reader] = set()
        self.coming = 0
        self.stands = False
        self.seq = 0
        self.due = 0.0

    async def refresh(self) -> None:
        """Write what is new to all readers."""

    def state(self) -> str | None:
        """Return the frame that a new reader starts from, if the channel has one."""
        return None

    def tell(self, frame: str) -> None:
        """Hand one frame to every reader."""
        for reader in tuple(self.readers):
            reader.hear(self, frame)


class TradesFeed(Feed):
    """Every trade, as it comes."""

    def __init__(self, channel: Channel, interval_s: float, bus: Bus) -> None:
        super().__init__(channel, interval_s)
        self._bus = bus

    async def refresh(self) -> None:
        """Learn after which sequence the trades begin."""
        self.seq = max(self.seq, (await self._bus.request(GetTicker(symbol=self.symbol))).sequence)
        self.stands = True

    def on_trades(self, trades: Sequence[TradeTick]) -> None:
        """Write `trades`, one frame for all of a batch."""
        before, self.seq = self.seq, trades[-1].sequence
        shown = [market_answers.trade(one) for one in trades]
        self.tell(text(TradesFrame(symbol=self.symbol, seq=self.seq, prev_seq=before, trades=shown)))


class TickerFeed(Feed):
    """The ticker, when it changed."""

    def __init__(self, channel: Channel, interval_s: float, bus: Bus) -> None:
        super().__init__(channel, interval_s)
        self._bus = bus
        self._last: Ticker | None = None

    async def refresh(self) -> None:
        """Write the ticker if it is another one."""
        now = await self._bus.request(GetTicker(symbol=self.symbol, at_least=self.seq))
        if now == self._last or now.sequence < self.seq:
            return
        before, self.seq, self._last, self.stands = self.seq, now.sequence, now, True
        self.tell(self._frame(now, before))

    def state(self) -> str | None:
        """Return the last ticker."""
        return None if self._last is None else self._frame(self._last, self.seq)

    def _frame(self, ticker: Ticker, before: int) -> str:
        return text(
            TickerFrame(symbol=self.symbol, seq=self.seq, prev_seq=before, ticker=market_answers.ticker(ticker))
        )


class BookFeed(Feed):
    """The best levels of a followed book: what changed among them since the frame before."""

    def __init__(self, channel: Channel, interval_s: float, book: FollowedBook, bus: Bus) -> None:
        super().__init__(channel, interval_s)
        self.level = channel.level
        self.depth = 1 if channel.level == 1 else channel.depth
        self._book = book
        self._bus = bus
        self._bids: list[BookLevel] = []
        self._asks: list[BookLevel] = []

    async def refresh(self) -> None:
        """Write the difference to what was written before, if there is any."""
        book = self._book
        if not book.whole or book.thin(self.depth):
            wanted = max(book.wanted, book.sequence)
            snapshot = await self._bus.request(GetBook(symbol=self.symbol, depth=SNAPSHOT_DEPTH, at_least=wanted))
            if snapshot.sequence >= book.sequence:
                book.start(snapshot, SNAPSHOT_DEPTH)
        bids, asks = book.bids.top(self.depth), book.asks.top(self.depth)
        changed_bids, changed_asks = difference(self._bids, bids), difference(self._asks, asks)
        before, self._bids, self._asks = self.seq, bids, asks
        if not self.stands:
            self.seq, self.stands = book.sequence, True
        elif changed_bids or changed_asks:
            self.seq = book.sequence
            self.tell(self._frame("delta", before, changed_bids, changed_asks))

    def state(self) -> str | None:
        """Return the whole view as it was last written."""
        return self._frame("snapshot", self.seq, self._bids, self._asks)

    def _frame(
        self, kind: Literal["snapshot", "delta"], before: int, bids: list[BookLevel], asks: list[BookLevel]
    ) -> str:
        return text(
            BookFrame(
                symbol=self.symbol,
                level=self.level,
                depth=self.depth,
                type=kind,
                seq=self.seq,
                prev_seq=before,
                bids=bids,
                asks=asks,
                checksum=checksum(self._bids, self._asks),
            )
        )


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
        for symbol in {change.symbol for change in move.books} | trades.keys():
            for feed in self._of_symbol.get(symbol, ()):
                if not isinstance(feed, TradesFeed):
                    self._dirty.add(feed)
                elif fresh := [trade for trade in trades.get(symbol, ()) if feed.stands and trade.sequence > feed.seq]:
                    feed.on_trades(fresh)
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
        case "ticker":
            return "ticker", symbol, 0, 0, channel.interval_ms
        case _ if channel.level == 1:
            return "book", symbol, 1, 1, channel.interval_ms
        case _:
            return "book", symbol, channel.level, channel.depth, channel.interval_ms

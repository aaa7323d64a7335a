"""The public channels, one class each: what a feed asks, what it writes, and what a new reader starts from."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from quantumcore.contracts.market import (
    Auction,
    BookLevel,
    BookOrder,
    GetAuction,
    GetBook,
    GetBook3,
    GetMarketStatus,
    GetTicker,
    MarketStatus,
    Ticker,
    TradeTick,
)
from quantumcore.ports.bus import Bus
from quantumcore.services.gateway import market_answers
from quantumcore.services.gateway.books import FollowedBook, checksum, difference, order_checksum, order_difference
from quantumcore.services.gateway.frames import (
    AuctionFrame,
    BookFrame,
    Channel,
    OrderBookFrame,
    StatusFrame,
    TickerFrame,
    TradesFrame,
    text,
)

L = TypeVar("L", BookLevel, BookOrder)
T = TypeVar("T", Ticker, MarketStatus, Auction)
Kind = Literal["snapshot", "delta"]
SNAPSHOT_DEPTH = 500


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

    def __init__(self, channel: Channel, interval_s: float, bus: Bus) -> None:
        self._bus = bus
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

    async def refresh(self) -> None:
        """Learn after which sequence the trades begin."""
        self.seq = max(self.seq, (await self._bus.request(GetTicker(symbol=self.symbol))).sequence)
        self.stands = True

    def on_trades(self, trades: Sequence[TradeTick]) -> None:
        """Write `trades`, one frame for all of a batch."""
        before, self.seq = self.seq, trades[-1].sequence
        shown = [market_answers.trade(one) for one in trades]
        self.tell(text(TradesFrame(symbol=self.symbol, seq=self.seq, prev_seq=before, trades=shown)))


class LastFeed(Feed, ABC, Generic[T]):
    """A channel whose state is the last that was told of it."""

    def __init__(self, channel: Channel, interval_s: float, bus: Bus) -> None:
        super().__init__(channel, interval_s, bus)
        self._last: T | None = None

    def state(self) -> str | None:
        """Return how it stands, as it was last told."""
        return None if self._last is None else self._frame(self._last, self.seq)

    def _tell_next(self, now: T) -> None:
        before, self.seq, self._last, self.stands = self.seq, now.sequence, now, True
        self.tell(self._frame(now, before))

    @abstractmethod
    def _frame(self, now: T, before: int) -> str:
        """Return the frame that says `now`, after the one of sequence `before`."""


class TickerFeed(LastFeed[Ticker]):
    """The ticker, when it changed."""

    async def refresh(self) -> None:
        """Write the ticker if it is another one."""
        now = await self._bus.request(GetTicker(symbol=self.symbol, at_least=self.seq))
        if now == self._last or now.sequence < self.seq:
            return
        self._tell_next(now)

    def _frame(self, ticker: Ticker, before: int) -> str:
        return text(
            TickerFrame(symbol=self.symbol, seq=self.seq, prev_seq=before, ticker=market_answers.ticker(ticker))
        )


class SidesFeed(Feed, ABC, Generic[L]):
    """A view of a book: what changed on both sides since the frame before."""

    def __init__(self, channel: Channel, interval_s: float, bus: Bus) -> None:
        super().__init__(channel, interval_s, bus)
        self.depth = channel.depth
        self._bids: list[L] = []
        self._asks: list[L] = []

    def state(self) -> str | None:
        """Return the whole view as it was last written."""
        return self._frame("snapshot", self.seq, self._bids, self._asks)

    def _show(self, sequence: int, bids: list[L], asks: list[L]) -> None:
        """Write the difference to what was written before, if there is any."""
        changed_bids, changed_asks = self._difference(self._bids, bids), self._difference(self._asks, asks)
        before, self._bids, self._asks = self.seq, bids, asks
        if not self.stands:
            self.seq, self.stands = sequence, True
        elif changed_bids or changed_asks:
            self.seq = sequence
            self.tell(self._frame("delta", before, changed_bids, changed_asks))

    @abstractmethod
    def _difference(self, before: list[L], after: list[L]) -> list[L]:
        """Return what a reader of one side needs to come from `before` to `after`."""

    @abstractmethod
    def _frame(self, kind: Kind, before: int, bids: list[L], asks: list[L]) -> str:
        """Return the frame with these rows, after the one of sequence `before`; its checksum is of the whole view."""


class BookFeed(SidesFeed[BookLevel]):
    """The best levels of a followed book: what changed among them since the frame before."""

    def __init__(self, channel: Channel, interval_s: float, book: FollowedBook, bus: Bus) -> None:
        super().__init__(channel, interval_s, bus)
        self.level = channel.level
        self.depth = 1 if channel.level == 1 else channel.depth
        self._book = book

    async def refresh(self) -> None:
        """Write the difference to what was written before, if there is any."""
        book = self._book
        if not book.whole or book.thin(self.depth):
            wanted = max(book.wanted, book.sequence)
            snapshot = await self._bus.request(GetBook(symbol=self.symbol, depth=SNAPSHOT_DEPTH, at_least=wanted))
            if snapshot.sequence >= book.sequence:
                book.start(snapshot, SNAPSHOT_DEPTH)
        self._show(book.sequence, book.bids.top(self.depth), book.asks.top(self.depth))

    def _difference(self, before: list[BookLevel], after: list[BookLevel]) -> list[BookLevel]:
        return difference(before, after)

    def _frame(self, kind: Kind, before: int, bids: list[BookLevel], asks: list[BookLevel]) -> str:
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


class OrderBookFeed(SidesFeed[BookOrder]):
    """The first orders of both sides in priority, asked of the market room when something moved."""

    async def refresh(self) -> None:
        """Write the difference to what was written before, if there is any."""
        now = await self._bus.request(GetBook3(symbol=self.symbol, depth=self.depth, at_least=self.seq))
        if now.sequence >= self.seq:
            self._show(now.sequence, now.bids, now.asks)

    def _difference(self, before: list[BookOrder], after: list[BookOrder]) -> list[BookOrder]:
        return order_difference(before, after)

    def _frame(self, kind: Kind, before: int, bids: list[BookOrder], asks: list[BookOrder]) -> str:
        return text(
            OrderBookFrame(
                symbol=self.symbol,
                depth=self.depth,
                type=kind,
                seq=self.seq,
                prev_seq=before,
                bids=bids,
                asks=asks,
                checksum=order_checksum(self._bids, self._asks),
            )
        )


class StatusFeed(LastFeed[MarketStatus]):
    """Every change of the phase and of the limit state, as it comes."""

    async def refresh(self) -> None:
        """Learn how it stands; what comes later is told by itself."""
        self._last = await self._bus.request(GetMarketStatus(symbol=self.symbol, at_least=self.seq))
        self.seq, self.stands = max(self.seq, self._last.sequence), True

    def on_statuses(self, statuses: Sequence[MarketStatus]) -> None:
        """Write `statuses`, a frame for each."""
        for status in statuses:
            self._tell_next(status)

    def _frame(self, status: MarketStatus, before: int) -> str:
        shown = market_answers.status(status)
        return text(
            StatusFrame(
                symbol=self.symbol,
                seq=self.seq,
                prev_seq=before,
                status=shown.status,
                cause=shown.cause,
                limit_state=shown.limit_state,
                time=shown.time,
            )
        )


class AuctionFeed(LastFeed[Auction]):
    """What a call would trade, when it changed."""

    async def refresh(self) -> None:
        """Write the auction if it is another one."""
        now = await self._bus.request(GetAuction(symbol=self.symbol, at_least=self.seq))
        if now.sequence < self.seq or (self._last is not None and _same_auction(now, self._last)):
            return
        self._tell_next(now)

    def _frame(self, auction: Auction, before: int) -> str:
        shown = market_answers.auction(auction)
        return text(AuctionFrame(symbol=self.symbol, seq=self.seq, prev_seq=before, auction=shown))


def _same_auction(one: Auction, other: Auction) -> bool:
    """Tell whether they differ in nothing but the sequence at which they were looked at."""
    return msgspec.structs.replace(one, sequence=other.sequence) == other

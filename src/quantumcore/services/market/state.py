"""All books and tickers at one sequence, in memory; what they tell and how they are stored."""

from collections.abc import Sequence

import msgspec

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.market import Auction, BookChanged, BookLevel, MarketStatus, TradeTick
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import packed_id
from quantumcore.contracts.wire import (
    AuctionUncrossed,
    Event,
    IndicativeChanged,
    InstrumentDefined,
    InstrumentStatusChanged,
    LimitStateChanged,
    OrderAccepted,
    OrderCancelled,
    OrderEntered,
    OrderRefilled,
    OrderReplaced,
    OrdersLinked,
    OrderTriggered,
    OrderWaits,
    TermsAccepted,
    TradePrinted,
)
from quantumcore.services.market.book import BUY, CONTINUOUS, Book, Resting
from quantumcore.services.market.situation import Situation
from quantumcore.services.market.ticker import RollingTicker, TickerState

SIDE_NAMES = {1: "buy", 2: "sell"}


class MarketSnapshot(msgspec.Struct, array_like=True):
    """One market as it is stored; changed is the sequence up to which its changes have been told."""

    changed: int
    orders: list[Resting]
    ticker: TickerState
    situation: Situation | None = None


class Market:
    """One instrument's book and ticker.

    Attributes:
        changed: The sequence of the last change of its levels that was told; what the next one goes on from.
    """

    def __init__(self, snapshot: MarketSnapshot | None = None) -> None:
        self.changed = snapshot.changed if snapshot else 0
        self.situation = (snapshot.situation if snapshot else None) or Situation()
        status = self.situation.status or CONTINUOUS
        self.book = Book.of(snapshot.orders, status) if snapshot else Book()
        self.ticker = RollingTicker(snapshot.ticker if snapshot else None)

    def snapshot(self) -> MarketSnapshot:
        """Return what can be stored and given to a new Market."""
        return MarketSnapshot(self.changed, self.book.snapshot(), self.ticker.state(), self.situation)


class Markets:
    """Every market.

    Attributes:
        sequence: Up to where events have been applied; between calls every book is whole.
        time_ns: Of the last event.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.sequence = 0
        self.time_ns = 0
        self._catalogue = catalogue
        self._markets: dict[int, Market] = {}
        self._moved: set[int] = set()
        self._statuses: list[MarketStatus] = []
        self._auctions: set[int] = set()

    @property
    def open_orders(self) -> int:
        """How many orders stand in all books."""
        return sum(len(market.book) for market in self._markets.values())

    def of(self, instrument: int) -> Market:
        """Return the market of that number; one without events is empty."""
        return self._markets.get(instrument) or Market()

    def apply(self, events: Sequence[Event]) -> list[tuple[Instrument, TradePrinted]]:
        """Apply whole sequences; those that were applied before change nothing. Return the trades among the new ones.

        Raises:
            Corrupted: An event that no book can have; the books are of no use any more.
        """
        trades: list[tuple[Instrument, TradePrinted]] = []
        for event in events:
            if event.sequence <= self.sequence:
                continue
            match event:
                case OrderAccepted() | OrderCancelled() | OrderReplaced():
                    self._market(event).book.apply(event)
                case TradePrinted():
                    market = self._market(event)
                    market.book.apply(event)
                    market.ticker.trade(event.price, event.quantity, event.time_ns)
                    trades.append((self._catalogue.instruments[event.instrument], event))
                case (
                    TermsAccepted()
                    | OrderTriggered()
                    | OrderEntered()
                    | OrderWaits()
                    | OrderRefilled()
                    | OrdersLinked()
                ):
                    self._market(event).book.apply(event)
                case AuctionUncrossed() | IndicativeChanged() | LimitStateChanged():
                    self._situate(event)
                case InstrumentStatusChanged():
                    self._catalogue.apply(event)
                    self._situate(event)
                case InstrumentDefined():
                    self._catalogue.apply(event)
                    market = self._markets.setdefault(event.instrument, Market())
                    market.book.status = market.situation.status = event.status
                case _:
                    self._catalogue.apply(event)
            if event.is_last:
                self.sequence, self.time_ns = event.sequence, event.time_ns
        return trades

    def settle(self) -> list[BookChanged]:
        """Return what changed in each book since the last call, by symbol."""
        told: list[BookChanged] = []
        for number in self._moved:
            instrument, market = self._catalogue.instruments[number], self._markets[number]
            rows = market.book.settle()
            if rows:
                bids = [level_view(instrument, *row[1:]) for row in rows if row[0] == BUY]
                asks = [level_view(instrument, *row[1:]) for row in rows if row[0] != BUY]
                told.append(BookChanged(instrument.symbol, market.changed, self.sequence, bids, asks))
                market.changed = self.sequence
        self._moved.clear()
        told.sort(key=lambda changed: changed.symbol)
        return told

    def settle_statuses(self) -> list[MarketStatus]:
        """Return every change of a phase or limit state since the last call, in order."""
        told, self._statuses = self._statuses, []
        return told

    def settle_auctions(self) -> list[Auction]:
        """Return the auctions that changed since the last call, as they stand now, by symbol."""
        instruments = [self._catalogue.instruments[number] for number in self._auctions]
        self._auctions.clear()
        instruments.sort(key=lambda instrument: instrument.symbol)
        return [self.of(one.number).situation.shown_auction(one, self.sequence) for one in instruments]

    def _situate(self, event: Event) -> None:
        market = self._market(event)
        market.book.apply(event)
        status, auction = market.situation.apply(event)
        if status:
            self._statuses.append(market.situation.shown_status(self._catalogue.instruments[event.instrument]))
        if auction:
            self._auctions.add(event.instrument)

    def snapshot(self) -> dict[int, MarketSnapshot]:
        """Return every market as it can be stored."""
        return {number: market.snapshot() for number, market in self._markets.items()}

    def load(self, sequence: int, snapshots: dict[int, MarketSnapshot]) -> None:
        """Begin at `sequence` with stored markets."""
        self.sequence = sequence
        self._markets = {number: Market(snapshot) for number, snapshot in snapshots.items()}
        self._moved.clear()
        self._statuses.clear()
        self._auctions.clear()

    def _market(self, event: Event) -> Market:
        if event.instrument not in self._catalogue.instruments:
            raise Corrupted(
                "corrupted",
                f"{type(event).__name__} at {event.sequence}.{event.index}: no instrument {event.instrument}",
            )
        self._moved.add(event.instrument)
        return self._markets.setdefault(event.instrument, Market())


def level_view(instrument: Instrument, price: int, lots: int, orders: int) -> BookLevel:
    """Return a level as clients see it; a level that is gone has the quantity "0"."""
    return BookLevel(instrument.price(price), instrument.quantity(lots) if lots else "0", orders)


def trade_view(instrument: Instrument, trade: TradePrinted, shard: int) -> TradeTick:
    """Return a trade as the public sees it."""
    return TradeTick(
        trade_id=packed_id(shard, trade.sequence, trade.fill, 0),
        symbol=instrument.symbol,
        price=instrument.price(trade.price),
        quantity=instrument.quantity(trade.quantity),
        side=SIDE_NAMES[trade.taker_side],
        sequence=trade.sequence,
        index=trade.index,
        time_ns=trade.time_ns,
    )

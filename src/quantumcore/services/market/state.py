"""All books and tickers at one sequence, in memory; what they tell and how they are stored."""

from collections.abc import Sequence

import msgspec

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.market import BookChanged, BookLevel, TradeTick
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import packed_id
from quantumcore.contracts.wire import (
    Event,
    InstrumentDefined,
    OrderAccepted,
    OrderCancelled,
    OrderReplaced,
    TradePrinted,
)
from quantumcore.services.market.book import BUY, Book, Resting
from quantumcore.services.market.ticker import RollingTicker, TickerState

SIDE_NAMES = {1: "buy", 2: "sell"}


class MarketSnapshot(msgspec.Struct, array_like=True):
    """One market as it is stored; changed is the sequence up to which its changes have been told."""

    changed: int
    orders: list[Resting]
    ticker: TickerState


class Market:
    """One instrument's book and ticker.

    Attributes:
        changed: The sequence of the last change of its levels that was told; what the next one goes on from.
    """

    def __init__(self, snapshot: MarketSnapshot | None = None) -> None:
        self.changed = snapshot.changed if snapshot else 0
        self.book = Book.of(snapshot.orders) if snapshot else Book()
        self.ticker = RollingTicker(snapshot.ticker if snapshot else None)

    def snapshot(self) -> MarketSnapshot:
        """Return what can be stored and given to a new Market."""
        return MarketSnapshot(self.changed, self.book.snapshot(), self.ticker.state())


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
                case InstrumentDefined():
                    self._catalogue.apply(event)
                    self._markets.setdefault(event.instrument, Market())
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

    def snapshot(self) -> dict[int, MarketSnapshot]:
        """Return every market as it can be stored."""
        return {number: market.snapshot() for number, market in self._markets.items()}

    def load(self, sequence: int, snapshots: dict[int, MarketSnapshot]) -> None:
        """Begin at `sequence` with stored markets."""
        self.sequence = sequence
        self._markets = {number: Market(snapshot) for number, snapshot in snapshots.items()}
        self._moved.clear()

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

"""Market (8006): books, trades, tickers, as projected from the engine's events."""

import msgspec

from quantumcore.contracts.messages import Notice, Request

MAX_DEPTH = 500


class BookLevel(msgspec.Struct, frozen=True, array_like=True):
    """["price", "quantity", orders]; quantity "0" in a delta removes the level."""

    price: str
    quantity: str
    orders: int


class BookOrder(msgspec.Struct, frozen=True, array_like=True):
    """["order_id", "price", "quantity"]: one resting order of a level-3 book, in priority."""

    order_id: str
    price: str
    quantity: str


class Book(msgspec.Struct, frozen=True):
    """Best first. sequence is the engine's at which this book stood."""

    symbol: str
    sequence: int
    bids: list[BookLevel]
    asks: list[BookLevel]


class Book3(msgspec.Struct, frozen=True):
    """Every order, best price first, oldest first."""

    symbol: str
    sequence: int
    bids: list[BookOrder]
    asks: list[BookOrder]


class GetBook(Request[Book], frozen=True, kw_only=True):
    """Aggregated by price; depth 1..500 (level 1 is depth 1)."""

    symbol: str
    depth: int = 50
    at_least: int = 0


class GetBook3(Request[Book3], frozen=True, kw_only=True):
    """Order by order; depth counts orders per side, 1..500."""

    symbol: str
    depth: int = 500
    at_least: int = 0


class TradeTick(msgspec.Struct, frozen=True):
    """One trade as the public sees it; side is the taker's."""

    trade_id: str
    symbol: str
    price: str
    quantity: str
    side: str
    sequence: int
    index: int
    time_ns: int


class TradePage(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[TradeTick]
    next_cursor: str | None
    sequence: int


class GetTrades(Request[TradePage], frozen=True, kw_only=True):
    """A symbol's trades."""

    symbol: str
    limit: int = 100
    cursor: str = ""
    at_least: int = 0


class Ticker(msgspec.Struct, frozen=True):
    """Best prices, last trade and the rolling 24 hours; None where there is nothing yet."""

    symbol: str
    sequence: int
    bid: str | None
    bid_quantity: str | None
    ask: str | None
    ask_quantity: str | None
    last: str | None
    last_quantity: str | None
    open_24h: str | None
    high_24h: str | None
    low_24h: str | None
    volume_24h: str
    trades_24h: int
    time_ns: int


class GetTicker(Request[Ticker], frozen=True, kw_only=True):
    """One symbol."""

    symbol: str
    at_least: int = 0


class Tickers(msgspec.Struct, frozen=True):
    """All symbols, by symbol."""

    items: list[Ticker]
    sequence: int


class GetTickers(Request[Tickers], frozen=True, kw_only=True):
    """All symbols."""


class MarketStatus(msgspec.Struct, frozen=True):
    """The phase of an instrument, and whether its trading is held at a band.

    Attributes:
        sequence: Of the event that brought it there; 0 before the first.
        cause: Why the phase changed: asked, band, velocity, call_over.
        limit_state: none, upper or lower; until_ns says when a volatility call begins if it lasts.
    """

    symbol: str
    sequence: int
    status: str
    cause: str
    limit_state: str = "none"
    band: str | None = None
    until_ns: int = 0
    time_ns: int = 0


class GetMarketStatus(Request[MarketStatus], frozen=True, kw_only=True):
    """One symbol."""

    symbol: str
    at_least: int = 0


class Uncrossed(msgspec.Struct, frozen=True):
    """The last auction; price None: nothing crossed."""

    price: str | None
    quantity: str
    imbalance: str
    phase: str
    sequence: int
    time_ns: int


class Auction(msgspec.Struct, frozen=True):
    """What a call would trade now, and the last auction.

    Attributes:
        price: None when nothing crosses, or there is no call.
        imbalance: The surplus of buys at that price; negative: of sells.
    """

    symbol: str
    sequence: int
    phase: str
    price: str | None
    quantity: str
    imbalance: str
    last: Uncrossed | None = None


class GetAuction(Request[Auction], frozen=True, kw_only=True):
    """One symbol."""

    symbol: str
    at_least: int = 0


class BookChanged(msgspec.Struct, frozen=True):
    """One symbol's levels as they stand after a batch; quantity "0": the level is gone. From prev_sequence to sequence without gap."""

    symbol: str
    prev_sequence: int
    sequence: int
    bids: list[BookLevel]
    asks: list[BookLevel]


class MarketMoved(Notice, frozen=True, kw_only=True, omit_defaults=True):
    """Told after each batch: changed books and the trades of the batch.

    Attributes:
        statuses: Every change of a phase or limit state, in order.
        auctions: Of each symbol whose auction changed, as it stands after the batch.
    """

    books: list[BookChanged]
    trades: list[TradeTick]
    sequence: int
    statuses: list[MarketStatus] = []
    auctions: list[Auction] = []

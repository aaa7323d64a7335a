"""Market data as clients read them."""

import msgspec

from quantumcore.contracts.market import Ticker, TradeTick
from quantumcore.services.gateway.codec import rfc3339


class TradeAnswer(msgspec.Struct, frozen=True):
    """One public trade; side is the taker's."""

    trade_id: str
    symbol: str
    price: str
    quantity: str
    side: str
    sequence: int
    index: int
    time: str


class TradePageAnswer(msgspec.Struct, frozen=True):
    """A page of trades, newest first."""

    items: list[TradeAnswer]
    next_cursor: str | None
    sequence: int


class TickerAnswer(msgspec.Struct, frozen=True):
    """Best prices, last trade, rolling 24 hours; null where there is nothing yet."""

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
    time: str


class TickersAnswer(msgspec.Struct, frozen=True):
    """All symbols."""

    items: list[TickerAnswer]
    sequence: int


def trade(one: TradeTick) -> TradeAnswer:
    """Return a public trade."""
    return TradeAnswer(
        one.trade_id, one.symbol, one.price, one.quantity, one.side, one.sequence, one.index, rfc3339(one.time_ns)
    )


def ticker(one: Ticker) -> TickerAnswer:
    """Return a ticker."""
    return TickerAnswer(
        one.symbol,
        one.sequence,
        one.bid,
        one.bid_quantity,
        one.ask,
        one.ask_quantity,
        one.last,
        one.last_quantity,
        one.open_24h,
        one.high_24h,
        one.low_24h,
        one.volume_24h,
        one.trades_24h,
        rfc3339(one.time_ns),
    )

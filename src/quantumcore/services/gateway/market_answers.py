"""Market data as clients read them."""

import msgspec

from quantumcore.contracts.market import Auction, MarketStatus, Ticker, TradeTick
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


class LimitStateAnswer(msgspec.Struct, frozen=True):
    """Trading is held at a band; if that lasts until then, a volatility call begins."""

    side: str
    band: str
    until: str


class StatusAnswer(msgspec.Struct, frozen=True):
    """The phase of an instrument; cause: asked, band, velocity or call_over. time is null before the first change."""

    symbol: str
    sequence: int
    status: str
    cause: str
    limit_state: LimitStateAnswer | None
    time: str | None


class UncrossedAnswer(msgspec.Struct, frozen=True):
    """The last auction; price is null when nothing crossed."""

    price: str | None
    quantity: str
    imbalance: str
    phase: str
    sequence: int
    time: str


class AuctionAnswer(msgspec.Struct, frozen=True):
    """What a call would trade now; imbalance: the surplus of buys, negative of sells. Without a call price is null."""

    symbol: str
    sequence: int
    phase: str
    price: str | None
    quantity: str
    imbalance: str
    last: UncrossedAnswer | None


def status(one: MarketStatus) -> StatusAnswer:
    """Return a phase and limit state."""
    held = None
    if one.band is not None and one.limit_state != "none":
        held = LimitStateAnswer(one.limit_state, one.band, rfc3339(one.until_ns))
    time = rfc3339(one.time_ns) if one.time_ns else None
    return StatusAnswer(one.symbol, one.sequence, one.status, one.cause, held, time)


def auction(one: Auction) -> AuctionAnswer:
    """Return an auction."""
    last = None
    if one.last is not None:
        was = one.last
        last = UncrossedAnswer(was.price, was.quantity, was.imbalance, was.phase, was.sequence, rfc3339(was.time_ns))
    return AuctionAnswer(one.symbol, one.sequence, one.phase, one.price, one.quantity, one.imbalance, last)


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

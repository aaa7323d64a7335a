"""What a socket says and hears, as message types. Every data message carries channel, symbol, seq and prev_seq."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from quantumcore.contracts.market import BookLevel, BookOrder
from quantumcore.services.gateway.answers import AccountFill, UpdateAnswer
from quantumcore.services.gateway.bodies import AccountText, Body, Decimal, OrderBody, Side, SymbolText
from quantumcore.services.gateway.codec import encode_json
from quantumcore.services.gateway.errors import Problem
from quantumcore.services.gateway.market_answers import AuctionAnswer, LimitStateAnswer, TickerAnswer, TradeAnswer
from quantumcore.services.gateway.risk_answers import RiskUpdateAnswer

Id = Annotated[int, Meta(ge=0, le=2**53)] | Annotated[str, Meta(max_length=64)] | None
Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]


ChannelName = Literal["book", "trades", "ticker", "status", "auction", "orders", "fills", "risk"]


class ShownChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as answers name it."""

    name: ChannelName
    symbol: str | UnsetType | None = UNSET
    level: int | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    account_id: str | UnsetType | None = UNSET


class Channel(Body, frozen=True, kw_only=True):
    """One subscription: book, trades, ticker, status, auction by symbol; orders, fills, risk by account, from_seq to resume."""

    name: ChannelName
    symbol: SymbolText | None = None
    level: Annotated[int, Meta(ge=1, le=3)] = 2
    depth: Literal[1, 5, 10, 20, 50, 100, 200] = 50
    interval_ms: Literal[10, 100, 250, 1000] = 100
    account_id: AccountText | None = None
    from_seq: Sequence | None = None

    @property
    def is_private(self) -> bool:
        """Whether only the account's own may hear it."""
        return self.name in ("orders", "fills", "risk")

    @property
    def key(self) -> str:
        """What tells two subscriptions of one socket apart."""
        return f"{self.name}:{self.symbol}:{self.level}:{self.depth}:{self.interval_ms}"

    def shown(self) -> ShownChannel:
        """Return the channel as answers name it."""
        if self.is_private:
            return ShownChannel(name=self.name, account_id=self.account_id)
        if self.name == "book":
            return ShownChannel(name=self.name, symbol=self.symbol, level=self.level, depth=self.depth)
        return ShownChannel(name=self.name, symbol=self.symbol)


class Subscribe(Body, frozen=True, kw_only=True, tag_field="op", tag="subscribe"):
    """Each channel is answered by itself."""

    channels: Annotated[list[Channel], Meta(min_length=1, max_length=200)]
    id: Id = None


class Unsubscribe(Body, frozen=True, kw_only=True, tag_field="op", tag="unsubscribe"):
    """Named as they were subscribed; what is not subscribed is no error."""

    channels: Annotated[list[Channel], Meta(min_length=1, max_length=200)]
    id: Id = None


class Auth(Body, frozen=True, kw_only=True, tag_field="op", tag="auth"):
    """A token; or an API key's signature over a GET of /v1/stream without query and body."""

    token: Annotated[str, Meta(max_length=32_768)] = ""
    key: Annotated[str, Meta(max_length=512)] = ""
    timestamp: Annotated[str, Meta(max_length=32)] = ""
    recv_window: Annotated[str, Meta(max_length=32)] = "5000"
    signature: Annotated[str, Meta(max_length=512)] = ""
    cancel_on_disconnect: bool = False
    id: Id = None


class Ping(Body, frozen=True, kw_only=True, tag_field="op", tag="ping"):
    """Answered with the time."""

    id: Id = None


class OrderSubmit(Body, frozen=True, kw_only=True, tag_field="op", tag="order.submit"):
    """As POST /v1/orders."""

    data: OrderBody
    id: Id = None


class OrderName(Body, frozen=True, kw_only=True):
    """Which order, by its id or by client:{client_order_id}."""

    order_id: Annotated[str, Meta(min_length=1, max_length=64)]
    account_id: AccountText | None = None


class OrderCancel(Body, frozen=True, kw_only=True, tag_field="op", tag="order.cancel"):
    """As DELETE /v1/orders/{id}."""

    data: OrderName
    id: Id = None


class OrderChange(OrderName, frozen=True, kw_only=True):
    """Which order, and its new total quantity, price, stop price or display."""

    quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    display: Decimal | None = None


class OrderAmend(Body, frozen=True, kw_only=True, tag_field="op", tag="order.amend"):
    """As PATCH /v1/orders/{id}."""

    data: OrderChange
    id: Id = None


class Which(Body, frozen=True, kw_only=True):
    """Which working orders."""

    account_id: AccountText | None = None
    symbol: SymbolText | None = None
    side: Side | None = None


class OrderMassCancel(Body, frozen=True, kw_only=True, tag_field="op", tag="order.mass_cancel"):
    """As DELETE /v1/orders."""

    data: Which
    id: Id = None


Trading = OrderSubmit | OrderCancel | OrderAmend | OrderMassCancel
Heard = Subscribe | Unsubscribe | Auth | Ping | OrderSubmit | OrderCancel | OrderAmend | OrderMassCancel


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one operation: done, or the error."""

    op: str
    id: Id
    ok: bool
    channel: ShownChannel | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    data: Any = UNSET
    error: Problem | UnsetType = UNSET


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """Under which number the orders of this connection go: a kill switch of the session names it."""

    session: int


class FeedName(msgspec.Struct, frozen=True, kw_only=True):
    """Which public feed."""

    channel: str
    symbol: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """About the stream itself: conflated (with how many frames were left out), or shutting_down."""

    channel: Literal["status"] = "status"
    event: Literal["conflated", "shutting_down"]
    of: FeedName | UnsetType = UNSET
    dropped: int | UnsetType = UNSET


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing else was said for a while."""

    channel: Literal["heartbeat"] = "heartbeat"
    time: str


class BookFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot, or what changed since prev_seq; quantity "0": the level is gone."""

    channel: Literal["book"] = "book"
    symbol: str
    level: int
    depth: int
    type: Literal["snapshot", "delta"]
    seq: int
    prev_seq: int
    bids: list[BookLevel]
    asks: list[BookLevel]
    checksum: int


class OrderBookFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A book order by order (level 3): a snapshot in priority, or what turns the one before into this one.

    A delta is taken in its order. Quantity "0": the order is gone. A known order with the price it has keeps its place and
    shows another quantity; any other joins the end of its price.
    """

    channel: Literal["book"] = "book"
    symbol: str
    level: Literal[3] = 3
    depth: int
    type: Literal["snapshot", "delta"]
    seq: int
    prev_seq: int
    bids: list[BookOrder]
    asks: list[BookOrder]
    checksum: int


class StatusFrame(msgspec.Struct, frozen=True, kw_only=True):
    """The phase of an instrument or its limit state changed; event `instrument` tells it from what the stream says of itself."""

    channel: Literal["status"] = "status"
    event: Literal["instrument"] = "instrument"
    symbol: str
    seq: int
    prev_seq: int
    status: str
    cause: str
    limit_state: LimitStateAnswer | None
    time: str | None


class AuctionFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What a call would trade now, and the last auction."""

    channel: Literal["auction"] = "auction"
    symbol: str
    seq: int
    prev_seq: int
    auction: AuctionAnswer


class TradesFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Trades, oldest first."""

    channel: Literal["trades"] = "trades"
    symbol: str
    seq: int
    prev_seq: int
    trades: list[TradeAnswer]


class TickerFrame(msgspec.Struct, frozen=True, kw_only=True):
    """The ticker as it stands."""

    channel: Literal["ticker"] = "ticker"
    symbol: str
    seq: int
    prev_seq: int
    ticker: TickerAnswer


class OrdersFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to the account's orders in one sequence; symbol is null when there were several."""

    channel: Literal["orders"] = "orders"
    account_id: str
    symbol: str | None
    seq: int
    prev_seq: int
    updates: list[UpdateAnswer]


class FillsFrame(msgspec.Struct, frozen=True, kw_only=True):
    """The account's fills of one sequence; symbol is null when there were several."""

    channel: Literal["fills"] = "fills"
    account_id: str
    symbol: str | None
    seq: int
    prev_seq: int
    fills: list[AccountFill]


class RiskFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A warning of the account, or its end; seq counts what the risk room has told of all accounts; symbol: of the limit, if it has one."""

    channel: Literal["risk"] = "risk"
    account_id: str
    symbol: str | None
    seq: int
    prev_seq: int
    update: RiskUpdateAnswer


def text(frame: Any) -> str:
    """Return the frame as it goes out."""
    return encode_json(frame).decode()

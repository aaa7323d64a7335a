"""What clients send: bodies and query parameters. Unknown fields are refused; decimals are strings; ids are strings."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Decimal = Annotated[
    str, Meta(max_length=64, extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["0.05"]})
]
ClientId = Annotated[str, Meta(min_length=1, max_length=36, extra_json_schema={"pattern": "^[A-Za-z0-9_-]{1,36}$"})]
SymbolText = Annotated[str, Meta(min_length=1, max_length=24)]
AccountText = Annotated[str, Meta(min_length=1, max_length=10)]
Currency = Annotated[str, Meta(min_length=1, max_length=12)]
Time = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]
Label = Annotated[str, Meta(max_length=128)]
Email = Annotated[str, Meta(min_length=3, max_length=320)]
Password = Annotated[str, Meta(extra_json_schema={"format": "password", "description": "12 to 1,024 bytes of UTF-8"})]
Side = Literal["buy", "sell"]
OrderType = Literal[
    "limit",
    "market",
    "market_to_limit",
    "stop",
    "stop_limit",
    "trailing_stop",
    "trailing_stop_limit",
    "market_if_touched",
    "limit_if_touched",
    "pegged",
]
TimeInForce = Literal[
    "gtc", "day", "gtd", "gtt", "ioc", "fok", "at_open", "at_close", "good_for_auction", "closing_cross"
]
Phase = Literal[
    "continuous",
    "trading",
    "halted",
    "closed",
    "pre_open",
    "opening_call",
    "intraday_call",
    "volatility_call",
    "closing_call",
    "closing_cross",
    "paused",
    "post_close",
]
SelfTradePrevention = Literal["cancel_newest", "cancel_oldest", "cancel_both", "decrement", "none"]
Limit = Annotated[int, Meta(ge=1, le=1000)]
Whole = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Direction = Literal["asc", "desc"]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything a client sends."""


# -- auth


class Credentials(Body, frozen=True, kw_only=True):
    """Log in or register."""

    email: Email
    password: Password


class RefreshBody(Body, frozen=True, kw_only=True):
    """Spend a refresh token."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=1024)]


class PasswordBody(Body, frozen=True, kw_only=True):
    """Change the own password; all sessions end."""

    old_password: Password
    new_password: Password


class KeyBody(Body, frozen=True, kw_only=True):
    """A new API key: with a public key (base64, Ed25519), or without for an HMAC secret made by us."""

    label: Label = ""
    public_key: Annotated[str, Meta(max_length=128)] = ""
    scopes: Annotated[list[str], Meta(max_length=6)] = []
    account_ids: Annotated[list[AccountText], Meta(max_length=1000)] = []
    addresses: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = []
    expires_at: Time | None = None


class RolesBody(Body, frozen=True, kw_only=True):
    """The user's new roles; his sessions end."""

    roles: Annotated[list[str], Meta(max_length=100)]


class GrantBody(Body, frozen=True, kw_only=True):
    """Let a user act on an account."""

    account_id: AccountText


class UsersQuery(Body, frozen=True, kw_only=True):
    """A page of users, or the one with this e-mail."""

    email: Email | None = None
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=256)] = ""


class AuditQuery(Body, frozen=True, kw_only=True):
    """A page of security events, of one user or kind if given."""

    user_id: Annotated[str, Meta(max_length=64)] = ""
    kind: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=256)] = ""


# -- orders


class TrailBody(Body, frozen=True, kw_only=True):
    """How far a trailing stop stays behind: an amount, a percentage of the watched price, or ticks; exactly one."""

    amount: Decimal | None = None
    percent: Decimal | None = None
    ticks: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


class PegBody(Body, frozen=True, kw_only=True):
    """What a pegged order follows: its own side's best, the other side's, or their middle; and how far from it."""

    reference: Literal["primary", "market", "mid"]
    offset: Decimal = "0"


class OrderBody(Body, frozen=True, kw_only=True):
    """A new order. Without client_order_id one is made and returned, and a repeat is not safe.

    post_only: true and "reject" refuse an order that would take, "slide" moves it a tick behind the other side's best.
    short_exempt: a short sale that the price test does not hold back; what it says is the sender's to answer for.
    expires_at: of a gtt order its instant, of a gtd order its date (2026-12-24: the end of that day's session) or instant.
    """

    symbol: SymbolText
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: ClientId | None = None
    account_id: AccountText | None = None
    post_only: bool | Literal["reject", "slide"] = False
    self_trade_prevention: SelfTradePrevention | None = None
    stop_price: Decimal | None = None
    trigger: Literal["last", "quote", "mark"] | None = None
    trail: TrailBody | None = None
    limit_offset: Decimal | None = None
    display: Decimal | None = None
    display_range: Decimal | None = None
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    min_quantity: Decimal | None = None
    hidden: bool = False
    all_or_none: bool = False
    reduce_only: bool = False
    peg: PegBody | None = None
    budget: Decimal | None = None
    expires_at: Time | None = None
    cancel_on_disconnect: bool = False
    short_exempt: bool = False


class LinkedBody(Body, frozen=True, kw_only=True):
    """Orders that stand for each other: oco and oto link two, bracket an entry, its take-profit and its stop-loss."""

    link: Literal["oco", "oto", "bracket"]
    orders: Annotated[list[OrderBody], Meta(min_length=2, max_length=3)]


class CancelAfterBody(Body, frozen=True, kw_only=True):
    """In how many seconds the account's working orders go unless this is asked again; 0 disarms."""

    timeout_s: Annotated[int, Meta(ge=0, le=300)]
    account_id: AccountText | None = None


class BatchBody(Body, frozen=True, kw_only=True):
    """Up to 100 orders, each answered by itself, also when its shape is wrong.

    atomic: they are of one account, and all are accepted or all rejected; a wrong shape refuses the whole request.
    """

    orders: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=100)]
    atomic: bool = False


class AmendBody(Body, frozen=True, kw_only=True):
    """A new total quantity, price, stop price or display, as one act."""

    quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    display: Decimal | None = None
    account_id: AccountText | None = None


class AccountQuery(Body, frozen=True, kw_only=True):
    """Which of the caller's accounts."""

    account_id: AccountText | None = None


class MassCancelQuery(Body, frozen=True, kw_only=True):
    """Which working orders; without symbol and side all of the account."""

    account_id: AccountText | None = None
    symbol: SymbolText | None = None
    side: Side | None = None


class OrdersQuery(Body, frozen=True, kw_only=True):
    """A page of orders."""

    account_id: AccountText | None = None
    status: Literal["", "open", "new", "partially_filled", "filled", "cancelled", "expired", "rejected"] = ""
    symbol: SymbolText | None = None
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=256)] = ""
    order: Direction = "desc"


class PageQuery(Body, frozen=True, kw_only=True):
    """A page of anything."""

    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=256)] = ""


class FillsQuery(Body, frozen=True, kw_only=True):
    """A page of fills."""

    symbol: SymbolText | None = None
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=256)] = ""
    order: Direction = "desc"


# -- market


class BookQuery(Body, frozen=True, kw_only=True):
    """level 1: best prices; 2: by price; 3: order by order."""

    level: Annotated[int, Meta(ge=1, le=3)] = 2
    depth: Annotated[int, Meta(ge=1, le=500)] | None = None


# -- risk, reference


class KillQuery(Body, frozen=True, kw_only=True):
    """Whose orders; one of these, or none: the whole venue's."""

    account_id: AccountText | None = None
    firm: Whole | None = None
    session: Whole | None = None
    symbol: SymbolText | None = None


class KillBody(KillQuery, frozen=True, kw_only=True):
    """Whose orders stop; reduce_only: what brings a position nearer to zero goes on."""

    mode: Literal["all", "reduce_only"] = "all"


class CurrencyBody(Body, frozen=True, kw_only=True):
    """A currency or asset; the scale (decimals of its minor unit) never changes."""

    code: Annotated[str, Meta(min_length=1, max_length=12, extra_json_schema={"pattern": "^[A-Z0-9]{1,12}$"})]
    scale: Annotated[int, Meta(ge=0, le=9)]


class InstrumentBody(Body, frozen=True, kw_only=True):
    """A new instrument, in outside units; rates and collar are fractions such as "0.001"."""

    symbol: SymbolText
    kind: Literal["spot", "future"] = "spot"
    base: Currency
    quote: Currency
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Annotated[int, Meta(ge=1, le=2**62)] = 1
    min_price: Decimal | None = None
    max_price: Decimal
    min_quantity: Decimal | None = None
    max_quantity: Decimal
    min_notional: Decimal = "0"
    max_notional: Decimal
    taker_fee: Decimal = "0"
    maker_fee: Decimal = "0"
    minimum_fee: Decimal = "0"
    collar: Decimal = "0.05"


class InstrumentChange(Body, frozen=True, kw_only=True):
    """What may change of an instrument; what is not named stays."""

    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    taker_fee: Decimal | None = None
    maker_fee: Decimal | None = None
    minimum_fee: Decimal | None = None
    collar: Decimal | None = None


class StatusBody(Body, frozen=True, kw_only=True):
    """The phase to go into; `trading` means `continuous`. Halted: nothing new, cancels go through."""

    status: Phase


class PhaseBody(Body, frozen=True, kw_only=True):
    """The phase to go into."""

    phase: Phase


class PriceBody(Body, frozen=True, kw_only=True):
    """A price that an operator gives; null takes it away."""

    price: Decimal | None


class QuoteBody(Body, frozen=True, kw_only=True):
    """The best prices of other markets; null: there is none."""

    bid: Decimal | None
    ask: Decimal | None


class MarketSizeBody(Body, frozen=True, kw_only=True):
    """How large the market of an instrument is: what is held in all, each contract once, and traded in a day; null: not known."""

    open_interest: Decimal | None
    daily_volume: Decimal | None


class RulesBody(Body, frozen=True, kw_only=True):
    """How an instrument trades, as a whole; rates are fractions such as "0.05", 0 switches a rule off."""

    allocation: Literal["time", "pro_rata", "top_first"] = "time"
    static_band: Decimal = "0"
    price_collar: Decimal = "0"
    dynamic_band: Decimal = "0"
    limit_state_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    call_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    velocity: Decimal = "0"
    velocity_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0


class GroupBody(Body, frozen=True, kw_only=True):
    """The group whose accounts do not trade with each other; 0 is none."""

    group: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class FirmBody(Body, frozen=True, kw_only=True):
    """The firm that clears for the account; 0 is none."""

    firm: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class BustBody(Body, frozen=True, kw_only=True):
    """Undo a trade (cancel), or move its money to the price at which it should have been."""

    action: Literal["cancel", "price"]
    price: Decimal | None = None

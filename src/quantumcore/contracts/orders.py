"""Orders (8002): submit, amend, cancel; how an order stands.

Quantities, prices and money are decimal strings; times are UTC nanoseconds inside messages.
`at_least` on a query: wait (up to 1 s) until this sequence is projected, so that callers read their own writes.
"""

import msgspec

from quantumcore.contracts.messages import Request
from quantumcore.contracts.terms import LinkView, OrderTerms, TermsView

SIDES = {"buy": 1, "sell": 2}
TYPES = {
    "limit": 2,
    "market": 1,
    "market_to_limit": 5,
    "stop": 3,
    "stop_limit": 4,
    "trailing_stop": 6,
    "trailing_stop_limit": 7,
    "market_if_touched": 8,
    "limit_if_touched": 9,
    "pegged": 10,
}
TIMES_IN_FORCE = {
    "gtc": 1,
    "day": 5,
    "gtd": 6,
    "gtt": 8,
    "ioc": 3,
    "fok": 4,
    "at_open": 2,
    "at_close": 7,
    "good_for_auction": 9,
    "closing_cross": 10,
}
SELF_TRADE_PREVENTION = {"cancel_newest": 1, "cancel_oldest": 2, "cancel_both": 3, "decrement": 4, "none": 5}
HOUSE_ID = "liq-"
"""With what client order ids begin that are the venue's own: those of the liquidation desk. Nobody else may use them."""
CANCEL_REASONS = {
    1: "order.cancel.requested",
    2: "order.cancel.mass",
    3: "order.cancel.kill_switch",
    4: "order.cancel.immediate_or_cancel",
    5: "order.cancel.fill_or_kill",
    6: "order.cancel.self_trade",
    7: "order.cancel.expired",
    8: "order.cancel.linked",
    9: "order.cancel.cancel_all_after",
    10: "order.cancel.disconnected",
    11: "order.cancel.reduce_only",
    12: "order.cancel.auction_over",
    13: "order.cancel.min_quantity",
    14: "order.cancel.no_funds",
    15: "order.cancel.auction_notional",
    16: "order.cancel.band",
    20: "order.cancel.adjusted",
    21: "order.cancel.protection",
    22: "order.cancel.not_admitted",
    23: "order.cancel.margin",
}
REPLACE_REASONS = {
    0: "order.replace.requested",
    1: "order.replace.self_trade",
    2: "order.replace.pegged",
    3: "order.replace.reduce_only",
    4: "order.replace.linked",
    5: "order.replace.converted",
    6: "order.replace.shared_hold",
    7: "order.replace.in_turn",
}
EXPIRED = 7
MAX_CANCEL_AFTER_S = 300


class Fill(msgspec.Struct, frozen=True, omit_defaults=True):
    """One side of a trade; fee < 0 is a rebate; liquidity is `maker` or `taker`; busted: `cancel` or `price` if it was."""

    trade_id: str
    order_id: str
    client_order_id: str
    account_id: str
    symbol: str
    side: str
    price: str
    quantity: str
    liquidity: str
    fee: str
    fee_currency: str
    sequence: int
    index: int
    time_ns: int
    busted: str | None = None


class OrderView(msgspec.Struct, frozen=True, tag_field="view", tag="order", omit_defaults=True):
    """An order as its events have left it. The tag tells it from an ErrorView where both may stand.

    Attributes:
        status: new, partially_filled, filled, cancelled, expired or rejected.
        leaves: What may still trade; 0 when final.
        reason: Dotted code when rejected or cancelled, else None; scope, limit, actual beside it when rejected.
        sequence: Sequence of the last event that changed it.
        fills: In the answer to a submission, the fills it made at once; of one order, the first 1,000; in a list, the
            first 100; in an update, none (the update has its fill beside the order). GetFills has them all.
        text: The reason as a sentence for a person, when rejected.
        filled_value: Sum of price × quantity (× multiplier) over all fills, exact, in the quote currency.
        waiting: What it waits for before it works: trigger, auction, reference or parent; None when it works.
        triggered_ns: When its trigger fired; 0 when it has not.
        terms, link: None for a plain order.
    """

    order_id: str
    client_order_id: str
    account_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    post_only: bool
    quantity: str
    price: str | None
    status: str
    filled: str
    leaves: str
    average_price: str | None
    fees: str
    fills: list[Fill]
    sequence: int
    accepted_ns: int
    updated_ns: int
    reason: str | None = None
    scope: str | None = None
    limit: str | None = None
    actual: str | None = None
    text: str | None = None
    filled_value: str = "0"
    waiting: str | None = None
    triggered_ns: int = 0
    terms: TermsView | None = None
    link: LinkView | None = None


class SubmitOrder(Request[OrderView], frozen=True, kw_only=True, omit_defaults=True):
    """A refused order is an OrderView with status rejected; errors are for requests that never became an order.

    Attributes:
        session: The connection that sends it, u32; 0: none. An order with cancel_on_disconnect ends with it.
        terms: None for a plain order.
    """

    account: int
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    quantity: str
    price: str | None = None
    post_only: bool = False
    self_trade_prevention: str | None = None
    session: int = 0
    terms: OrderTerms | None = None


class ErrorView(msgspec.Struct, frozen=True, tag_field="view", tag="error"):
    """An error as a value, inside a batch's answer."""

    code: str
    detail: str
    status: int
    field: str = ""
    limit: str = ""
    actual: str = ""


class BatchResult(msgspec.Struct, frozen=True):
    """Per order, in order: its view, or why there is none."""

    items: list[OrderView | ErrorView]


class SubmitBatch(Request[BatchResult], frozen=True, kw_only=True, omit_defaults=True):
    """Up to 100 orders; each is answered by itself.

    Attributes:
        atomic: They are of one account, and all are accepted or all rejected: the refused one says why, the others
            order.linked. An error of one is an error of all.
    """

    orders: list[SubmitOrder]
    atomic: bool = False


class LinkedResult(msgspec.Struct, frozen=True):
    """Per member, in order, its order: all are accepted, or all rejected (the refused one says why, the others order.linked)."""

    items: list[OrderView]


class SubmitLinked(Request[LinkedResult], frozen=True, kw_only=True):
    """Two or three orders of one account and instrument as one act; link is oco, oto or bracket."""

    link: str
    orders: list[SubmitOrder]


class AmendOrder(Request[OrderView], frozen=True, kw_only=True, omit_defaults=True):
    """New total quantity, price, stop price or display, as one act. Names the order by order_id or client_order_id."""

    account: int
    order_id: str = ""
    client_order_id: str = ""
    quantity: str | None = None
    price: str | None = None
    stop_price: str | None = None
    display: str | None = None


class CancelOrder(Request[OrderView], frozen=True, kw_only=True):
    """Cancelling what is cancelled already succeeds; filled or rejected orders are a Conflict."""

    account: int
    order_id: str = ""
    client_order_id: str = ""


class MassCancelled(msgspec.Struct, frozen=True):
    """What was cancelled, in the order of acceptance."""

    sequence: int
    order_ids: list[str]


class MassCancel(Request[MassCancelled], frozen=True, kw_only=True):
    """This account's working orders that fit; empty symbol or side means all."""

    account: int
    symbol: str = ""
    side: str = ""


class CancelTimer(msgspec.Struct, frozen=True):
    """deadline_ns: when the account's working orders go unless the timer is set again; 0: it is not armed."""

    sequence: int
    deadline_ns: int


class CancelAllAfter(Request[CancelTimer], frozen=True, kw_only=True):
    """Arm the account's dead-man switch anew: timeout_s 1..300; 0 disarms it."""

    account: int
    timeout_s: int


class SessionEnded(msgspec.Struct, frozen=True):
    """How many orders went with their session."""

    sequence: int
    count: int


class EndSession(Request[SessionEnded], frozen=True, kw_only=True):
    """A connection is gone: the account's orders of it that asked for cancel_on_disconnect go, except gtc ones."""

    account: int
    session: int


class Busted(msgspec.Struct, frozen=True, kw_only=True):
    """A trade undone (action `cancel`) or moved to another price (`price`); repeat: it was busted before.

    Attributes:
        buyer, seller: Account ids.
        price: The trade's, or the new one.
        paid_back, received_back: What the buyer got back and what the seller gave back; negative the other way.
    """

    trade_id: str
    symbol: str
    action: str
    buyer: str
    seller: str
    price: str
    quantity: str
    paid_back: str
    received_back: str
    buyer_fee_back: str
    seller_fee_back: str
    currency: str
    sequence: int
    repeat: bool


class BustTrade(Request[Busted], frozen=True, kw_only=True):
    """Correct a trade by its own numbers: action `cancel`, or `price` with the price at which it should have been.

    Raises:
        NotFound: `trade.not_found`.
        Conflict: `transfer.insufficient`: somebody no longer has what he would give back; nothing changed.
    """

    trade_id: str
    action: str
    price: str | None = None

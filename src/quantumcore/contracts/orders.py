"""Orders (8002): submit, amend, cancel, look up; what became of each order.

Quantities, prices and money are decimal strings; times are UTC nanoseconds inside messages.
`at_least` on a query: wait (up to 1 s) until this sequence is projected, so that callers read their own writes.
"""

import msgspec

from quantumcore.contracts.messages import Notice, Request

SIDES = {"buy": 1, "sell": 2}
TYPES = {"market": 1, "limit": 2}
TIMES_IN_FORCE = {"gtc": 1, "ioc": 3, "fok": 4}
SELF_TRADE_PREVENTION = {"cancel_newest": 1, "cancel_oldest": 2, "cancel_both": 3, "decrement": 4, "none": 5}
CANCEL_REASONS = {
    1: "order.cancel.requested",
    2: "order.cancel.mass",
    3: "order.cancel.kill_switch",
    4: "order.cancel.immediate_or_cancel",
    5: "order.cancel.fill_or_kill",
    6: "order.cancel.self_trade",
}
MAX_PAGE = 1000


class Fill(msgspec.Struct, frozen=True):
    """One side of a trade; fee < 0 is a rebate; liquidity is `maker` or `taker`."""

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


class OrderView(msgspec.Struct, frozen=True, tag_field="view", tag="order"):
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


class SubmitOrder(Request[OrderView], frozen=True, kw_only=True):
    """A refused order is an OrderView with status rejected; errors are for requests that never became an order."""

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


class SubmitBatch(Request[BatchResult], frozen=True, kw_only=True):
    """Up to 100 orders; each is answered by itself."""

    orders: list[SubmitOrder]


class AmendOrder(Request[OrderView], frozen=True, kw_only=True):
    """New total quantity and/or new price, as one act. Names the order by order_id or client_order_id."""

    account: int
    order_id: str = ""
    client_order_id: str = ""
    quantity: str | None = None
    price: str | None = None


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


class GetOrder(Request[OrderView], frozen=True, kw_only=True):
    """By order_id or client_order_id; unknown, or another account's: NotFound `order.not_found`."""

    account: int
    order_id: str = ""
    client_order_id: str = ""
    at_least: int = 0


class GetOrderAsOf(Request[OrderView], frozen=True, kw_only=True):
    """The order that began at `order_sequence`, as it stands at `at_least` or later: how a change is answered.

    Raises:
        Unavailable: `orders.behind`: the tables are not there yet, or do not have it; the event log has.
    """

    account: int
    order_sequence: int
    at_least: int


class OrderPage(msgspec.Struct, frozen=True):
    """Newest first unless asked; next_cursor is None at the end. sequence: what the answer has reached."""

    items: list[OrderView]
    next_cursor: str | None
    sequence: int


class GetAccountOrders(Request[OrderPage], frozen=True, kw_only=True):
    """status: a status, `open`, or empty for all."""

    account: int
    status: str = ""
    symbol: str = ""
    limit: int = 100
    cursor: str = ""
    ascending: bool = False
    at_least: int = 0


class FillPage(msgspec.Struct, frozen=True):
    """As OrderPage."""

    items: list[Fill]
    next_cursor: str | None
    sequence: int


class GetFills(Request[FillPage], frozen=True, kw_only=True):
    """An account's fills."""

    account: int
    symbol: str = ""
    limit: int = 100
    cursor: str = ""
    ascending: bool = False
    at_least: int = 0


class OrderUpdate(msgspec.Struct, frozen=True):
    """One change of one order: what happened, the order afterwards, the fill if it was one.

    Attributes:
        kind: accepted, rejected, replaced, filled, cancelled.
        sequence, index: The engine's event id; (sequence, index) rises per account.
    """

    account: int
    sequence: int
    index: int
    time_ns: int
    kind: str
    order: OrderView
    fill: Fill | None = None


class OrderHistory(msgspec.Struct, frozen=True):
    """Changes in order of (sequence, index); reached: the sequence up to which nothing is missing."""

    items: list[OrderUpdate]
    reached: int


class GetOrderEvents(Request[OrderHistory], frozen=True, kw_only=True):
    """Every change of one order."""

    account: int
    order_id: str
    at_least: int = 0


class GetAccountUpdates(Request[OrderHistory], frozen=True, kw_only=True):
    """Changes of an account's orders after (after_sequence), at most limit, whole sequences only: how a private stream resumes."""

    account: int
    after_sequence: int
    limit: int = 1000


class RebuildOrder(Request[OrderView], frozen=True, kw_only=True):
    """Fold the order anew from the event log (not from tables).

    Raises:
        NotFound: No event names it.
        Corrupted: No complete OrderAccepted, or a gap: code `order.gap`, the detail names the position.
    """

    account: int
    order_id: str


class ToldUpdate(msgspec.Struct, frozen=True, array_like=True):
    """An update sealed: told to everyone, opened only by those whose account it is.

    Attributes:
        payload: The OrderUpdate as msgpack. Empty unless somebody has asked GetAccountUpdates of this account: a listener
            who wants it asks, and what comes after the answer is told whole.
    """

    account: int
    sequence: int
    index: int
    payload: bytes = b""

    @classmethod
    def of(cls, update: OrderUpdate) -> "ToldUpdate":
        """Return `update` sealed."""
        return cls(update.account, update.sequence, update.index, _seal(update))

    @property
    def update(self) -> OrderUpdate:
        """What happened to which order."""
        return _open(self.payload)


_seal = msgspec.msgpack.Encoder().encode
_open = msgspec.msgpack.Decoder(OrderUpdate).decode


class OrdersChanged(Notice, frozen=True, kw_only=True):
    """Told after the commit of a batch: the changes it brought, in order, and what is now projected.

    A large batch is told in parts. A listener whose last `sequence` is below `prev_sequence` has missed some: it asks
    GetAccountUpdates. Within one sequence that had to be cut, both stay at the sequence before it.
    """

    updates: list[ToldUpdate]
    sequence: int
    prev_sequence: int = 0

"""Orders (8002), looked up: one order, orders and fills of an account, what became of them, and what is told of it.

`at_least` on a query: wait (up to 1 s) until this sequence is projected, so that callers read their own writes.
"""

import msgspec

from quantumcore.contracts.messages import Notice, Request
from quantumcore.contracts.orders import Fill, OrderView

MAX_PAGE = 1000


class QueuePlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where an order stands in the queue of its side, counted in what the book shows.

    Attributes:
        position: 1: nothing shown trades before it; 0: it waits and is in no book.
        orders_ahead, quantity_ahead: What the book shows before it, at better prices and at its own.
    """

    order_id: str
    sequence: int
    price: str
    position: int
    orders_ahead: int
    quantity_ahead: str


class GetQueuePosition(Request[QueuePlace], frozen=True, kw_only=True):
    """Of a working order; one that is final is a Conflict `order.already_final`."""

    account: int
    order_id: str = ""
    client_order_id: str = ""
    at_least: int = 0


class GetOrder(Request[OrderView], frozen=True, kw_only=True):
    """By order_id or client_order_id; unknown, or another account's: NotFound `order.not_found`."""

    account: int
    order_id: str = ""
    client_order_id: str = ""
    at_least: int = 0


class GetOrderAsOf(Request[OrderView], frozen=True, kw_only=True):
    """The order named (order_sequence, order_slot), as it stands at `at_least` or later: how a change is answered.

    Raises:
        Unavailable: `orders.behind`: the tables are not there yet, or do not have it; the event log has.
    """

    account: int
    order_sequence: int
    order_slot: int
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


class OrderUpdate(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change of one order: what happened, the order afterwards, the fill if it was one.

    Attributes:
        kind: accepted, rejected, replaced, filled, cancelled, expired, triggered, entered, waits, refilled, stop_moved,
            linked, busted.
        cause: Of a replacement its dotted code; of a trigger what fired it (last, quote, mark, parent); of a bust what was
            done (cancel, price).
        sequence, index: The engine's event id; (sequence, index) rises per account.
    """

    account: int
    sequence: int
    index: int
    time_ns: int
    kind: str
    order: OrderView
    fill: Fill | None = None
    cause: str | None = None


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

"""What orders and trades have told, and what an event is (docs/reference/engine.md section 3)."""

from typing import ClassVar

import msgspec

from quantumcore.contracts.wire.layout import BUST_BODY, TERMS_BODY, Layout

LAST = 1
EVENT_HEADER = "size:H kind:B flags:B index:I sequence:Q time_ns:q instrument:I _:4x account:Q"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of the engine; its id is (shard, sequence, index).

    Attributes:
        flags: Bit 0: the last event of its sequence.
        time_ns: UTC nanoseconds of the command.
    """

    KIND: ClassVar[int] = 0
    BODY: ClassVar[str] = ""
    LAYOUT: ClassVar[Layout]

    flags: int
    index: int
    sequence: int
    time_ns: int
    instrument: int
    account: int

    @property
    def is_last(self) -> bool:
        """Whether this is the last event of its command."""
        return bool(self.flags & LAST)

    @classmethod
    def beginning(cls) -> bytes:
        """Return what the bytes of every such event begin with: a search for it costs less than a look at each event's head."""
        return cls.LAYOUT.size.to_bytes(2, "little") + bytes((cls.KIND,))

    def encode(self) -> bytes:
        """Return the event's bytes."""
        layout = self.LAYOUT
        return layout.pack((layout.size, self.KIND, *layout.values(self)))


class CommandDone(Event, frozen=True, gc=False):
    """outcome 0 done, 1 repeat of the command at order_sequence, 2 already cancelled."""

    KIND = 1
    BODY = "command:B outcome:B _:2x count:I order_sequence:Q order_slot:I _:4x"
    command: int
    outcome: int
    count: int
    order_sequence: int
    order_slot: int


class CommandRefused(Event, frozen=True, gc=False):
    """limit and actual are decimals with `decimals` places, in outside units."""

    KIND = 2
    BODY = (
        "command:B scope:B reason:H decimals:B _:3x limit:i128 actual:i128 order_sequence:Q order_slot:I client_id:36s"
    )
    command: int
    scope: int
    reason: int
    decimals: int
    limit: int
    actual: int
    order_sequence: int
    order_slot: int
    client_id: str


class OrderAccepted(Event, frozen=True, gc=False):
    """The whole order; its id is (sequence, order_slot). price in ticks, quantity in lots, hold in minor units."""

    KIND = 3
    BODY = (
        "price:q quantity:q hold:q order_slot:I side:B order_type:B time_in_force:B self_trade_prevention:B flags2:H "
        "hold_currency:H client_id:36s session:I _:12x"
    )
    price: int
    quantity: int
    hold: int
    order_slot: int
    side: int
    order_type: int
    time_in_force: int
    self_trade_prevention: int
    flags2: int
    hold_currency: int
    client_id: str
    session: int

    @property
    def post_only(self) -> bool:
        """Whether the order must not take."""
        return bool(self.flags2 & 1)


class OrderRejected(Event, frozen=True, gc=False):
    """price and quantity as the client sent them; limit and actual with `decimals` places."""

    KIND = 4
    BODY = (
        "price:q quantity:q price_scale:B quantity_scale:B side:B order_type:B time_in_force:B self_trade_prevention:B "
        "flags2:H limit:i128 actual:i128 reason:H scope:B decimals:B order_slot:I client_id:36s session:I"
    )
    price: int
    quantity: int
    price_scale: int
    quantity_scale: int
    side: int
    order_type: int
    time_in_force: int
    self_trade_prevention: int
    flags2: int
    limit: int
    actual: int
    reason: int
    scope: int
    decimals: int
    order_slot: int
    client_id: str
    session: int


class OrderReplaced(Event, frozen=True, gc=False):
    """quantity is the new total in lots; hold what the order holds now; reason 1: decremented to prevent a self-trade."""

    KIND = 5
    BODY = (
        "price:q quantity:q leaves:q hold:q order_sequence:Q order_slot:I reason:B priority_kept:B hold_currency:H _:8x"
    )
    price: int
    quantity: int
    leaves: int
    hold: int
    order_sequence: int
    order_slot: int
    reason: int
    priority_kept: int
    hold_currency: int


class OrderCancelled(Event, frozen=True, gc=False):
    """quantity: lots that no longer work; released: minor units freed."""

    KIND = 6
    BODY = "order_sequence:Q quantity:q released:q order_slot:I reason:H hold_currency:H _:8x"
    order_sequence: int
    quantity: int
    released: int
    order_slot: int
    reason: int
    hold_currency: int


class TradePrinted(Event, frozen=True, gc=False):
    """One match, both sides of it; account is the taker's. Money in quote minor units, asset in base minor units."""

    KIND = 7
    BODY = (
        "maker_account:Q maker_order_sequence:Q taker_order_sequence:Q maker_slot:I taker_slot:I price:q quantity:q "
        "maker_leaves:q taker_leaves:q paid:q received:q maker_fee:q taker_fee:q asset:q maker_hold:q taker_hold:q "
        "fill:I taker_side:B _:x quote:H base:H _:6x"
    )
    maker_account: int
    maker_order_sequence: int
    taker_order_sequence: int
    maker_slot: int
    taker_slot: int
    price: int
    quantity: int
    maker_leaves: int
    taker_leaves: int
    paid: int
    received: int
    maker_fee: int
    taker_fee: int
    asset: int
    maker_hold: int
    taker_hold: int
    fill: int
    taker_side: int
    quote: int
    base: int


class TransferPosted(Event, frozen=True, gc=False):
    """total and held are the header account's, afterwards."""

    KIND = 8
    BODY = "amount:q to_account:Q total:q held:q currency:H transfer_kind:B _:x transfer_id:36s"
    amount: int
    to_account: int
    total: int
    held: int
    currency: int
    transfer_kind: int
    transfer_id: str


class TermsAccepted(Event, frozen=True, gc=False):
    """The further terms of the order accepted just before, in ticks, lots and minor units; waits: it is not in the book."""

    KIND = 15
    BODY = f"order_sequence:Q order_slot:I waits:B dark:B _:2x {TERMS_BODY} _:8x"
    order_sequence: int
    order_slot: int
    waits: int
    dark: int
    stop_price: int
    trail: int
    offset: int
    display: int
    display_range: int
    min_quantity: int
    budget: int
    expires_ns: int
    seed: int
    stop_scale: int
    trail_scale: int
    offset_scale: int
    display_scale: int
    min_quantity_scale: int
    budget_scale: int
    trigger: int
    trail_unit: int
    peg: int


class OrderTriggered(Event, frozen=True, gc=False):
    """A waiting order became active: from here on it is as if just accepted at `limit`; source 3: its parent filled."""

    KIND = 16
    BODY = "order_sequence:Q price:q limit:q order_slot:I source:B _:11x"
    order_sequence: int
    price: int
    limit: int
    order_slot: int
    source: int


class OrderEntered(Event, frozen=True, gc=False):
    """A waiting order joined the end of its level without trading; shown: lots that the public sees."""

    KIND = 17
    BODY = "order_sequence:Q price:q leaves:q shown:q order_slot:I _:4x"
    order_sequence: int
    price: int
    leaves: int
    shown: int
    order_slot: int


class OrderWaits(Event, frozen=True, gc=False):
    """An order left the book and waits: cause 1 its peg has no reference, 2 its phase ended."""

    KIND = 18
    BODY = "order_sequence:Q order_slot:I cause:B _:11x"
    order_sequence: int
    order_slot: int
    cause: int


class OrderRefilled(Event, frozen=True, gc=False):
    """An iceberg shows `shown` lots again, at the end of its level."""

    KIND = 19
    BODY = "order_sequence:Q shown:q leaves:q order_slot:I refills:I _:8x"
    order_sequence: int
    shown: int
    leaves: int
    order_slot: int
    refills: int


class StopMoved(Event, frozen=True, gc=False):
    """A trailing stop followed the market: its stop and the price it will enter with, in ticks; hold after."""

    KIND = 20
    BODY = "order_sequence:Q stop_price:q price:q hold:q order_slot:I hold_currency:H _:2x"
    order_sequence: int
    stop_price: int
    price: int
    hold: int
    order_slot: int
    hold_currency: int


class CancelTimerSet(Event, frozen=True, gc=False):
    """When the account's orders go unless the timer is set again, UTC nanoseconds; 0: disarmed."""

    KIND = 28
    BODY = "deadline_ns:q"
    deadline_ns: int


class TradeBusted(Event, frozen=True, gc=False):
    """What BustTrade moved back."""

    KIND = 29
    BODY = f"{BUST_BODY} quote:H base:H _:4x"
    trade_sequence: int
    fill: int
    action: int
    buyer: int
    seller: int
    price: int
    quantity: int
    paid_back: int
    received_back: int
    buyer_fee_back: int
    seller_fee_back: int
    quote: int
    base: int


class OrdersLinked(Event, frozen=True, gc=False):
    """The orders of this sequence that belong together, by their slots; link 1 OCO, 2 OTO, 3 bracket; no third: 0xFFFFFFFF."""

    KIND = 30
    BODY = "link:B count:B _:6x first:I second:I third:I _:4x"
    link: int
    count: int
    first: int
    second: int
    third: int

    @property
    def slots(self) -> tuple[int, ...]:
        """Those of its members, in their order."""
        return (self.first, self.second, self.third)[: self.count]

"""Every event of the engine, as docs/reference/engine.md section 3 lays it out."""

from typing import ClassVar

import msgspec

from quantumcore.contracts.wire.layout import INSTRUMENT_BODY, Layout

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


class AccountOpened(Event, frozen=True, gc=False):
    """owner is the user's UUID as an integer."""

    KIND = 9
    BODY = "owner:owner _:8x"
    owner: int


class CurrencyDefined(Event, frozen=True, gc=False):
    """scale is the number of decimals of a minor unit."""

    KIND = 10
    BODY = "currency:H scale:B _:x code:12s _:8x"
    currency: int
    scale: int
    code: str


class InstrumentDefined(Event, frozen=True, gc=False):
    """The whole definition, as DefineInstrument has it."""

    KIND = 11
    BODY = INSTRUMENT_BODY
    instrument_kind: int
    status: int
    base: int
    quote: int
    tick_scale: int
    lot_scale: int
    tick: int
    lot: int
    multiplier: int
    min_price: int
    max_price: int
    min_quantity: int
    max_quantity: int
    min_notional: int
    max_notional: int
    taker_fee: int
    maker_fee: int
    minimum_fee: int
    collar: int
    symbol: str


class InstrumentStatusChanged(Event, frozen=True, gc=False):
    """status 1 trading, 2 halted, 3 closed."""

    KIND = 12
    BODY = "status:B _:7x"
    status: int


class KillSwitchChanged(Event, frozen=True, gc=False):
    """account 0 is the venue; count is how many orders were cancelled."""

    KIND = 13
    BODY = "engaged:B _:3x count:I"
    engaged: int
    count: int


class LimitsChanged(Event, frozen=True, gc=False):
    """account 0 is the default profile."""

    KIND = 14
    BODY = "max_open_orders:I _:4x"
    max_open_orders: int

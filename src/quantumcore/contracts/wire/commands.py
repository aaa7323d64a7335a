"""Commands about orders, and those that set the venue up (docs/reference/engine.md section 2)."""

from typing import Any, ClassVar, Self

import msgspec

from quantumcore.contracts.wire.layout import BUST_BODY, INSTRUMENT_BODY, RULES_BODY, TERMS_BODY, Layout

NO_ID = ""
MIN_COMMAND, MAX_COMMAND = 16, 16_384
"""Bytes of any command: multiples of eight between these."""
COMMAND_HEADER = "size:H kind:B _:x instrument:I account:Q"


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One command to the engine.

    Attributes:
        instrument: Instrument number, or 0 where the kind uses none.
        account: Account number, or 0 where the kind uses none.
    """

    KIND: ClassVar[int] = 0
    BODY: ClassVar[str] = ""
    LAYOUT: ClassVar[Layout]

    instrument: int = 0
    account: int = 0

    def encode(self) -> bytes:
        """Return the command's bytes."""
        layout = self.LAYOUT
        return layout.pack((layout.size, self.KIND, *layout.values(self)))

    @classmethod
    def fits(cls, size: int) -> bool:
        """Tell whether a command of this kind can have `size` bytes."""
        return size == cls.LAYOUT.size

    @classmethod
    def decode(cls, buffer: Any, offset: int = 0) -> Self:
        """Return the command that stands at `offset` (kind and size must be this class's)."""
        return cls(**dict(zip(cls.LAYOUT.names[2:], cls.LAYOUT.unpack(buffer, offset)[2:], strict=True)))


class SubmitOrder(Command, frozen=True, kw_only=True, gc=False):
    """Price and quantity are decimals as sent: mantissa and scale; a market order has price 0, scale 0."""

    KIND = 1
    BODY = (
        "price:q quantity:q price_scale:B quantity_scale:B side:B order_type:B time_in_force:B "
        "self_trade_prevention:B flags:H session:I client_id:36s"
    )
    price: int = 0
    quantity: int
    price_scale: int = 0
    quantity_scale: int = 0
    side: int
    order_type: int
    time_in_force: int
    self_trade_prevention: int = 0
    flags: int = 0
    session: int = 0
    client_id: str


class ReplaceOrder(Command, frozen=True, kw_only=True, gc=False):
    """Names the order by (order_sequence, order_slot), or by client_id when order_sequence is 0; quantity is the new total."""

    KIND = 2
    BODY = "price:q quantity:q order_sequence:Q order_slot:I price_scale:B quantity_scale:B fields:H session:I client_id:36s"
    price: int = 0
    quantity: int = 0
    order_sequence: int = 0
    order_slot: int = 0
    price_scale: int = 0
    quantity_scale: int = 0
    fields: int
    session: int = 0
    client_id: str = NO_ID


class CancelOrder(Command, frozen=True, kw_only=True, gc=False):
    """Names the order as ReplaceOrder does."""

    KIND = 3
    BODY = "order_sequence:Q order_slot:I session:I client_id:36s _:4x"
    order_sequence: int = 0
    order_slot: int = 0
    session: int = 0
    client_id: str = NO_ID


class MassCancel(Command, frozen=True, kw_only=True, gc=False):
    """side 0 is both, instrument 0 all."""

    KIND = 4
    BODY = "side:B _:7x"
    side: int = 0


class Transfer(Command, frozen=True, kw_only=True, gc=False):
    """amount in minor units of the currency."""

    KIND = 5
    BODY = "amount:q to_account:Q currency:H transfer_kind:B _:x transfer_id:36s"
    amount: int
    to_account: int = 0
    currency: int
    transfer_kind: int
    transfer_id: str


class OpenAccount(Command, frozen=True, kw_only=True, gc=False):
    """owner is the user's UUID as an integer."""

    KIND = 6
    BODY = "owner:owner"
    owner: int


class DefineCurrency(Command, frozen=True, kw_only=True, gc=False):
    """scale is the number of decimals of a minor unit."""

    KIND = 7
    BODY = "currency:H scale:B _:x code:12s"
    currency: int
    scale: int
    code: str


class DefineInstrument(Command, frozen=True, kw_only=True, gc=False):
    """Bounds in ticks, lots and quote minor units; rates and collar in 10^-8."""

    KIND = 8
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


class SetInstrumentStatus(Command, frozen=True, kw_only=True, gc=False):
    """status is a phase of engine.md section 2: 1 continuous, 2 halted, 3 closed, 4 pre-open, 5 to 8 calls, 9 to 11."""

    KIND = 9
    BODY = "status:B _:7x"
    status: int


class SetKillSwitch(Command, frozen=True, kw_only=True, gc=False):
    """account 0 is the venue's switch."""

    KIND = 10
    BODY = "engaged:B _:7x"
    engaged: int


class AdvanceTime(Command, frozen=True, kw_only=True, gc=False):
    """Only the step's time matters."""

    KIND = 11


class SetLimits(Command, frozen=True, kw_only=True, gc=False):
    """account 0 is the default profile."""

    KIND = 12
    BODY = "max_open_orders:I _:4x"
    max_open_orders: int


class SubmitAdvancedOrder(SubmitOrder, frozen=True, kw_only=True, gc=False):
    """A submission with further terms (engine.md section 2.1); decimals as sent, 0 where a term is not given."""

    KIND = 13
    BODY = f"{SubmitOrder.BODY} {TERMS_BODY}"
    stop_price: int = 0
    trail: int = 0
    offset: int = 0
    display: int = 0
    display_range: int = 0
    min_quantity: int = 0
    budget: int = 0
    expires_ns: int = 0
    seed: int = 0
    stop_scale: int = 0
    trail_scale: int = 0
    offset_scale: int = 0
    display_scale: int = 0
    min_quantity_scale: int = 0
    budget_scale: int = 0
    trigger: int = 0
    trail_unit: int = 0
    peg: int = 0


class ReplaceAdvancedOrder(ReplaceOrder, frozen=True, kw_only=True, gc=False):
    """A replacement that may also move the stop price or the display quantity."""

    KIND = 14
    BODY = f"{ReplaceOrder.BODY} stop_price:q display:q stop_scale:B display_scale:B _:6x"
    stop_price: int = 0
    display: int = 0
    stop_scale: int = 0
    display_scale: int = 0


class SubmitLinkedOrders(Command, frozen=True, kw_only=True, gc=False):
    """Two or three whole SubmitAdvancedOrder commands as one act; link 1 OCO, 2 OTO, 3 bracket; no third: zeros."""

    KIND = 15
    BODY = "link:B count:B _:6x first:160b second:160b third:160b"
    link: int
    count: int
    first: bytes
    second: bytes
    third: bytes = bytes(160)


class SubmitOrderBatch(Command, frozen=True, kw_only=True, gc=False):
    """1 to 100 whole SubmitAdvancedOrder commands of one account as one act: `orders` is their bytes."""

    KIND = 23
    BODY = "count:B _:7x"
    EACH: ClassVar[int] = 160
    MOST: ClassVar[int] = 100
    count: int
    orders: bytes

    def encode(self) -> bytes:
        """Return the command's bytes."""
        size = self.LAYOUT.size + len(self.orders)
        return self.LAYOUT.pack((size, self.KIND, self.instrument, self.account, self.count)) + self.orders

    @classmethod
    def fits(cls, size: int) -> bool:
        """Tell whether a batch can have `size` bytes."""
        count, rest = divmod(size - cls.LAYOUT.size, cls.EACH)
        return rest == 0 and 1 <= count <= cls.MOST

    @classmethod
    def decode(cls, buffer: Any, offset: int = 0) -> Self:
        """Return the batch that stands at `offset`."""
        size, _, instrument, account, count = cls.LAYOUT.unpack(buffer, offset)
        orders = bytes(buffer[offset + cls.LAYOUT.size : offset + size])
        return cls(instrument=instrument, account=account, count=count, orders=orders)


class CancelAllAfter(Command, frozen=True, kw_only=True, gc=False):
    """The account's working orders go so many nanoseconds from now unless it is told again; 0 disarms."""

    KIND = 16
    BODY = "timeout_ns:q"
    timeout_ns: int


class EndSession(Command, frozen=True, kw_only=True, gc=False):
    """A session of the account is gone: its orders with cancel-on-disconnect go."""

    KIND = 17
    BODY = "session:I _:4x"
    session: int


class SetMark(Command, frozen=True, kw_only=True, gc=False):
    """The mark price in ticks; 0 takes it away."""

    KIND = 18
    BODY = "price:q"
    price: int


class SetReference(Command, frozen=True, kw_only=True, gc=False):
    """The static reference price in ticks; 0 takes it away."""

    KIND = 19
    BODY = "price:q"
    price: int


class SetTradingRules(Command, frozen=True, kw_only=True, gc=False):
    """How an instrument trades; rates in 10^-8, times in nanoseconds, 0 switches a rule off."""

    KIND = 20
    BODY = RULES_BODY
    allocation: int = 0
    static_band: int = 0
    price_collar: int = 0
    dynamic_band: int = 0
    limit_state_ns: int = 0
    call_ns: int = 0
    velocity: int = 0
    velocity_ns: int = 0


class SetGroup(Command, frozen=True, kw_only=True, gc=False):
    """Accounts of one group do not trade with each other; 0 is no group."""

    KIND = 21
    BODY = "group:I _:4x"
    group: int


class BustTrade(Command, frozen=True, kw_only=True, gc=False):
    """Undo a trade (action 1) or move its money to another price (action 2), both by the numbers that it names."""

    KIND = 22
    BODY = BUST_BODY
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

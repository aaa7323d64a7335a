"""The engine's fixed layouts in Python: commands to bytes, events from bytes, and back.

The tables of docs/reference/engine.md sections 2 and 3, once more as classes. A layout is written as
`name:code` in the order of its bytes; `_:nx` is reserved. A test compares every offset with the native core's own.
Decoded values own their data: overwriting the buffer afterwards changes nothing.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import msgspec

from quantumcore.contracts.errors import Corrupted, InvalidCommand

LAST = 1
NO_ID = ""


class Layout:
    """How one class stands in memory: a struct format and the fields that need more than struct can say."""

    def __init__(self, header: str, body: str) -> None:
        names: list[str] = []
        codes = ["<"]
        self.transforms: list[tuple[int, str]] = []
        for item in f"{header} {body}".split():
            name, code = item.split(":")
            if code in ("i128", "owner"):
                self.transforms.append((len(names), code))
                code = "16s"
            elif code.endswith("s"):
                self.transforms.append((len(names), "text"))
            if name != "_":
                names.append(name)
            codes.append(code)
        self.names = tuple(names)
        self.struct = struct.Struct("".join(codes))
        self.size = self.struct.size

    def pack(self, values: tuple[Any, ...]) -> bytes:
        """Return the bytes of `values`, which stand in the order of the layout's names."""
        if self.transforms:
            changed = list(values)
            for at, how in self.transforms:
                changed[at] = _ENCODE[how](changed[at])
            return self.struct.pack(*changed)
        return self.struct.pack(*values)

    def unpack(self, buffer: Any, offset: int) -> tuple[Any, ...]:
        """Return the values that stand at `offset`."""
        values = self.struct.unpack_from(buffer, offset)
        if self.transforms:
            changed = list(values)
            for at, how in self.transforms:
                changed[at] = _DECODE[how](changed[at])
            return tuple(changed)
        return values


_ENCODE: dict[str, Callable[[Any], bytes]] = {
    "i128": lambda value: value.to_bytes(16, "little", signed=True),
    "owner": lambda value: value.to_bytes(16, "big"),
    "text": lambda value: value.encode("ascii"),
}
_DECODE: dict[str, Callable[[bytes], Any]] = {
    "i128": lambda raw: int.from_bytes(raw, "little", signed=True),
    "owner": lambda raw: int.from_bytes(raw, "big"),
    "text": lambda raw: raw.rstrip(b"\0").decode("ascii"),
}

# ---------------------------------------------------------------------------------------------- commands

_COMMAND_HEADER = "size:H kind:B _:x instrument:I account:Q"


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
        values = [getattr(self, name) for name in layout.names[2:]]
        return layout.pack((layout.size, self.KIND, *values))

    @classmethod
    def decode(cls, buffer: Any, offset: int = 0) -> Self:
        """Return the command that stands at `offset` (the kind must be this class's)."""
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
    BODY = (
        "price:q quantity:q order_sequence:Q order_slot:I price_scale:B quantity_scale:B fields:H session:I client_id:36s"
    )
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


_INSTRUMENT_BODY = (
    "instrument_kind:B status:B base:H quote:H tick_scale:B lot_scale:B tick:q lot:q multiplier:q min_price:q max_price:q "
    "min_quantity:q max_quantity:q min_notional:q max_notional:q taker_fee:q maker_fee:q minimum_fee:q collar:q symbol:24s"
)


class DefineInstrument(Command, frozen=True, kw_only=True, gc=False):
    """Bounds in ticks, lots and quote minor units; rates and collar in 10^-8."""

    KIND = 8
    BODY = _INSTRUMENT_BODY
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
    """status 1 trading, 2 halted, 3 closed."""

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


# ------------------------------------------------------------------------------------------------ events

_EVENT_HEADER = "size:H kind:B flags:B index:I sequence:Q time_ns:q instrument:I _:4x account:Q"


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
        values = [getattr(self, name) for name in layout.names[2:]]
        return layout.pack((layout.size, self.KIND, *values))


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
    BODY = _INSTRUMENT_BODY
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


# ----------------------------------------------------------------------------------------------- buffers

COMMANDS: dict[int, type[Command]] = {
    c.KIND: c
    for c in (
        SubmitOrder,
        ReplaceOrder,
        CancelOrder,
        MassCancel,
        Transfer,
        OpenAccount,
        DefineCurrency,
        DefineInstrument,
        SetInstrumentStatus,
        SetKillSwitch,
        AdvanceTime,
        SetLimits,
    )
}
EVENTS: dict[int, type[Event]] = {
    e.KIND: e
    for e in (
        CommandDone,
        CommandRefused,
        OrderAccepted,
        OrderRejected,
        OrderReplaced,
        OrderCancelled,
        TradePrinted,
        TransferPosted,
        AccountOpened,
        CurrencyDefined,
        InstrumentDefined,
        InstrumentStatusChanged,
        KillSwitchChanged,
        LimitsChanged,
    )
}
for _command in COMMANDS.values():
    _command.LAYOUT = Layout(_COMMAND_HEADER, _command.BODY)
for _event in EVENTS.values():
    _event.LAYOUT = Layout(_EVENT_HEADER, _event.BODY)

_SIZE_KIND = struct.Struct("<HB")


def decode_command(buffer: Any, offset: int = 0) -> Command:
    """Return the command at `offset`.

    Raises:
        InvalidCommand: Unknown kind, a size that is not its kind's, a cut command, or text that is not ASCII.
    """
    size, kind = _SIZE_KIND.unpack_from(buffer, offset) if len(buffer) >= offset + _SIZE_KIND.size else (0, 0)
    known = COMMANDS.get(kind)
    if known is None or known.LAYOUT.size != size or len(buffer) < offset + size:
        raise InvalidCommand("request.invalid", f"no command of kind {kind} and size {size}")
    try:
        return known.decode(buffer, offset)
    except UnicodeDecodeError as error:
        raise InvalidCommand("request.invalid", f"a text that is not ASCII in a command of kind {kind}") from error


def iter_events(buffer: Any) -> Iterator[Event]:
    """Yield the events of `buffer` in order.

    Raises:
        Corrupted: Unknown kind, a size that is not its kind's, a cut event, or text that is not ASCII.
    """
    offset, end = 0, len(buffer)
    while offset < end:
        size, kind = _SIZE_KIND.unpack_from(buffer, offset) if end - offset >= 40 else (0, 0)
        known = EVENTS.get(kind)
        if known is None or known.LAYOUT.size != size or end - offset < size:
            raise Corrupted("corrupted", f"no event of kind {kind} and size {size} at byte {offset}")
        try:
            event = known(*known.LAYOUT.unpack(buffer, offset)[2:])
        except UnicodeDecodeError as error:
            raise Corrupted("corrupted", f"a text that is not ASCII at byte {offset}") from error
        yield event
        offset += size


def decode_events(buffer: Any) -> list[Event]:
    """Return the events of `buffer` in order; raises as iter_events does."""
    return list(iter_events(buffer))

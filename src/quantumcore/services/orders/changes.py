"""What a change of an order is inside, and how it is shown: kept as numbers, because few of many are ever looked at."""

from typing import Any

import msgspec
from msgspec.structs import replace

from quantumcore.contracts.order_queries import OrderUpdate
from quantumcore.contracts.orders import Fill
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import I64_MAX, OrderId, packed_id
from quantumcore.contracts.wire import TradePrinted
from quantumcore.services.orders.domain import MAKER, Name, Order, side_of
from quantumcore.services.orders.views import BUST_ACTIONS, SIDE_NAMES, update_view


class Filled(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One side of a trade, with what of its order shows: ticks, lots and minor units.

    Attributes:
        fill: The trade's number within its sequence; with it the trade's name.
        leg: MAKER or TAKER: what the order was in the trade.
        busted: The action of the bust that undid or corrected it; 0: it stands.
    """

    order: int
    slot: int
    client_id: str
    account: int
    instrument: int
    side: int
    sequence: int
    index: int
    time_ns: int
    fill: int
    leg: int
    price: int
    quantity: int
    fee: int
    busted: int = 0

    @property
    def name(self) -> Name:
        """The order's."""
        return self.order, self.slot

    @classmethod
    def of(cls, order: Order, trade: TradePrinted) -> "Filled":
        """Return the side of `trade` that is `order`'s."""
        leg = side_of(trade, order.name)
        return cls(
            order.sequence,
            order.slot,
            order.client_id,
            order.account,
            order.instrument,
            order.side,
            trade.sequence,
            trade.index,
            trade.time_ns,
            trade.fill,
            leg,
            trade.price,
            trade.quantity,
            trade.maker_fee if leg == MAKER else trade.taker_fee,
        )

    def shown(self, catalogue: Catalogue) -> Fill:
        """Return it as clients see it."""
        instrument = catalogue.instruments[self.instrument]
        return Fill(
            trade_id=packed_id(catalogue.shard, self.sequence, self.fill, 0),
            order_id=OrderId(catalogue.shard, self.order, self.slot).text(),
            client_order_id=self.client_id,
            account_id=str(self.account),
            symbol=instrument.symbol,
            side=SIDE_NAMES[self.side],
            price=instrument.price(self.price),
            quantity=instrument.quantity(self.quantity),
            liquidity="maker" if self.leg == MAKER else "taker",
            fee=instrument.quote.show(self.fee),
            fee_currency=instrument.quote.code,
            sequence=self.sequence,
            index=self.index,
            time_ns=self.time_ns,
            busted=BUST_ACTIONS.get(self.busted),
        )


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of one order.

    Attributes:
        order: As it stands afterwards.
        kind: As contracts.order_queries.OrderUpdate has it.
        index: Of the event within its sequence, which is the order's last.
        leg: MAKER or TAKER of the event, or the place among linked orders; tells the orders of one event apart.
        cause: The number that the event gives for it, 0 without one.
    """

    order: Order
    kind: str
    index: int
    leg: int
    filled: Filled | None = None
    cause: int = 0

    @property
    def sequence(self) -> int:
        """The sequence of the event."""
        return self.order.updated_sequence

    def shown(self, catalogue: Catalogue) -> OrderUpdate:
        """Return it as clients see it."""
        fill = None if self.filled is None else self.filled.shown(catalogue)
        return update_view(self.order, self.kind, self.index, fill, catalogue, self.cause)


def stored(change: Change) -> bytes:
    """Return `change` as its table has it; a sum that is too large for msgpack stands there as text."""
    order = change.order
    if order.notional > I64_MAX:
        told_apart: Any = str(order.notional)
        change = replace(change, order=replace(order, notional=told_apart))
    return _encode(change)


_encode = msgspec.msgpack.Encoder().encode
read_change = msgspec.msgpack.Decoder(Change, strict=False).decode  # text where a number is meant is a large number

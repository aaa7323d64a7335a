"""What an order may do. Pure: no clock, no I/O, no await.

            ┌──replaced, triggered, entered, waits, refilled──┐
            ▼                                                 │
OrderAccepted ──▶ NEW ──trade──▶ PARTIALLY_FILLED ──trade──▶ FILLED
                   │                    │
                   ├────cancelled───────┼──▶ CANCELLED        OrderRejected ──▶ REJECTED
                   └─────expired────────┴──▶ EXPIRED

FILLED, CANCELLED, EXPIRED and REJECTED are final: whatever an event would change after them is `Corrupted`.
An order that waits (for its trigger, an auction, a reference, its parent) is NEW.
"""

from enum import IntEnum
from typing import Any, assert_never

import msgspec

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.orders import EXPIRED
from quantumcore.contracts.values import OrderId, show
from quantumcore.contracts.wire import (
    Event,
    OrderAccepted,
    OrderCancelled,
    OrderEntered,
    OrderRefilled,
    OrderRejected,
    OrderReplaced,
    OrdersLinked,
    OrderTriggered,
    OrderWaits,
    StopMoved,
    TermsAccepted,
    TradePrinted,
)
from quantumcore.services.orders.terms import PLAIN_FLAGS, PLAIN_TIMES, PLAIN_TYPES, Terms

MAKER, TAKER = 0, 1

OpeningEvent = OrderAccepted | OrderRejected
TermsEvent = TermsAccepted | OrderTriggered | OrderEntered | OrderWaits | OrderRefilled | StopMoved | OrdersLinked
OrderEvent = OrderReplaced | OrderCancelled | TradePrinted | TermsEvent
Name = tuple[int, int]
"""(sequence, slot): what tells an order from every other; orders of one command differ by their slot."""


class OrderStatus(IntEnum):
    """FIX OrdStatus (tag 39) by our own numbers, as the table of orders has them; they never change meaning."""

    NEW = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELLED = 4
    EXPIRED = 5
    REJECTED = 6


OPEN = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Why the engine refused an order, and the decimals that were sent.

    Attributes:
        reason, scope: Numbers of contracts.reasons.
        limit, actual: Decimals in outside units.
    """

    reason: int
    scope: int
    limit: str
    actual: str
    price: str
    quantity: str


class Order(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One order as its events have left it (a Struct, for it is replaced on each of thousands of events per second).

    Attributes:
        sequence: Of its acceptance or rejection; with `slot` its name in the engine.
        price: Ticks; a market order's collar.
        quantity: What was asked for, in lots; 0 when rejected.
        filled: What has traded so far, in lots; 0 <= filled <= quantity.
        notional: Sum of ticks × lots over its fills; < 2^96.
        fees: Quote minor units, rebates subtracted.
        fills: How many fills it has.
        reason: Of its cancel (contracts.orders.CANCEL_REASONS); 0 without one.
        updated_sequence: Of the last event that changed it.
        terms: What it is beyond a plain order; None for a plain one.
    """

    sequence: int
    slot: int
    account: int
    instrument: int
    client_id: str
    side: int
    order_type: int
    time_in_force: int
    post_only: bool
    price: int
    quantity: int
    status: OrderStatus
    updated_sequence: int
    accepted_ns: int
    updated_ns: int
    filled: int = 0
    notional: int = 0
    fees: int = 0
    fills: int = 0
    reason: int = 0
    rejection: Rejection | None = None
    terms: Terms | None = None

    @property
    def name(self) -> Name:
        """Its name in the engine."""
        return self.sequence, self.slot

    @property
    def is_final(self) -> bool:
        """Whether nothing can change it any more."""
        return self.status > OrderStatus.PARTIALLY_FILLED

    @property
    def leaves(self) -> int:
        """What may still trade, in lots (FIX LeavesQty, tag 151); 0 when final."""
        return 0 if self.is_final else self.quantity - self.filled

    def order_id(self, shard: int) -> str:
        """Return its id as the outside knows it."""
        return OrderId(shard, self.sequence, self.slot).text()

    def apply(self, event: OrderEvent) -> "Order":
        """Return the order as it stands after `event`.

        Raises:
            Corrupted: The event fills or frees more or less than was left, names another order, or comes after the end.
        """
        if self.is_final:
            raise self._corrupted(event, f"the order is {self.status.name.lower()} already")
        match event:
            case OrderReplaced():
                return self._replace(event)
            case OrderCancelled():
                return self._cancel(event)
            case TradePrinted():
                return self._fill(event)
            case _:
                return self._other(event)

    def _replace(self, event: OrderReplaced) -> "Order":
        if event.quantity - self.filled != event.leaves or event.leaves <= 0:
            raise self._corrupted(event, f"{event.quantity} - {self.filled} filled is not {event.leaves}")
        price, terms = event.price, self.terms
        if terms is not None:
            price, terms = terms.replaced(event, self.price)
        return self._changed(event, price=price, quantity=event.quantity, terms=terms)

    def _cancel(self, event: OrderCancelled) -> "Order":
        if event.quantity != self.leaves:
            raise self._corrupted(event, f"{event.quantity} lots end where {self.leaves} were left")
        status = OrderStatus.EXPIRED if event.reason == EXPIRED else OrderStatus.CANCELLED
        return self._changed(event, status=status, reason=event.reason)

    def _fill(self, event: TradePrinted) -> "Order":
        if side_of(event, self.name) == MAKER:
            fee, leaves = event.maker_fee, event.maker_leaves
        else:
            fee, leaves = event.taker_fee, event.taker_leaves
        filled = self.filled + event.quantity
        if event.quantity <= 0 or self.quantity - filled != leaves or leaves < 0:
            raise self._corrupted(event, f"{event.quantity} lots filled of {self.leaves} do not leave {leaves}")
        return self._changed(
            event,
            status=OrderStatus.PARTIALLY_FILLED if leaves else OrderStatus.FILLED,
            filled=filled,
            notional=self.notional + event.price * event.quantity,
            fees=self.fees + fee,
            fills=self.fills + 1,
        )

    def _other(self, event: TermsEvent) -> "Order":
        terms = self.terms or Terms()
        match event:
            case TermsAccepted():
                return self._changed(event, terms=terms.accepted(event, self.order_type, self.time_in_force))
            case OrderTriggered():
                after = terms.triggered(event, self.order_type)
                return self._changed(event, price=event.limit or self.price, terms=after)
            case OrderEntered():
                return self._changed(event, terms=terms.entered(event))
            case OrderWaits():
                return self._changed(event, terms=terms.left(event))
            case OrderRefilled():
                return self._changed(event, terms=terms.refilled(event))
            case StopMoved():
                return self._changed(event, price=event.price, terms=terms.moved(event))
            case OrdersLinked():
                return self._changed(event, terms=terms.linked(event, self.slot))
            case _:
                assert_never(event)

    def touched(self, event: Event) -> "Order":
        """Return the order as it is, changed last by `event`: a bust of one of its fills, also when it is final."""
        return self._changed(event)

    def _changed(self, event: Event, **fields: Any) -> "Order":
        return msgspec.structs.replace(self, updated_sequence=event.sequence, updated_ns=event.time_ns, **fields)

    def _corrupted(self, event: Event, detail: str) -> Corrupted:
        where = f"{type(event).__name__} at {event.sequence}.{event.index} on order {self.sequence}"
        return Corrupted("corrupted", f"{where}: {detail}")


def opened(event: OpeningEvent) -> Order:
    """Return the order that `event` brings into being."""
    rejection = None
    match event:
        case OrderAccepted():
            status, price, quantity = OrderStatus.NEW, event.price, event.quantity
        case OrderRejected():
            status, price, quantity = OrderStatus.REJECTED, 0, 0
            rejection = Rejection(
                reason=event.reason,
                scope=event.scope,
                limit=show(event.limit, event.decimals),
                actual=show(event.actual, event.decimals),
                price=show(event.price, event.price_scale),
                quantity=show(event.quantity, event.quantity_scale),
            )
        case _:
            assert_never(event)
    flags, order_type, time_in_force = event.flags2, event.order_type, event.time_in_force
    plain = flags <= PLAIN_FLAGS and order_type in PLAIN_TYPES and time_in_force in PLAIN_TIMES
    return Order(
        sequence=event.sequence,
        slot=slot_of(event),
        account=event.account,
        instrument=event.instrument,
        client_id=event.client_id,
        side=event.side,
        order_type=order_type,
        time_in_force=time_in_force,
        post_only=bool(flags & 1),
        price=price,
        quantity=quantity,
        status=status,
        updated_sequence=event.sequence,
        accepted_ns=event.time_ns,
        updated_ns=event.time_ns,
        rejection=rejection,
        terms=None if plain else Terms(flags=flags),
    )


def slot_of(event: OpeningEvent) -> int:
    """Return the second part of the order's name.

    The engine names every rejected order of one command alike (NO_SLOT): those of one act are told apart by their
    place, counted down from there, where no slot of a working order ever comes.
    """
    return event.order_slot - event.index if isinstance(event, OrderRejected) else event.order_slot


def named(event: Event) -> tuple[Name, ...]:
    """Return the names of the orders that `event` changes, maker before taker; empty when it changes none."""
    match event:
        case OrderAccepted():
            return ((event.sequence, event.order_slot),)
        case TradePrinted():
            return (
                (event.maker_order_sequence, event.maker_slot),
                (event.taker_order_sequence, event.taker_slot),
            )
        case OrderCancelled() | OrderReplaced():
            return ((event.order_sequence, event.order_slot),)
        case OrderRejected():
            return ((event.sequence, slot_of(event)),)
        case TermsAccepted() | OrderTriggered() | OrderEntered() | OrderWaits() | OrderRefilled() | StopMoved():
            return ((event.order_sequence, event.order_slot),)
        case OrdersLinked():
            return tuple((event.sequence, slot) for slot in event.slots)
        case _:
            return ()


def side_of(event: TradePrinted, name: Name) -> int:
    """Return MAKER or TAKER: what the order was in this trade.

    Raises:
        Corrupted: The trade names it as neither.
    """
    if (event.maker_order_sequence, event.maker_slot) == name:
        return MAKER
    if (event.taker_order_sequence, event.taker_slot) == name:
        return TAKER
    raise Corrupted("corrupted", f"trade {event.sequence}.{event.index} does not name order {name[0]}")

"""Events become orders, fills and updates. Pure: what is known comes in, what became of it goes out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.orders import EXPIRED, Fill
from quantumcore.contracts.reference import Catalogue
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
    TradeBusted,
    TradePrinted,
)
from quantumcore.services.orders.changes import Change, Filled
from quantumcore.services.orders.domain import MAKER, Name, Order, named, opened
from quantumcore.services.orders.views import fill_view

KINDS: dict[type[Event], str] = {
    OrderAccepted: "accepted",
    OrderRejected: "rejected",
    OrderReplaced: "replaced",
    OrderCancelled: "cancelled",
    TradePrinted: "filled",
    TermsAccepted: "terms",
    OrderTriggered: "triggered",
    OrderEntered: "entered",
    OrderWaits: "waits",
    OrderRefilled: "refilled",
    StopMoved: "stop_moved",
    OrdersLinked: "linked",
}
_CAUSES: dict[type[Event], Callable[[Any], int]] = {
    OrderReplaced: lambda event: event.reason,
    OrderTriggered: lambda event: event.source,
}
Trade = tuple[int, int]
"""(sequence, fill) of a TradePrinted."""


class Known(msgspec.Struct, frozen=True):
    """What lives before the first event of a fold.

    Attributes:
        orders: By name.
        busted: Both sides of the trades that are busted in it, with their orders among `orders`.
    """

    orders: Mapping[Name, Order]
    busted: Mapping[Trade, list[Filled]] = {}


def fold(events: Iterable[Event], known: Known, catalogue: Catalogue) -> list[Change]:
    """Return the changes that `events` bring, in order; `catalogue` learns the definitions among them.

    Raises:
        Corrupted: An event names an order that does not live, or that it cannot have changed so, or an unknown instrument.
    """
    orders: dict[Name, Order] = {}
    changes: list[Change] = []
    for event in events:
        kind = KINDS.get(type(event))
        if kind is None:
            if isinstance(event, TradeBusted):
                changes += _bust(event, changes, known, orders)
            else:
                catalogue.apply(event)
            continue
        if kind != "rejected" and event.instrument not in catalogue.instruments:
            where = f"{type(event).__name__} at {event.sequence}.{event.index}"
            raise Corrupted("corrupted", f"{where}: instrument {event.instrument} was never defined")
        for place, name in enumerate(named(event)):
            order = after(orders.get(name) or known.orders.get(name), event, name)
            orders[name] = order
            if (
                kind == "terms"
                and changes
                and changes[-1].order.name == name
                and changes[-1].sequence == event.sequence
            ):
                changes[-1] = msgspec.structs.replace(changes[-1], order=order)  # the words of what was told just now
                continue
            changes.append(_change(order, event, kind, place))
    return changes


def _change(order: Order, event: Event, kind: str, place: int) -> Change:
    match event:
        case TradePrinted():
            filled = Filled.of(order, event)
            return Change(order, kind, event.index, filled.leg, filled)
        case OrderCancelled(reason=reason) if reason == EXPIRED:
            return Change(order, "expired", event.index, MAKER)
        case _:
            cause = _CAUSES.get(type(event))
            return Change(order, kind, event.index, place, None, 0 if cause is None else cause(event))


def _bust(event: TradeBusted, changes: list[Change], known: Known, orders: dict[Name, Order]) -> list[Change]:
    """Return the change of each side: its fill is marked; what the order has filled stays, for so it went in the book.

    The engine takes an operator at his word: a bust of a trade that never was moves money and changes no order.
    """
    trade = event.trade_sequence, event.fill
    sides = [
        change.filled
        for change in changes
        if change.filled is not None and change.kind == "filled" and (change.sequence, change.filled.fill) == trade
    ] or known.busted.get(trade, [])
    told = []
    for side in sides:
        order = (orders.get(side.name) or known.orders[side.name]).touched(event)
        orders[side.name] = order
        filled = msgspec.structs.replace(side, busted=event.action)
        told.append(Change(order, "busted", event.index, side.leg, filled, event.action))
    return told


def after(order: Order | None, event: Event, name: Name) -> Order:
    """Return the order of that name as it stands after `event`, which names it.

    Raises:
        Corrupted: It does not live yet, lives twice, or cannot have changed so.
    """
    match event:
        case OrderAccepted() | OrderRejected():
            if order is not None:
                raise Corrupted("corrupted", f"order {name[0]} begins twice at {event.sequence}.{event.index}")
            return opened(event)
        case _:
            if order is None:
                raise Corrupted(
                    "order.gap",
                    f"{type(event).__name__} at {event.sequence}.{event.index}: no order {name[0]} was accepted",
                )
            return order.apply(event)  # type: ignore[arg-type]  # only what changes an order names one


def fold_one(events: Iterable[Event], name: Name, catalogue: Catalogue) -> tuple[Order | None, list[Fill]]:
    """Return the order of that name and its fills as `events` leave it; None if it never began.

    Raises:
        Corrupted: As `fold` does.
    """
    order: Order | None = None
    fills: list[Fill] = []
    for event in events:
        if name in named(event):
            order = after(order, event, name)
            if isinstance(event, TradePrinted):
                fills.append(fill_view(order, event, catalogue))
    return order, fills

"""Events become orders, fills and updates. Pure: what is known comes in, what became of it goes out."""

from collections.abc import Iterable, Mapping

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.orders import Fill
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.wire import Event, OrderAccepted, OrderCancelled, OrderRejected, OrderReplaced, TradePrinted
from quantumcore.services.orders.changes import Change, Filled
from quantumcore.services.orders.domain import MAKER, Order, named, opened
from quantumcore.services.orders.views import fill_view

KINDS: dict[type[Event], str] = {
    OrderAccepted: "accepted",
    OrderRejected: "rejected",
    OrderReplaced: "replaced",
    OrderCancelled: "cancelled",
    TradePrinted: "filled",
}


def fold(events: Iterable[Event], known: Mapping[int, Order], catalogue: Catalogue) -> list[Change]:
    """Return the changes that `events` bring, in order; `catalogue` learns the definitions among them.

    Args:
        events: In their order.
        known: Orders that live before the first event, by sequence.
        catalogue: Units of the instruments.

    Raises:
        Corrupted: An event names an order that does not live, or that it cannot have changed so, or an unknown instrument.
    """
    orders: dict[int, Order] = {}
    changes: list[Change] = []
    for event in events:
        kind = KINDS.get(type(event))
        if kind is None:
            catalogue.apply(event)
            continue
        if kind != "rejected" and event.instrument not in catalogue.instruments:
            where = f"{type(event).__name__} at {event.sequence}.{event.index}"
            raise Corrupted("corrupted", f"{where}: instrument {event.instrument} was never defined")
        for sequence in named(event):
            order = after(orders.get(sequence) or known.get(sequence), event, sequence)
            orders[sequence] = order
            filled = Filled.of(order, event) if isinstance(event, TradePrinted) else None
            changes.append(Change(order, kind, event.index, MAKER if filled is None else filled.leg, filled))
    return changes


def after(order: Order | None, event: Event, sequence: int) -> Order:
    """Return the order of acceptance `sequence` as it stands after `event`, which names it.

    Raises:
        Corrupted: It does not live yet, lives twice, or cannot have changed so.
    """
    match event:
        case OrderAccepted() | OrderRejected():
            if order is not None:
                raise Corrupted("corrupted", f"order {sequence} begins twice at {event.sequence}.{event.index}")
            return opened(event)
        case OrderReplaced() | OrderCancelled() | TradePrinted():
            if order is None:
                raise Corrupted(
                    "order.gap",
                    f"{type(event).__name__} at {event.sequence}.{event.index}: no order {sequence} was accepted",
                )
            return order.apply(event)
        case _:
            raise TypeError(f"{type(event).__name__} changes no order")


def fold_one(events: Iterable[Event], sequence: int, catalogue: Catalogue) -> tuple[Order | None, list[Fill]]:
    """Return the order of acceptance `sequence` and its fills as `events` leave it; None if it never began.

    Raises:
        Corrupted: As `fold` does.
    """
    order: Order | None = None
    fills: list[Fill] = []
    for event in events:
        if sequence in named(event):
            order = after(order, event, sequence)
            if isinstance(event, TradePrinted):
                fills.append(fill_view(order, event, catalogue))
    return order, fills

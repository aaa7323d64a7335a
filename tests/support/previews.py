"""What a preview said, held against what the same submission then did."""

from collections import Counter
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.core.twin import codes

CLIENT_ID = slice(44, 80)
OWN_ENDINGS = frozenset({4, 5, 6, 13, 16})  # why an order ends by its own act
BY_SELF_TRADE = frozenset({1, 6})  # of OrderReplaced and of OrderCancelled: foreseen


def is_submission(raw: bytes) -> bool:
    """Tell whether a preview of `raw` can be asked for."""
    return raw[2] in (wire.SubmitOrder.KIND, wire.SubmitAdvancedOrder.KIND)


def unnamed(raw: bytes) -> bytes:
    """Return the submission without its client id."""
    return raw[: CLIENT_ID.start] + bytes(36) + raw[CLIENT_ID.stop :] if len(raw) >= CLIENT_ID.stop else raw


def meets_revocable(twin: Any, raw: bytes) -> bool:
    """Tell whether there are resting orders that a fill may take away before their turn comes."""
    number = int.from_bytes(raw[4:8], "little")
    return any(
        order.instrument == number and (order.link is not None or order.flags & codes.REDUCE_ONLY)
        for working in twin._venue.working.values()
        for order in working.values()
    )


def held_against(preview: Any, events: list[wire.Event], engine: Any, *, revocable: bool) -> str:
    """Return what became of the submission, in a word.

    Raises:
        AssertionError: It was refused or accepted otherwise, or it traded otherwise and nothing else happened by which.
    """
    why, first, order, trades, (amount, fee, complete) = preview
    head = events[0]
    if isinstance(head, wire.CommandDone):
        assert (why[0], first) == (0, (head.order_sequence, head.order_slot)), (preview, head)
        return "repeat"
    if isinstance(head, wire.CommandRefused):
        assert why == (head.reason, head.scope, head.decimals, head.limit, head.actual), (preview, head)
        assert head.reason == Reason.BAD_COMMAND or first == (head.order_sequence, head.order_slot), (preview, head)
        return Reason(head.reason).name
    if isinstance(head, wire.OrderRejected):
        assert why == (head.reason, head.scope, head.decimals, head.limit, head.actual), (preview, head)
        return Reason(head.reason).name
    assert isinstance(head, wire.OrderAccepted)
    assert why == (0,) * 5
    assert first == (0, 0)
    assert order[:4] == (head.price, head.quantity, head.hold, head.hold_currency), (preview, head)
    terms = events[1] if len(events) > 1 and isinstance(events[1], wire.TermsAccepted) else None
    assert order[4] == (0 if terms is None else terms.waits), (preview, terms)
    fills = [e for e in events if isinstance(e, wire.TradePrinted) and _takes(e, head)]
    by_price: Counter[int] = Counter()
    for fill in fills:
        by_price[fill.price] += fill.quantity
    ended = [e.reason for e in events if isinstance(e, wire.OrderCancelled) and _is(e, head)]
    working = engine.order(head.sequence, head.order_slot)
    paid = sum(fill.paid if head.side == 1 else fill.received for fill in fills)
    told = (
        [*by_price.items()],
        0 if working is None else working[5],
        sum(ended),
        paid,
        sum(f.taker_fee for f in fills),
    )
    if told == (trades, order[5], order[6], amount, fee) and complete:
        return "exact"
    rests_unseen = terms is not None and terms.dark and order[5] > 0  # it is looked at again when its command is over
    assert (
        revocable or order[4] or rests_unseen or not complete or any(_was_not_foreseen(event, head) for event in events)
    ), (
        preview,
        told,
        events,
    )
    return "further"


def _takes(trade: wire.TradePrinted, order: wire.OrderAccepted) -> bool:
    return (trade.taker_order_sequence, trade.taker_slot) == (order.sequence, order.order_slot)


def _is(event: wire.OrderCancelled | wire.OrderReplaced, order: wire.OrderAccepted) -> bool:
    return (event.order_sequence, event.order_slot) == (order.sequence, order.order_slot)


def _was_not_foreseen(event: wire.Event, order: wire.OrderAccepted) -> bool:
    """Tell whether an event is none of the order's own act as a preview knows it."""
    if isinstance(event, wire.OrderCancelled):
        return event.reason not in (OWN_ENDINGS if _is(event, order) else BY_SELF_TRADE)
    if isinstance(event, wire.OrderReplaced):
        return event.reason not in BY_SELF_TRADE
    if isinstance(event, wire.TradePrinted):
        return not _takes(event, order)
    return isinstance(event, wire.OrderTriggered | wire.InstrumentStatusChanged | wire.OrderWaits)

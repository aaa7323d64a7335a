"""What the engine's events of one command say to the one who sent it: a view, or an error that names the reason."""

from collections.abc import Sequence

from quantumcore.contracts.errors import (
    Conflict,
    Corrupted,
    InvalidCommand,
    NotFound,
    QuantumCoreError,
    RateLimited,
)
from quantumcore.contracts.orders import OrderView, SubmitOrder
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import OrderId, show
from quantumcore.contracts.wire import CommandDone, CommandRefused, Event, OrderAccepted, OrderRejected
from quantumcore.services.orders.domain import named
from quantumcore.services.orders.folding import fold_one
from quantumcore.services.orders.translate import not_found
from quantumcore.services.orders.views import numbered, order_view, sentence

REPEAT = 1

_FIELDS = {
    Reason.BAD_TICK: "price",
    Reason.BAD_PRICE: "price",
    Reason.BAD_LOT: "quantity",
    Reason.BAD_QTY: "quantity",
    Reason.BAD_STOP: "stop_price",
    Reason.BAD_DISPLAY: "display",
    Reason.BAD_LINK: "link",
    Reason.BAD_AMOUNT: "amount",
}
_FINAL_DETAIL = {Reason.ORDER_FILLED: "the order is filled", Reason.ORDER_FINAL: "the order is final"}


def submitted(
    events: Sequence[Event], catalogue: Catalogue, orders: Sequence[SubmitOrder]
) -> list[OrderView] | CommandDone:
    """Return the `orders` as the command that submitted them left them, or the CommandDone that says it is a repeat.

    Raises:
        Conflict: `idempotency.mismatch`; the id names another order.
        InvalidCommand: The engine could not read the command.
    """
    match events[0]:
        case CommandDone(outcome=outcome) as done if outcome == REPEAT:
            return done
        case CommandRefused() as refused:
            raise refusal(refused, catalogue.shard)
        case first:
            return first_answers(events, first.sequence, catalogue, orders)


def first_answers(
    events: Sequence[Event], sequence: int, catalogue: Catalogue, orders: Sequence[SubmitOrder]
) -> list[OrderView]:
    """Return those of `orders` that begin at `sequence` as the events of it leave them; other events do not count.

    Raises:
        Corrupted: One of them does not begin there.
    """
    own = [event for event in events if event.sequence == sequence]
    openings = {event.client_id: event for event in own if isinstance(event, OrderAccepted | OrderRejected)}
    shown: list[OrderView] = []
    for asked in orders:
        opening = openings.get(asked.client_order_id)
        if opening is None:
            raise Corrupted("corrupted", f"no order {asked.client_order_id} begins at sequence {sequence}")
        order, fills = fold_one(own, named(opening)[0], catalogue)
        assert order is not None, "it begins with this event"
        shown.append(order_view(order, catalogue, fills, asked.symbol))
    return shown


def refusal(refused: CommandRefused, shard: int) -> QuantumCoreError:
    """Return the error that says why the engine refused a command; the order it names, if any, is as it was."""
    reason = Reason(refused.reason)
    code = CODES[reason]
    limit, actual = show(refused.limit, refused.decimals), show(refused.actual, refused.decimals)
    if not numbered(reason, limit, actual):
        limit = actual = ""
    match reason:
        case Reason.DUPLICATE_ID:
            first = OrderId(shard, refused.order_sequence, refused.order_slot).text()
            return Conflict(
                code,
                f"client_order_id {refused.client_id} names order {first}, which asked for something else",
                field="client_order_id",
                context={"order_id": first},
            )
        case Reason.ORDER_NOT_FOUND | Reason.UNKNOWN_ACCOUNT:
            # One answer for an unknown order and an unknown account: no hint which (behaviour 1.4).
            return not_found()
        case Reason.UNKNOWN_SYMBOL:
            return NotFound("instrument.not_found", "instrument not found", field="symbol")
        case Reason.THROTTLED:
            return RateLimited(code, sentence(reason, limit, actual), limit=limit, actual=actual)
        case Reason.BAD_COMMAND:
            return InvalidCommand(code, "the engine cannot read this command")
        case _ if reason in _FIELDS:
            return InvalidCommand(
                code, sentence(reason, limit, actual), field=_FIELDS[reason], limit=limit, actual=actual
            )
        case _:
            detail = _FINAL_DETAIL.get(reason) or sentence(reason, limit, actual)
            return Conflict(code, detail, limit=limit, actual=actual)

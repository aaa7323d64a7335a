"""From the order inside to the order as clients see it: ticks, lots and minor units become decimal strings."""

from collections.abc import Sequence

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.order_queries import OrderUpdate
from quantumcore.contracts.orders import CANCEL_REASONS, REPLACE_REASONS, SIDES, TIMES_IN_FORCE, TYPES, Fill, OrderView
from quantumcore.contracts.reasons import CODES, Reason, Scope
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import ORDER_LEG, packed_id
from quantumcore.contracts.wire import TradePrinted
from quantumcore.services.orders.domain import MAKER, Order, OrderStatus, Rejection, side_of
from quantumcore.services.orders.terms import WITHOUT_LIMIT
from quantumcore.services.orders.terms_views import WAITING_NAMES, link_view, terms_view

SIDE_NAMES = {number: name for name, number in SIDES.items()}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
TIME_IN_FORCE_NAMES = {number: name for name, number in TIMES_IN_FORCE.items()}
STATUS_NAMES = {status: status.name.lower() for status in OrderStatus}
STATUS_NUMBERS = {name: status for status, name in STATUS_NAMES.items()}
TRIGGER_CAUSES = {0: "last", 1: "quote", 2: "mark", 3: "parent"}
BUST_ACTIONS = {1: "cancel", 2: "price"}
CAUSES = {"replaced": REPLACE_REASONS, "triggered": TRIGGER_CAUSES, "busted": BUST_ACTIONS}
SCOPE_NAMES: dict[int, str | None] = {scope: scope.name.lower() if scope else None for scope in Scope}

_SENTENCES = {
    Reason.MAX_QTY: "quantity {actual} exceeds the maximum of {limit}",
    Reason.MAX_NOTIONAL: "value {actual} exceeds the maximum of {limit}",
    Reason.MIN_NOTIONAL: "value {actual} is below the minimum of {limit}",
    Reason.MAX_OPEN: "{actual} working orders would exceed the maximum of {limit}",
    Reason.NO_FUNDS: "{actual} needed, {limit} available",
    Reason.BAD_TICK: "price {actual} is no multiple of the tick {limit}",
    Reason.BAD_LOT: "quantity {actual} is no multiple of the lot {limit}",
    Reason.BAD_QTY: "quantity {actual} breaks the bound {limit}",
    Reason.BAD_PRICE: "price {actual} breaks the bound {limit}",
    Reason.POST_ONLY: "price {actual} would take at {limit}",
    Reason.REPLACE_BELOW_FILLED: "quantity {actual} is not more than the {limit} that are filled",
    Reason.QTY_OVERFLOW: "level quantity {actual} exceeds {limit}",
    Reason.AMOUNT_OVERFLOW: "amount {actual} exceeds {limit}",
    Reason.BAD_DISPLAY: "display {actual} breaks the bound {limit}",
    Reason.EXPIRED: "the time {actual} is not after {limit}",
    Reason.BAD_STOP: "stop price {actual} breaks the bound {limit}",
    Reason.BAD_TRAIL: "trail {actual} breaks the bound {limit}",
    Reason.BAD_PEG: "peg offset {actual} breaks the bound {limit}",
    Reason.BAD_MIN_QTY: "minimum quantity {actual} breaks the bound {limit}",
    Reason.BAD_BUDGET: "budget {actual} breaks the bound {limit}",
    Reason.REDUCE_ONLY: "quantity {actual} exceeds the {limit} that would reduce the position",
    Reason.PRICE_BAND: "price {actual} is beyond the band {limit}",
    Reason.COLLAR: "price {actual} is beyond the collar {limit}",
    Reason.KILLED: "quantity {actual} exceeds the {limit} that would reduce the position",
    Reason.HALTED: "quantity {actual} exceeds the {limit} that would reduce the position",
    Reason.RESTRICTED: "{actual} of a short sale breaks the bound {limit}",
    Reason.THROTTLED: "{actual} at once exceeds the {limit} that may come",
    Reason.REPEAT_LIMIT: "{actual} orders exceed the {limit} that the trades allow",
    Reason.DUPLICATE_ORDER: "{actual} times the same exceeds the maximum of {limit}",
    Reason.POS_LIMIT: "a position of {actual} at its worst exceeds the maximum of {limit}",
    Reason.CREDIT: "{actual} drawn exceeds the line of {limit}",
    Reason.MMP: "the time {actual} is before {limit}",
    Reason.EXPOSURE: "an exposure of {actual} at its worst exceeds the maximum of {limit}",
    Reason.LOSS_LIMIT: "a result of {actual} today has reached the bound of {limit}",
    Reason.DRAWDOWN: "a fall of {actual} from the day's best has reached the bound of {limit}",
    Reason.GREEKS: "a sum of {actual} at its worst exceeds the maximum of {limit}",
}
_MAYBE_NUMBERED = frozenset(
    {
        Reason.BAD_DISPLAY,
        Reason.EXPIRED,
        Reason.BAD_STOP,
        Reason.BAD_TRAIL,
        Reason.BAD_PEG,
        Reason.BAD_MIN_QTY,
        Reason.BAD_BUDGET,
    }
)
"""These have numbers where a bound is broken, and none where the term has no business on such an order."""


_SELDOM_NUMBERED = frozenset({Reason.KILLED, Reason.HALTED, Reason.RESTRICTED, Reason.REPEAT_LIMIT})
"""These stop an order whatever it asks, without numbers, unless something of it would have passed."""


def numbered(reason: int, limit: str, actual: str) -> bool:
    """Whether a refusal for this reason carries a limit and an actual."""
    return reason in _SENTENCES and not (reason in _SELDOM_NUMBERED and _says_nothing(limit, actual))


def _says_nothing(limit: str, actual: str) -> bool:
    return not (limit.strip("0.") or actual.strip("0."))


def sentence(reason: int, limit: str, actual: str) -> str:
    """Return a refusal as a sentence for a person."""
    if reason in _MAYBE_NUMBERED and _says_nothing(limit, actual):
        return f"{Reason(reason).name.lower().replace('_', ' ')}: not on an order like this"
    if numbered(reason, limit, actual):
        return _SENTENCES[Reason(reason)].format(limit=limit, actual=actual)
    return Reason(reason).name.lower().replace("_", " ")


def order_view(order: Order, catalogue: Catalogue, fills: Sequence[Fill] = (), symbol: str = "") -> OrderView:
    """Return `order` as clients see it.

    Args:
        order: As its events have left it.
        catalogue: Units of its instrument.
        fills: Which of its fills to show.
        symbol: What was asked for, shown when no such instrument exists.
    """
    instrument = catalogue.instruments.get(order.instrument)
    if order.rejection is not None or instrument is None:
        return _rejected_view(order, order.rejection, catalogue.shard, instrument, symbol)
    cancelled = order.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED)
    order_id, terms = order.order_id(catalogue.shard), order.terms
    return OrderView(
        order_id=order_id,
        client_order_id=order.client_id,
        account_id=str(order.account),
        symbol=instrument.symbol,
        side=SIDE_NAMES[order.side],
        type=TYPE_NAMES[order.order_type],
        time_in_force=TIME_IN_FORCE_NAMES[order.time_in_force],
        post_only=order.post_only,
        quantity=instrument.quantity(order.quantity),
        price=None if order.order_type in WITHOUT_LIMIT else instrument.price(order.price),
        status=STATUS_NAMES[order.status],
        filled=instrument.quantity(order.filled),
        leaves=instrument.quantity(order.leaves),
        average_price=instrument.average(order.notional, order.filled),
        fees=instrument.quote.show(order.fees),
        fills=list(fills),
        sequence=order.updated_sequence,
        accepted_ns=order.accepted_ns,
        updated_ns=order.updated_ns,
        reason=CANCEL_REASONS[order.reason] if cancelled else None,
        filled_value=instrument.value(order.notional),
        waiting=None if terms is None or order.is_final else WAITING_NAMES[terms.waiting],
        triggered_ns=0 if terms is None else terms.triggered_ns,
        terms=None if terms is None else terms_view(terms, instrument),
        link=None if terms is None or not terms.link else link_view(terms, order.sequence, catalogue.shard),
    )


def fill_view(order: Order, trade: TradePrinted, catalogue: Catalogue) -> Fill:
    """Return the side of `trade` that is `order`'s."""
    instrument = catalogue.instruments[trade.instrument]
    maker = side_of(trade, order.name) == MAKER
    return Fill(
        trade_id=packed_id(catalogue.shard, trade.sequence, trade.fill, 0),
        order_id=order.order_id(catalogue.shard),
        client_order_id=order.client_id,
        account_id=str(order.account),
        symbol=instrument.symbol,
        side=SIDE_NAMES[order.side],
        price=instrument.price(trade.price),
        quantity=instrument.quantity(trade.quantity),
        liquidity="maker" if maker else "taker",
        fee=instrument.quote.show(trade.maker_fee if maker else trade.taker_fee),
        fee_currency=instrument.quote.code,
        sequence=trade.sequence,
        index=trade.index,
        time_ns=trade.time_ns,
    )


def update_view(
    order: Order, kind: str, index: int, fill: Fill | None, catalogue: Catalogue, cause: int = 0
) -> OrderUpdate:
    """Return the last change of `order`: the order without its fills, beside it the fill if the change was one."""
    return OrderUpdate(
        account=order.account,
        sequence=order.updated_sequence,
        index=index,
        time_ns=order.updated_ns,
        kind=kind,
        order=order_view(order, catalogue),
        fill=fill,
        cause=CAUSES[kind][cause] if kind in CAUSES else None,
    )


def _rejected_view(
    order: Order, rejection: Rejection | None, shard: int, instrument: Instrument | None, symbol: str
) -> OrderView:
    """Return an order that never worked; its numbers are those that were sent."""
    if rejection is None:
        raise Corrupted(
            "corrupted", f"order {order.sequence} is on instrument {order.instrument}, which was never defined"
        )
    nothing = instrument.quantity(0) if instrument else "0"
    with_numbers = numbered(rejection.reason, rejection.limit, rejection.actual)
    return OrderView(
        order_id=packed_id(shard, order.sequence, order.slot, ORDER_LEG),
        client_order_id=order.client_id,
        account_id=str(order.account),
        symbol=instrument.symbol if instrument else symbol,
        side=SIDE_NAMES[order.side],
        # What the engine judged may lie outside our words (BAD_TYPE, BAD_TIF): then the number is shown.
        type=TYPE_NAMES.get(order.order_type, str(order.order_type)),
        time_in_force=TIME_IN_FORCE_NAMES.get(order.time_in_force, str(order.time_in_force)),
        post_only=order.post_only,
        quantity=rejection.quantity,
        price=None if order.order_type in WITHOUT_LIMIT else rejection.price,
        status=STATUS_NAMES[order.status],
        filled=nothing,
        leaves=nothing,
        average_price=None,
        fees=instrument.quote.show(0) if instrument else "0",
        fills=[],
        sequence=order.sequence,
        accepted_ns=order.accepted_ns,
        updated_ns=order.updated_ns,
        reason=CODES[Reason(rejection.reason)],
        scope=SCOPE_NAMES[rejection.scope],
        limit=rejection.limit if with_numbers else None,
        actual=rejection.actual if with_numbers else None,
        text=sentence(rejection.reason, rejection.limit, rejection.actual),
    )

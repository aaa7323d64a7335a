"""The further terms of a submission, judged and brought to ticks, lots, minor units and nanoseconds (orders.md sections 2 to 5)."""

from collections.abc import Callable

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import expiry, gate, stop_terms
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import FIELDS, POST_ONLY, Terms, as_sent

Measure = Callable[[Instrument, wire.SubmitAdvancedOrder, Terms], None]


def _useless(reason: Reason, *fields: str) -> Measure:
    """A term that nothing here has a use for is refused with its own reason."""

    def judge(_: Instrument, command: wire.SubmitAdvancedOrder, __: Terms) -> None:
        if any(getattr(command, field) for field in fields):
            raise Refusal(reason, Scope.INSTRUMENT)

    return judge


MEASURES: tuple[Measure, ...] = (  # in the order in which they refuse
    _useless(Reason.BAD_DISPLAY, "display", "display_range", "display_scale", "seed"),
    stop_terms.measure_stop,
    stop_terms.measure_trail,
    stop_terms.measure_offset,  # BAD_PEG of what is no peg; BAD_TRAIL of a trailing stop
    _useless(Reason.BAD_MIN_QTY, "min_quantity", "min_quantity_scale"),
    _useless(Reason.BAD_BUDGET, "budget", "budget_scale"),
)


def measured(instrument: Instrument, command: wire.SubmitOrder, now_ns: int) -> Terms | None:
    """Return the further terms, None for a plain order; raises BAD_DISPLAY, BAD_STOP ... EXPIRED, the first that is due."""
    if is_plain(command):
        return None
    sent = command if isinstance(command, wire.SubmitAdvancedOrder) else _without_terms(command)
    terms = Terms()
    for measure in MEASURES:
        measure(instrument, sent, terms)
    expiry.measure(sent, terms, now_ns)
    return terms


def is_plain(command: wire.SubmitOrder) -> bool:
    """Tell whether a submission needs nothing of orders.md."""
    return (
        not any(as_sent(command))
        and command.flags & ~POST_ONLY == 0
        and command.order_type in (gate.MARKET, gate.LIMIT)
        and command.time_in_force in (gate.GTC, gate.IOC, gate.FOK)
    )


def _without_terms(command: wire.SubmitOrder) -> wire.SubmitAdvancedOrder:
    fields = {name: getattr(command, name) for name in wire.SubmitOrder.__struct_fields__}
    return wire.SubmitAdvancedOrder(**fields)


def tell_terms(order: Order, out: Outbox, *, waits: bool) -> None:
    """Tell the further terms of an order as they stand, and whether it is in a book."""
    assert order.terms is not None, "a plain order has no further terms"
    out.tell(
        wire.TermsAccepted,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        order_slot=order.slot,
        waits=int(waits),
        dark=0,
        stop_scale=0,
        trail_scale=0,
        offset_scale=0,
        display_scale=0,
        min_quantity_scale=0,
        budget_scale=0,
        **{name: getattr(order.terms, name) for name in FIELDS if not name.endswith("_scale")},
    )

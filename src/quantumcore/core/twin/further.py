"""Judging what an order is beyond a plain one, term by term in the order of docs/reference/orders.md section 2, and telling it."""

from dataclasses import replace

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import budgets, codes, dark, expiry, icebergs, pegs, stop_terms, triggers
from quantumcore.core.twin.book import BUY, Order
from quantumcore.core.twin.content import DISPLAY_GIVEN, STOP_GIVEN
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import FIELDS, NOTHING, Terms, as_sent, asks_for_dark
from quantumcore.core.twin.venue import Venue

_FIELDS = {
    Reason.BAD_DISPLAY: ("display", "display_range", "display_scale", "seed"),
    Reason.BAD_PEG: ("peg", "offset", "offset_scale"),
    Reason.BAD_MIN_QTY: ("min_quantity", "min_quantity_scale"),
    Reason.BAD_BUDGET: ("budget", "budget_scale"),
}


def is_plain(command: wire.SubmitOrder) -> bool:
    """Tell whether it needs nothing of orders.md."""
    return (
        command.order_type in (codes.MARKET, codes.LIMIT)
        and command.time_in_force in (codes.GTC, *codes.IMMEDIATE_TIMES)
        and command.flags & ~codes.POST_ONLY == 0
        and as_sent(command) == NOTHING
    )


def judge(instrument: Instrument, command: wire.SubmitOrder, quantity: int, now_ns: int, *, accounting: bool) -> Terms:
    """Return the further terms in ticks, lots and minor units; a bad or useless term is its own reason."""
    terms = Terms()
    sent = command if isinstance(command, wire.SubmitAdvancedOrder) else _without_terms(command)
    lasts = command.order_type not in codes.NEVER_REST and command.time_in_force in codes.LASTING
    if given := _given(command, Reason.BAD_DISPLAY, useful=lasts and not asks_for_dark(command)):
        terms.display = icebergs.display_of(instrument, given.display, given.display_scale, quantity)
        terms.display_range = icebergs.range_of(instrument, given.display_range, given.display_scale)
        terms.seed = given.seed
        icebergs.check(instrument, terms, quantity)
    stop_terms.measure_stop(instrument, sent, terms)
    stop_terms.measure_trail(instrument, sent, terms)
    if command.order_type != codes.PEGGED:
        stop_terms.measure_offset(instrument, sent, terms)  # BAD_PEG of what is no peg; BAD_TRAIL of a trailing stop
    else:
        given = _given(command, Reason.BAD_PEG, useful=not asks_for_dark(command))
        terms.peg, terms.offset = pegs.terms_of(instrument, given)
    if given := _given(command, Reason.BAD_MIN_QTY, useful=True):
        terms.min_quantity = dark.minimum_of(instrument, given, quantity)
    takes_at_once = command.order_type in (codes.MARKET, codes.LIMIT) and command.time_in_force in codes.IMMEDIATE_TIMES
    if given := _given(command, Reason.BAD_BUDGET, useful=takes_at_once and command.side == BUY and accounting):
        terms.budget = budgets.budget_of(instrument, given)
    expiry.measure(sent, terms, now_ns)
    return terms


def _without_terms(command: wire.SubmitOrder) -> wire.SubmitAdvancedOrder:
    return wire.SubmitAdvancedOrder(**{name: getattr(command, name) for name in wire.SubmitOrder.__struct_fields__})


def rejudge(venue: Venue, order: Order, command: wire.ReplaceOrder, quantity: int) -> Terms:
    """Return the further terms as a replacement to a total of `quantity` would leave them."""
    instrument, terms = venue.instruments[order.instrument], order.terms
    if isinstance(command, wire.ReplaceAdvancedOrder) and command.fields & DISPLAY_GIVEN:
        if not terms.display:
            raise Refusal(Reason.BAD_DISPLAY, Scope.INSTRUMENT)
        display = icebergs.display_of(instrument, command.display, command.display_scale, quantity)
        terms = replace(terms, display=display)
    if terms.display:
        icebergs.check(instrument, terms, quantity)
    if isinstance(command, wire.ReplaceAdvancedOrder) and command.fields & STOP_GIVEN:
        stop = triggers.moved_stop(venue, order, command.stop_price, command.stop_scale)
        terms = replace(terms, stop_price=stop)
    return terms


def _given(command: wire.SubmitOrder, reason: Reason, *, useful: bool) -> wire.SubmitAdvancedOrder | None:
    """Return the command if it has a term of `reason`; one that is of no use is refused."""
    if not isinstance(command, wire.SubmitAdvancedOrder) or not any(getattr(command, name) for name in _FIELDS[reason]):
        return None
    if not useful:
        raise Refusal(reason, Scope.INSTRUMENT)
    return command


def tell(order: Order, out: Outbox, *, waits: bool) -> None:
    """Tell the further terms of `order` as they stand, whether it waits, and whether it is dark."""
    out.tell(
        wire.TermsAccepted,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        order_slot=order.slot,
        waits=int(waits),
        dark=int(dark.is_dark(order)),
        stop_scale=0,
        trail_scale=0,
        offset_scale=0,
        display_scale=0,
        min_quantity_scale=0,
        budget_scale=0,
        **{name: getattr(order.terms, name) for name in FIELDS if not name.endswith("_scale")},
    )

"""Judging what an order is beyond a plain one, term by term in the order of docs/reference/orders.md section 2, and telling it."""

from dataclasses import asdict, replace

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import budgets, dark, gate, icebergs, pegs
from quantumcore.core.twin.book import BUY, Order, Place
from quantumcore.core.twin.content import DISPLAY_GIVEN, STOP_GIVEN
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import NOTHING, POST_ONLY, Terms, as_sent, asks_for_dark

_FIELDS = {
    Reason.BAD_DISPLAY: ("display", "display_range", "display_scale", "seed"),
    Reason.BAD_STOP: ("stop_price", "stop_scale", "trigger"),
    Reason.BAD_TRAIL: ("trail", "trail_scale", "trail_unit"),
    Reason.BAD_PEG: ("peg", "offset", "offset_scale"),
    Reason.BAD_MIN_QTY: ("min_quantity", "min_quantity_scale"),
    Reason.BAD_BUDGET: ("budget", "budget_scale"),
    Reason.EXPIRED: ("expires_ns",),
}


def is_plain(command: wire.SubmitOrder) -> bool:
    """Tell whether it needs nothing of orders.md."""
    return (
        command.order_type in (gate.MARKET, gate.LIMIT)
        and command.time_in_force in (gate.GTC, gate.IOC, gate.FOK)
        and command.flags & ~POST_ONLY == 0
        and as_sent(command) == NOTHING
    )


def judge(instrument: Instrument, command: wire.SubmitOrder, quantity: int, *, accounting: bool) -> Terms | None:
    """Return the further terms in ticks, lots and minor units, None for a plain order; a bad or useless term is its own reason."""
    if is_plain(command):
        return None
    terms = Terms()
    lasts = command.order_type != gate.MARKET and command.time_in_force in gate.LASTING
    if given := _given(command, Reason.BAD_DISPLAY, useful=lasts and not asks_for_dark(command)):
        terms.display = icebergs.display_of(instrument, given.display, given.display_scale, quantity)
        terms.display_range = icebergs.range_of(instrument, given.display_range, given.display_scale)
        terms.seed = given.seed
        icebergs.check(instrument, terms, quantity)
    _given(command, Reason.BAD_STOP, useful=False)
    _given(command, Reason.BAD_TRAIL, useful=False)
    is_peg = command.order_type == gate.PEGGED
    given = _given(command, Reason.BAD_PEG, useful=is_peg and not asks_for_dark(command))
    if is_peg:
        terms.peg, terms.offset = pegs.terms_of(instrument, given)
    if given := _given(command, Reason.BAD_MIN_QTY, useful=True):
        terms.min_quantity = dark.minimum_of(instrument, given, quantity)
    takes_at_once = command.order_type in (gate.MARKET, gate.LIMIT) and command.time_in_force in (gate.IOC, gate.FOK)
    if given := _given(command, Reason.BAD_BUDGET, useful=takes_at_once and command.side == BUY and accounting):
        terms.budget = budgets.budget_of(instrument, given)
    _given(command, Reason.EXPIRED, useful=False)
    return terms


def rejudge(instrument: Instrument, order: Order, command: wire.ReplaceOrder, quantity: int) -> Terms | None:
    """Return the further terms as a replacement to a total of `quantity` would leave them."""
    terms = order.terms
    if isinstance(command, wire.ReplaceAdvancedOrder) and command.fields & DISPLAY_GIVEN:
        if terms is None or not terms.display:
            raise Refusal(Reason.BAD_DISPLAY, Scope.INSTRUMENT)
        display = icebergs.display_of(instrument, command.display, command.display_scale, quantity)
        terms = replace(terms, display=display)
    if terms is not None and terms.display:
        icebergs.check(instrument, terms, quantity)
    if command.fields & STOP_GIVEN:
        raise Refusal(Reason.BAD_STOP, Scope.INSTRUMENT)
    return terms


def _given(command: wire.SubmitOrder, reason: Reason, *, useful: bool) -> wire.SubmitAdvancedOrder | None:
    """Return the command if it has a term of `reason`; one that is of no use is refused."""
    if not isinstance(command, wire.SubmitAdvancedOrder) or not any(getattr(command, name) for name in _FIELDS[reason]):
        return None
    if not useful:
        raise Refusal(reason, Scope.INSTRUMENT)
    return command


def tell(order: Order, out: Outbox) -> None:
    """Tell the further terms of an order that is not plain."""
    assert order.terms is not None
    out.tell(
        wire.TermsAccepted,
        instrument=order.instrument,
        account=order.account,
        order_sequence=order.sequence,
        order_slot=order.slot,
        waits=int(bool(order.cap) or order.place is Place.WAITING),
        dark=int(dark.is_dark(order)),
        stop_scale=0,
        trail_scale=0,
        offset_scale=0,
        display_scale=0,
        min_quantity_scale=0,
        budget_scale=0,
        **asdict(order.terms),
    )

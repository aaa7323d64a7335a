"""Changing and ending working orders: replace, cancel, mass cancel; a refused change leaves the order untouched."""

from dataclasses import replace as copy

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.core.twin import (
    admission,
    bands,
    codes,
    exposure,
    further,
    gate,
    icebergs,
    links,
    margin_checks,
    phases,
    positions,
    protections,
    resting,
    restrictions,
    switches,
)
from quantumcore.core.twin.answers import ALREADY_CANCELLED, tell_done, tell_replaced
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.client_ids import Fate, Submission
from quantumcore.core.twin.content import DISPLAY_GIVEN, PRICE_GIVEN, QUANTITY_GIVEN, STOP_GIVEN
from quantumcore.core.twin.guards import CANCEL, MASS
from quantumcore.core.twin.matching import enter
from quantumcore.core.twin.orders import Asked
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.stop_terms import price_to_enter_with
from quantumcore.core.twin.venue import Venue


def replace(venue: Venue, command: wire.ReplaceOrder, out: Outbox) -> None:
    """Change price, total or display of a working order; refused, it stands untouched."""
    venue.account(command.account)
    found = _resolve(venue, command)
    if isinstance(found, Submission):
        raise Refusal(Reason.ORDER_FINAL)
    order = found
    admission.admit_replacement(venue, order, command, out.time_ns)
    asked = _judge_replace(venue, order, command)

    waits = _waits(order)
    keeps_priority = waits or (asked.price == order.limit and asked.quantity <= order.quantity)
    venue.touched.add(order.instrument)  # a smaller whole is met more easily, a moved stop may be met
    order.lower(order.quantity - asked.quantity)
    order.terms = asked.further
    if not keeps_priority:
        venue.leave(order)
    if waits or not keeps_priority:
        order.price = asked.price
        order.cap = asked.price if order.cap else 0
    venue.rehold(order)
    tell_replaced(venue, order, codes.ASKED_FOR, out, priority_kept=keeps_priority)
    not_yet_active = waits and (order.order_type in codes.TRIGGERED or links.waits_for_parent(order))
    if not_yet_active or command.fields & DISPLAY_GIVEN:
        further.tell(order, out, waits=order.place is Place.WAITING)
    if waits:
        phases.join_cross(venue, order)
    elif not keeps_priority:
        enter(venue, order, out)


def _judge_replace(venue: Venue, order: Order, command: wire.ReplaceOrder) -> Asked:
    """Return what the order would become; judged as a new order with the old one's hold given back."""
    account, book = venue.accounts[order.account], venue.books[order.instrument]
    instrument = venue.instruments[order.instrument]
    side, rates = order.side, order.rates

    # A field that is not given keeps its value and is not measured anew: bounds may have moved since.
    price_given, quantity_given = bool(command.fields & PRICE_GIVEN), bool(command.fields & QUANTITY_GIVEN)
    price, total = order.limit, order.quantity
    unpriced = order.order_type in codes.DERIVED  # a market-to-limit order has its limit by now
    if price_given and not unpriced:
        price = gate.ticks_of(instrument, command.price, command.price_scale)
    if quantity_given:
        total = gate.lots_of(instrument, command.quantity, command.quantity_scale)
        gate.check_quantity(instrument, total)
    if price_given and unpriced:
        gate.check_no_price(instrument, command.price, command.price_scale)
    elif price_given:
        gate.check_price(instrument, price)
    beyond = further.rejudge(venue, order, command, total)
    if command.fields & STOP_GIVEN and unpriced:
        price = price_to_enter_with(instrument, order.order_type, side, beyond)
    gate.check_filled(instrument, order.filled, total)
    exposure.check_order_lots(venue, order.account, order.instrument, total)
    if order.flags & codes.SLIDE:
        price = gate.slid(instrument, book, side, price)
    if price_given and not unpriced:
        bands.check_price(venue, order.instrument, side, price)
    leaves = total - order.filled
    pair = [one for one in (order, links.sibling(order)) if one is not None]
    positions.check_replacement(venue, instrument, order, leaves)
    switches.check_reduces(venue, order, leaves, command.session, besides=pair)
    restrictions.check(venue, order.account, order.instrument)
    if venue.bounds.accounting:
        own = restrictions.need_of(instrument, side, leaves)
        needed, held = links.shared(order, own, instrument)
        restrictions.check_short(venue, order, needed - held, price)
    gate.check_amounts(venue, order.instrument, side, rates, price, leaves, order.tally)
    changed = copy(order, price=price, cap=order.cap and price, leaves=leaves)
    wanted = exposure.Wanted(changed, replaced=order)
    exposure.check_order_notional(venue, wanted)
    if venue.bounds.accounting:
        exposure.check_working(venue, wanted)
        opening = margin_checks.opening(venue, wanted)
        if opening is not None:
            opening.check_exposure()
        needed, held = links.shared(order, changed.own_need(instrument), instrument)
        gate.check_funds(instrument, account, side, needed - held)
        gate.check_one_lot(instrument, side, rates, price)
        if opening is not None:
            opening.check_margin()
        exposure.check_credit(venue, wanted)
        if opening is not None:
            opening.check_greeks()
    protections.check(venue, order.account, order.instrument, venue.now_ns)
    if order.post_only:
        gate.check_post_only(instrument, book, side, price)
    # Where it will rest is judged when it becomes active.
    if not order.cap and order.place is not Place.WAITING and phases.may_rest(instrument.terms.status, order):
        _check_rest(venue, order, price, leaves)
    return Asked(price, total, beyond)


def _waits(order: Order) -> bool:
    """Tell whether it waits where a change leaves it: for a price, a phase or its parent, not for a peg's reference."""
    return order.place is Place.WAITING and (not order.cap or links.waits_for_parent(order))


def _check_rest(venue: Venue, order: Order, price: int, leaves: int) -> None:
    """QTY_OVERFLOW, CAPACITY: where the order would rest there may be no room for it."""
    instrument, levels = venue.instruments[order.instrument], resting.levels_of(venue.books[order.instrument], order)
    shown = icebergs.first_shown(order, leaves)
    if price != order.price:
        gate.check_level(instrument, levels, order.side, price, shown)
        gate.check_window(venue, levels, order.side, price)
    elif leaves > order.leaves:
        gate.check_level(instrument, levels, order.side, price, shown - order.shown)


def cancel(venue: Venue, command: wire.CancelOrder, out: Outbox) -> None:
    """End a working order; one that is already cancelled is a success without an event of its own."""
    venue.account(command.account)
    found = _resolve(venue, command)
    if isinstance(found, Submission):
        tell_done(command, out, outcome=ALREADY_CANCELLED, order_sequence=found.sequence, order_slot=found.slot)
        return
    admission.admit_cancel(venue, command.account, command.session, CANCEL, out.time_ns)
    venue.cancel(found, codes.REQUESTED, out)


def _resolve(venue: Venue, command: wire.ReplaceOrder | wire.CancelOrder) -> Order | Submission:
    """Return the named order of the account, or its submission if it was cancelled.

    Without accounting nothing but what works is known, and only by its sequence and slot.
    """
    working = venue.working[command.account]
    if not venue.bounds.accounting:
        order = working.get((command.order_sequence, command.order_slot))
        if order is None:
            raise Refusal(Reason.ORDER_NOT_FOUND)
        return order
    if command.order_sequence:
        found = venue.submissions.at(command.account, command.order_sequence, command.order_slot)
    else:
        found = venue.submissions.named(command.account, command.client_id)
    if found is None:
        raise Refusal(Reason.ORDER_NOT_FOUND)
    if found.fate is Fate.WORKING:
        return working[found.sequence, found.slot]
    if found.fate is Fate.FILLED:
        raise Refusal(Reason.ORDER_FILLED)
    if found.fate is Fate.REJECTED:
        raise Refusal(Reason.ORDER_FINAL)
    return found


def mass_cancel(venue: Venue, command: wire.MassCancel, out: Outbox) -> None:
    """End the account's working orders that fit, in the order of their acceptance; those that end with one count too."""
    venue.account(command.account)
    if command.instrument:
        venue.instrument(command.instrument)
    admission.admit_cancel(venue, command.account, 0, MASS, out.time_ns)
    fitting = [
        order
        for order in venue.working[command.account].values()
        if command.instrument in (0, order.instrument) and command.side in (0, order.side)
    ]
    tell_done(command, out, count=venue.cancel_all(fitting, codes.MASS_CANCELLED, out))

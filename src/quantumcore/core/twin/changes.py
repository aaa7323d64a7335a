"""Changing and ending working orders: replace, cancel, mass cancel; a refused change leaves the order untouched."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import gate, links, positions, triggers
from quantumcore.core.twin.answers import ALREADY_CANCELLED, tell_done, tell_replaced
from quantumcore.core.twin.book import BUY, Order, Place
from quantumcore.core.twin.client_ids import Fate, Submission
from quantumcore.core.twin.content import DISPLAY_GIVEN, PRICE_GIVEN, QUANTITY_GIVEN, STOP_GIVEN
from quantumcore.core.twin.fees import buy_hold
from quantumcore.core.twin.matching import (
    ASKED_FOR,
    MASS_CANCELLED,
    REQUESTED,
    enter,
)
from quantumcore.core.twin.measure import tell_terms
from quantumcore.core.twin.orders import PRICELESS, Terms
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.stop_terms import price_to_enter_with
from quantumcore.core.twin.venue import Venue


def replace(venue: Venue, command: wire.ReplaceOrder, out: Outbox) -> None:
    """Change price or total of a working order; refused, it stands untouched."""
    venue.account(command.account)
    found = _resolve(venue, command)
    if isinstance(found, Submission):
        raise Refusal(Reason.ORDER_FINAL)
    order = found
    terms = _judge_replace(venue, order, command)

    filled, waits = order.filled, order.place is Place.WAITING
    keeps_priority = waits or (terms.price == order.price and terms.quantity <= order.quantity)
    if not keeps_priority:
        venue.leave(order)
    order.price, order.quantity, order.leaves = terms.price, terms.quantity, terms.quantity - filled
    order.terms = terms.further
    venue.rehold(order)
    tell_replaced(venue, order, ASKED_FOR, out, priority_kept=keeps_priority)
    if waits:
        tell_terms(order, out, waits=True)
        venue.touched.add(order.instrument)  # its trigger may now be met
    elif not keeps_priority:
        enter(venue, order, out)


def _judge_replace(venue: Venue, order: Order, command: wire.ReplaceOrder) -> Terms:
    """Return what the order would become; judged as a new order with the old one's hold given back."""
    account, book = venue.accounts[order.account], venue.books[order.instrument]
    instrument = venue.instruments[order.instrument]
    side, rates = order.side, order.rates

    gate.check_switches(venue, account)
    gate.check_trading(instrument)
    # A field that is not given keeps its value and is not measured anew: bounds may have moved since.
    price_given, quantity_given = bool(command.fields & PRICE_GIVEN), bool(command.fields & QUANTITY_GIVEN)
    price, total, further = order.price, order.quantity, order.terms
    priceless = order.order_type in PRICELESS
    if price_given and not priceless:
        price = gate.ticks_of(instrument, command.price, command.price_scale)
    if quantity_given:
        total = gate.lots_of(instrument, command.quantity, command.quantity_scale)
        gate.check_quantity(instrument, total)
    if price_given and priceless:
        gate.check_no_price(instrument, command.price, command.price_scale)
    elif price_given:
        gate.check_price(instrument, price)
    if isinstance(command, wire.ReplaceAdvancedOrder):
        if command.fields & DISPLAY_GIVEN:
            raise Refusal(Reason.BAD_DISPLAY, Scope.INSTRUMENT)
        if command.fields & STOP_GIVEN:
            further = triggers.with_stop(venue, order, command.stop_price, command.stop_scale)
            if priceless:
                price = price_to_enter_with(instrument, order.order_type, side, further)
    gate.check_filled(instrument, order.filled, total)
    gate.check_max_quantity(instrument, total)
    leaves = total - order.filled
    positions.check_replacement(venue, instrument, order, leaves)
    if venue.bounds.accounting:
        gate.check_amounts(instrument, book, side, rates, price, leaves, order.tally)
    else:
        gate.check_product(instrument, price * leaves)
    gate.check_notional(instrument, price, leaves)
    if side == BUY:
        hold = buy_hold(instrument.unit, rates, order.tally, price, leaves)
    else:
        hold = leaves * instrument.asset_per_lot
    if venue.bounds.accounting:
        needed, held = links.shared(order, hold, instrument)
        gate.check_funds(instrument, account, side, needed - held)
        gate.check_one_lot(instrument, side, rates, price)
    if order.post_only:
        gate.check_post_only(instrument, book, side, price)
    if order.place is Place.WAITING:
        return Terms(price, total, hold, further)  # where it will rest is judged when it becomes active
    if price != order.price:
        gate.check_level(instrument, book, side, price, leaves)
        gate.check_window(venue, book, side, price)
    elif leaves > order.leaves:
        gate.check_level(instrument, book, side, price, leaves - order.leaves)
    return Terms(price, total, hold, further)


def cancel(venue: Venue, command: wire.CancelOrder, out: Outbox) -> None:
    """End a working order; one that is already cancelled is a success without an event of its own."""
    venue.account(command.account)
    found = _resolve(venue, command)
    if isinstance(found, Submission):
        tell_done(command, out, outcome=ALREADY_CANCELLED, order_sequence=found.sequence, order_slot=found.slot)
        return
    venue.cancel(found, REQUESTED, out)


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
    """End the account's working orders that fit, in the order of their acceptance."""
    venue.account(command.account)
    if command.instrument:
        venue.instrument(command.instrument)
    fitting = [
        order
        for order in venue.working[command.account].values()
        if command.instrument in (0, order.instrument) and command.side in (0, order.side)
    ]
    tell_done(command, out, count=venue.cancel_all(fitting, MASS_CANCELLED, out))

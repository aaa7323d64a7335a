"""Submit, replace, cancel, mass cancel: each judges first, changing nothing, and then applies what cannot fail."""

from dataclasses import dataclass

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import NO_SLOT
from quantumcore.core.twin import gate
from quantumcore.core.twin.book import BUY, Order
from quantumcore.core.twin.client_ids import Fate, Submission, body_of
from quantumcore.core.twin.content import POST_ONLY_FLAG, PRICE_GIVEN, QUANTITY_GIVEN
from quantumcore.core.twin.fees import buy_hold
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.matching import (
    ASKED_FOR,
    CANCEL_NEWEST,
    MASS_CANCELLED,
    REQUESTED,
    enter,
    tell_replaced,
)
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

DONE, REPEAT, ALREADY_CANCELLED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order is asked to be, in ticks and lots: quantity is the total, hold what it will hold when it enters."""

    price: int
    quantity: int
    hold: int


# ------------------------------------------------------------------------------------------------ submit


def submit(venue: Venue, command: wire.SubmitOrder, out: Outbox) -> None:
    """Accept an order and match it, or tell why not."""
    instrument = _known(venue, command, out)
    if instrument is None:
        return
    first = venue.submissions.named(command.account, command.client_id)
    if first is not None:
        _repeat(command, first, out)
        return
    try:
        terms = _judge(venue, instrument, command)
    except Refusal as refusal:
        if refusal.reason is not Reason.CAPACITY:
            _remember(venue, command, NO_SLOT, Fate.REJECTED, out)
        _tell_rejected(command, refusal, out)
        return
    _accept(venue, instrument, command, terms, out)


def _known(venue: Venue, command: wire.SubmitOrder, out: Outbox) -> Instrument | None:
    try:
        instrument = venue.instrument(command.instrument)
        venue.account(command.account)
    except Refusal as refusal:
        _tell_rejected(command, refusal, out)
        return None
    return instrument


def _repeat(command: wire.SubmitOrder, first: Submission, out: Outbox) -> None:
    """The same submission again is answered by its first answer; another under its name is refused."""
    if first.body != body_of(command):
        raise Refusal(Reason.DUPLICATE_ID, order_sequence=first.sequence, order_slot=first.slot)
    tell_done(command, out, outcome=REPEAT, order_sequence=first.sequence, order_slot=first.slot)


def _judge(venue: Venue, instrument: Instrument, command: wire.SubmitOrder) -> Terms:
    """Return what the order would be; raises the first refusal in the order of engine.md section 5."""
    account, book = venue.accounts[command.account], venue.books[command.instrument]
    is_market = command.order_type == gate.MARKET
    post_only = bool(command.flags & POST_ONLY_FLAG)
    side, rates = command.side, instrument.rates

    gate.check_switches(venue, account)
    gate.check_trading(instrument)
    price = 0 if is_market else gate.ticks_of(instrument, command.price, command.price_scale)
    lots = gate.lots_of(instrument, command.quantity, command.quantity_scale)
    gate.check_quantity(instrument, lots)
    if is_market:
        gate.check_no_price(instrument, command.price, command.price_scale)
    else:
        gate.check_price(instrument, price)
    gate.check_kind(command.order_type, command.time_in_force, post_only)
    gate.check_max_quantity(instrument, lots)
    if is_market:
        price = gate.collar_of(instrument, book, side)
    gate.check_amounts(instrument, side, rates, price, lots)
    gate.check_notional(instrument, price, lots)
    gate.check_open_orders(venue, command.account)
    order = _order(command, instrument, price, lots, slot=NO_SLOT, sequence=0)
    hold = order.needed_hold(instrument)
    gate.check_funds(instrument, account, side, hold)
    gate.check_one_lot(instrument, side, rates, price)
    if post_only:
        gate.check_post_only(instrument, book, side, price)
    if order.rests:
        gate.check_level(instrument, book, side, price, lots)
    if venue.slots.left == 0:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    return Terms(price, lots, hold)


def _accept(venue: Venue, instrument: Instrument, command: wire.SubmitOrder, terms: Terms, out: Outbox) -> None:
    order = _order(command, instrument, terms.price, terms.quantity, slot=venue.slots.take(), sequence=out.sequence)
    venue.working[order.account][order.sequence] = order
    _remember(venue, command, order.slot, Fate.WORKING, out)
    venue.rehold(order)
    out.tell(
        wire.OrderAccepted,
        instrument=command.instrument,
        account=command.account,
        price=order.price,
        quantity=order.quantity,
        hold=order.hold,
        order_slot=order.slot,
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        self_trade_prevention=command.self_trade_prevention,
        flags2=command.flags,
        hold_currency=venue.hold_currency(order),
        client_id=command.client_id,
        session=command.session,
    )
    enter(venue, order, out)


def _order(
    command: wire.SubmitOrder, instrument: Instrument, price: int, lots: int, *, slot: int, sequence: int
) -> Order:
    return Order(
        sequence=sequence,
        slot=slot,
        account=command.account,
        instrument=command.instrument,
        client_id=command.client_id,
        side=command.side,
        price=price,
        quantity=lots,
        leaves=lots,
        rests=command.order_type == gate.LIMIT and command.time_in_force == gate.GTC,
        fill_or_kill=command.time_in_force == gate.FOK,
        post_only=bool(command.flags & POST_ONLY_FLAG),
        mode=command.self_trade_prevention or CANCEL_NEWEST,
        rates=instrument.rates,
    )


def _remember(venue: Venue, command: wire.SubmitOrder, slot: int, fate: Fate, out: Outbox) -> None:
    submission = Submission(command.account, command.client_id, body_of(command), out.sequence, slot, fate)
    venue.submissions.remember(submission, out.time_ns)


def _tell_rejected(command: wire.SubmitOrder, refusal: Refusal, out: Outbox) -> None:
    out.tell(
        wire.OrderRejected,
        instrument=command.instrument,
        account=command.account,
        price=command.price,
        quantity=command.quantity,
        price_scale=command.price_scale,
        quantity_scale=command.quantity_scale,
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        self_trade_prevention=command.self_trade_prevention,
        flags2=command.flags,
        limit=refusal.limit,
        actual=refusal.actual,
        reason=refusal.reason,
        scope=refusal.scope,
        decimals=refusal.decimals,
        order_slot=NO_SLOT,
        client_id=command.client_id,
        session=command.session,
    )


# --------------------------------------------------------------------------------------- replace, cancel


def replace(venue: Venue, command: wire.ReplaceOrder, out: Outbox) -> None:
    """Change price or total of a working order; refused, it stands untouched."""
    venue.account(command.account)
    submission = _resolve(venue, command)
    if submission.fate is Fate.CANCELLED:
        raise Refusal(Reason.ORDER_FINAL)
    order = venue.working[command.account][submission.sequence]
    terms = _judge_replace(venue, order, command)

    book = venue.books[order.instrument]
    filled = order.filled
    keeps_priority = terms.price == order.price and terms.quantity <= order.quantity
    if not keeps_priority:
        book.remove(order)
    order.price, order.quantity, order.leaves = terms.price, terms.quantity, terms.quantity - filled
    venue.rehold(order)
    tell_replaced(venue, order, ASKED_FOR, out, priority_kept=keeps_priority)
    if not keeps_priority:
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
    price, total = order.price, order.quantity
    if price_given:
        price = gate.ticks_of(instrument, command.price, command.price_scale)
    if quantity_given:
        total = gate.lots_of(instrument, command.quantity, command.quantity_scale)
        gate.check_quantity(instrument, total)
    if price_given:
        gate.check_price(instrument, price)
    gate.check_filled(instrument, order.filled, total)
    gate.check_max_quantity(instrument, total)
    leaves = total - order.filled
    gate.check_amounts(instrument, side, rates, price, leaves, order.tally)
    gate.check_notional(instrument, price, leaves)
    if side == BUY:
        hold = buy_hold(instrument.unit, rates, order.tally, price, leaves)
    else:
        hold = leaves * instrument.asset_per_lot
    gate.check_funds(instrument, account, side, hold - order.hold)
    gate.check_one_lot(instrument, side, rates, price)
    if order.post_only:
        gate.check_post_only(instrument, book, side, price)
    if price != order.price:
        gate.check_level(instrument, book, side, price, leaves)
    elif leaves > order.leaves:
        gate.check_level(instrument, book, side, price, leaves - order.leaves)
    return Terms(price, total, hold)


def cancel(venue: Venue, command: wire.CancelOrder, out: Outbox) -> None:
    """End a working order; one that is already cancelled is a success without an event of its own."""
    venue.account(command.account)
    submission = _resolve(venue, command)
    if submission.fate is Fate.CANCELLED:
        tell_done(
            command,
            out,
            outcome=ALREADY_CANCELLED,
            order_sequence=submission.sequence,
            order_slot=submission.slot,
        )
        return
    venue.cancel(venue.working[command.account][submission.sequence], REQUESTED, out, resting=True)


def _resolve(venue: Venue, command: wire.ReplaceOrder | wire.CancelOrder) -> Submission:
    """Return the named submission of the account if it is working or cancelled."""
    if command.order_sequence:
        found = venue.submissions.at(command.account, command.order_sequence, command.order_slot)
    else:
        found = venue.submissions.named(command.account, command.client_id)
    if found is None:
        raise Refusal(Reason.ORDER_NOT_FOUND)
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
    for order in fitting:
        venue.cancel(order, MASS_CANCELLED, out, resting=True)
    tell_done(command, out, count=len(fitting))


def tell_done(
    command: wire.Command,
    out: Outbox,
    *,
    outcome: int = DONE,
    count: int = 0,
    order_sequence: int = 0,
    order_slot: int = 0,
) -> None:
    """Tell that `command` is done; a repeat names the sequence of the first answer."""
    out.tell(
        wire.CommandDone,
        instrument=command.instrument,
        account=command.account,
        command=command.KIND,
        outcome=outcome,
        count=count,
        order_sequence=order_sequence,
        order_slot=order_slot,
    )

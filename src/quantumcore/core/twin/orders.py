"""Submitting an order: judge first, changing nothing, then apply what cannot fail."""

from dataclasses import dataclass

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import NO_SLOT
from quantumcore.core.twin import gate
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.client_ids import Fate, Submission, body_of
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.matching import (
    CANCEL_NEWEST,
    enter,
)
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import POST_ONLY
from quantumcore.core.twin.venue import Venue


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order is asked to be, in ticks and lots: quantity is the total, hold what it will hold when it enters."""

    price: int
    quantity: int
    hold: int


def submit(venue: Venue, command: wire.SubmitOrder, out: Outbox) -> None:
    """Accept an order and match it, or tell why not."""
    instrument = _known(venue, command, out)
    if instrument is None:
        return
    accounting = venue.bounds.accounting
    first = venue.submissions.named(command.account, command.client_id) if accounting else None
    if first is not None:
        _repeat(command, first, out)
        return
    try:
        terms = _judge(venue, instrument, command)
    except Refusal as refusal:
        if accounting and refusal.reason is not Reason.CAPACITY and venue.remembers_more:
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
    post_only = bool(command.flags & POST_ONLY)
    side, rates = command.side, instrument.rates
    accounting = venue.bounds.accounting

    gate.check_switches(venue, account)
    gate.check_trading(instrument)
    price = 0 if is_market else gate.ticks_of(instrument, command.price, command.price_scale)
    lots = gate.lots_of(instrument, command.quantity, command.quantity_scale)
    gate.check_quantity(instrument, lots)
    if is_market:
        gate.check_no_price(instrument, command.price, command.price_scale)
    else:
        gate.check_price(instrument, price)
    gate.check_kind(command.order_type, command.time_in_force, command.flags)
    gate.check_terms(command)
    gate.check_max_quantity(instrument, lots)
    if is_market:
        price = gate.collar_of(instrument, book, side)
    if accounting:
        gate.check_amounts(instrument, book, side, rates, price, lots)
    else:
        gate.check_product(instrument, price * lots)
    gate.check_notional(instrument, price, lots)
    gate.check_open_orders(venue, command.account)
    order = _order(command, instrument, price, lots, slot=NO_SLOT, sequence=0)
    hold = order.needed_hold(instrument)
    if accounting:
        gate.check_funds(instrument, account, side, hold)
        gate.check_one_lot(instrument, side, rates, price)
    if post_only:
        gate.check_post_only(instrument, book, side, price)
    if order.rests:
        gate.check_level(instrument, book, side, price, lots)
        gate.check_window(venue, book, side, price)
    gate.check_capacity(venue)
    return Terms(price, lots, hold)


def _accept(venue: Venue, instrument: Instrument, command: wire.SubmitOrder, terms: Terms, out: Outbox) -> None:
    order = _order(command, instrument, terms.price, terms.quantity, slot=venue.slots.take(), sequence=out.sequence)
    venue.working[order.account][order.name] = order
    if venue.bounds.accounting:
        for currency in (instrument.terms.base, instrument.terms.quote):
            venue.accounts[order.account].touch(currency)
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
        post_only=bool(command.flags & POST_ONLY),
        mode=command.self_trade_prevention or CANCEL_NEWEST,
        rates=instrument.rates,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        flags=command.flags,
        session=command.session,
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

"""Submitting an order: judge first, changing nothing, then apply what cannot fail."""

from dataclasses import dataclass

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import NO_SLOT
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
    stop_terms,
    switches,
    triggers,
)
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.book import SELL, Order, Place
from quantumcore.core.twin.client_ids import Fate, Submission, body_of
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.matching import enter
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.seats import ALONE, Seat, window_of
from quantumcore.core.twin.terms import Terms
from quantumcore.core.twin.venue import Venue


@dataclass(frozen=True, slots=True)
class Asked:
    """What an order is asked to be.

    Attributes:
        price: Ticks: the limit that it enters with.
        quantity: Lots in all.
        further: What it is beyond a plain order.
    """

    price: int
    quantity: int
    further: Terms


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
        admission.admit(venue, command, out.time_ns)
        asked = judge(venue, instrument, command, out.time_ns)
    except Refusal as refusal:
        if accounting and refusal.reason is not Reason.CAPACITY and venue.submissions_left > 0:
            remember(venue, command, NO_SLOT, Fate.REJECTED, out)
        tell_rejected(command, refusal, out)
        return
    order = order_of(command, instrument, asked, slot=venue.slots.take(), sequence=out.sequence)
    admit(venue, command, order, out)
    begin(venue, order, out)


def _known(venue: Venue, command: wire.SubmitOrder, out: Outbox) -> Instrument | None:
    try:
        instrument = venue.instrument(command.instrument)
        venue.account(command.account)
    except Refusal as refusal:
        tell_rejected(command, refusal, out)
        return None
    return instrument


def _repeat(command: wire.SubmitOrder, first: Submission, out: Outbox) -> None:
    """The same submission again is answered by its first answer; another under its name is refused."""
    if first.body != body_of(command):
        raise Refusal(Reason.DUPLICATE_ID, order_sequence=first.sequence, order_slot=first.slot)
    tell_done(command, out, outcome=REPEAT, order_sequence=first.sequence, order_slot=first.slot)


def judge(venue: Venue, instrument: Instrument, command: wire.SubmitOrder, now_ns: int, seat: Seat = ALONE) -> Asked:
    """Return what the order that was admitted would be; raises the first refusal in the order of engine.md section 5."""
    account, book = venue.accounts[command.account], venue.books[command.instrument]
    unpriced = command.order_type in codes.UNPRICED
    side, rates = command.side, instrument.rates
    accounting = venue.bounds.accounting

    price = 0 if unpriced else gate.ticks_of(instrument, command.price, command.price_scale)
    lots = gate.lots_of(instrument, command.quantity, command.quantity_scale)
    gate.check_quantity(instrument, lots)
    if unpriced:
        gate.check_no_price(instrument, command.price, command.price_scale)
    else:
        gate.check_price(instrument, price)
    gate.check_kind(command)
    beyond = further.judge(instrument, command, lots, now_ns, accounting=accounting)
    exposure.check_order_lots(venue, command.account, command.instrument, lots)
    lots = positions.trimmed(venue, instrument, command, lots, seat.reducing(command.instrument, side))
    switches.check_reduces(venue, command, lots, command.session, before=seat.closing(command.instrument, side))
    if unpriced:
        price = _price_of_its_own(venue, instrument, command, beyond)
    elif command.flags & codes.SLIDE:
        price = gate.slid(instrument, book, side, price)
    if not unpriced:
        bands.check_price(venue, command.instrument, side, price)
    restrictions.check(venue, command.account, command.instrument)
    if accounting and not seat.waits:
        need, before = restrictions.need_of(instrument, side, lots), seat.held(venue.instruments, instrument.terms.base)
        restrictions.check_short(venue, command, need, price, before)
    gate.check_amounts(venue, command.instrument, side, rates, price, lots)
    asked = Asked(price, lots, beyond)
    order = order_of(command, instrument, asked, slot=NO_SLOT, sequence=0)
    wanted = exposure.Wanted(order, seat=seat)
    exposure.check_order_notional(venue, wanted)
    exposure.check_open_orders(venue, command.account, len(seat.earlier))
    if accounting:
        exposure.check_working(venue, wanted)
        opening = margin_checks.opening(venue, wanted)
        if opening is not None:
            opening.check_exposure()
        if side == SELL:
            gate.check_product(instrument, max(seat.crossed(order, shown_only=False), default=0) * lots)
        if not seat.waits:
            before = seat.held(venue.instruments, venue.hold_currency(order))
            gate.check_funds(instrument, account, side, order.own_need(instrument), before)
        gate.check_one_lot(instrument, side, rates, price)
        if opening is not None:
            opening.check_margin()
        exposure.check_credit(venue, wanted)
        if opening is not None:
            opening.check_greeks()
    protections.check(venue, command.account, command.instrument, now_ns)
    if order.post_only:
        gate.check_post_only(instrument, book, side, price, seat.crossed(order, shown_only=True))
    if enters_book(venue, order) and not seat.waits:
        levels = resting.levels_of(book, order)
        gate.check_level(instrument, levels, side, price, icebergs.first_shown(order, lots) + seat.joining(order))
        if window_of(order) not in seat.opened:
            gate.check_window(venue, levels, side, price, seat.opened_beside(order), len(seat.opened))
    gate.check_capacity(venue, len(seat.earlier), seat.other_instruments(command.instrument))
    return asked


def _price_of_its_own(venue: Venue, instrument: Instrument, command: wire.SubmitOrder, beyond: Terms) -> int:
    """Return the limit in ticks of a type that is given none; STALE_REF when nothing says what it is."""
    book = venue.books[command.instrument]
    if command.order_type == codes.MARKET_TO_LIMIT:
        return gate.best_to_take(book, command.side)
    if command.order_type == codes.MARKET:
        return gate.collar_of(venue, command.instrument, command.side)
    if command.order_type in codes.TRAILING:
        watched = triggers.watched(book, command.side, beyond.trigger)
        stop_terms.first_stop(instrument, command, beyond, watched)
    return stop_terms.price_to_enter_with(instrument, command.order_type, command.side, beyond)


def admit(venue: Venue, command: wire.SubmitOrder, order: Order, out: Outbox) -> None:
    """Let `order`, as `command` asked for it, work from now on: it holds what it needs, and that is told."""
    instrument = venue.instruments[order.instrument]
    venue.working[order.account][order.name] = order
    if venue.bounds.accounting:
        venue.positions.setdefault((order.account, order.instrument), 0)
        for currency in (instrument.terms.base, instrument.terms.quote):
            venue.accounts[order.account].touch(currency)
        remember(venue, command, order.slot, Fate.WORKING, out)
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
    if not further.is_plain(command) or links.waits_for_parent(order):
        waiting = order.place is Place.WAITING or phases.waits(instrument.terms.status, order)
        further.tell(order, out, waits=waiting or bool(order.cap) or waits_for_price(order))


def begin(venue: Venue, order: Order, out: Outbox) -> None:
    """Let an accepted order take and rest, or wait for what it waits for."""
    if waits_for_price(order):
        triggers.wait(venue, order)
    else:
        enter(venue, order, out)


def waits_for_price(order: Order) -> bool:
    """Tell whether an accepted order waits for a price of its own before it takes and rests."""
    return order.order_type in codes.TRIGGERED


def enters_book(venue: Venue, order: Order) -> bool:
    """Tell whether what is left of an order that becomes active now may stand in the book at once."""
    return phases.may_rest(venue.status(order.instrument), order) and not order.cap and not waits_for_price(order)


def order_of(command: wire.SubmitOrder, instrument: Instrument, asked: Asked, *, slot: int, sequence: int) -> Order:
    """Return the order that `command` asks for, at the price and of the lots that it was judged with."""
    return Order(
        sequence=sequence,
        slot=slot,
        account=command.account,
        instrument=command.instrument,
        side=command.side,
        price=asked.price,
        quantity=asked.quantity,
        leaves=asked.quantity,
        mode=command.self_trade_prevention or codes.CANCEL_NEWEST,
        rates=instrument.rates,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        flags=command.flags,
        session=command.session,
        terms=asked.further,
        cap=asked.price if command.order_type == codes.PEGGED else 0,
    )


def remember(venue: Venue, command: wire.SubmitOrder, slot: int, fate: Fate, out: Outbox) -> None:
    """Remember a submission under its client id, as the youngest."""
    submission = Submission(command.account, command.client_id, body_of(command), out.sequence, slot, fate)
    venue.submissions.remember(submission, out.time_ns)


def tell_rejected(command: wire.SubmitOrder, refusal: Refusal, out: Outbox) -> None:
    """Tell why a submission is no order."""
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

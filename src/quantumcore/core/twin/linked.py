"""Submitting two or three orders as one act: all of them are accepted, or none is."""

from dataclasses import replace

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import NO_SLOT
from quantumcore.core.twin import codes, content, dark, gate, icebergs, orders, resting
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.book import Place, opposite
from quantumcore.core.twin.client_ids import Fate, body_of
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.links import BRACKET, OCO, OTO, Link
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

COUNTS = {OCO: 2, OTO: 2, BRACKET: 3}
NOT_WHILE_WAITING = (
    codes.POST_ONLY | codes.SLIDE | codes.REDUCE_ONLY
)  # what could not be promised for the time when the parent is done

Members = list[wire.SubmitAdvancedOrder]


def submit(venue: Venue, command: wire.SubmitLinkedOrders, out: Outbox) -> None:
    """Accept all members and let those that wait for nothing take and rest in turn, or tell why none is accepted."""
    members = content.members_of(command)
    _check_link(command, members)
    judged: list[orders.Asked] = []
    try:
        instrument = venue.instrument(command.instrument)
        venue.account(command.account)
    except Refusal as refusal:
        _refuse(venue, members, 0, refusal, out)
        return
    if venue.bounds.accounting and _answered_before(venue, command, members, out):
        return
    try:
        seat = orders.ALONE
        for member in members:
            seat = replace(seat, waits=command.link != OCO and seat.before > 0)
            judged.append(orders.judge(venue, instrument, member, out.time_ns, seat))
            seat = _next_seat(venue, member, judged[-1], seat)
    except Refusal as refusal:
        _refuse(venue, members, len(judged), refusal, out)
        return
    _accept(venue, instrument, command, members, judged, out)


def _check_link(command: wire.SubmitLinkedOrders, members: Members) -> None:
    """BAD_LINK: these orders cannot be tied together like that."""
    first, *others = members
    waiting = others if command.link != OCO else []
    one_place = all((m.instrument, m.account) == (command.instrument, command.account) for m in members)
    fits = (
        len(members) == COUNTS[command.link]
        and one_place
        and len({m.client_id for m in members}) == len(members)
        and not any(m.flags & NOT_WHILE_WAITING or m.order_type in codes.TRAILING for m in waiting)
    )
    if fits and command.link == BRACKET:
        profit, loss = others
        fits = profit.order_type == codes.LIMIT and loss.order_type in codes.STOPS
        fits = fits and profit.side == loss.side == opposite(first.side)
    if not fits:
        raise Refusal(Reason.BAD_LINK)


def _answered_before(venue: Venue, command: wire.SubmitLinkedOrders, members: Members, out: Outbox) -> bool:
    """Answer a repeat of the whole; raises DUPLICATE_ID when any of its ids was used for something else."""
    known = [venue.submissions.named(m.account, m.client_id) for m in members]
    first = next((submission for submission in known if submission is not None), None)
    if first is None:
        return False
    for member, submission in zip(members, known, strict=True):
        if submission is None or submission.sequence != first.sequence or submission.body != body_of(member):
            raise Refusal(Reason.DUPLICATE_ID, order_sequence=first.sequence, order_slot=first.slot)
    tell_done(command, out, outcome=REPEAT, order_sequence=first.sequence, order_slot=first.slot)
    return True


def _next_seat(venue: Venue, member: wire.SubmitOrder, asked: orders.Asked, seat: orders.Seat) -> orders.Seat:
    """Return what the member after `member` finds taken."""
    order = orders.order_of(member, venue.instruments[member.instrument], asked, slot=NO_SLOT, sequence=0)
    place = (dark.is_dark(order), order.side, order.price)
    levels = resting.levels_of(venue.books[order.instrument], order)
    rests = orders.enters_book(venue, order) and not seat.waits
    opens = rests and gate.needs_window(levels, order.side, order.price)
    shown = icebergs.first_shown(order, order.leaves) if rests else 0
    return replace(
        seat,
        before=seat.before + 1,
        joining=seat.joining | {place: seat.joining.get(place, 0) + shown},
        windows=seat.windows + opens,
    )


def _refuse(venue: Venue, members: Members, refused: int, refusal: Refusal, out: Outbox) -> None:
    """Reject all: one has its reason, the others only that they were tied to it."""
    known = refusal.reason not in (Reason.UNKNOWN_SYMBOL, Reason.UNKNOWN_ACCOUNT, Reason.CAPACITY)
    remembered = known and venue.bounds.accounting and venue.submissions_left >= len(members)
    for at, member in enumerate(members):
        if remembered:
            orders.remember(venue, member, NO_SLOT, Fate.REJECTED, out)
        orders.tell_rejected(member, refusal if at == refused else Refusal(Reason.LINKED), out)


def _accept(
    venue: Venue,
    instrument: Instrument,
    command: wire.SubmitLinkedOrders,
    members: Members,
    judged: list[orders.Asked],
    out: Outbox,
) -> None:
    slots = sorted(venue.slots.take() for _ in members)  # so that names ascend as the members do
    made = [
        orders.order_of(member, instrument, asked, slot=slot, sequence=out.sequence)
        for member, asked, slot in zip(members, judged, slots, strict=True)
    ]
    if command.link == OCO:
        link = Link(OCO, list(made))
    else:
        link = Link(command.link, made[1:], parent=made[0], waits=True)
    for order in made:
        order.link = link
        if link.waits and order is not link.parent:
            order.place = Place.WAITING
    for member, order in zip(members, made, strict=True):
        orders.admit(venue, member, order, out)
    tied = [*slots, NO_SLOT][:3]
    out.tell(
        wire.OrdersLinked,
        instrument=command.instrument,
        account=command.account,
        link=command.link,
        count=command.count,
        first=tied[0],
        second=tied[1],
        third=tied[2],
    )
    for order in made:
        if order.place is Place.NOWHERE and venue.works(order):
            orders.begin(venue, order, out)

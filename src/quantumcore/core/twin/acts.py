"""Several orders as one act: all of them are accepted, or none is."""

from collections.abc import Callable
from dataclasses import replace

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import NO_SLOT
from quantumcore.core.twin import admission, closing, codes, dark, gate, orders, phases, resting, triggers
from quantumcore.core.twin.answers import REPEAT, tell_done, tell_replaced
from quantumcore.core.twin.book import Order, Place
from quantumcore.core.twin.client_ids import Fate, body_of
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.seats import Seat
from quantumcore.core.twin.venue import Venue

Members = list[wire.SubmitAdvancedOrder]

_MOVES = (wire.OrderRefilled, wire.OrderEntered, wire.OrderReplaced, wire.InstrumentStatusChanged)


def submit(
    venue: Venue,
    command: wire.Command,
    members: Members,
    out: Outbox,
    *,
    seat: Seat,
    waits: Callable[[int], bool] = lambda _: False,
    tie: Callable[[list[Order]], None] = lambda _: None,
    tell_tie: Callable[[list[Order]], None] = lambda _: None,
) -> None:
    """Accept all members and let those that wait for nothing take and rest in turn, or tell why none is accepted.

    `seat` is the first one, `waits` tells whether the member of that place waits for another; `tie` and `tell_tie` say
    what the orders are to each other, before and after they are accepted.
    """
    refused = _unknown(venue, members)
    if refused is not None:
        _refuse(venue, members, *refused, out)
        return
    if venue.bounds.accounting and _answered_before(venue, command, members, out):
        return
    judged: list[orders.Asked] = []
    try:
        for member in members:
            seat = replace(seat, waits=waits(len(judged)))
            admission.admit(venue, member, out.time_ns)
            judged.append(orders.judge(venue, venue.instruments[member.instrument], member, out.time_ns, seat))
            seat = _next_seat(venue, member, judged[-1], seat)
    except Refusal as refusal:
        _refuse(venue, members, len(judged), refusal, out)
        return
    slots = sorted(venue.slots.take() for _ in members)  # so that names ascend as the members do
    made = [
        orders.order_of(member, venue.instruments[member.instrument], asked, slot=slot, sequence=out.sequence)
        for member, asked, slot in zip(members, judged, slots, strict=True)
    ]
    tie(made)
    for member, order in zip(members, made, strict=True):
        orders.admit(venue, member, order, out)
    tell_tie(made)
    accepted_in = {order.instrument: venue.status(order.instrument) for order in made}
    accepted = out.count
    for order in made:
        if order.place is Place.NOWHERE and venue.works(order):
            moved = out.told_since(accepted, *_MOVES)
            _take_turn(venue, order, accepted_in[order.instrument], moved=moved, out=out)
            closing.run(venue, order.instrument, out)


def _take_turn(venue: Venue, order: Order, accepted_in: int, *, moved: bool, out: Outbox) -> None:
    """Let `order` begin; if it was told to wait for a call and one before it has set that off, it enters like all that wait.

    `moved`: others may have come to their levels since it was accepted, so it tells that it comes to its own only now, and
    ends if it could not be accepted any more.
    """
    if phases.waits(accepted_in, order) and not phases.waits(venue.status(order.instrument), order):
        venue.touched.add(order.instrument)
        phases.enter_book(venue, order, out)
        return
    comes_late = moved and orders.enters_book(venue, order)
    if comes_late and not triggers.within_bounds(venue, order, rests=True):
        venue.cancel(order, codes.OUT_OF_BOUNDS, out)
        return
    if comes_late and not dark.is_dark(order):
        tell_replaced(venue, order, codes.HAS_ITS_TURN, out, priority_kept=False)
    orders.begin(venue, order, out)


def _unknown(venue: Venue, members: Members) -> tuple[int, Refusal] | None:
    """Return which member is of an unknown instrument, else the first if the account is unknown, and why it is refused."""
    unknown = (at for at, member in enumerate(members) if member.instrument not in venue.instruments)
    at = next(unknown, 0)
    try:
        venue.instrument(members[at].instrument)
        venue.account(members[at].account)
    except Refusal as refusal:
        return at, refusal
    return None


def _answered_before(venue: Venue, command: wire.Command, members: Members, out: Outbox) -> bool:
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


def _next_seat(venue: Venue, member: wire.SubmitOrder, asked: orders.Asked, seat: Seat) -> Seat:
    """Return what the member after `member` finds taken."""
    order = orders.order_of(member, venue.instruments[member.instrument], asked, slot=NO_SLOT, sequence=0)
    stands = orders.enters_book(venue, order) and not seat.waits
    levels = resting.levels_of(venue.books[order.instrument], order)
    return seat.after(order, stands=stands, opens=stands and gate.needs_window(levels, order.side, order.price))


def _refuse(venue: Venue, members: Members, refused: int, refusal: Refusal, out: Outbox) -> None:
    """Reject all: one has its reason, the others only that they were tied to it."""
    known = refusal.reason not in (Reason.UNKNOWN_SYMBOL, Reason.UNKNOWN_ACCOUNT, Reason.CAPACITY)
    remembered = known and venue.bounds.accounting and venue.submissions_left >= len(members)
    for at, member in enumerate(members):
        if remembered:
            orders.remember(venue, member, NO_SLOT, Fate.REJECTED, out)
        orders.tell_rejected(member, refusal if at == refused else Refusal(Reason.LINKED), out)

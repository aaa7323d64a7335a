"""Submitting two or three orders that are tied to each other."""

from functools import partial

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import NO_SLOT
from quantumcore.core.twin import acts, codes, content
from quantumcore.core.twin.book import Order, Place, opposite
from quantumcore.core.twin.links import BRACKET, OCO, OTO, Link
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.seats import Seat
from quantumcore.core.twin.venue import Venue

COUNTS = {OCO: 2, OTO: 2, BRACKET: 3}
NOT_WHILE_WAITING = (
    codes.POST_ONLY | codes.SLIDE | codes.REDUCE_ONLY
)  # what could not be promised for the time when the parent is done


def submit(venue: Venue, command: wire.SubmitLinkedOrders, out: Outbox) -> None:
    """Accept all members, tied to each other, or tell why none is accepted."""
    members = content.members_of(command)
    _check_link(command, members)
    acts.submit(
        venue,
        command,
        members,
        out,
        seat=Seat(link=command.link),
        waits=lambda place: command.link != OCO and place > 0,
        tie=partial(_tie, command.link),
        tell_tie=partial(_tell_tie, command, out),
    )


def _check_link(command: wire.SubmitLinkedOrders, members: acts.Members) -> None:
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


def _tie(kind: int, made: list[Order]) -> None:
    if kind == OCO:
        link = Link(OCO, list(made))
    else:
        link = Link(kind, made[1:], parent=made[0], waits=True)
    for order in made:
        order.link = link
        if link.waits and order is not link.parent:
            order.place = Place.WAITING


def _tell_tie(command: wire.SubmitLinkedOrders, out: Outbox, made: list[Order]) -> None:
    tied = [*(order.slot for order in made), NO_SLOT][:3]
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

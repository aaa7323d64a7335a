"""Kill switches of the venue, firms, accounts, sessions and instruments; and orders that only bring a position nearer to zero."""

from collections.abc import Collection, Iterator

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import codes, gate, links, positions, sessions
from quantumcore.core.twin.accounts import REDUCING
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.guards import ALL, MAX_FIRMS, OFF, REDUCE_ONLY
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def check(venue: Venue, account: int, instrument: int, session: int) -> None:
    """KILLED: by a switch that lets nothing pass."""
    for scope, mode in _modes(venue, account, instrument, session):
        if mode == ALL:
            raise Refusal(Reason.KILLED, scope)


def check_reduces(
    venue: Venue,
    order: Order | wire.SubmitOrder,
    lots: int,
    session: int,
    *,
    besides: Collection[Order] = (),
    before: int = 0,
) -> None:
    """KILLED, HALTED of what does not reduce, where only that may come.

    `besides` count as if they did not work; `before` lots are for others of its act.
    """
    modes = _modes(venue, order.account, order.instrument, session)
    asked = [(Reason.KILLED, scope) for scope, mode in modes if mode == REDUCE_ONLY]
    if venue.accounts[order.account].state == REDUCING:
        asked.append((Reason.HALTED, Scope.ACCOUNT))
    if not asked:
        return
    room = max(0, positions.closing_room(venue, order.account, order.instrument, order.side, besides) - before)
    if lots > room:
        reason, scope = asked[0]
        raise gate.of_quantity(venue.instruments[order.instrument], reason, scope, limit=room, actual=lots)


def _modes(venue: Venue, account: int, instrument: int, session: int) -> Iterator[tuple[Scope, int]]:
    """Yield the switch of each level above an order, the widest first."""
    guards, owner = venue.guards, venue.accounts[account]
    yield Scope.VENUE, venue.killed
    yield Scope.FIRM, guards.firms.get(owner.firm, OFF)
    yield Scope.ACCOUNT, owner.killed
    yield Scope.SESSION, guards.sessions[session].mode if session in guards.sessions else OFF
    yield Scope.INSTRUMENT, guards.instruments.get(instrument, OFF)


def set_kill(venue: Venue, command: wire.SetKill, out: Outbox) -> None:
    """Set the switch of a level, which ends what it does not let work."""
    guards, mode, subject = venue.guards, command.mode, command.subject
    match command.scope:
        case Scope.VENUE:
            venue.killed = mode
        case Scope.ACCOUNT:
            venue.account(command.account).killed = mode
        case Scope.INSTRUMENT:
            venue.instrument(command.instrument)
            guards.instruments[command.instrument] = mode
        case Scope.FIRM:
            if subject not in guards.firms and len(guards.firms) >= MAX_FIRMS:
                raise Refusal(Reason.CAPACITY, Scope.VENUE)
            guards.firms[subject] = mode
        case Scope.SESSION if mode or subject in guards.sessions:
            sessions.check_room(venue, subject, out.time_ns, Scope.VENUE)
            sessions.make(venue, subject, out.time_ns).mode = mode
    out.tell(
        wire.KillChanged,
        instrument=command.instrument,
        account=command.account,
        scope=command.scope,
        mode=mode,
        subject=subject,
        count=venue.cancel_all(_ending(venue, command), codes.KILL_SWITCH, out) if mode else 0,
    )


def set_kill_switch(venue: Venue, command: wire.SetKillSwitch, out: Outbox) -> None:
    """Set the switch of the venue or an account in the way of before there were levels."""
    if command.account:
        venue.account(command.account).killed = ALL if command.engaged else OFF
    else:
        venue.killed = ALL if command.engaged else OFF
    accounts = [command.account] if command.account else sorted(venue.accounts)
    working = [order for number in accounts for order in venue.working[number].values()]
    count = venue.cancel_all(working, codes.KILL_SWITCH, out) if command.engaged else 0
    out.tell(wire.KillSwitchChanged, account=command.account, engaged=command.engaged, count=count)


def _ending(venue: Venue, command: wire.SetKill) -> list[Order]:
    """Return the orders that a switch ends: account by account, each in order of acceptance."""
    ending: list[Order] = []
    for number in [command.account] if command.account else sorted(venue.accounts):
        working = list(venue.working[number].values())
        under = [order for order in working if _is_under(venue, order, command)]
        ending += under if command.mode == ALL else not_reducing(venue, working, {order.name for order in under})
    return ending


def _is_under(venue: Venue, order: Order, command: wire.SetKill) -> bool:
    match command.scope:
        case Scope.INSTRUMENT:
            return order.instrument == command.instrument
        case Scope.FIRM:
            return venue.accounts[order.account].firm == command.subject
        case Scope.SESSION:
            return order.session == command.subject
        case _:
            return True


def not_reducing(venue: Venue, working: list[Order], under: set[tuple[int, int]]) -> list[Order]:
    """Return those of an account's orders under a switch that do not fit into what closes their position, the oldest first."""
    left: dict[tuple[int, int], int] = {}
    kept: dict[tuple[int, int], int] = {}
    ending = []
    for order in working:
        place = order.instrument, order.side
        room = left.setdefault(place, positions.closing(venue, order.account, *place))
        other = links.sibling(order)
        shared = kept.get(other.name, 0) if other is not None and other.side == order.side else 0
        more = max(0, order.leaves - shared)
        if order.name in under and more > room:
            ending.append(order)
        else:
            kept[order.name] = max(order.leaves, shared)
            left[place] = room - min(more, room)
    return ending

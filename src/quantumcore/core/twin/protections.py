"""Market makers' protection, and what happens after a fill that was one too many (engine.md section 15).

A fill only counts and trips; what follows from it is done between the acts of a command, so that what one taker trades with is
never less than what it was promised.
"""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, patterns
from quantumcore.core.twin.book import BUY, Order
from quantumcore.core.twin.guards import EXECUTIONS, MAX_PROTECTIONS, MOST_FILLS, PROTECTION, CountedFill, Protection
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def check(venue: Venue, account: int, instrument: int, now_ns: int) -> None:
    """MMP: the account is frozen in the underlying of the instrument."""
    protection = venue.guards.protections.get((account, venue.guards.class_of(instrument).underlying))
    if protection is not None and now_ns < protection.until:
        raise Refusal(Reason.MMP, Scope.ACCOUNT, limit=protection.until, actual=now_ns, decimals=9)


def note_fill(venue: Venue, order: Order, lots: int, now_ns: int) -> None:
    """Count a fill of `order` for its account; it may trip what watches the account."""
    patterns.note_fill(venue, order.account, now_ns)
    key = order.account, venue.guards.class_of(order.instrument).underlying
    protection = venue.guards.protections.get(key)
    if protection is None or not protection.window_ns or now_ns < protection.until:
        return
    counted = protection.counted
    while counted and counted[0].time_ns <= now_ns - protection.window_ns:
        counted.popleft()
    counted.append(_fill(venue, order, lots, now_ns))
    sums = (
        (protection.quantity, sum(fill.lots for fill in counted)),
        (protection.delta, abs(sum(fill.delta for fill in counted))),
        (protection.vega, abs(sum(fill.vega for fill in counted))),
    )
    over = any(most and actual > most for most, actual in sums)
    if over or len(counted) > (protection.fills or MOST_FILLS):
        counted.clear()
        protection.until = min(now_ns + protection.frozen_ns, I64_MAX) if protection.frozen_ns else I64_MAX
        venue.guards.tripped.append((PROTECTION, *key))


def _fill(venue: Venue, order: Order, lots: int, now_ns: int) -> CountedFill:
    greeks = venue.margin.greeks.get(order.instrument)
    signed = lots if order.side == BUY else -lots
    delta, vega = (0, 0) if greeks is None else (signed * greeks.delta, signed * greeks.vega)
    return CountedFill(now_ns, lots, delta, vega)


def act(venue: Venue, out: Outbox) -> None:
    """Do what follows for those that tripped, in the order in which they did."""
    tripped = venue.guards.tripped
    while tripped:
        cause, account, underlying = tripped.pop(0)
        until, count = I64_MAX, 0
        if cause == PROTECTION:
            until = venue.guards.protections[account, underlying].until
            going = [
                order
                for order in venue.working[account].values()
                if venue.guards.class_of(order.instrument).underlying == underlying
            ]
            count = venue.cancel_all(going, codes.PROTECTED, out)
        _tell(out, cause, account, underlying, until=until, count=count)


def end(venue: Venue, out: Outbox) -> None:
    """Tell of the freezes whose time is over."""
    due = [(instant, *key) for instant, key in _untils(venue) if instant <= out.time_ns]
    for _, account, underlying in sorted(due):
        venue.guards.protections[account, underlying].until = 0
        _tell(out, PROTECTION, account, underlying)


def deadlines(venue: Venue) -> list[int]:
    """Return every instant at which a freeze ends by itself."""
    return [instant for instant, _ in _untils(venue)]


def _untils(venue: Venue) -> list[tuple[int, tuple[int, int]]]:
    rows = venue.guards.protections.items()
    return [(protection.until, key) for key, protection in rows if 0 < protection.until < I64_MAX]


def set_protection(venue: Venue, command: wire.SetProtection, out: Outbox) -> None:
    """Replace the protection of an account in an underlying; what was counted stays, and so does a freeze."""
    venue.account(command.account)
    key, known = (command.account, command.underlying), venue.guards.protections
    if key not in known and len(known) >= MAX_PROTECTIONS:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    protection = known.setdefault(key, Protection())
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    protection.fills, protection.quantity = command.fills, command.quantity
    protection.window_ns, protection.frozen_ns = command.window_ns, command.frozen_ns
    protection.delta, protection.vega = command.delta, command.vega
    if not command.window_ns:
        protection.counted.clear()
    out.tell(wire.ProtectionChanged, account=command.account, **body)


def resume(venue: Venue, command: wire.Resume, out: Outbox) -> None:
    """Lift a pause, whose count begins anew."""
    venue.account(command.account)
    guards = venue.guards
    if command.cause == EXECUTIONS and command.account in guards.patterns:
        paused = guards.patterns[command.account]
        paused.paused = False
        paused.fill_times.clear()
    elif command.cause == PROTECTION and (command.account, command.underlying) in guards.protections:
        protection = guards.protections[command.account, command.underlying]
        protection.until = 0
        protection.counted.clear()
    _tell(out, command.cause, command.account, command.underlying)


def _tell(out: Outbox, cause: int, account: int, underlying: int, *, until: int = 0, count: int = 0) -> None:
    out.tell(
        wire.PauseChanged,
        account=account,
        cause=cause,
        paused=int(until > 0),
        underlying=underlying,
        until_ns=until,
        count=count,
    )

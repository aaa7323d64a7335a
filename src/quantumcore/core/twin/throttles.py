"""How often a session and an account may come: a bucket of tokens for each class of command, exact in 10^-9 tokens."""

from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import sessions
from quantumcore.core.twin.guards import Bucket, Throttle
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.sessions import TOKEN, out_of
from quantumcore.core.twin.venue import Venue


def check(venue: Venue, account: int, session: int, of_class: int, now_ns: int) -> None:
    """THROTTLED: a bucket, the session's first, has no token left."""
    guards = venue.guards
    of_session = _of_session(venue, session, of_class)
    if of_session is not None:
        sessions.check_room(venue, session, now_ns, Scope.SESSION)
        kept = guards.sessions.get(session)
        known = kept is not None and of_class in kept.buckets
        _check(kept.buckets[of_class] if kept and known else Bucket(), of_session, Scope.SESSION, now_ns)
    of_account = _of_account(venue, account, of_class)
    if of_account is not None:
        _check(guards.buckets.get((account, of_class), Bucket()), of_account, Scope.ACCOUNT, now_ns)


def _check(bucket: Bucket, throttle: Throttle, scope: Scope, now_ns: int) -> None:
    out = out_of(bucket, throttle, now_ns) + TOKEN
    if out > throttle.burst * TOKEN:
        raise Refusal(Reason.THROTTLED, scope, limit=throttle.burst, actual=-(-out // TOKEN))


def count(venue: Venue, account: int, session: int, of_class: int, now_ns: int) -> None:
    """Take a token of each bucket."""
    of_session = _of_session(venue, session, of_class)
    if of_session is not None:
        _take(sessions.make(venue, session, now_ns).buckets[of_class], of_session, now_ns)
    of_account = _of_account(venue, account, of_class)
    if of_account is not None:
        _take(venue.guards.buckets[account, of_class], of_account, now_ns)


def _take(bucket: Bucket, throttle: Throttle, now_ns: int) -> None:
    bucket.out, bucket.at = out_of(bucket, throttle, now_ns) + TOKEN, now_ns


def _of_session(venue: Venue, session: int, of_class: int) -> Throttle | None:
    """Return the record that counts for a session; None: there is no bucket."""
    if session == 0:
        return None
    kept = venue.guards.sessions.get(session)
    own = kept.own.get(of_class) if kept is not None else None
    return own or venue.guards.throttles.get(of_class)


def _of_account(venue: Venue, account: int, of_class: int) -> Throttle | None:
    guards = venue.guards
    return guards.own_throttles.get((account, of_class)) or guards.throttles.get(of_class)


def set_throttle(venue: Venue, command: wire.SetThrottle, out: Outbox) -> None:
    """Set the record of a class at a scope, or with rate 0 take it away; what is out of a bucket stays."""
    guards, of_class = venue.guards, command.throttle_class
    throttle = Throttle(command.rate, command.burst) if command.rate else None
    match command.scope:
        case Scope.VENUE:
            _set(guards.throttles, of_class, throttle)
        case Scope.ACCOUNT:
            venue.account(command.account)
            _set(guards.own_throttles, (command.account, of_class), throttle)
        case _ if throttle is not None or command.session in guards.sessions:
            sessions.check_room(venue, command.session, out.time_ns, Scope.VENUE)
            _set(sessions.make(venue, command.session, out.time_ns).own, of_class, throttle)
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(wire.ThrottleChanged, account=command.account, **body)


def _set(records: dict[Any, Throttle], key: Any, throttle: Throttle | None) -> None:
    if throttle is None:
        records.pop(key, None)
    else:
        records[key] = throttle

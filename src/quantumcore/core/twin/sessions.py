"""The sessions that the engine keeps: those that have a switch, a record, or a token out."""

from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin.guards import MAX_SESSIONS, OFF, Bucket, Session, Throttle
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

TOKEN = 10**9  # in what is counted of a bucket


def out_of(bucket: Bucket, throttle: Throttle, now_ns: int) -> int:
    """Return what is out of a bucket now, in 10^-9 tokens."""
    return max(0, bucket.out - throttle.rate * (now_ns - bucket.at))


def check_room(venue: Venue, number: int, now_ns: int, scope: Scope) -> None:
    """CAPACITY: as many other sessions are kept as can be."""
    kept = venue.guards.sessions
    if number in kept or len(kept) < MAX_SESSIONS:
        return
    if not any(_is_idle(venue, session, now_ns) for session in kept.values()):
        raise Refusal(Reason.CAPACITY, scope)


def make(venue: Venue, number: int, now_ns: int) -> Session:
    """Return what is kept of a session; if there is no place for a new one, idle ones are forgotten."""
    kept = venue.guards.sessions
    if number not in kept and len(kept) >= MAX_SESSIONS:
        for idle in [other for other, session in kept.items() if _is_idle(venue, session, now_ns)]:
            del kept[idle]
    return kept.setdefault(number, Session())


def _is_idle(venue: Venue, session: Session, now_ns: int) -> bool:
    """Tell whether it is as if the session had never been seen."""
    if session.mode != OFF or session.own:
        return False
    used = ((bucket, venue.guards.throttles.get(of_class)) for of_class, bucket in session.buckets.items())
    return not any(throttle is not None and out_of(bucket, throttle, now_ns) for bucket, throttle in used)

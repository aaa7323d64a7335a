"""Sessions and refresh tokens in tables. Each function is part of one transaction of its caller's."""

from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from quantumcore.contracts.auth import SessionView
from quantumcore.services.auth.domain import SESSIONS_PER_USER_MAX
from quantumcore.services.auth.tables import REFRESH_TOKENS, SESSIONS, SIGNING_KEYS

KEPT_AFTER_END_NS = 86_400 * 1_000_000_000  # a spent token must still be known as spent while its session may live
PRUNE_BATCH = 500


class Spending(Enum):
    """What became of a refresh token that somebody presented."""

    SPENT = auto()
    UNKNOWN = auto()
    EXPIRED = auto()
    REVOKED = auto()
    REUSED = auto()


@dataclass(frozen=True, slots=True)
class Spent:
    """The outcome, and whose session it was (empty when unknown)."""

    outcome: Spending
    session_id: str = ""
    user_id: str = ""


def open_session(
    tx: Connection, *, session_id: str, user_id: str, peer: str, now_ns: int, expires_ns: int
) -> list[str]:
    """Add a session; return the ids of the oldest ones that were revoked to keep a user within his 100."""
    tx.execute(
        insert(SESSIONS).values(
            session_id=session_id, user_id=user_id, peer=peer, created_ns=now_ns, expires_ns=expires_ns
        )
    )
    live = select(SESSIONS.c.session_id).where(_is_live(user_id, now_ns)).order_by(SESSIONS.c.created_ns.desc())
    surplus = [each for each in tx.execute(live).scalars() if each != session_id][SESSIONS_PER_USER_MAX - 1 :]
    for each in surplus:
        revoke(tx, each, now_ns)
    return surplus


def add_refresh_token(tx: Connection, *, token_hash: str, session_id: str, expires_ns: int) -> None:
    """Add the newest refresh token of a session, which lives as long as it."""
    tx.execute(insert(REFRESH_TOKENS).values(hash=token_hash, session_id=session_id, expires_ns=expires_ns))
    tx.execute(update(SESSIONS).where(SESSIONS.c.session_id == session_id).values(expires_ns=expires_ns))


def spend(tx: Connection, token_hash: str, now_ns: int) -> Spent:
    """Spend a refresh token; of many that try at once exactly one gets SPENT, the others REUSED."""
    joined = REFRESH_TOKENS.join(SESSIONS, SESSIONS.c.session_id == REFRESH_TOKENS.c.session_id)
    columns = (REFRESH_TOKENS, SESSIONS.c.user_id, SESSIONS.c.revoked_ns)
    row = tx.execute(select(*columns).select_from(joined).where(REFRESH_TOKENS.c.hash == token_hash)).first()
    if row is None:
        return Spent(Spending.UNKNOWN)
    if row.revoked_ns is not None:
        return Spent(Spending.REVOKED, row.session_id, row.user_id)
    # The condition is in the update, not only in the question above: two may have asked before either has spent.
    unspent = and_(REFRESH_TOKENS.c.hash == token_hash, REFRESH_TOKENS.c.spent_ns.is_(None))
    if row.spent_ns is None and now_ns >= row.expires_ns:
        return Spent(Spending.EXPIRED, row.session_id, row.user_id)
    won = bool(tx.execute(update(REFRESH_TOKENS).where(unspent).values(spent_ns=now_ns)).rowcount)
    return Spent(Spending.SPENT if won else Spending.REUSED, row.session_id, row.user_id)


def revoke(tx: Connection, session_id: str, now_ns: int) -> str | None:
    """Revoke a live session and return its user; None when there is none or it was revoked."""
    where = and_(SESSIONS.c.session_id == session_id, SESSIONS.c.revoked_ns.is_(None))
    user_id: str | None = tx.execute(select(SESSIONS.c.user_id).where(where)).scalar()
    if user_id is not None:
        tx.execute(update(SESSIONS).where(where).values(revoked_ns=now_ns))
    return user_id


def revoke_all(tx: Connection, user_id: str, now_ns: int) -> list[str]:
    """Revoke all sessions of a user and return their ids."""
    where = and_(SESSIONS.c.user_id == user_id, SESSIONS.c.revoked_ns.is_(None))
    revoked = list(tx.execute(select(SESSIONS.c.session_id).where(where)).scalars())
    tx.execute(update(SESSIONS).where(where).values(revoked_ns=now_ns))
    return revoked


def user_of_live(tx: Connection, session_id: str) -> str | None:
    """Return whose session it is, or None when it is unknown or revoked."""
    where = and_(SESSIONS.c.session_id == session_id, SESSIONS.c.revoked_ns.is_(None))
    found: str | None = tx.execute(select(SESSIONS.c.user_id).where(where)).scalar()
    return found


def live_sessions(tx: Connection, user_id: str, now_ns: int) -> list[SessionView]:
    """Return a user's live sessions, newest first."""
    rows = tx.execute(select(SESSIONS).where(_is_live(user_id, now_ns)).order_by(SESSIONS.c.created_ns.desc()))
    return [SessionView(row.session_id, row.peer, row.created_ns, row.expires_ns) for row in rows]


def count_live(tx: Connection, now_ns: int) -> int:
    """Return how many sessions are live."""
    where = and_(SESSIONS.c.revoked_ns.is_(None), SESSIONS.c.expires_ns > now_ns)
    return int(tx.execute(select(func.count()).where(where)).scalar_one())


def prune(tx: Connection, now_ns: int) -> int:
    """Forget at most 500 sessions that ended over a day ago, and tokens as old; return how many sessions."""
    before = now_ns - KEPT_AFTER_END_NS
    tx.execute(delete(REFRESH_TOKENS).where(REFRESH_TOKENS.c.expires_ns < before))
    ended = or_(SESSIONS.c.expires_ns < before, SESSIONS.c.revoked_ns < before)
    ids = select(SESSIONS.c.session_id).where(ended).limit(PRUNE_BATCH)
    gone = list(tx.execute(ids).scalars())
    if gone:
        tx.execute(delete(REFRESH_TOKENS).where(REFRESH_TOKENS.c.session_id.in_(gone)))
        tx.execute(delete(SESSIONS).where(SESSIONS.c.session_id.in_(gone)))
    return len(gone)


def signing_since(tx: Connection, kid: str, now_ns: int) -> int:
    """Return since when tokens are signed under `kid`: now, when it is seen for the first time."""
    since = tx.execute(select(SIGNING_KEYS.c.since_ns).where(SIGNING_KEYS.c.kid == kid)).scalar()
    if since is not None:
        return int(since)
    tx.execute(insert(SIGNING_KEYS).values(kid=kid, since_ns=now_ns))
    return now_ns


def _is_live(user_id: str, now_ns: int) -> ColumnElement[bool]:
    return and_(SESSIONS.c.user_id == user_id, SESSIONS.c.revoked_ns.is_(None), SESSIONS.c.expires_ns > now_ns)

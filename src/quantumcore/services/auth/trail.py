"""One write of the auth room: what it changes, what it tells and what it leaves in the audit, in one transaction."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, insert, select

from quantumcore.contracts.auth import AccessChanged, AuditEntry, AuditPage
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.auth.domain import PEER_CHARACTERS_MAX, REQUEST_ID_CHARACTERS_MAX, peer_host
from quantumcore.services.auth.tables import AUDIT, OUTBOX
from quantumcore.services.auth.telemetry import SECURITY_EVENTS, SESSIONS

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Asked(Protocol):
    """What every command of this room carries for the trail."""

    @property
    def peer(self) -> str: ...
    @property
    def request_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked, from where, under which request; texts from outside are cut to 64 characters and hold no NUL."""

    peer: str = ""
    request_id: str = ""
    actor: str = ""

    @classmethod
    def of(cls, message: Asked) -> "Origin":
        """Return where `message` came from."""
        return cls(
            peer=_storable(peer_host(message.peer), PEER_CHARACTERS_MAX),
            request_id=_storable(message.request_id, REQUEST_ID_CHARACTERS_MAX),
            actor=_storable(getattr(message, "actor", ""), PEER_CHARACTERS_MAX),
        )


def _storable(text: str, characters_max: int) -> str:
    return text.replace("\0", "")[:characters_max]


@dataclass(slots=True)
class Unit:
    """One transaction in the making.

    Attributes:
        session_change: By how much the number of live sessions changes.
    """

    tx: Connection
    now_ns: int
    origin: Origin
    session_change: int = 0
    told: list[AccessChanged] = field(default_factory=list)
    noted: list[tuple[str, str]] = field(default_factory=list)

    def note(self, kind: str, user_id: str, detail: str = "") -> None:
        """Leave a security event in the audit; `detail` is ours, never a text from outside."""
        origin = self.origin
        self.tx.execute(
            insert(AUDIT).values(
                time_ns=self.now_ns,
                kind=kind,
                user_id=user_id,
                actor=origin.actor,
                peer=origin.peer,
                request_id=origin.request_id,
                detail=detail,
            )
        )
        self.noted.append((kind, user_id))

    def changed(self, user_id: str, revoked_sessions: list[str]) -> None:
        """Tell every room that this user's access changed; published after the commit, and after a crash too."""
        notice = AccessChanged(user_id=user_id, revoked_sessions=revoked_sessions)
        self.tx.execute(insert(OUTBOX).values(body=msgspec.json.encode(notice).decode()))
        self.told.append(notice)
        self.session_change -= len(revoked_sessions)


class Writer:
    """Runs units and, once they are committed, makes their effects felt: `forget` first, then counters, log, `wake`."""

    def __init__(
        self, database: Database, clock: Clock, *, forget: Callable[[AccessChanged], None], wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._forget = forget
        self._wake = wake

    async def write(self, origin: Origin, work: Callable[[Unit], T]) -> T:
        """Run `work` in one transaction; nothing of it is seen or told when it raises."""
        units: list[Unit] = []

        def run(tx: Connection) -> T:
            units.append(Unit(tx, self._clock.now(), origin))
            return work(units[-1])

        result = await self._database.write(run)
        self._after_commit(units[-1])
        return result

    def _after_commit(self, unit: Unit) -> None:
        for notice in unit.told:
            self._forget(notice)
        if unit.told:
            self._wake()
        SESSIONS.inc(unit.session_change)
        for kind, user_id in unit.noted:
            SECURITY_EVENTS.labels(kind).inc()
            _log.info(
                "security event %s of user %s",
                kind,
                user_id or "-",
                extra={"kind": kind, "user": user_id, "peer": unit.origin.peer, "request_id": unit.origin.request_id},
            )


def audit_page(tx: Connection, *, user_id: str, kind: str, limit: int, cursor: str) -> AuditPage:
    """Return security events, newest first; `cursor` is what the page before said."""
    query = select(AUDIT).order_by(AUDIT.c.entry.desc()).limit(limit + 1)
    if user_id:
        query = query.where(AUDIT.c.user_id == user_id)
    if kind:
        query = query.where(AUDIT.c.kind == kind)
    if cursor:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
            raise InvalidCommand(detail="no such cursor", field="cursor")
        query = query.where(AUDIT.c.entry < int(cursor))
    rows = tx.execute(query).all()
    items = [AuditEntry(*row) for row in rows[:limit]]
    return AuditPage(items, str(items[-1].entry) if len(rows) > limit else None)

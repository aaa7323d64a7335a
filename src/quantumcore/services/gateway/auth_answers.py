"""What the auth area answers: users, sessions, keys, the audit trail; no secret but a new key's, once."""

import msgspec

from quantumcore.services.gateway.answers import KeyAnswer


class UserAnswer(msgspec.Struct, frozen=True):
    """A user without any secret."""

    user_id: str
    email: str
    roles: list[str]
    account_ids: list[str]
    disabled: bool
    created_at: str


class MeAnswer(msgspec.Struct, frozen=True):
    """Who the caller is, by current grants."""

    user_id: str
    email: str
    roles: list[str]
    scopes: list[str]
    account_ids: list[str]


class KeysAnswer(msgspec.Struct, frozen=True):
    """The caller's keys."""

    items: list[KeyAnswer]
    next_cursor: str | None


class NewKeyAnswer(msgspec.Struct, frozen=True):
    """A new key; an HMAC secret is shown here and never again."""

    key: KeyAnswer
    secret: str | None


class UsersAnswer(msgspec.Struct, frozen=True):
    """A page of users."""

    items: list[UserAnswer]
    next_cursor: str | None


class SessionAnswer(msgspec.Struct, frozen=True):
    """A live session; expires_at is the end of its newest refresh token."""

    session_id: str
    peer: str
    created_at: str
    expires_at: str


class SessionsAnswer(msgspec.Struct, frozen=True):
    """Live sessions."""

    items: list[SessionAnswer]
    next_cursor: str | None


class AuditEntryAnswer(msgspec.Struct, frozen=True):
    """One security event."""

    entry: int
    time: str
    kind: str
    user_id: str
    actor: str
    peer: str
    request_id: str
    detail: str


class AuditAnswer(msgspec.Struct, frozen=True):
    """A page of security events."""

    items: list[AuditEntryAnswer]
    next_cursor: str | None

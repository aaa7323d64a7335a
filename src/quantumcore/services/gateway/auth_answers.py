"""What the auth area answers: users, sessions, keys, the audit trail; no secret but a new key's, once."""

import msgspec

from quantumcore.contracts.auth import ApiKeyView
from quantumcore.services.gateway.codec import rfc3339


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


class KeyAnswer(msgspec.Struct, frozen=True):
    """An API key without its secret."""

    key_id: str
    label: str
    algorithm: str
    scopes: list[str]
    account_ids: list[str]
    addresses: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked: bool


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


def key(one: ApiKeyView) -> KeyAnswer:
    """Return an API key without its secret."""
    return KeyAnswer(
        one.key_id,
        one.label,
        one.algorithm,
        one.scopes,
        one.account_ids,
        one.addresses,
        rfc3339(one.created_ns),
        None if one.expires_ns is None else rfc3339(one.expires_ns),
        None if one.last_used_ns is None else rfc3339(one.last_used_ns),
        one.revoked,
    )

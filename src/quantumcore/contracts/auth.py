"""Auth (8001): users, sessions, tokens, API keys, grants. Secrets never appear in a reply but once, at their making."""

from typing import ClassVar

import msgspec

from quantumcore.contracts.messages import Done, Notice, Request

ADDRESSES_MAX = 32
LABEL_MAX = 100
PAGE_MAX = 1_000

SCOPES = ("read", "trade", "transfer", "risk", "operate", "admin")
ROLES: dict[str, tuple[str, ...]] = {
    "viewer": ("read",),
    "trader": ("read", "trade", "transfer"),
    "risk_officer": ("read", "risk"),
    "operator": ("read", "operate"),
    "admin": SCOPES,
}


class Secretive:
    """A message with secrets shows `****` in their place, so that a message logged whole tells nothing."""

    __slots__ = ()

    SECRETS: ClassVar[frozenset[str]] = frozenset(
        {
            "password",
            "old_password",
            "new_password",
            "access_token",
            "refresh_token",
            "token",
            "secret",
            "signature",
            "body",
            "payload",
        }
    )

    def __repr__(self) -> str:
        """Return the message with its secrets hidden."""
        fields: tuple[str, ...] = getattr(type(self), "__struct_fields__", ())
        shown = ((name, "****" if name in self.SECRETS else repr(getattr(self, name))) for name in fields)
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in shown)})"


class NewUser(msgspec.Struct, frozen=True):
    """A user and the one account he starts with."""

    user_id: str
    account_id: str


class Register(Secretive, Request[NewUser], frozen=True, kw_only=True):
    """Make a user with role trader and one account; answered once the engine knows the account. Second e-mail: Conflict `user.exists`.

    Any other role is Forbidden here: CreateUser gives roles. OutcomeUnknown: the user is made and his account is being
    opened; the same message again answers the same.
    """

    email: str
    password: str
    roles: list[str] = msgspec.field(default_factory=lambda: ["trader"])
    peer: str = ""
    request_id: str = ""


class CreateUser(Secretive, Request[NewUser], frozen=True, kw_only=True):
    """Register with any roles. Only the operator's socket sends it, never the gateway: who may open it is the operator."""

    email: str
    password: str
    roles: list[str]
    peer: str = ""
    request_id: str = ""


class TokenPair(Secretive, msgspec.Struct, frozen=True):
    """access_token: JWT of 15 minutes; refresh_token: opaque, single use, 7 days."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class Login(Secretive, Request[TokenPair], frozen=True, kw_only=True):
    """Unknown e-mail and wrong password are one answer: Unauthenticated. Too many failures: RateLimited."""

    email: str
    password: str
    peer: str = ""
    request_id: str = ""


class Refresh(Secretive, Request[TokenPair], frozen=True, kw_only=True):
    """Spend a refresh token for a new pair; spending one twice revokes its session."""

    refresh_token: str
    peer: str = ""
    request_id: str = ""


class Logout(Request[Done], frozen=True, kw_only=True):
    """Revoke the session."""

    session_id: str
    peer: str = ""
    request_id: str = ""


class ChangePassword(Secretive, Request[Done], frozen=True, kw_only=True):
    """Revokes all sessions of the user."""

    user_id: str
    old_password: str
    new_password: str
    peer: str = ""
    request_id: str = ""


class SetRoles(Request[Done], frozen=True, kw_only=True):
    """By an admin; revokes the user's sessions.

    `actor` (here and below) is the caller's user id and must be an active admin's by current grants, else Forbidden; empty
    is the house itself (operator's socket).
    """

    user_id: str
    roles: list[str]
    actor: str = ""
    peer: str = ""
    request_id: str = ""


class GrantAccount(Request[Done], frozen=True, kw_only=True):
    """By an admin: let a user act on an account."""

    user_id: str
    account: int
    actor: str = ""
    peer: str = ""
    request_id: str = ""


class DisableUser(Request[Done], frozen=True, kw_only=True):
    """Ends his sessions and keys."""

    user_id: str
    actor: str = ""
    peer: str = ""
    request_id: str = ""


class NewAccount(Request[NewUser], frozen=True, kw_only=True):
    """One more account for a user."""

    user_id: str
    peer: str = ""
    request_id: str = ""


class UserView(msgspec.Struct, frozen=True):
    """A user without any secret."""

    user_id: str
    email: str
    roles: list[str]
    account_ids: list[str]
    disabled: bool
    created_ns: int


class GetUser(Request[UserView], frozen=True, kw_only=True):
    """By id or by e-mail."""

    user_id: str = ""
    email: str = ""


class UserPage(msgspec.Struct, frozen=True):
    """Oldest first; next_cursor is None on the last page."""

    items: list[UserView]
    next_cursor: str | None


class GetUsers(Request[UserPage], frozen=True, kw_only=True):
    """All users, for an admin; limit 1..1000."""

    limit: int = 100
    cursor: str = ""


class SessionView(msgspec.Struct, frozen=True):
    """A session without any secret; expires_ns is the end of its newest refresh token."""

    session_id: str
    peer: str
    created_ns: int
    expires_ns: int


class Sessions(msgspec.Struct, frozen=True):
    """Live sessions, newest first."""

    items: list[SessionView]


class GetSessions(Request[Sessions], frozen=True, kw_only=True):
    """A user's live sessions (at most 100 exist)."""

    user_id: str


class AuditEntry(msgspec.Struct, frozen=True):
    """One security event: who, from where, what; never a secret."""

    entry: int
    time_ns: int
    kind: str
    user_id: str
    actor: str
    peer: str
    request_id: str
    detail: str


class AuditPage(msgspec.Struct, frozen=True):
    """Newest first; next_cursor is None on the last page."""

    items: list[AuditEntry]
    next_cursor: str | None


class GetAudit(Request[AuditPage], frozen=True, kw_only=True):
    """Security events, of one user or kind if given; limit 1..1000."""

    user_id: str = ""
    kind: str = ""
    limit: int = 100
    cursor: str = ""


class ApiKeyView(msgspec.Struct, frozen=True):
    """A key without its secret. algorithm: ed25519 or hmac-sha256."""

    key_id: str
    label: str
    algorithm: str
    scopes: list[str]
    account_ids: list[str]
    addresses: list[str]
    created_ns: int
    expires_ns: int | None
    last_used_ns: int | None
    revoked: bool


class NewApiKey(Secretive, msgspec.Struct, frozen=True):
    """secret is shown here and never again (empty for ed25519: the caller keeps the private key)."""

    key: ApiKeyView
    secret: str


class CreateApiKey(Request[NewApiKey], frozen=True, kw_only=True):
    """public_key (base64, Ed25519) given: verify with it; else a 64-character HMAC secret is made.

    Scopes and accounts must be within the user's own.
    """

    user_id: str
    label: str = ""
    public_key: str = ""
    scopes: list[str] = []
    account_ids: list[str] = []
    addresses: list[str] = []
    expires_ns: int | None = None
    peer: str = ""
    request_id: str = ""


class ApiKeys(msgspec.Struct, frozen=True):
    """A user's keys."""

    items: list[ApiKeyView]


class GetApiKeys(Request[ApiKeys], frozen=True, kw_only=True):
    """A user's keys."""

    user_id: str


class Revoked(msgspec.Struct, frozen=True):
    """True the first time, then false."""

    revoked: bool


class RevokeApiKey(Request[Revoked], frozen=True, kw_only=True):
    """A user's own key; unknown: false."""

    user_id: str
    key_id: str
    peer: str = ""
    request_id: str = ""


class Identity(msgspec.Struct, frozen=True):
    """Who a request is, by current grants.

    Attributes:
        session_id: The session or key that proves it.
        expires_ns: When the proof ends by itself.
    """

    user_id: str
    session_id: str
    scopes: list[str]
    accounts: list[int]
    is_admin: bool
    expires_ns: int


class VerifyToken(Secretive, Request[Identity], frozen=True, kw_only=True):
    """Any failure is Unauthenticated `auth.unauthenticated`; which of the five kinds it was is logged and counted."""

    token: str
    peer: str = ""
    request_id: str = ""


class VerifySignature(Secretive, Request[Identity], frozen=True, kw_only=True):
    """A request signed by an API key over timestamp, receive window, method, path, query and body joined by newlines (base64).

    Every part is signed as it was sent; an empty receive window means 5000 ms. Refused alike: unknown, expired or revoked key, bad signature, outside its window, used twice, wrong address.
    """

    key_id: str
    timestamp: str
    recv_window: str
    signature: str
    method: str
    path: str
    query: str
    body: bytes
    peer: str = ""
    request_id: str = ""


class VerifyPayload(Secretive, Request[Identity], frozen=True, kw_only=True):
    """VerifySignature for other venues' dialects: `payload` is what was signed, `signature` in base64 or (HMAC only) hexadecimal."""

    key_id: str
    timestamp: str
    recv_window: str = ""
    signature: str
    payload: bytes
    peer: str = ""
    request_id: str = ""


class AccessChanged(Notice, frozen=True, kw_only=True):
    """Grants, roles, sessions or keys of a user changed: forget what you know of him. Revoked sessions are named."""

    user_id: str
    revoked_sessions: list[str]

"""Auth (8001): users, sessions, tokens, API keys, grants. Secrets never appear in a reply but once, at their making."""

import msgspec

from quantumcore.contracts.messages import Done, Notice, Request

SCOPES = ("read", "trade", "transfer", "risk", "operate", "admin")
ROLES: dict[str, tuple[str, ...]] = {
    "viewer": ("read",),
    "trader": ("read", "trade", "transfer"),
    "risk_officer": ("read", "risk"),
    "operator": ("read", "operate"),
    "admin": SCOPES,
}


class NewUser(msgspec.Struct, frozen=True):
    """A user and the one account he starts with."""

    user_id: str
    account_id: str


class Register(Request[NewUser], frozen=True, kw_only=True):
    """Make a user with role trader and one account; answered once the engine knows the account. Second e-mail: Conflict `user.exists`."""

    email: str
    password: str
    roles: list[str] = msgspec.field(default_factory=lambda: ["trader"])
    peer: str = ""


class TokenPair(msgspec.Struct, frozen=True):
    """access_token: JWT of 15 minutes; refresh_token: opaque, single use, 7 days."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class Login(Request[TokenPair], frozen=True, kw_only=True):
    """Unknown e-mail and wrong password are one answer: Unauthenticated. Too many failures: RateLimited."""

    email: str
    password: str
    peer: str = ""


class Refresh(Request[TokenPair], frozen=True, kw_only=True):
    """Spend a refresh token for a new pair; spending one twice revokes its session."""

    refresh_token: str
    peer: str = ""


class Logout(Request[Done], frozen=True, kw_only=True):
    """Revoke the session."""

    session_id: str


class ChangePassword(Request[Done], frozen=True, kw_only=True):
    """Revokes all sessions of the user."""

    user_id: str
    old_password: str
    new_password: str


class SetRoles(Request[Done], frozen=True, kw_only=True):
    """By an admin; revokes the user's sessions."""

    user_id: str
    roles: list[str]


class GrantAccount(Request[Done], frozen=True, kw_only=True):
    """By an admin: let a user act on an account."""

    user_id: str
    account: int


class DisableUser(Request[Done], frozen=True, kw_only=True):
    """Ends his sessions and keys."""

    user_id: str


class NewAccount(Request[NewUser], frozen=True, kw_only=True):
    """One more account for a user."""

    user_id: str


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


class NewApiKey(msgspec.Struct, frozen=True):
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


class VerifyToken(Request[Identity], frozen=True, kw_only=True):
    """Any failure is Unauthenticated `auth.unauthenticated`; which of the five kinds it was is logged and counted."""

    token: str
    peer: str = ""


class VerifySignature(Request[Identity], frozen=True, kw_only=True):
    """A request signed by an API key over timestamp, receive window, method, path, query and body joined by newlines (base64).

    Refused alike: unknown, expired or revoked key, bad signature, outside its window, used twice, wrong address.
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


class AccessChanged(Notice, frozen=True, kw_only=True):
    """Grants, roles, sessions or keys of a user changed: forget what you know of him. Revoked sessions are named."""

    user_id: str
    revoked_sessions: list[str]

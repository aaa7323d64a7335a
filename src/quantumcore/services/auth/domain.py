"""Users, their roles and what they may do. Pure: no clock, no I/O, no await.

A user is ACTIVE ──disabled──▶ DISABLED; nothing leads back. A session is LIVE ──revoked──▶ REVOKED, likewise.
"""

import ipaddress
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quantumcore.contracts.auth import ROLES, SCOPES
from quantumcore.contracts.errors import InvalidCommand

DEFAULT_ROLES = ("trader",)
ROLES_MAX = 100
EMAIL_CHARACTERS_MAX = 254
PASSWORD_BYTES_MIN = 12
PASSWORD_BYTES_MAX = 1_024
ACCOUNTS_PER_USER_MAX = 100
SESSIONS_PER_USER_MAX = 100
KEYS_PER_USER_MAX = 100
PEER_CHARACTERS_MAX = 64
REQUEST_ID_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a user may do now.

    Attributes:
        scopes: The union of his roles' scopes, in the order of contracts.auth.SCOPES; empty once he is disabled.
        accounts: Numbers of open accounts he was granted, rising.
    """

    user_id: str
    scopes: tuple[str, ...]
    accounts: tuple[int, ...]
    disabled: bool

    @property
    def is_admin(self) -> bool:
        """Whether he may do everything, on every account."""
        return "admin" in self.scopes

    @classmethod
    def of(cls, user_id: str, roles: Iterable[str], accounts: Iterable[int], *, disabled: bool) -> "Grants":
        """Return the grants that `roles` and `accounts` amount to."""
        scopes = () if disabled else scopes_of(roles)
        return cls(user_id=user_id, scopes=scopes, accounts=tuple(sorted(set(accounts))), disabled=disabled)


def scopes_of(roles: Iterable[str]) -> tuple[str, ...]:
    """Return the union of the scopes of `roles`; a role nobody defined gives none."""
    given = {scope for role in roles for scope in ROLES.get(role, ())}
    return tuple(scope for scope in SCOPES if scope in given)


def check_roles(roles: Sequence[str]) -> list[str]:
    """Return the roles without repetition, sorted; raise InvalidCommand for an unknown one or too many."""
    if len(roles) > ROLES_MAX:
        raise InvalidCommand(detail="too many roles", field="roles", limit=str(ROLES_MAX), actual=str(len(roles)))
    for role in roles:
        if role not in ROLES:
            raise InvalidCommand(detail=f"a role is one of {', '.join(ROLES)}", field="roles")
    return sorted(set(roles))


def fold_email(email: str) -> str:
    """Return the form in which an e-mail address is unique: NFC of the case-folded NFC.

    Raises:
        InvalidCommand: Not something@something, over 254 characters, or with blanks or control characters.
    """
    if len(email) > EMAIL_CHARACTERS_MAX:
        raise InvalidCommand(
            detail="email is too long", field="email", limit=str(EMAIL_CHARACTERS_MAX), actual=str(len(email))
        )
    local, at, host = email.rpartition("@")
    if not (local and at and host) or any(_is_blank_or_control(character) for character in email):
        raise InvalidCommand(detail="email must be name@host without blanks", field="email")
    # Folding may undo the composition (U+0390 folds to three code points), so it is composed once more.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).casefold())


def _is_blank_or_control(character: str) -> bool:
    return unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cc", "Cs", "Cn"}


def check_password(password: str, field: str = "password") -> bytes:
    """Return the password's UTF-8; checked before any hashing, so that a long one costs nothing.

    Raises:
        InvalidCommand: Not 12 to 1,024 bytes, a NUL inside, or no Unicode text. The text never shows the password.
    """
    if len(password) > PASSWORD_BYTES_MAX:
        raise InvalidCommand(detail=f"{field} is too long", field=field, limit=str(PASSWORD_BYTES_MAX))
    try:
        raw = password.encode()
    except UnicodeEncodeError:
        raise InvalidCommand(detail=f"{field} must be Unicode text", field=field) from None
    if len(raw) < PASSWORD_BYTES_MIN:
        raise InvalidCommand(detail=f"{field} is too short", field=field, limit=str(PASSWORD_BYTES_MIN))
    if len(raw) > PASSWORD_BYTES_MAX:
        raise InvalidCommand(detail=f"{field} is too long", field=field, limit=str(PASSWORD_BYTES_MAX))
    if b"\0" in raw:
        raise InvalidCommand(detail=f"{field} must not contain NUL", field=field)
    return raw


def peer_host(peer: str) -> str:
    """Return the address of `peer` without its port; what is no address is kept as text of at most 64 characters.

    The port must go: each connection has another one, and failures counted per port would never add up.
    """
    text = peer.strip()[:PEER_CHARACTERS_MAX]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def account_text(account: int) -> str:
    """Return an account's id as the world sees it."""
    return str(account)


def parse_accounts(texts: Iterable[str]) -> tuple[int, ...]:
    """Return the account numbers that `texts` spell, rising; raise InvalidCommand for what is none."""
    texts = list(texts)
    if len(texts) > ACCOUNTS_PER_USER_MAX:
        raise InvalidCommand(detail="too many accounts", field="account_ids", limit=str(ACCOUNTS_PER_USER_MAX))
    if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in texts):
        raise InvalidCommand(detail="an account id is a decimal number", field="account_ids")
    return tuple(sorted({int(text) for text in texts}))

"""Access tokens: JWT, HS256 and nothing else, 15 minutes, no leeway.

Each refusal is one of five kinds, for log and metric only; outside there is one text. Only the failures that a token can
cause are caught here: anything else is a defect of ours and must reach the dispatcher as one, never as a 401.
"""

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jwt
import msgspec

ALGORITHM = "HS256"
TOKEN_CHARACTERS_MAX = 16_384
VERIFIED_MAX = 50_000
NS = 1_000_000_000


class TokenFailure(StrEnum):
    """Why a token was refused: for log and metric, never for the answer."""

    EXPIRED = "expired"
    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ALGORITHM = "wrong_algorithm"
    REVOKED = "revoked"


class TokenRefused(Exception):
    """A refused token and its kind; the service answers Unauthenticated and keeps the kind to itself."""

    def __init__(self, kind: TokenFailure) -> None:
        super().__init__(kind.value)
        self.kind = kind


class Claims(msgspec.Struct, frozen=True):
    """What a token says. Roles are told for the client's use; the venue judges by current grants."""

    sub: str
    sid: str
    jti: str
    iat: int
    exp: int
    roles: list[str]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret under its name.

    Attributes:
        kid: Derived from the secret, so that two venues never share one by accident; tells nothing about it.
        ends_ns: When tokens under it stop counting, or None while it is the current one.
    """

    kid: str
    secret: bytes
    ends_ns: int | None = None

    def __repr__(self) -> str:
        """Return the key's name only."""
        return f"SigningKey({self.kid})"


def kid_of(secret: str) -> str:
    """Return the name of a signing secret."""
    return hmac.new(secret.encode(), b"quantumcore token key", hashlib.sha256).hexdigest()[:16]


class Tokens:
    """Issues and checks access tokens.

    A token whose signature was found good is remembered by its SHA-256 (at most 50,000, least recently used out), since
    checking HS256 in Python costs ten times a hash. Expiry is looked at each time; so are sessions, by the caller.
    """

    def __init__(self, secret: str, life_s: int) -> None:
        self._jws = jwt.PyJWS(algorithms=[ALGORITHM])
        self._current = SigningKey(kid_of(secret), secret.encode())
        self._keys = {self._current.kid: self._current}
        self._life_s = life_s
        self._decoder = msgspec.json.Decoder(Claims)
        self._verified: OrderedDict[bytes, tuple[Claims, int]] = OrderedDict()

    def accept_previous(self, secret: str, ends_ns: int) -> None:
        """Accept tokens signed with the secret before the rotation, until `ends_ns`."""
        key = SigningKey(kid_of(secret), secret.encode(), ends_ns)
        self._keys.setdefault(key.kid, key)

    def issue(self, *, user_id: str, session_id: str, token_id: str, roles: list[str], now_ns: int) -> str:
        """Return a token that ends `life_s` after the second of `now_ns`."""
        issued = now_ns // NS
        claims = Claims(sub=user_id, sid=session_id, jti=token_id, iat=issued, exp=issued + self._life_s, roles=roles)
        key = self._current
        return self._jws.encode(msgspec.json.encode(claims), key.secret, ALGORITHM, headers={"kid": key.kid})

    def check(self, token: str, now_ns: int) -> Claims:
        """Return what a good token says.

        Raises:
            TokenRefused: Its `kind` is any of the five but `revoked`.
        """
        if not token or len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
            raise TokenRefused(TokenFailure.MALFORMED)
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is None:
            known = self._verify(token, now_ns)
            self._verified[digest] = known
            if len(self._verified) > VERIFIED_MAX:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(digest)
        claims, ends_ns = known
        if now_ns >= ends_ns:
            raise TokenRefused(TokenFailure.EXPIRED)
        return claims

    def _verify(self, token: str, now_ns: int) -> tuple[Claims, int]:
        """Return the claims and the time at which they stop counting."""
        key = self._key_for(self._header(token), now_ns)
        try:
            payload: Any = self._jws.decode(token, key.secret, algorithms=[ALGORITHM])
            claims = self._decoder.decode(payload)
        except jwt.InvalidSignatureError:
            raise TokenRefused(TokenFailure.BAD_SIGNATURE) from None
        except jwt.InvalidAlgorithmError:
            raise TokenRefused(TokenFailure.WRONG_ALGORITHM) from None
        except (jwt.InvalidTokenError, msgspec.DecodeError):
            raise TokenRefused(TokenFailure.MALFORMED) from None
        ends_ns = claims.exp * NS
        return claims, ends_ns if key.ends_ns is None else min(ends_ns, key.ends_ns)

    def _header(self, token: str) -> dict[str, Any]:
        try:
            return self._jws.get_unverified_header(token)
        except (jwt.InvalidTokenError, RecursionError):  # a header of brackets only: the reader gives up at its depth
            raise TokenRefused(TokenFailure.MALFORMED) from None

    def _key_for(self, header: dict[str, Any], now_ns: int) -> SigningKey:
        if "alg" not in header:
            raise TokenRefused(TokenFailure.MALFORMED)
        if header["alg"] != ALGORITHM:
            raise TokenRefused(TokenFailure.WRONG_ALGORITHM)
        key = self._keys.get(header.get("kid", self._current.kid))
        if key is None or (key.ends_ns is not None and now_ns >= key.ends_ns):
            raise TokenRefused(TokenFailure.BAD_SIGNATURE)
        return key

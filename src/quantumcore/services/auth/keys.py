"""API keys and what they sign. Pure but for the mathematics: no clock, no I/O, no await."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from quantumcore.contracts.auth import ADDRESSES_MAX, LABEL_MAX, SCOPES
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.auth.domain import peer_host
from quantumcore.services.auth.secrets import same_secret

ED25519 = "ed25519"
HMAC_SHA256 = "hmac-sha256"
KEY_PREFIX = "qc_"
KEY_CHARACTERS = 32
SECRET_CHARACTERS = 64
ALPHANUMERICS = string.ascii_letters + string.digits

WINDOW_DEFAULT_MS = 5_000
WINDOW_MAX_MS = 60_000
AHEAD_MAX_MS = 1_000  # how far a caller's clock may be ahead of ours
MS = 1_000_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SignatureFailure(StrEnum):
    """Why a signed request was refused: for log and metric, never for the answer."""

    UNKNOWN_KEY = "unknown_key"
    REVOKED = "revoked"
    EXPIRED = "expired"
    MALFORMED = "malformed"
    OUTSIDE_WINDOW = "outside_window"
    WRONG_ADDRESS = "wrong_address"
    BAD_SIGNATURE = "bad_signature"
    USED_TWICE = "used_twice"


class SignatureRefused(Exception):
    """A refused signature and its kind; the service answers Unauthenticated and keeps the kind to itself."""

    def __init__(self, kind: SignatureFailure) -> None:
        super().__init__(kind.value)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key with what checks its signatures.

    Attributes:
        material: Ed25519 public key, or the HMAC secret in clear (in memory only).
        accounts: Empty: all of its user's.
        networks: Empty: from anywhere.
    """

    key_id: str
    user_id: str
    algorithm: str
    material: bytes = field(repr=False)
    scopes: tuple[str, ...]
    accounts: tuple[int, ...]
    networks: tuple[Network, ...]
    expires_ns: int | None
    revoked: bool

    def check_use(self, peer: str, now_ns: int) -> None:
        """Raise SignatureRefused unless the key may be used now and from there."""
        if self.revoked:
            raise SignatureRefused(SignatureFailure.REVOKED)
        if self.expires_ns is not None and now_ns >= self.expires_ns:
            raise SignatureRefused(SignatureFailure.EXPIRED)
        if self.networks and not _is_within(peer, self.networks):
            raise SignatureRefused(SignatureFailure.WRONG_ADDRESS)

    def check_signature(self, signature: bytes, message: bytes) -> None:
        """Raise SignatureRefused unless `signature` is this key's over `message`."""
        if self.algorithm == HMAC_SHA256:
            good = same_secret(signature, hmac.digest(self.material, message, hashlib.sha256))
        else:
            good = _ed25519_verifies(self.material, signature, message)
        if not good:
            raise SignatureRefused(SignatureFailure.BAD_SIGNATURE)


def signed_message(timestamp: str, recv_window: str, method: str, path: str, query: str, body: bytes) -> bytes:
    """Return the bytes that a request signs.

    Only the body may hold a newline: otherwise a part of one field could be moved into the next under the same signature.
    """
    head = (timestamp, recv_window, method, path, query)
    if any("\n" in part for part in head):
        raise SignatureRefused(SignatureFailure.MALFORMED)
    try:
        return "\n".join(head).encode() + b"\n" + body
    except UnicodeEncodeError:
        raise SignatureRefused(SignatureFailure.MALFORMED) from None


def window_end_ns(timestamp: str, recv_window: str, now_ns: int) -> int:
    """Return until when a request of `timestamp` counts (milliseconds as sent; an empty window is 5,000 ms).

    Raises:
        SignatureRefused: Not numbers, over 60,000 ms, or now is outside.
    """
    window = recv_window or str(WINDOW_DEFAULT_MS)
    if not (_is_number(timestamp, 14) and _is_number(window, 5)) or not 0 < int(window) <= WINDOW_MAX_MS:
        raise SignatureRefused(SignatureFailure.MALFORMED)
    sent_ns, end_ns = int(timestamp) * MS, (int(timestamp) + int(window)) * MS
    if now_ns > end_ns or sent_ns > now_ns + AHEAD_MAX_MS * MS:
        raise SignatureRefused(SignatureFailure.OUTSIDE_WINDOW)
    return end_ns


def signature_bytes(text: str, algorithm: str, *, hexadecimal: bool = False) -> bytes:
    """Return the signature that `text` spells in base64 (or, for HMAC if `hexadecimal` is allowed, in 64 hex digits)."""
    try:
        if hexadecimal and algorithm == HMAC_SHA256 and len(text) == 64:
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise SignatureRefused(SignatureFailure.MALFORMED) from None


def is_key_id(text: str) -> bool:
    """Tell whether `text` has the form of a key's id."""
    rest = text[len(KEY_PREFIX) :]
    return text.startswith(KEY_PREFIX) and len(rest) == KEY_CHARACTERS and rest.isascii() and rest.isalnum()


def alphanumerics(count: int, random: Callable[[int], bytes]) -> str:
    """Return `count` characters, each of the 62 equally likely: bytes that would favour the first ones are thrown away."""
    chosen: list[str] = []
    while len(chosen) < count:
        chosen += [ALPHANUMERICS[byte % 62] for byte in random(count) if byte < 248]
    return "".join(chosen[:count])


def parse_public_key(text: str) -> bytes:
    """Return the 32 bytes of an Ed25519 public key in base64; raise InvalidCommand for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, binascii.Error):
        raise InvalidCommand(detail="public_key must be 32 bytes of Ed25519 in base64", field="public_key") from None
    return raw


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the addresses and networks that `texts` spell; raise InvalidCommand for what is none."""
    if len(texts) > ADDRESSES_MAX:
        raise InvalidCommand(
            detail="too many addresses", field="addresses", limit=str(ADDRESSES_MAX), actual=str(len(texts))
        )
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError:
        raise InvalidCommand(
            detail="an address is an IP address or a network such as 10.0.0.0/8", field="addresses"
        ) from None


def check_label(label: str) -> str:
    """Return a key's label: opaque text of at most 100 characters that can be stored."""
    if len(label) > LABEL_MAX:
        raise InvalidCommand(detail="label is too long", field="label", limit=str(LABEL_MAX), actual=str(len(label)))
    if "\0" in label:
        raise InvalidCommand(detail="label must not contain NUL", field="label")
    return label


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes without repetition; raise InvalidCommand for an unknown one."""
    if any(scope not in SCOPES for scope in scopes):
        raise InvalidCommand(detail=f"a scope is one of {', '.join(SCOPES)}", field="scopes")
    return tuple(scope for scope in SCOPES if scope in scopes)


def _is_number(text: str, digits_max: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits_max


def _is_within(peer: str, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(peer_host(peer))
    except ValueError:
        return False
    return any(address in network for network in networks)


def _ed25519_verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True

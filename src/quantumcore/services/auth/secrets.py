"""Comparing secrets without telling how much of them matches."""

import hashlib
import hmac


def same_secret(given: bytes, expected: bytes) -> bool:
    """Tell whether the two are equal, in time that depends on their lengths only.

    `compare_digest` alone returns at once when lengths differ, which tells the length of the expected one; digests
    always have the same length.
    """
    return hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(expected).digest())


def fingerprint(secret: bytes) -> str:
    """Return what may be stored of a random secret: its SHA-256 in hexadecimal (256 random bits need no salt)."""
    return hashlib.sha256(secret).hexdigest()

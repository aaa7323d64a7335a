"""Secrets at rest: AES-256-GCM under a key that only configuration knows."""

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quantumcore.contracts.errors import Corrupted

NONCE_BYTES = 12


class Sealer:
    """Seals a secret for one owner: the owner's name is authenticated, so that no row can borrow another's secret."""

    def __init__(self, key_encryption_key: str, random: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"quantumcore key encryption\0" + key_encryption_key.encode()).digest())
        self._random = random

    def seal(self, owner: str, secret: bytes) -> bytes:
        """Return nonce and ciphertext of `secret`."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, owner.encode())

    def open(self, owner: str, sealed: bytes) -> bytes:
        """Return the secret.

        Raises:
            Corrupted: Sealed under another key or for another owner, or changed since.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            raise Corrupted(
                detail="a stored API secret does not open: QC_KEY_ENCRYPTION_KEY is not the one it was sealed with"
            ) from None

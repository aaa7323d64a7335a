"""Content that is put aside for years: compressed, hashed, and never believed without its digest. Pure."""

import hashlib
import lzma
from typing import NamedTuple

from quantumcore.contracts.errors import Corrupted

RETENTION_DAYS = 7 * 366
"""How long it is kept when nothing else is set: seven years of the longest kind."""
_PRESET = 1  # of lzma: its own default takes ten times as long for a tenth less


class Sealed(NamedTuple):
    """What is kept: the compressed content, and the SHA-256 of that."""

    payload: bytes
    digest: bytes


def seal(content: bytes) -> Sealed:
    """Return `content` as it is put aside."""
    payload = lzma.compress(content, preset=_PRESET)
    return Sealed(payload, hashlib.sha256(payload).digest())


def unseal(sealed: Sealed, code: str, what: str, most: int = -1) -> bytes:
    """Return what was sealed.

    Args:
        code, what: Of the error: its code, and what it is about.
        most: Bytes that the content can have; -1 for any number.

    Raises:
        Corrupted: It is not what was sealed, or longer.
    """
    if hashlib.sha256(sealed.payload).digest() != sealed.digest:
        raise Corrupted(code, f"{what} is not what was sealed")
    opened = lzma.LZMADecompressor()
    try:
        content = opened.decompress(sealed.payload, most + 1 if most >= 0 else -1)
    except lzma.LZMAError as error:
        raise Corrupted(code, f"{what}: {error}") from error
    if not opened.eof or opened.unused_data:
        raise Corrupted(code, f"{what} is not one whole piece")
    return content

"""Check a proof of the ledger's audit: with this file, its JSON and the venue's public key, without the venue.

It imports nothing of the rest of this program, so that it can be read, copied and trusted by itself. Byte layouts:
docs/reference/audit.md. Everything that a proof says is checked; what it does not say is not believed.
"""

import datetime as dt
import json
import struct
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PROOF_BYTES_MAX = 64 << 10
PATH_MAX = 64
_RECORD = struct.Struct("<BqqhhqhqhqqqH")
_STATEMENT = struct.Struct("<24sBHqQQ32s32s32s32sq32s")
_NAMES = (
    "version",
    "sequence",
    "index",
    "leg",
    "why",
    "debit_owner",
    "debit_code",
    "credit_owner",
    "credit_code",
    "currency",
    "amount",
    "time_ns",
    "length",
)
_EPOCH = dt.date(1970, 1, 1)


class Malformed(ValueError):
    """This is no proof."""


class Wrong(ValueError):
    """This is a proof of nothing: a hash, the path or the signature does not fit."""


def check(raw: bytes, public_key: str) -> dict[str, Any]:
    """Return the entry that `raw`, a proof as JSON, proves under the Ed25519 key `public_key` (64 hex digits).

    Returns:
        The entry's fields as numbers and text, and `day`, the UTC day whose signed root covers it.

    Raises:
        Malformed: It has not the form of a proof.
        Wrong: It does not prove what it says.
    """
    try:
        if len(raw) > PROOF_BYTES_MAX:
            raise Malformed(f"a proof has at most {PROOF_BYTES_MAX} bytes")
        proof = json.loads(raw)
        root = proof["root"]
        record, previous = _bytes(proof["record"]), _hash(proof["previous"])
        path = [_hash(each) for each in proof["path"]]
        index, count = _number(proof["index"]), _number(root["count"])
        entry = _entry(record)
        statement = _statement(root)
        signature, key = _bytes(root["signature"]), Ed25519PublicKey.from_public_bytes(_hash(public_key))
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError, struct.error, OverflowError, RecursionError) as error:
        raise Malformed(f"this is no proof: {error!r}") from error
    if proof.get("version") != 1 or root.get("version") != 1 or len(path) > PATH_MAX:
        raise Malformed("this is no proof of version 1")
    reached = _root_from(sha256(previous + record).digest(), index, count, path)
    if reached is None or reached != bytes.fromhex(root["root"]):
        raise Wrong("the record and its path do not lead to the root")
    try:
        key.verify(signature, statement)
    except InvalidSignature as error:
        raise Wrong("the root is not signed by this key") from error
    return {**entry, "day": root["day"]}


def _root_from(record_hash: bytes, index: int, count: int, path: list[bytes]) -> bytes | None:
    """Walk from a leaf to the root; a leaf is hashed behind 0x00, a node behind 0x01, an odd node is carried up."""
    if index >= count:
        return None
    reached, last, siblings = sha256(b"\x00" + record_hash).digest(), count - 1, iter(path)
    while last:
        if index ^ 1 <= last:
            sibling = next(siblings, None)
            if sibling is None:
                return None
            left, right = (sibling, reached) if index & 1 else (reached, sibling)
            reached = sha256(b"\x01" + left + right).digest()
        index, last = index >> 1, last >> 1
    return reached if next(siblings, None) is None else None


def _entry(record: bytes) -> dict[str, Any]:
    fields = dict(zip(_NAMES, _RECORD.unpack_from(record), strict=True))
    text = record[_RECORD.size :]
    if fields.pop("version") != 1 or fields.pop("length") != len(text):
        raise Malformed("the record is not of version 1, or cut")
    return {**fields, "reference": text.decode()}


def _statement(root: dict[str, Any]) -> bytes:
    """Return what the venue signed."""
    hashes = [_hash(root[name]) for name in ("before", "head", "root", "leaves", "previous_root")]
    previous = _day(root["previous_day"]) if root["previous_day"] else -1
    counted = _day(root["day"]), _number(root["first"]), _number(root["count"])
    name = b"quantumcore audit root"
    return _STATEMENT.pack(name, root["version"], root["shard"], *counted, *hashes[:4], previous, hashes[4])


def _hash(text: str) -> bytes:
    found = _bytes(text)
    if len(found) != 32:
        raise Malformed("a hash or key has 32 bytes")
    return found


def _bytes(text: str) -> bytes:
    """Return what lower-case hex means; every value has one form."""
    found = bytes.fromhex(text)
    if found.hex() != text:
        raise Malformed("bytes are written in lower-case hex")
    return found


def _number(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise Malformed("a number is a whole one, not under 0")
    return given


def _day(text: str) -> int:
    return (dt.date.fromisoformat(text) - _EPOCH).days

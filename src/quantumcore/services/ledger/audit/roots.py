"""What is published of a closed day: its signed root, and the list of its records' hashes. Pure but for the signature's arithmetic.

The signed root is small and for strangers; the list tells which record is the first that was changed, when somebody has
recomputed every hash in the database from there on. The root's signature covers both.
"""

import datetime as dt
import struct
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.ledger_audit import AuditRoot
from quantumcore.services.ledger.audit.chain import HASH_BYTES, NO_DAY, VERSION, Day, Position
from quantumcore.services.ledger.audit.merkle import BLOCK

STATEMENT = struct.Struct("<24sBHqQQ32s32s32s32sq32s")
STATEMENT_NAME = b"quantumcore audit root"
LEAVES_HEAD = struct.Struct("<8sBHqQQ")
LEAVES_NAME = b"QCLEAVES"
LEAF = struct.Struct("<qqh32s")
ROOT_SUFFIX, LEAVES_SUFFIX = ".root.json", ".leaves"
PUBLIC_KEY = "public_key"
KEY_BYTES, SIGNATURE_BYTES = 32, 64
NO_ROOT = bytes(HASH_BYTES)
_EPOCH = dt.date(1970, 1, 1)


def day_name(day: int) -> str:
    """Return a day as 2026-11-22."""
    return (_EPOCH + dt.timedelta(days=day)).isoformat()


def day_number(name: str) -> int:
    """Return the day that is called 2026-11-22, in days since 1970-01-01.

    Raises:
        ValueError: It is no day, or has another form: what is signed has one form only.
    """
    day = (dt.date.fromisoformat(name) - _EPOCH).days
    if day_name(day) != name:
        raise ValueError("a day is written as 2026-11-22")
    return day


def _bytes_of(text: str, length: int) -> bytes:
    """Return what lower-case hex means; blanks and capitals would let a file be altered without a trace."""
    found = bytes.fromhex(text)
    if len(found) != length or found.hex() != text:
        raise ValueError(f"not {length} bytes in lower-case hex")
    return found


def root_name(day: int) -> str:
    """Return the name of a day's signed root in the second store."""
    return f"{day_name(day)}{ROOT_SUFFIX}"


def leaves_name(day: int) -> str:
    """Return the name of a day's list of hashes in the second store."""
    return f"{day_name(day)}{LEAVES_SUFFIX}"


class SignedRoot(AuditRoot, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day's root as contracts/ledger_audit describes it, with what its signature says."""

    @property
    def last(self) -> int:
        """Number of its last record."""
        return self.first + self.count - 1

    def statement(self) -> bytes:
        """Return the bytes that are signed.

        Raises:
            ValueError, struct.error: A field is none that was ever published.
        """
        previous = day_number(self.previous_day) if self.previous_day else NO_DAY
        texts = (self.before, self.head, self.root, self.leaves, self.previous_root)
        hashes = [_bytes_of(text, HASH_BYTES) for text in texts]
        counted = day_number(self.day), self.first, self.count
        return STATEMENT.pack(STATEMENT_NAME, self.version, self.shard, *counted, *hashes[:4], previous, hashes[4])

    def encode(self) -> bytes:
        """Return the file's bytes: there is one form, so that every altered byte is seen."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def is_signed_by(self, public_key: str) -> bool:
        """Tell whether the owner of that key has signed exactly this."""
        if self.public_key != public_key or self.version != VERSION:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
            key.verify(_bytes_of(self.signature, SIGNATURE_BYTES), self.statement())
        except (InvalidSignature, ValueError, OverflowError, struct.error):
            return False
        return True


def decode_root(raw: bytes) -> SignedRoot | None:
    """Return the root in a file; None unless the bytes are those that encode() makes."""
    try:
        found = msgspec.json.decode(raw, type=SignedRoot)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found if found.encode() == raw else None


class Signer:
    """The venue's key for roots.

    Attributes:
        public_key: In hex, for everybody.
    """

    def __init__(self, key: bytes) -> None:
        """Take the private key: 32 bytes.

        Raises:
            InvalidCommand: `audit.key.bad`.
        """
        if len(key) != KEY_BYTES:
            raise InvalidCommand("audit.key.bad", f"an audit key has {KEY_BYTES} bytes, this has {len(key)}")
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        self.public_key = self._key.public_key().public_bytes_raw().hex()

    def sign(self, shard: int, day: Day, leaves: bytes, previous: SignedRoot | None) -> SignedRoot:
        """Return the signed root of a closed day, `leaves` being the digest of its list."""
        unsigned = SignedRoot(
            version=VERSION,
            shard=shard,
            day=day_name(day.day),
            first=day.first,
            count=day.records,
            before=day.before.hex(),
            head=day.head.hex(),
            root=day.root.hex(),
            leaves=leaves.hex(),
            previous_day=previous.day if previous else "",
            previous_root=previous.root if previous else NO_ROOT.hex(),
            public_key=self.public_key,
        )
        return msgspec.structs.replace(unsigned, signature=self._key.sign(unsigned.statement()).hex())


# ------------------------------------------------------------------------------------------ the list of hashes

Leaf = tuple[Position, bytes]
"""A record's position and hash."""


class LeavesWriter:
    """Makes the file of a day's records, a page at a time: head, records, digests of the blocks of BLOCK records.

    Attributes:
        digest: What the signed root says of it, once everything is written.
    """

    def __init__(self, shard: int, day: Day) -> None:
        self.digest = b""
        self._head = LEAVES_HEAD.pack(LEAVES_NAME, VERSION, shard, day.day, day.first, day.records)

    def parts(self, leaves: Iterable[Leaf]) -> Iterator[bytes]:
        """Yield the file's parts."""
        yield self._head
        digests: list[bytes] = []
        block: list[bytes] = []
        for (sequence, index, leg), record_hash in leaves:
            block.append(LEAF.pack(sequence, index, leg, record_hash))
            if len(block) == BLOCK:
                yield self._block(block, digests)
        if block:
            yield self._block(block, digests)
        trailer = b"".join(digests)
        yield trailer
        self.digest = sha256(self._head + trailer).digest()

    @staticmethod
    def _block(block: list[bytes], digests: list[bytes]) -> bytes:
        content = b"".join(block)
        digests.append(sha256(content).digest())
        block.clear()
        return content


class LeavesPlan:
    """Where what stands in a day's list, for reading parts of it."""

    def __init__(self, root: SignedRoot) -> None:
        self._root = root
        self.blocks = -(-root.count // BLOCK)

    def block(self, number: int) -> tuple[int, int]:
        """Return (start, size) of block `number`, from 0."""
        begun = number * BLOCK
        return LEAVES_HEAD.size + begun * LEAF.size, min(BLOCK, self._root.count - begun) * LEAF.size

    def trailer(self) -> tuple[int, int]:
        """Return (start, size) of the digests; nothing comes behind them."""
        return LEAVES_HEAD.size + self._root.count * LEAF.size, self.blocks * HASH_BYTES

    def digests(self, head: bytes, trailer: bytes) -> list[bytes] | None:
        """Return the digests of the blocks; None unless the root's signature covers them."""
        root = self._root
        expected = LEAVES_HEAD.pack(LEAVES_NAME, VERSION, root.shard, day_number(root.day), root.first, root.count)
        if head != expected or sha256(head + trailer).hexdigest() != root.leaves:
            return None
        return [trailer[at : at + HASH_BYTES] for at in range(0, len(trailer), HASH_BYTES)]


def leaves_in(content: bytes) -> list[Leaf]:
    """Return the records of a block."""
    return [((sequence, index, leg), found) for sequence, index, leg, found in LEAF.iter_unpack(content)]


def packed_leaves(leaves: Sequence[Leaf]) -> bytes:
    """Return a block of records."""
    return b"".join([LEAF.pack(*position, found) for position, found in leaves])

"""The ledger's audit (8008): its hash chain verified, an account against its entries, signed roots, proofs."""

import msgspec

from quantumcore.contracts.messages import Request


class ChainFinding(msgspec.Struct, frozen=True, kw_only=True):
    """The first damage of the chain.

    Attributes:
        kind: altered, removed, inserted or reordered.
        what: record, hash, day, head, root or leaves (docs/reference/audit.md).
        number: Of the record in the chain, from 1.
        position: sequence.index.leg of the record; None where nothing says it any more.
        after: Position of the last record that is as it was recorded; None before the first.
    """

    kind: str
    what: str
    number: int
    position: str | None
    after: str | None
    detail: str


class ChainVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of a verification found.

    Attributes:
        sound: Whether everything that was verified in this step is as it was recorded.
        verified: Number of the last record that is.
        records: How many the chain has now.
        head: The chain's hash at `verified`.
        published: How many days' roots lie in the second store, as far as each follows the one before it.
        next_cursor: Where to go on; None at the end, and at a finding.
    """

    sound: bool
    verified: int
    records: int
    head: str
    published: int
    next_cursor: str | None
    finding: ChainFinding | None


class VerifyChain(Request[ChainVerdict], frozen=True, kw_only=True):
    """Verify up to `limit` records behind `cursor`; one verification at a time.

    Raises:
        InvalidCommand: limit, or `audit.cursor.bad`.
        Unavailable: `overloaded`: another verification runs.
    """

    cursor: str = ""
    limit: int = 50_000


class AccountSum(msgspec.Struct, frozen=True):
    """Where an account and the sum of its entries part: minor units."""

    currency: str
    code: int
    what: str
    account: str
    entries: str


class AccountVerdict(msgspec.Struct, frozen=True):
    """differences is empty when the account is the sum of its entries, at `sequence`."""

    account_id: str
    sequence: int
    entries: int
    differences: list[AccountSum]


class VerifyAccount(Request[AccountVerdict], frozen=True, kw_only=True):
    """Sum an account's entries. Unknown account: NotFound `account.not_found`."""

    account: int
    at_least: int = 0


class AuditRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A day's root as it is published; hashes, key and signature are lower-case hex.

    Attributes:
        first, count: Number of its first record in the chain, and how many it has.
        before, head: The chain's hash before the first record and of the last.
        root: Of the Merkle tree over the record hashes.
        leaves: SHA-256 over the head of the list of hashes and the digests of its blocks.
        previous_day, previous_root: The published day before, so that none can be taken away; empty and zeros for the first.
    """

    version: int
    shard: int
    day: str
    first: int
    count: int
    before: str
    head: str
    root: str
    leaves: str
    previous_day: str
    previous_root: str
    public_key: str
    signature: str = ""


class AuditRootPage(msgspec.Struct, frozen=True):
    """Published roots, newest first, and the key that has signed them."""

    items: list[AuditRoot]
    next_cursor: str | None
    public_key: str


class GetAuditRoots(Request[AuditRootPage], frozen=True, kw_only=True):
    """The signed roots; the cursor is the day before which to go on."""

    limit: int = 100
    cursor: str = ""


class EntryProof(msgspec.Struct, frozen=True, kw_only=True):
    """That an entry was recorded on a day, for somebody who knows the public key alone; bytes are lower-case hex.

    Attributes:
        record: The entry's canonical bytes.
        previous: The chain's hash before it.
        index: Of its leaf in the day's tree, from 0.
        path: The siblings on the way to the root, lowest first.
    """

    version: int
    record: str
    previous: str
    index: int
    path: list[str]
    root: AuditRoot


class ProveEntry(Request[EntryProof], frozen=True, kw_only=True):
    """Prove the entry at `position` (sequence.index.leg), or that of a transfer; of `account` unless that is 0.

    Raises:
        NotFound: `entry.not_found`, `transfer.not_found`.
        Conflict: `audit.day.open`: its day is not closed, or not published yet.
        InvalidCommand: position.
        Corrupted: `audit.corrupted`: what stands there does not lead to the root.
    """

    account: int = 0
    position: str = ""
    transfer_id: str = ""

"""Proofs for strangers: that an entry was recorded on a day whose root was signed. The checker is check.py."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from quantumcore.contracts.errors import Conflict, Corrupted, NotFound
from quantumcore.contracts.ledger_audit import EntryProof
from quantumcore.ports.second_store import SecondStore
from quantumcore.services.ledger.audit import rows
from quantumcore.services.ledger.audit.chain import VERSION, Position, Record, Row, canonical, genesis, hash_after
from quantumcore.services.ledger.audit.merkle import BLOCK, leaf, path_of, root_from
from quantumcore.services.ledger.audit.roots import SignedRoot, decode_root, root_name
from quantumcore.services.ledger.queries import parse_position, show_position
from quantumcore.services.ledger.tables import audit_days, entries, transfers

_OWNERS = (4, 6)  # columns of a row: debit owner, credit owner


def position_in(text: str) -> Position:
    """Return the position that a request names.

    Raises:
        InvalidCommand: It names none.
    """
    return parse_position(text, "position", "a position is sequence.index.leg")


def entry_at(connection: Connection, position: Position, account: int = 0) -> Row:
    """Return the entry at `position`; of `account` only, unless that is 0.

    Raises:
        NotFound: `entry.not_found`: there is none, or it is another account's.
    """
    sequence, index, leg = position
    where = (entries.c.sequence == sequence, entries.c.event_index == index, entries.c.leg == leg)
    row = connection.execute(select(entries).where(*where)).first()
    if row is None or (account and account not in (row[at] for at in _OWNERS)):
        raise NotFound("entry.not_found", "entry not found", field="position")
    return tuple(row)


def position_of_transfer(connection: Connection, account: int, transfer_id: str) -> Position:
    """Return the position of a transfer's entry.

    Raises:
        NotFound: `transfer.not_found`.
    """
    where = (transfers.c.account == account, transfers.c.transfer_id == transfer_id)
    sequence = connection.execute(select(transfers.c.sequence).where(*where)).scalar()
    if sequence is None:
        raise NotFound("transfer.not_found", "transfer not found")
    c = entries.c
    found = connection.execute(
        select(c.sequence, c.event_index, c.leg).where(c.sequence == sequence, c.reference == transfer_id)
    ).first()
    if found is None:
        raise NotFound("entry.not_found", "the transfer's entry is not found")
    return found[0], found[1], found[2]


def prove(connection: Connection, store: SecondStore | None, row: Row, shard: int = 0) -> EntryProof:
    """Return the proof of an entry. Cost: a block of the day's records, and one node for every other block.

    Raises:
        Conflict: `audit.day.open`: its day is not closed, or not published yet.
        Corrupted: `audit.corrupted`: what stands there does not lead to the root.
    """
    position: Position = (row[0], row[1], row[2])
    record = rows.record_at(connection, position)
    if record is None:
        raise Corrupted("audit.corrupted", f"the entry at {show_position(position)} has no record in the chain")
    root = _root_of(connection, store, record)
    if root is None:
        detail = "this entry's day is not closed yet, or its root is not published yet"
        raise Conflict("audit.day.open", detail, field="position", actual=show_position(position))
    index = record.number - root.first
    block = index // BLOCK
    begun = root.first + block * BLOCK
    day = rows.records_after(connection, begun - 1, min(BLOCK, root.last - begun + 1))
    nodes = [one.node for one in rows.blocks_between(connection, root.first, root.last)]
    path = [*path_of([leaf(one.hash) for one in day], index % BLOCK), *path_of(nodes, block)]
    previous = _hash_before(connection, record.number, shard)
    if hash_after(previous, row) != record.hash or not _leads(record, index, root, path):
        raise Corrupted(
            "audit.corrupted", f"the entry at {show_position(position)} does not lead to the root of {root.day}"
        )
    return EntryProof(
        version=VERSION,
        record=canonical(row).hex(),
        previous=previous.hex(),
        index=index,
        path=[each.hex() for each in path],
        root=root,
    )


def _root_of(connection: Connection, store: SecondStore | None, record: Record) -> SignedRoot | None:
    """Return the published root of the day that has `record`."""
    first, count, day = audit_days.c.first, audit_days.c.count, audit_days.c.day
    found = connection.execute(select(day).where(first <= record.number, first + count > record.number)).scalar()
    raw = store.read(root_name(found)) if store is not None and found is not None else None
    root = decode_root(raw) if raw is not None else None
    return root if root is not None and root.first <= record.number <= root.last else None


def _hash_before(connection: Connection, number: int, shard: int) -> bytes:
    if number == 1:
        return genesis(shard)
    found = rows.records_after(connection, number - 2, 1)
    return found[0].hash if found else b""


def _leads(record: Record, index: int, root: SignedRoot, path: Sequence[bytes]) -> bool:
    reached = root_from(record.hash, index, root.count, path)
    return reached is not None and reached.hex() == root.root

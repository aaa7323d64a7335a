"""The audit's tables, read: where the chain goes on, its records, blocks and days."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, tuple_

from quantumcore.contracts.errors import Corrupted
from quantumcore.services.ledger.audit.chain import HASH_BYTES, Block, Chain, Day, Position, Record, Row
from quantumcore.services.ledger.audit.merkle import Tree
from quantumcore.services.ledger.tables import audit_blocks, audit_days, audit_head, audit_records, entries

PAGE = 4_096
_HEAD = select(audit_head)
_RECORDS = (
    select(audit_records)
    .where(audit_records.c.number > bindparam("after"))
    .order_by(audit_records.c.number)
    .limit(bindparam("most"))
)
_ENTRY_KEY = (entries.c.sequence, entries.c.event_index, entries.c.leg)
_ENTRIES = (
    select(entries)
    .where(tuple_(*_ENTRY_KEY) > tuple_(bindparam("sequence"), bindparam("event_index"), bindparam("leg")))
    .order_by(*_ENTRY_KEY)
    .limit(bindparam("most"))
)
_BLOCKS = (
    select(audit_blocks)
    .where(audit_blocks.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(audit_blocks.c.number)
)
_DAYS = select(audit_days).order_by(audit_days.c.day)


def head_row(chain: Chain) -> tuple[Any, ...]:
    """Return `chain` as the one row of audit_head."""
    tree = chain.tree
    return (1, chain.shard, chain.number, chain.hash, chain.day, chain.before, tree.count, tree.pack())


def chain_of(connection: Connection) -> Chain | None:
    """Return the chain where it goes on; None before the first event.

    Raises:
        Corrupted: `audit.corrupted`: the row is none that the ledger wrote.
    """
    row = connection.execute(_HEAD).first()
    if row is None:
        return None
    _, shard, number, last, day, before, count, edge = row
    counted = all(isinstance(each, int) for each in (shard, number, day, count))
    whole = counted and isinstance(edge, bytes) and len(edge) == HASH_BYTES * count.bit_count()
    if not whole or not all(isinstance(each, bytes) and len(each) == HASH_BYTES for each in (last, before)):
        raise Corrupted("audit.corrupted", "the head of the audit's chain has been altered")
    chain = Chain(shard)
    chain.number, chain.hash, chain.day, chain.before = number, last, day, before
    chain.tree = Tree.unpack(count, edge)
    return chain


def records_after(connection: Connection, number: int, most: int) -> list[Record]:
    """Return up to `most` records behind `number`."""
    return [Record(*row) for row in connection.execute(_RECORDS, {"after": number, "most": most})]


def entries_after(connection: Connection, position: Position, most: int) -> list[Row]:
    """Return up to `most` entries behind `position`, in the order of the chain."""
    sequence, index, leg = position
    key = {"sequence": sequence, "event_index": index, "leg": leg}
    return [tuple(row) for row in connection.execute(_ENTRIES, {**key, "most": most})]


def every_record_after(connection: Connection, number: int) -> Iterator[Record]:
    """Yield the records behind `number`, a page at a time."""
    while page := records_after(connection, number, PAGE):
        yield from page
        number = page[-1].number


def every_entry_after(connection: Connection, position: Position) -> Iterator[Row]:
    """Yield the entries behind `position`, a page at a time."""
    while page := entries_after(connection, position, PAGE):
        yield from page
        position = page[-1][0], page[-1][1], page[-1][2]


def blocks_between(connection: Connection, first: int, last: int) -> list[Block]:
    """Return the blocks whose first record's number lies between these, both included."""
    return [Block(*row) for row in connection.execute(_BLOCKS, {"first": first, "last": last})]


def closed_days(connection: Connection, *, after: int = -1) -> Iterator[Day]:
    """Yield the closed days after that one, in order."""
    for row in connection.execute(_DAYS.where(audit_days.c.day > after)):
        yield Day(*row)


def closed_day(connection: Connection, day: int) -> Day | None:
    """Return a closed day; None when it is open, or had no records."""
    row = connection.execute(select(audit_days).where(audit_days.c.day == day)).first()
    return Day(*row) if row else None


def record_at(connection: Connection, position: Position) -> Record | None:
    """Return the record of an entry: positions rise with the numbers, so some twenty look-ups find one among millions."""
    low, high = 0, last_number(connection)
    while low < high:
        middle = (low + high) // 2
        found = records_after(connection, middle, 1)
        if found and found[0].position < position:
            low = found[0].number
        else:
            high = middle
    at = records_after(connection, low, 1)
    return at[0] if at and at[0].position == position else None


def last_number(connection: Connection) -> int:
    """Return how many records the chain has, as its head says."""
    row: Sequence[Any] | None = connection.execute(_HEAD).first()
    return row[2] if row else 0

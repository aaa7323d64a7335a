"""The audit: a hash chain over the entries, Merkle nodes, closed days; those of the entries that are there already too."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from quantumcore.services.ledger.audit.chain import Chain  # the layout of version 1, which never changes

revision = "0003"
down_revision = "0002"

_COLUMNS = (
    "sequence",
    "event_index",
    "leg",
    "why",
    "debit_owner",
    "debit_code",
    "credit_owner",
    "credit_code",
    "currency",
    "amount",
    "reference",
    "time_ns",
)
_RECORD = ("number", "sequence", "event_index", "leg", "hash")
_DAY = ("day", "first", "count", "before", "head", "root")
_HEAD = ("one", "shard", "number", "hash", "day", "before", "count", "edge")
_ROWS_AT_ONCE = 10_000


def _named(table: str, *columns: str) -> sa.TableClause:
    return sa.table(table, *(sa.column(name) for name in columns))


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def upgrade() -> None:
    op.create_table(
        "audit_records",
        _big("number", key=True),
        _big("sequence"),
        _big("event_index"),
        _small("leg"),
        _bytes("hash"),
        sqlite_with_rowid=False,
    )
    op.create_table("audit_blocks", _big("number", key=True), _bytes("node"), sqlite_with_rowid=False)
    op.create_table(
        "audit_days",
        _big("day", key=True),
        _big("first"),
        _big("count"),
        _bytes("before"),
        _bytes("head"),
        _bytes("root"),
    )
    op.create_table(
        "audit_head",
        _small("one", key=True),
        _big("shard"),
        _big("number"),
        _bytes("hash"),
        _big("day"),
        _bytes("before"),
        _big("count"),
        _bytes("edge"),
    )
    _record_what_is_there()


def _record_what_is_there() -> None:
    """Chain the entries as the ledger would have; an empty ledger's chain begins with its first event."""
    chain = None
    for page in _pages():
        chain = chain or Chain()
        chain.extend(page, page[-1][-1])
        _write("audit_records", _RECORD, chain.records)
        _write("audit_blocks", ("number", "node"), chain.blocks)
        _write("audit_days", _DAY, chain.days)
        for written in (chain.records, chain.blocks, chain.days):
            written.clear()
    if chain is not None:
        head = (1, chain.shard, chain.number, chain.hash, chain.day, chain.before, chain.tree.count, chain.tree.pack())
        _write("audit_head", _HEAD, [head])


def _pages() -> Iterator[list[tuple[Any, ...]]]:
    """Yield the entries in the order of the chain, some at a time: a venue may have more of them than memory."""
    entries = _named("entries", *_COLUMNS)
    key = [entries.c[name] for name in _COLUMNS[:3]]
    query = sa.select(entries).order_by(*key).limit(_ROWS_AT_ONCE)
    page = [tuple(row) for row in op.get_bind().execute(query)]
    while page:
        yield page
        beyond = sa.tuple_(*key) > sa.tuple_(*page[-1][:3])
        page = [tuple(row) for row in op.get_bind().execute(query.where(beyond))]


def _write(table: str, columns: tuple[str, ...], rows: Any) -> None:
    if rows:
        op.get_bind().execute(_named(table, *columns).insert(), [dict(zip(columns, row, strict=True)) for row in rows])


def downgrade() -> None:
    for table in ("audit_head", "audit_days", "audit_blocks", "audit_records"):
        op.drop_table(table)

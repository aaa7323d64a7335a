"""Positions, their lots and events, marks, choices, snapshots, and events put aside."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _big(name: str, *, key: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _kept(*columns: "sa.Column[int]") -> "tuple[sa.Column[Any], ...]":
    payload = sa.Column("payload", sa.LargeBinary, nullable=False)
    return (*columns, sa.Column("digest", sa.String(64), nullable=False), payload)


def upgrade() -> None:
    op.create_table(
        "positions",
        _big("account", key=True),
        _big("instrument", key=True),
        *(
            sa.Column(name, sa.String(40), nullable=False)
            for name in ("quantity", "cost", "realised", "fees", "funding")
        ),
        *(_big(name) for name in ("cycles", "version", "sequence", "event_index")),
        _small("part"),
        _small("method"),
        sa.Column("wash_sales", sa.Boolean, nullable=False),
        *(_big(name) for name in ("opened_sequence", "opened_fill", "opened_ns", "opened_price", "decreased")),
        _text("losses"),
        _big("numbers"),
        _big("born"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lots",
        _big("account", key=True),
        _big("instrument", key=True),
        _big("number", key=True),
        _text("payload"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        _big("sequence", key=True),
        _big("event_index", key=True),
        _small("part", key=True),
        _big("account"),
        _big("instrument"),
        _small("schema"),
        _text("payload"),
        sqlite_with_rowid=False,
    )
    op.create_index("events_by_position", "events", ["account", "instrument", "sequence", "event_index", "part"])
    op.create_table(
        "marks",
        _big("instrument", key=True),
        _big("price"),
        _small("source"),
        _big("sequence"),
        _big("time_ns"),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )
    op.create_table(
        "cursor",
        _small("one", key=True),
        *(_big(name) for name in ("sequence", "time_ns", "events", "positions", "snapshot_events")),
    )
    op.create_table(
        "choices", _big("account", key=True), _big("instrument", key=True), _big("since", key=True), _text("payload")
    )
    op.create_table(
        "snapshots",
        *_kept(_big("sequence", key=True), *(_big(name) for name in ("time_ns", "events", "positions"))),
    )
    op.create_table(
        "segments", *_kept(_big("first", key=True), *(_big(name) for name in ("last", "events", "last_ns")))
    )
    op.create_table(
        "segment_positions",
        _big("account", key=True),
        _big("instrument", key=True),
        _big("first", key=True),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in (
        "segment_positions",
        "segments",
        "snapshots",
        "choices",
        "cursor",
        "marks",
        "events",
        "lots",
        "positions",
    ):
        op.drop_table(table)

"""Rates, reporting currencies, costs at the rates of their days, points of the history."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

CARRIED = (
    *("quantity", "cost", "realised", "fees", "funding"),
    *("base_cost", "base_realised", "base_fees", "base_funding", "fx_realised"),
)


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "fx_snapshots", _big("number", key=True), _text("snapshot_id", 36), _text("source", 64), _big("time_ns")
    )
    op.create_index("fx_snapshots_by_id", "fx_snapshots", ["snapshot_id"], unique=True)
    op.create_table(
        "fx_rates",
        _big("number", key=True),
        _text("base", 24, key=True),
        _text("quote", 24, key=True),
        _text("numerator", 20),
        _text("denominator", 20),
        sqlite_with_rowid=False,
    )
    op.create_table("reporting", _big("account", key=True), _text("currency", 24))
    op.create_table(
        "carried",
        _big("account", key=True),
        _text("symbol", 24, key=True),
        _text("currency", 24),
        *(_text(name, 64) for name in CARRIED),
        _big("sequence"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history",
        _big("account", key=True),
        _text("currency", 24, key=True),
        _big("time_ns", key=True),
        _big("sequence"),
        _text("total", 64),
        _text("flow", 64),
        _text("fx_snapshot_id", 36),
        sqlite_with_rowid=False,
    )

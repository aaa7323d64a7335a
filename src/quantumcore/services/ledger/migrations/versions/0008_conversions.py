"""Conversions; the office's quotes, and what conversions have left at the ends of days."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "conversions",
        _big("account", key=True),
        _text("conversion_id", 36, key=True),
        _text("quote_id", 36),
        _big("sold"),
        _big("bought"),
        _big("paid"),
        _big("received"),
        _big("spread"),
        _text("residue", 64),
        _text("customer", 20),
        _text("mid", 20),
        _text("source", 40),
        _big("rate_time_ns"),
        _big("sequence"),
        _big("time_ns"),
        sqlite_with_rowid=False,
    )
    op.create_index("conversions_by_sequence", "conversions", ["sequence"])
    op.create_table(
        "quotes",
        _text("quote_id", 36, key=True),
        _big("account"),
        _text("sold", 12),
        _text("bought", 12),
        _text("customer", 41),
        _text("mid", 41),
        _text("source", 40),
        _big("time_ns"),
        _big("expires_ns"),
        _big("used_account"),
        _text("used_by", 36),
        _big("paid"),
        sqlite_with_rowid=False,
    )
    op.create_index("quotes_used", "quotes", ["used_account", "used_by"])
    op.create_index("quotes_open", "quotes", ["used_by", "expires_ns"])
    op.create_table(
        "fx_days",
        _big("day", key=True),
        _big("currency", key=True),
        _big("upto"),
        _big("units"),
        _text("left", 200),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("fx_days", "quotes", "conversions"):
        op.drop_table(table)

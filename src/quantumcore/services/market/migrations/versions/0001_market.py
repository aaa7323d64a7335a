"""Trades, stored books, and the cursors."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "trades",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("instrument", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("trades_by_instrument", "trades", ["instrument", "sequence", "event_index"])
    op.create_table(
        "books",
        sa.Column("instrument", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "cursor",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("cursor", "books", "trades"):
        op.drop_table(table)

"""Closed periods, and transactions by the day on which they are effective."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "periods",
        sa.Column("end_day", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("asked_ns", sa.BigInteger, nullable=False),
    )
    op.create_index("transactions_by_sequence", "transactions", ["sequence"])
    dated = sa.column("effective_day") != sa.literal_column("0")
    op.create_index(
        "transactions_dated",
        "transactions",
        ["effective_day", "sequence"],
        sqlite_where=dated,
        postgresql_where=dated,
    )


def downgrade() -> None:
    op.drop_index("transactions_dated", "transactions")
    op.drop_index("transactions_by_sequence", "transactions")
    op.drop_table("periods")

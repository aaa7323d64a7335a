"""What actions bring: a line of dividends, and the actions themselves.

Snapshots that were taken before do not know the line and would have another digest: they go, and new ones are taken.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("positions", sa.Column("dividends", sa.String(40), nullable=False, server_default="0"))
    op.execute("DELETE FROM snapshots")
    op.execute("UPDATE cursor SET snapshot_events = 0")
    op.create_table(
        "actions",
        sa.Column("action_id", sa.String(36), primary_key=True, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("payload", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("actions")
    op.drop_column("positions", "dividends")

"""Since when a credit limit and the state of an account are what they are; 0 of what stood before there was this column."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
TABLES = ("credits", "states")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("changed", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "changed")

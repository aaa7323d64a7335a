"""Changes of limits say of which level they are; those of before were of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

OF_ACCOUNTS = "2"


def upgrade() -> None:
    op.add_column("limit_changes", sa.Column("scope", sa.SmallInteger, nullable=False, server_default=OF_ACCOUNTS))
    op.add_column("limit_changes", sa.Column("other", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    for column in ("other", "scope"):
        op.drop_column("limit_changes", column)

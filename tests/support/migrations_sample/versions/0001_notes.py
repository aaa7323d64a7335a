"""Notes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "notes", sa.Column("number", sa.BigInteger, primary_key=True), sa.Column("text", sa.Text, nullable=False)
    )

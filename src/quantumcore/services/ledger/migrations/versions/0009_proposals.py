"""What one person asks for and another decides."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def _blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def upgrade() -> None:
    op.create_table(
        "proposals",
        _text("proposal_id", 36, key=True),
        _text("kind", 16),
        _blob("what"),
        _text("maker", 64),
        _big("made_ns"),
        _big("expires_ns"),
        sa.Column("state", sa.SmallInteger, nullable=False),
        _text("checker", 64),
        _big("checked_ns"),
        _blob("result"),
        _big("sequence"),
        _text("code", 64),
        _text("detail", 1_024),
        sqlite_with_rowid=False,
    )
    op.create_index("proposals_by_state", "proposals", ["state", "expires_ns"])
    op.create_index("proposals_by_time", "proposals", ["made_ns", "proposal_id"])


def downgrade() -> None:
    op.drop_table("proposals")

"""Holds that clients place."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "client_holds",
        _big("sequence", key=True),
        _big("account"),
        sa.Column("hold_id", sa.String(36), nullable=False),
        _big("currency"),
        _big("placed"),
        _big("captured"),
        _big("released"),
        _big("expires_ns"),
        _big("changed"),
        sa.Column("done", sa.Boolean, nullable=False),
    )
    op.create_index("client_holds_by_id", "client_holds", ["account", "hold_id"], unique=True)
    for name, columns in (("client_holds_open", ["account", "sequence"]), ("client_holds_standing", ["sequence"])):
        op.create_index(
            name, "client_holds", columns, sqlite_where=sa.text("done = 0"), postgresql_where=sa.text("done = false")
        )


def downgrade() -> None:
    op.drop_table("client_holds")

"""Groups of transfers by their ids, credit limits, and whether an account is open."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "transactions",
        _big("account", key=True),
        _text("group_id", 36, key=True),
        _big("code"),
        _small("flags"),
        _small("legs"),
        _big("effective_day"),
        _text("user_data", 32),
        _text("text", 128),
        _text("reverses", 36),
        _big("sequence"),
        _big("time_ns"),
        _big("reversed_by"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "credits",
        _big("owner", key=True),
        _big("currency", key=True),
        _big("credit_limit"),
        _big("floor"),
        sqlite_with_rowid=False,
    )
    op.create_table("states", _big("account", key=True), _small("state"))


def downgrade() -> None:
    for table in ("states", "credits", "transactions"):
        op.drop_table(table)

"""Withdrawals through a payout rail, and what is to be told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "sagas",
        _text("saga_id", 36, key=True),
        _big("account"),
        _text("transfer_id", 36),
        _big("currency"),
        _big("amount"),
        _big("fee"),
        _big("started_ns"),
        _big("deadline_ns"),
        _big("due_ns"),
        _small("status"),
        _small("step"),
        _text("undo", 16),
        sa.Column("stuck", sa.Boolean, nullable=False),
        _small("tries"),
        _big("hold_sequence"),
        _big("sequence"),
        _text("reason", 64),
        _small("attempt"),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    op.create_index(
        "sagas_open",
        "sagas",
        ["started_ns"],
        sqlite_where=sa.text("ended = 0"),
        postgresql_where=sa.text("ended = false"),
    )
    op.create_table("saga_outbox", _big("number", key=True), sa.Column("body", sa.Text, nullable=False))


def downgrade() -> None:
    op.drop_table("saga_outbox")
    op.drop_table("sagas")

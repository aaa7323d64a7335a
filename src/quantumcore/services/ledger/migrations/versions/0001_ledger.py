"""Accounts, entries, holds, owners, transfers, what the codes follow from, and the cursor."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "accounts",
        _big("owner", key=True),
        _big("currency", key=True),
        _small("code", key=True),
        _text("debits", 39),
        _text("credits", 39),
        _big("held"),
        _big("changed"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entries",
        _big("sequence", key=True),
        _big("event_index", key=True),
        _small("leg", key=True),
        _small("why"),
        _big("debit_owner"),
        _small("debit_code"),
        _big("credit_owner"),
        _small("credit_code"),
        _big("currency"),
        _big("amount"),
        _text("reference", 36),
        _big("time_ns"),
        sqlite_with_rowid=False,
    )
    for side in ("debit", "credit"):
        customers = sa.column(f"{side}_owner") != 0
        op.create_index(
            f"entries_by_{side}",
            "entries",
            [f"{side}_owner", "sequence", "event_index", "leg"],
            sqlite_where=customers,
            postgresql_where=customers,
        )
    op.create_table(
        "holds",
        _big("order_sequence", key=True),
        _big("slot"),
        _big("account"),
        _big("currency"),
        _text("placed", 39),
        _text("captured", 39),
        _text("released", 39),
        sa.Column("done", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "holds_open",
        "holds",
        ["account", "order_sequence"],
        sqlite_where=sa.text("done = 0"),
        postgresql_where=sa.text("done = false"),
    )
    op.create_table("owners", _big("account", key=True), _text("owner", 36), _big("sequence"))
    op.create_table(
        "transfers",
        _big("account", key=True),
        _text("transfer_id", 36, key=True),
        _small("transfer_kind"),
        _big("to_account"),
        _big("currency"),
        _big("amount"),
        _big("sequence"),
        _big("time_ns"),
    )
    op.create_table("codes", _big("currency", key=True), _small("code"))
    op.create_table("sides", _big("currency", key=True), _text("side", 5, key=True))
    op.create_table("cursor", _small("one", key=True), _big("sequence"))

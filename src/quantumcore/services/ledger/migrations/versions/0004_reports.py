"""Balances of the house at every 4,096th sequence, and indexes in which an account's balance can be summed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

EVERY = 4_096
POSITION = ("sequence", "event_index", "leg")
HIGH = 1 << 32  # sums of 63 bits pass 63 bits: they are taken in two halves


def _index(side: str, *columns: str) -> None:
    customers = sa.column(f"{side}_owner") != sa.literal_column("0")
    op.create_index(
        f"entries_by_{side}",
        "entries",
        [f"{side}_owner", *POSITION, *columns],
        sqlite_where=customers,
        postgresql_where=customers,
    )


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("sequence", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("currency", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("code", sa.SmallInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("debits", sa.String(39), nullable=False),
        sa.Column("credits", sa.String(39), nullable=False),
        sqlite_with_rowid=False,
    )
    for side in ("debit", "credit"):
        op.drop_index(f"entries_by_{side}", "entries")
        _index(side, "currency", "amount")
    _fill()


def _fill() -> None:
    """Write the checkpoints of what was entered before there were any."""
    connection = op.get_bind()
    entries = sa.table(
        "entries", *(sa.column(c) for c in ("sequence", "debit_code", "credit_code", "currency", "amount"))
    )
    checkpoints = sa.table(
        "checkpoints", *(sa.column(c) for c in ("sequence", "currency", "code", "debits", "credits"))
    )
    cursor = connection.execute(sa.select(sa.table("cursor", sa.column("sequence")).c.sequence)).scalar() or 0
    c = entries.c
    sums: dict[tuple[int, int], list[int]] = {}
    for last in range(EVERY, cursor + 1, EVERY):
        part = (
            sa.select(
                c.currency,
                c.debit_code,
                c.credit_code,
                sa.func.sum(c.amount.op("/")(HIGH)),
                sa.func.sum(c.amount.op("%")(HIGH)),
            )
            .where(c.sequence > last - EVERY, c.sequence <= last)
            .group_by(c.currency, c.debit_code, c.credit_code)
        )
        for currency, debit, credit, high, low in connection.execute(part):
            amount = int(high) * HIGH + int(low)
            sums.setdefault((currency, debit), [0, 0])[0] += amount
            sums.setdefault((currency, credit), [0, 0])[1] += amount
        for (currency, code), (debits, credits_) in sorted(sums.items()):
            row = {
                "sequence": last,
                "currency": currency,
                "code": code,
                "debits": str(debits),
                "credits": str(credits_),
            }
            connection.execute(checkpoints.insert(), row)


def downgrade() -> None:
    for side in ("debit", "credit"):
        op.drop_index(f"entries_by_{side}", "entries")
        _index(side)
    op.drop_table("checkpoints")

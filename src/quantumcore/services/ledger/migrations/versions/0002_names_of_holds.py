"""Holds are named by sequence and slot, for linked orders share a sequence; and they say whether they are linked."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COLUMNS = ("order_sequence", "slot", "account", "currency", "placed", "captured", "released", "done")


def _named(table: str, *columns: str) -> sa.TableClause:
    return sa.table(table, *(sa.column(name) for name in columns))


def _holds(*, slot_names: bool) -> None:
    op.create_table(
        "new_holds",
        sa.Column("order_sequence", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("slot", sa.BigInteger, primary_key=slot_names, nullable=False, autoincrement=False),
        sa.Column("account", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String(39), nullable=False) for name in ("placed", "captured", "released")),
        sa.Column("done", sa.Boolean, nullable=False),
        *([sa.Column("linked", sa.Boolean, nullable=False)] if slot_names else []),
        sqlite_with_rowid=False,
    )


def _replace() -> None:
    op.drop_table("holds")
    op.rename_table("new_holds", "holds")
    op.create_index(
        "holds_open",
        "holds",
        ["account", "order_sequence"],
        sqlite_where=sa.literal_column("done") == sa.literal_column("0"),
        postgresql_where=sa.literal_column("done") == sa.literal_column("false"),
    )


def upgrade() -> None:
    before = _named("holds", *_COLUMNS)
    _holds(slot_names=True)
    kept = sa.select(before, sa.literal(False, sa.Boolean))
    op.execute(_named("new_holds", *_COLUMNS, "linked").insert().from_select([*_COLUMNS, "linked"], kept))
    _replace()


def downgrade() -> None:
    """Of linked orders, which share a sequence, only one hold fits into the table of before: the first."""
    before = _named("holds", *_COLUMNS)
    other = before.alias("other")
    earlier = sa.exists().where(other.c.order_sequence == before.c.order_sequence, other.c.slot < before.c.slot)
    _holds(slot_names=False)
    kept = sa.select(before).where(~earlier)
    op.execute(_named("new_holds", *_COLUMNS).insert().from_select(list(_COLUMNS), kept))
    _replace()

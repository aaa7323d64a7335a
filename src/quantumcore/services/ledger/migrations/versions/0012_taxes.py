"""Taxes, documents, and what each took of them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "tax_records",
        _text("code", 12, key=True),
        _big("version", key=True),
        _big("rate"),
        _text("mode", 9),
        _text("upon", 104),
        _big("set_ns"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tax_documents",
        _text("document_id", 36, key=True),
        _big("account"),
        _text("currency", 12),
        _big("effective_day"),
        sa.Column("cumulative", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _small("state"),
        _text("detail", 1_024),
        sqlite_with_rowid=False,
    )
    op.create_index("tax_documents_by_day", "tax_documents", ["effective_day"])
    op.create_index("tax_documents_of", "tax_documents", ["account", "cumulative", "effective_day"])
    op.create_table(
        "tax_dues",
        _text("document_id", 36, key=True),
        _small("place", key=True),
        _text("code", 12),
        _big("rate"),
        _text("base", 200),
        _text("exact", 200),
        _big("amount"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("tax_dues", "tax_documents", "tax_records"):
        op.drop_table(table)

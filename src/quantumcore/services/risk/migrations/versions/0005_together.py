"""What counts for a firm and a group together: orders tell what has filled, and what they are tied to; what follows the events follows them anew."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

FOLLOWING = (
    "accounts",
    "balances",
    "positions",
    "marks",
    "closes",
    "limits",
    "switches",
    "members",
    "margin_events",
    "cursor",
)


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _replace_orders(*more: "sa.Column[int] | sa.Column[str] | sa.Column[bool]") -> None:
    op.drop_table("orders")
    names = [_big("sequence", key=True), _big("slot", key=True)]
    terms = [_big("account"), _big("instrument"), _small("side"), _big("price"), _big("leaves")]
    op.create_table("orders", *names, *terms, *more, sqlite_with_rowid=False)
    op.create_index("orders_by_account", "orders", ["account"])
    for table in FOLLOWING:
        op.execute(sa.delete(sa.table(table)))


def upgrade() -> None:
    pegged = sa.Column("pegged", sa.Boolean, nullable=False)
    _replace_orders(_big("filled"), _text("notional", 40), _big("link"), _small("tie"), pegged)
    op.create_index("members_by_number", "members", ["scope", "number", "account"])
    op.create_table(
        "drawn", _big("firm", key=True), _big("currency", key=True), _text("filled", 40), sqlite_with_rowid=False
    )


def downgrade() -> None:
    op.drop_table("drawn")
    op.drop_index("members_by_number", "members")
    _replace_orders()

"""Orders, their fills, their updates, and the cursor."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    if key:
        return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)
    return sa.Column(name, sa.BigInteger, nullable=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False)


def upgrade() -> None:
    op.create_table(
        "orders",
        _big("sequence", key=True),
        _big("slot"),
        _big("account"),
        sa.Column("client_id", sa.String(36), nullable=False),
        _big("instrument"),
        _small("side"),
        _small("order_type"),
        _small("time_in_force"),
        sa.Column("post_only", sa.Boolean, nullable=False),
        _big("price"),
        _big("quantity"),
        _big("filled"),
        sa.Column("notional", sa.String(32), nullable=False),
        _big("fees"),
        sa.Column("fills", sa.Integer, nullable=False),
        _small("status"),
        _small("reason"),
        _big("updated_sequence"),
        _big("accepted_ns"),
        _big("updated_ns"),
        sa.Column("rejection", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_index("orders_by_account", "orders", ["account", "sequence"])
    op.create_index("orders_by_client_id", "orders", ["account", "client_id", "sequence"])
    op.create_index("orders_by_status", "orders", ["account", "status", "sequence"])
    op.create_index("orders_by_instrument", "orders", ["account", "instrument", "sequence"])
    op.create_table(
        "fills",
        _big("order_sequence", key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        _big("account"),
        _big("instrument"),
        _big("sequence"),
        _big("event_index"),
        _small("leg"),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("fills_by_account", "fills", ["account", "sequence", "event_index", "leg"])
    op.create_index("fills_by_instrument", "fills", ["account", "instrument", "sequence", "event_index", "leg"])
    op.create_table(
        "order_updates",
        _big("account", key=True),
        _big("sequence", key=True),
        _big("event_index", key=True),
        sa.Column("leg", sa.SmallInteger, primary_key=True, autoincrement=False),
        _big("order_sequence"),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("order_updates_by_order", "order_updates", ["order_sequence", "sequence", "event_index"])
    op.create_table("cursor", sa.Column("name", sa.String(32), primary_key=True), _big("sequence"))


def downgrade() -> None:
    for table in ("cursor", "order_updates", "fills", "orders"):
        op.drop_table(table)

"""Orders are named by sequence and slot, for linked orders share a sequence; and they may have further terms."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEPT = (
    "sequence",
    "slot",
    "account",
    "client_id",
    "instrument",
    "side",
    "order_type",
    "time_in_force",
    "post_only",
    "price",
    "quantity",
    "filled",
    "notional",
    "fees",
    "fills",
    "status",
    "reason",
    "updated_sequence",
    "accepted_ns",
    "updated_ns",
    "rejection",
)
_FILL = ("order_sequence", "ordinal", "account", "instrument", "sequence", "event_index", "leg", "payload")


def _named(table: str, *columns: str) -> sa.TableClause:
    return sa.table(table, *(sa.column(name) for name in columns))


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    if key:
        return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)
    return sa.Column(name, sa.BigInteger, nullable=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False)


def _orders(name: str, *, slot_names: bool) -> None:
    op.create_table(
        name,
        _big("sequence", key=True),
        _big("slot", key=slot_names),
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
        *([sa.Column("terms", sa.LargeBinary)] if slot_names else []),
        sqlite_with_rowid=False,
    )


def _fills(name: str, *, slot_names: bool) -> None:
    op.create_table(
        name,
        _big("order_sequence", key=True),
        *([_big("order_slot", key=True)] if slot_names else []),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        _big("account"),
        _big("instrument"),
        _big("sequence"),
        _big("event_index"),
        _small("leg"),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _replace(table: str) -> None:
    """Let the new table take the old one's place; its indexes go with it and are made anew."""
    op.drop_table(table)
    op.rename_table(f"new_{table}", table)


def _index() -> None:
    op.create_index("orders_by_account", "orders", ["account", "sequence"])
    op.create_index("orders_by_client_id", "orders", ["account", "client_id", "sequence"])
    op.create_index("orders_by_status", "orders", ["account", "status", "sequence"])
    op.create_index("orders_by_instrument", "orders", ["account", "instrument", "sequence"])
    op.create_index("fills_by_account", "fills", ["account", "sequence", "event_index", "leg"])
    op.create_index("fills_by_instrument", "fills", ["account", "instrument", "sequence", "event_index", "leg"])


def upgrade() -> None:
    before, orders = _named("fills", *_FILL), _named("orders", *_KEPT)
    with_slots = sa.select(*(before.c[name] for name in _FILL), orders.c.slot).join_from(
        before, orders, orders.c.sequence == before.c.order_sequence
    )
    _fills("new_fills", slot_names=True)
    op.execute(_named("new_fills", *_FILL, "order_slot").insert().from_select([*_FILL, "order_slot"], with_slots))
    _orders("new_orders", slot_names=True)
    op.execute(_named("new_orders", *_KEPT).insert().from_select(list(_KEPT), sa.select(orders)))
    _replace("fills")
    _replace("orders")
    _index()


def downgrade() -> None:
    """Linked orders do not fit into the tables of before: what is there goes, and the event log fills them anew."""
    _fills("new_fills", slot_names=False)
    _orders("new_orders", slot_names=False)
    _replace("fills")
    _replace("orders")
    _index()
    op.execute(_named("order_updates").delete())
    op.execute(_named("cursor").delete())

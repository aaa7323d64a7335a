"""The tables of the orders room. Everything in them can be rebuilt from the event log."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", BigInteger, nullable=False),
    Column("account", BigInteger, nullable=False),
    Column("client_id", String(36), nullable=False),
    Column("instrument", BigInteger, nullable=False),
    Column("side", SmallInteger, nullable=False),
    Column("order_type", SmallInteger, nullable=False),
    Column("time_in_force", SmallInteger, nullable=False),
    Column("post_only", Boolean, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("filled", BigInteger, nullable=False),
    Column("notional", String(32), nullable=False),  # ticks × lots pass 63 bits
    Column("fees", BigInteger, nullable=False),
    Column("fills", Integer, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("reason", SmallInteger, nullable=False),
    Column("updated_sequence", BigInteger, nullable=False),
    Column("accepted_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("rejection", Text),
    Index("orders_by_account", "account", "sequence"),
    Index("orders_by_client_id", "account", "client_id", "sequence"),
    Index("orders_by_status", "account", "status", "sequence"),
    Index("orders_by_instrument", "account", "instrument", "sequence"),
)
fills = Table(
    "fills",
    metadata,
    Column("order_sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("account", BigInteger, nullable=False),
    Column("instrument", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("event_index", BigInteger, nullable=False),
    Column("leg", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("fills_by_account", "account", "sequence", "event_index", "leg"),
    Index("fills_by_instrument", "account", "instrument", "sequence", "event_index", "leg"),
)
order_updates = Table(
    "order_updates",
    metadata,
    Column("account", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_index", BigInteger, primary_key=True, autoincrement=False),
    Column("leg", SmallInteger, primary_key=True, autoincrement=False),
    Column("order_sequence", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("order_updates_by_order", "order_sequence", "sequence", "event_index"),
)
cursor = Table(
    "cursor",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)

"""The tables of the orders room. Everything in them can be rebuilt from the event log."""

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text

from quantumcore.ports.columns import big, blob, flag, small, text

metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    big("sequence", key=True),
    big("slot", key=True),
    big("account"),
    text("client_id", 36),
    big("instrument"),
    small("side"),
    small("order_type"),
    small("time_in_force"),
    flag("post_only"),
    big("price"),
    big("quantity"),
    big("filled"),
    text("notional", 32),  # ticks × lots pass 63 bits
    big("fees"),
    Column("fills", Integer, nullable=False),
    small("status"),
    small("reason"),
    big("updated_sequence"),
    big("accepted_ns"),
    big("updated_ns"),
    Column("rejection", Text),
    Column("terms", LargeBinary),
    Index("orders_by_account", "account", "sequence"),
    Index("orders_by_client_id", "account", "client_id", "sequence"),
    Index("orders_by_status", "account", "status", "sequence"),
    Index("orders_by_instrument", "account", "instrument", "sequence"),
    sqlite_with_rowid=False,
)
fills = Table(
    "fills",
    metadata,
    big("order_sequence", key=True),
    big("order_slot", key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    big("account"),
    big("instrument"),
    big("sequence"),
    big("event_index"),
    small("leg"),
    blob("payload"),
    Index("fills_by_account", "account", "sequence", "event_index", "leg"),
    Index("fills_by_instrument", "account", "instrument", "sequence", "event_index", "leg"),
    sqlite_with_rowid=False,
)
order_updates = Table(
    "order_updates",
    metadata,
    big("account", key=True),
    big("sequence", key=True),
    big("event_index", key=True),
    small("leg", key=True),
    big("order_sequence"),
    big("order_slot"),
    blob("payload"),
    Index("order_updates_by_order", "order_sequence", "order_slot", "sequence", "event_index"),
    sqlite_with_rowid=False,
)
cursor = Table(
    "cursor",
    metadata,
    text("name", 32, key=True),
    big("sequence"),
)

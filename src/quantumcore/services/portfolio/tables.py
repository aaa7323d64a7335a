"""The portfolio room's tables. What stands here nothing can rebuild."""

from sqlalchemy import Index, MetaData, Table

from quantumcore.ports.columns import big, text

metadata = MetaData()
fx_snapshots = Table(  # the one with the highest number is in force
    "fx_snapshots",
    metadata,
    big("number", key=True),
    text("snapshot_id", 36),
    text("source", 64),
    big("time_ns"),
)
Index("fx_snapshots_by_id", fx_snapshots.c.snapshot_id, unique=True)
fx_rates = Table(  # u64 does not fit a BigInteger: integers as text
    "fx_rates",
    metadata,
    big("number", key=True),
    text("base", 24, key=True),
    text("quote", 24, key=True),
    text("numerator", 20),
    text("denominator", 20),
    sqlite_with_rowid=False,
)
reporting = Table("reporting", metadata, big("account", key=True), text("currency", 24))
carried = Table(  # amounts at 10^-18 outgrow 64 bits: integers as text
    "carried",
    metadata,
    big("account", key=True),
    text("symbol", 24, key=True),
    text("currency", 24),
    text("quantity", 64),
    text("cost", 64),
    text("realised", 64),
    text("fees", 64),
    text("funding", 64),
    text("base_cost", 64),
    text("base_realised", 64),
    text("base_fees", 64),
    text("base_funding", 64),
    text("fx_realised", 64),
    big("sequence"),
    sqlite_with_rowid=False,
)
history = Table(
    "history",
    metadata,
    big("account", key=True),
    text("currency", 24, key=True),
    big("time_ns", key=True),
    big("sequence"),
    text("total", 64),
    text("flow", 64),
    text("fx_snapshot_id", 36),
    sqlite_with_rowid=False,
)

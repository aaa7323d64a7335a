"""The portfolio room's tables. What stands here nothing can rebuild."""

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table


def _big(name: str, *, key: bool = False) -> "Column[int]":
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int, *, key: bool = False) -> "Column[str]":
    return Column(name, String(length), primary_key=key, nullable=False)


metadata = MetaData()
fx_snapshots = Table(  # the one with the highest number is in force
    "fx_snapshots",
    metadata,
    _big("number", key=True),
    _text("snapshot_id", 36),
    _text("source", 64),
    _big("time_ns"),
)
Index("fx_snapshots_by_id", fx_snapshots.c.snapshot_id, unique=True)
fx_rates = Table(  # u64 does not fit a BigInteger: integers as text
    "fx_rates",
    metadata,
    _big("number", key=True),
    _text("base", 24, key=True),
    _text("quote", 24, key=True),
    _text("numerator", 20),
    _text("denominator", 20),
    sqlite_with_rowid=False,
)
reporting = Table("reporting", metadata, _big("account", key=True), _text("currency", 24))
carried = Table(  # amounts at 10^-18 outgrow 64 bits: integers as text
    "carried",
    metadata,
    _big("account", key=True),
    _text("symbol", 24, key=True),
    _text("currency", 24),
    _text("quantity", 64),
    _text("cost", 64),
    _text("realised", 64),
    _text("fees", 64),
    _text("funding", 64),
    _text("base_cost", 64),
    _text("base_realised", 64),
    _text("base_fees", 64),
    _text("base_funding", 64),
    _text("fx_realised", 64),
    _big("sequence"),
    sqlite_with_rowid=False,
)
history = Table(
    "history",
    metadata,
    _big("account", key=True),
    _text("currency", 24, key=True),
    _big("time_ns", key=True),
    _big("sequence"),
    _text("total", 64),
    _text("flow", 64),
    _text("fx_snapshot_id", 36),
    sqlite_with_rowid=False,
)

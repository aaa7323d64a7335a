"""The tables of the positions room. Whatever may outgrow 64 bits is text."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)


def _big(name: str, *, key: bool = False) -> "Column[int]":
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> "Column[int]":
    return Column(name, SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _amount(name: str) -> "Column[str]":
    return Column(name, String(40), nullable=False)


metadata = MetaData()
positions = Table(
    "positions",
    metadata,
    _big("account", key=True),
    _big("instrument", key=True),
    *(_amount(name) for name in ("quantity", "cost", "realised", "fees", "funding")),
    *(_big(name) for name in ("cycles", "version", "sequence", "event_index")),
    _small("part"),
    _small("method"),
    Column("wash_sales", Boolean, nullable=False),
    *(_big(name) for name in ("opened_sequence", "opened_fill", "opened_ns", "opened_price", "decreased")),
    Column("losses", Text, nullable=False),  # JSON, mostly []
    *(_big(name) for name in ("numbers", "born")),
    sqlite_with_rowid=False,
)
lots = Table(
    "lots",
    metadata,
    _big("account", key=True),
    _big("instrument", key=True),
    _big("number", key=True),
    Column("payload", Text, nullable=False),  # JSON
    sqlite_with_rowid=False,
)
events = Table(  # keyed as they come, so that adding is appending
    "events",
    metadata,
    _big("sequence", key=True),
    _big("event_index", key=True),
    _small("part", key=True),
    _big("account"),
    _big("instrument"),
    _small("schema"),
    Column("payload", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "events_by_position",
    events.c.account,
    events.c.instrument,
    events.c.sequence,
    events.c.event_index,
    events.c.part,
)
marks = Table(
    "marks",
    metadata,
    _big("instrument", key=True),
    _big("price"),
    _small("source"),
    _big("sequence"),
    _big("time_ns"),
    Column("withdrawn", Boolean, nullable=False),
)
cursor = Table(
    "cursor",
    metadata,
    _small("one", key=True),
    _big("sequence"),
    _big("time_ns"),
    _big("events"),  # position events so far
    _big("positions"),  # positions there are
    _big("snapshot_events"),  # how many events there were at the last snapshot
)
choices = Table(  # the room's own truth: what nobody could rebuild
    "choices",
    metadata,
    _big("account", key=True),
    _big("instrument", key=True),
    _big("since", key=True),
    Column("payload", Text, nullable=False),
)
snapshots = Table(
    "snapshots",
    metadata,
    _big("sequence", key=True),
    _big("time_ns"),
    _big("events"),
    _big("positions"),
    Column("digest", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
segments = Table(  # events that were put aside, compressed
    "segments",
    metadata,
    _big("first", key=True),
    _big("last"),
    _big("events"),
    _big("last_ns"),
    Column("digest", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
segment_positions = Table(
    "segment_positions",
    metadata,
    _big("account", key=True),
    _big("instrument", key=True),
    _big("first", key=True),
    sqlite_with_rowid=False,
)

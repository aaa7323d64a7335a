"""The tables of the positions room. Whatever may outgrow 64 bits is text."""

from sqlalchemy import Index, MetaData, Table

from quantumcore.ports.columns import big, blob, flag, small, text

metadata = MetaData()
positions = Table(
    "positions",
    metadata,
    big("account", key=True),
    big("instrument", key=True),
    *(text(name, 40) for name in ("quantity", "cost", "realised", "fees", "funding")),
    *(big(name) for name in ("cycles", "version", "sequence", "event_index")),
    small("part"),
    small("method"),
    flag("wash_sales"),
    *(big(name) for name in ("opened_sequence", "opened_fill", "opened_ns", "opened_price", "decreased")),
    text("losses"),  # JSON, mostly []
    *(big(name) for name in ("numbers", "born")),
    text("dividends", 40),
    sqlite_with_rowid=False,
)
lots = Table(
    "lots",
    metadata,
    big("account", key=True),
    big("instrument", key=True),
    big("number", key=True),
    text("payload"),  # JSON
    sqlite_with_rowid=False,
)
events = Table(  # keyed as they come, so that adding is appending
    "events",
    metadata,
    big("sequence", key=True),
    big("event_index", key=True),
    small("part", key=True),
    big("account"),
    big("instrument"),
    small("schema"),
    text("payload"),
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
    big("instrument", key=True),
    big("price"),
    small("source"),
    big("sequence"),
    big("time_ns"),
    flag("withdrawn"),
)
actions = Table(  # what befell all holders, by the id under which it was asked for
    "actions",
    metadata,
    text("action_id", 36, key=True),
    big("sequence"),
    big("time_ns"),
    text("payload"),  # JSON
    sqlite_with_rowid=False,
)
cursor = Table(
    "cursor",
    metadata,
    small("one", key=True),
    big("sequence"),
    big("time_ns"),
    big("events"),  # position events so far
    big("positions"),  # positions there are
    big("snapshot_events"),  # how many events there were at the last snapshot
)
choices = Table(  # the room's own truth: what nobody could rebuild
    "choices",
    metadata,
    big("account", key=True),
    big("instrument", key=True),
    big("since", key=True),
    text("payload"),
)
snapshots = Table(
    "snapshots",
    metadata,
    big("sequence", key=True),
    big("time_ns"),
    big("events"),
    big("positions"),
    text("digest", 64),
    blob("payload"),
)
segments = Table(  # events that were put aside, compressed
    "segments",
    metadata,
    big("first", key=True),
    big("last"),
    big("events"),
    big("last_ns"),
    text("digest", 64),
    blob("payload"),
)
segment_positions = Table(
    "segment_positions",
    metadata,
    big("account", key=True),
    big("instrument", key=True),
    big("first", key=True),
    sqlite_with_rowid=False,
)

"""The tables of the risk room. The first part follows the engine's events; the second is the room's own truth. What may outgrow 64 bits is text."""

from sqlalchemy import Index, MetaData, Table

from quantumcore.ports.columns import big, blob, flag, small, text

metadata = MetaData()


def _changes(name: str) -> Table:
    """Return a table of what was set by one command of the engine each, written down before the engine was asked."""
    made = Table(
        name,
        metadata,
        big("number", key=True),
        text("subject", 32),
        text("kind", 16),
        text("what"),  # JSON
        blob("command"),
        small("state"),
        text("who", 64),
        text("reason"),
        big("time_ns"),
        big("sequence"),
        text("code", 64),
    )
    Index(f"{name}_by_subject", made.c.subject, made.c.number)
    Index(f"{name}_by_state", made.c.state, made.c.number)
    return made


accounts = Table("accounts", metadata, big("account", key=True), big("sequence"))
balances = Table(
    "balances",
    metadata,
    big("account", key=True),
    big("currency", key=True),
    text("total", 40),
    big("day"),  # on which it last moved
    text("opening", 40),  # what it was before that day
    text("flow", 40),  # what deposits, withdrawals and transfers brought on that day
    sqlite_with_rowid=False,
)
positions = Table(
    "positions",
    metadata,
    big("account", key=True),
    big("instrument", key=True),
    text("lots", 40),
    text("cost", 60),  # "": nobody knows what it cost
    sqlite_with_rowid=False,
)
orders = Table(
    "orders",
    metadata,
    big("sequence", key=True),
    big("slot", key=True),
    big("account"),
    big("instrument"),
    small("side"),
    big("price"),
    big("leaves"),
    big("filled"),
    text("notional", 40),
    big("link"),  # the sequence that tied it to others; 0: none
    small("tie"),
    flag("pegged"),
    sqlite_with_rowid=False,
)
Index("orders_by_account", orders.c.account)
Index("positions_by_instrument", positions.c.instrument)
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
closes = Table(  # the last price of each day
    "closes",
    metadata,
    big("instrument", key=True),
    big("day", key=True),
    big("price"),
    sqlite_with_rowid=False,
)
limits = Table(  # what the engine enforces, as it told last; number: of an account, a firm or a group
    "limits",
    metadata,
    small("scope", key=True),
    big("number", key=True),
    big("instrument", key=True),
    text("name", 32, key=True),
    text("value", 40),
    big("sequence"),
    sqlite_with_rowid=False,
)
switches = Table(  # kill switches that are engaged; number: of an account, a firm or a session
    "switches",
    metadata,
    small("scope", key=True),
    big("number", key=True),
    big("instrument", key=True),
    small("mode"),
    big("sequence"),
    big("time_ns"),
    sqlite_with_rowid=False,
)
members = Table(  # of which firm and of which group an account is
    "members",
    metadata,
    big("account", key=True),
    small("scope", key=True),
    big("number"),
    sqlite_with_rowid=False,
)
Index("members_by_number", members.c.scope, members.c.number, members.c.account)
drawn = Table(  # what has filled of a firm that has a line, since the line was set
    "drawn",
    metadata,
    big("firm", key=True),
    big("currency", key=True),
    text("filled", 40),
    sqlite_with_rowid=False,
)
margin_events = Table(  # the last event of margin of each kind and subject
    "margin_events",
    metadata,
    small("kind", key=True),
    big("account", key=True),
    big("instrument", key=True),
    big("currency", key=True),
    blob("event"),
)
guard_events = (
    Table(  # the last event of guards of each kind and subject; number: of the group, the session or the underlying
        "guard_events",
        metadata,
        small("kind", key=True),
        big("account", key=True),
        big("instrument", key=True),
        big("number", key=True),
        small("part", key=True),  # the class of a throttle, the cause of a pause
        flag("stands"),
        blob("event"),
    )
)
Index("guard_events_of_accounts", guard_events.c.kind, guard_events.c.stands, guard_events.c.account)
Index("guard_events_of_instruments", guard_events.c.kind, guard_events.c.stands, guard_events.c.instrument)
cursor = Table("cursor", metadata, small("one", key=True), big("sequence"), big("time_ns"))

parameters = Table(  # every version of what people set, for ever
    "parameters",
    metadata,
    big("version", key=True),
    text("kind", 32),
    text("subject", 32),
    text("payload"),  # JSON
    text("who", 64),
    text("reason"),
    big("time_ns"),
)
Index("parameters_by_subject", parameters.c.kind, parameters.c.subject, parameters.c.version)
limit_changes = Table(  # what was set of limits, written down before the engine was asked
    "limit_changes",
    metadata,
    big("number", key=True),
    big("account"),
    big("instrument"),
    big("currency"),
    small("state"),
    text("given"),  # JSON
    text("before"),  # JSON
    text("who", 64),
    text("reason"),
    big("time_ns"),
    big("expires_ns"),
    big("sequence"),
    text("code", 64),
    small("scope"),
    big("other"),  # the firm or the group
)
Index("limit_changes_by_account", limit_changes.c.account, limit_changes.c.number)
Index("limit_changes_by_state", limit_changes.c.state, limit_changes.c.expires_ns)
warned = Table(  # limits whose use is above the line, and has been told
    "warned",
    metadata,
    big("account", key=True),
    text("name", 64, key=True),
    big("number"),
    sqlite_with_rowid=False,
)
told = Table(  # what an account's stream of risk has said, by its number
    "told",
    metadata,
    big("number", key=True),
    big("account"),
    big("time_ns"),
    text("payload"),  # JSON
)
Index("told_by_account", told.c.account, told.c.number)
margin_changes = _changes("margin_changes")
guard_changes = _changes("guard_changes")
liquidations = Table(  # steps of liquidations, written down before their orders were sent
    "liquidations",
    metadata,
    big("number", key=True),
    big("account"),
    big("currency"),
    big("episode"),
    big("attempt"),
    small("rung"),
    big("assessed"),
    text("cause"),  # JSON
    text("begun"),  # JSON: sizes of its positions when the partials began
    text("commands"),  # JSON: bytes in hex
    small("state"),
    big("failed"),
    text("filled", 40),
    big("time_ns"),
    big("sequence"),
)
Index("liquidations_by_account", liquidations.c.account, liquidations.c.currency, liquidations.c.number)

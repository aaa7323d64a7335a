"""The ledger's tables."""

from sqlalchemy import Index, MetaData, Table, literal_column

from quantumcore.ports.columns import big, blob, flag, small, text

metadata = MetaData()
accounts = Table(  # debits and credits are sums without bound: integers as text
    "accounts",
    metadata,
    big("owner", key=True),
    big("currency", key=True),
    small("code", key=True),
    text("debits", 39),
    text("credits", 39),
    big("held"),
    big("changed"),
    sqlite_with_rowid=False,
)
entries = Table(
    "entries",
    metadata,
    big("sequence", key=True),
    big("event_index", key=True),
    small("leg", key=True),
    small("why"),
    big("debit_owner"),
    small("debit_code"),
    big("credit_owner"),
    small("credit_code"),
    big("currency"),
    big("amount"),
    text("reference", 36),
    big("time_ns"),
    sqlite_with_rowid=False,
)
for _side in ("debit", "credit"):
    _owner = entries.c[f"{_side}_owner"]
    _customers = _owner != literal_column("0")  # the house's own are never asked for by owner
    Index(
        f"entries_by_{_side}",
        _owner,
        entries.c.sequence,
        entries.c.event_index,
        entries.c.leg,
        entries.c.currency,  # with the amount: an account's balance at a position is summed in its index alone
        entries.c.amount,
        sqlite_where=_customers,
        postgresql_where=_customers,
    )
holds = Table(  # placed and released grow with every amendment: integers as text
    "holds",
    metadata,
    big("order_sequence", key=True),
    big("slot", key=True),
    big("account"),
    big("currency"),
    text("placed", 39),
    text("captured", 39),
    text("released", 39),
    flag("done"),
    flag("linked"),
    sqlite_with_rowid=False,
)
Index(
    "holds_open",
    holds.c.account,
    holds.c.order_sequence,
    sqlite_where=literal_column("done") == literal_column("0"),
    postgresql_where=literal_column("done") == literal_column("false"),
)
client_holds = Table(  # what clients have set aside, by the command that placed it
    "client_holds",
    metadata,
    big("sequence", key=True),
    big("account"),
    text("hold_id", 36),
    big("currency"),
    big("placed"),
    big("captured"),
    big("released"),
    big("expires_ns"),
    big("changed"),
    flag("done"),
)
Index("client_holds_by_id", client_holds.c.account, client_holds.c.hold_id, unique=True)
Index(
    "client_holds_open",
    client_holds.c.account,
    client_holds.c.sequence,
    sqlite_where=literal_column("done") == literal_column("0"),
    postgresql_where=literal_column("done") == literal_column("false"),
)
Index(
    "client_holds_standing",
    client_holds.c.sequence,
    sqlite_where=literal_column("done") == literal_column("0"),
    postgresql_where=literal_column("done") == literal_column("false"),
)
owners = Table("owners", metadata, big("account", key=True), text("owner", 36), big("sequence"))
transfers = Table(
    "transfers",
    metadata,
    big("account", key=True),
    text("transfer_id", 36, key=True),
    small("transfer_kind"),
    big("to_account"),
    big("currency"),
    big("amount"),
    big("sequence"),
    big("time_ns"),
)
transactions = Table(  # account 0: the house's own ids; user_data in hexadecimal digits
    "transactions",
    metadata,
    big("account", key=True),
    text("group_id", 36, key=True),
    big("code"),
    small("flags"),
    small("legs"),
    big("effective_day"),
    text("user_data", 32),
    text("text", 128),
    text("reverses", 36),
    big("sequence"),
    big("time_ns"),
    big("reversed_by"),
    sqlite_with_rowid=False,
)
conversions = Table(  # as conversions.Record has it: the projection writes it with the entries of its group
    "conversions",
    metadata,
    big("account", key=True),
    text("conversion_id", 36, key=True),
    text("quote_id", 36),
    big("sold"),
    big("bought"),
    big("paid"),
    big("received"),
    big("spread"),
    text("residue", 64),
    text("customer", 20),
    text("mid", 20),
    text("source", 40),
    big("rate_time_ns"),
    big("sequence"),
    big("time_ns"),
    sqlite_with_rowid=False,
)
Index("conversions_by_sequence", conversions.c.sequence)
Index("transactions_by_sequence", transactions.c.sequence)
_dated = transactions.c.effective_day != literal_column("0")  # of those by hand that name a day
Index(
    "transactions_dated",
    transactions.c.effective_day,
    transactions.c.sequence,
    sqlite_where=_dated,
    postgresql_where=_dated,
)
credit_lines = Table(
    "credits",
    metadata,
    big("owner", key=True),
    big("currency", key=True),
    big("credit_limit"),
    big("floor"),
    big("changed"),
    sqlite_with_rowid=False,
)
states = Table("states", metadata, big("account", key=True), small("state"), big("changed"))
codes = Table("codes", metadata, big("currency", key=True), small("code"))
sides = Table("sides", metadata, big("currency", key=True), text("side", 5, key=True))
cursor = Table("cursor", metadata, small("one", key=True), big("sequence"))
# The house's own accounts and the control accounts, as they stood at every CHECKPOINT_EVERY-th sequence.
checkpoints = Table(
    "checkpoints",
    metadata,
    big("sequence", key=True),
    big("currency", key=True),
    small("code", key=True),
    text("debits", 39),
    text("credits", 39),
    sqlite_with_rowid=False,
)
CHECKPOINT_EVERY = 4_096

# The audit (docs/reference/audit.md): a record for every entry, and what follows from them.
audit_records = Table(
    "audit_records",
    metadata,
    big("number", key=True),
    big("sequence"),
    big("event_index"),
    small("leg"),
    blob("hash"),
    sqlite_with_rowid=False,
)
audit_blocks = Table("audit_blocks", metadata, big("number", key=True), blob("node"), sqlite_with_rowid=False)
audit_days = Table(
    "audit_days",
    metadata,
    big("day", key=True),
    big("first"),
    big("count"),
    blob("before"),
    blob("head"),
    blob("root"),
)
audit_head = Table(  # where the chain goes on; before is the hash at the begin of the open day, edge its tree's
    "audit_head",
    metadata,
    small("one", key=True),
    big("shard"),
    big("number"),
    blob("hash"),
    big("day"),
    blob("before"),
    big("count"),
    blob("edge"),
)

# The office: what people decide. It stands in a file of its own that is synced with each commit, for no journal has it.
quotes = Table(  # rates as "numerator/denominator"; used_by is empty while it is offered, paid in minor units
    "quotes",
    metadata,
    text("quote_id", 36, key=True),
    big("account"),
    text("sold", 12),
    text("bought", 12),
    text("customer", 41),
    text("mid", 41),
    text("source", 40),
    big("time_ns"),
    big("expires_ns"),
    big("used_account"),
    text("used_by", 36),
    big("paid"),
    sqlite_with_rowid=False,
)
Index("quotes_used", quotes.c.used_account, quotes.c.used_by)
Index("quotes_open", quotes.c.used_by, quotes.c.expires_ns)
fx_days = (
    Table(  # what went to rounding at the end of a day, of one currency; left is what stays, "numerator/denominator"
        "fx_days",
        metadata,
        big("day", key=True),
        big("currency", key=True),
        big("upto"),
        big("units"),
        text("left", 200),
        sqlite_with_rowid=False,
    )
)
proposals = Table(  # as proposal.Proposal has it; none ever leaves
    "proposals",
    metadata,
    text("proposal_id", 36, key=True),
    text("kind", 16),
    blob("what"),
    text("maker", 64),
    big("made_ns"),
    big("expires_ns"),
    small("state"),
    text("checker", 64),
    big("checked_ns"),
    blob("result"),
    big("sequence"),
    text("code", 64),
    text("detail", 1_024),
    sqlite_with_rowid=False,
)
Index("proposals_by_state", proposals.c.state, proposals.c.expires_ns)
Index("proposals_by_time", proposals.c.made_ns, proposals.c.proposal_id)
# Likewise of the office: withdrawals through a payout rail.
sagas = Table(
    "sagas",
    metadata,
    text("saga_id", 36, key=True),
    big("account"),
    text("transfer_id", 36),
    big("currency"),
    big("amount"),
    big("fee"),
    big("started_ns"),
    big("deadline_ns"),
    big("due_ns"),
    small("status"),
    small("step"),
    text("undo", 16),
    flag("stuck"),
    small("tries"),
    big("hold_sequence"),
    big("sequence"),
    text("reason", 64),
    small("attempt"),
    flag("ended"),
)
Index(
    "sagas_open",
    sagas.c.started_ns,
    sqlite_where=literal_column("ended") == literal_column("0"),
    postgresql_where=literal_column("ended") == literal_column("false"),
)
saga_outbox = Table("saga_outbox", metadata, big("number", key=True), text("body"))
periods = Table(
    "periods", metadata, big("end_day", key=True), big("asked_ns")
)  # days since 1970-01-01; closed for ever
tax_records = Table(  # every version is kept; rate in 10^-8, upon as codes with blanks between
    "tax_records",
    metadata,
    text("code", 12, key=True),
    big("version", key=True),
    big("rate"),
    text("mode", 9),
    text("upon", 104),
    big("set_ns"),
    sqlite_with_rowid=False,
)
tax_documents = Table(  # body: the request as it was asked; state and what was refused: taxes.State
    "tax_documents",
    metadata,
    text("document_id", 36, key=True),
    big("account"),
    text("currency", 12),
    big("effective_day"),
    flag("cumulative"),
    blob("body"),
    small("state"),
    text("detail", 1_024),
    sqlite_with_rowid=False,
)
Index("tax_documents_by_day", tax_documents.c.effective_day)
Index("tax_documents_of", tax_documents.c.account, tax_documents.c.cumulative, tax_documents.c.effective_day)
tax_dues = Table(  # base and exact as "numerator/denominator" of minor units
    "tax_dues",
    metadata,
    text("document_id", 36, key=True),
    small("place", key=True),
    text("code", 12),
    big("rate"),
    text("base", 200),
    text("exact", 200),
    big("amount"),
    sqlite_with_rowid=False,
)

"""The ledger's tables."""

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
    literal_column,
)


def _big(name: str, *, key: bool = False) -> "Column[int]":
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> "Column[int]":
    return Column(name, SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int, *, key: bool = False) -> "Column[str]":
    return Column(name, String(length), primary_key=key, nullable=False)


metadata = MetaData()
accounts = Table(  # debits and credits are sums without bound: integers as text
    "accounts",
    metadata,
    _big("owner", key=True),
    _big("currency", key=True),
    _small("code", key=True),
    _text("debits", 39),
    _text("credits", 39),
    _big("held"),
    _big("changed"),
    sqlite_with_rowid=False,
)
entries = Table(
    "entries",
    metadata,
    _big("sequence", key=True),
    _big("event_index", key=True),
    _small("leg", key=True),
    _small("why"),
    _big("debit_owner"),
    _small("debit_code"),
    _big("credit_owner"),
    _small("credit_code"),
    _big("currency"),
    _big("amount"),
    _text("reference", 36),
    _big("time_ns"),
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
    _big("order_sequence", key=True),
    _big("slot", key=True),
    _big("account"),
    _big("currency"),
    _text("placed", 39),
    _text("captured", 39),
    _text("released", 39),
    Column("done", Boolean, nullable=False),
    Column("linked", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "holds_open",
    holds.c.account,
    holds.c.order_sequence,
    sqlite_where=literal_column("done") == literal_column("0"),
    postgresql_where=literal_column("done") == literal_column("false"),
)
owners = Table("owners", metadata, _big("account", key=True), _text("owner", 36), _big("sequence"))
transfers = Table(
    "transfers",
    metadata,
    _big("account", key=True),
    _text("transfer_id", 36, key=True),
    _small("transfer_kind"),
    _big("to_account"),
    _big("currency"),
    _big("amount"),
    _big("sequence"),
    _big("time_ns"),
)
transactions = Table(  # account 0: the house's own ids; user_data in hexadecimal digits
    "transactions",
    metadata,
    _big("account", key=True),
    _text("group_id", 36, key=True),
    _big("code"),
    _small("flags"),
    _small("legs"),
    _big("effective_day"),
    _text("user_data", 32),
    _text("text", 128),
    _text("reverses", 36),
    _big("sequence"),
    _big("time_ns"),
    _big("reversed_by"),
    sqlite_with_rowid=False,
)
credit_lines = Table(
    "credits",
    metadata,
    _big("owner", key=True),
    _big("currency", key=True),
    _big("credit_limit"),
    _big("floor"),
    sqlite_with_rowid=False,
)
states = Table("states", metadata, _big("account", key=True), _small("state"))
codes = Table("codes", metadata, _big("currency", key=True), _small("code"))
sides = Table("sides", metadata, _big("currency", key=True), _text("side", 5, key=True))
cursor = Table("cursor", metadata, _small("one", key=True), _big("sequence"))
checkpoints = (
    Table(  # the house's own accounts and the control accounts, as they stood at every CHECKPOINT_EVERY-th sequence
        "checkpoints",
        metadata,
        _big("sequence", key=True),
        _big("currency", key=True),
        _small("code", key=True),
        _text("debits", 39),
        _text("credits", 39),
        sqlite_with_rowid=False,
    )
)
CHECKPOINT_EVERY = 4_096


# The audit (docs/reference/audit.md): a record for every entry, and what follows from them.


def _bytes(name: str) -> "Column[bytes]":
    return Column(name, LargeBinary, nullable=False)


audit_records = Table(
    "audit_records",
    metadata,
    _big("number", key=True),
    _big("sequence"),
    _big("event_index"),
    _small("leg"),
    _bytes("hash"),
    sqlite_with_rowid=False,
)
audit_blocks = Table("audit_blocks", metadata, _big("number", key=True), _bytes("node"), sqlite_with_rowid=False)
audit_days = Table(
    "audit_days",
    metadata,
    _big("day", key=True),
    _big("first"),
    _big("count"),
    _bytes("before"),
    _bytes("head"),
    _bytes("root"),
)
audit_head = Table(  # where the chain goes on; before is the hash at the begin of the open day, edge its tree's
    "audit_head",
    metadata,
    _small("one", key=True),
    _big("shard"),
    _big("number"),
    _bytes("hash"),
    _big("day"),
    _bytes("before"),
    _big("count"),
    _bytes("edge"),
)

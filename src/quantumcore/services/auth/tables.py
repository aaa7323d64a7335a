"""The auth room's tables: integers and text only, for SQLite and PostgreSQL. migrations/ makes them."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from quantumcore.ports.columns import big, text

METADATA = MetaData()
ROW = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only under the name INTEGER

USERS = Table(
    "users",
    METADATA,
    text("user_id", key=True),
    text("email"),
    Column("email_folded", Text, nullable=False, unique=True),
    text("password_hash"),
    Column("disabled", Integer, nullable=False),
    big("created_ns"),
    Index("users_by_age", "created_ns", "user_id"),
)
ROLES = Table(
    "user_roles",
    METADATA,
    text("user_id", key=True),
    text("role", key=True),
)
ACCOUNT_NUMBERS = Table(
    "account_numbers",
    METADATA,
    Column("only", Integer, primary_key=True, autoincrement=False),
    big("next"),
)
ACCOUNTS = Table(
    "accounts",
    METADATA,
    big("account", key=True),
    text("user_id"),
    Column("opened", Integer, nullable=False),
    big("created_ns"),
    Index("accounts_by_opened", "opened", "account"),
)
GRANTS = Table(
    "grants",
    METADATA,
    text("user_id", key=True),
    big("account", key=True),
    big("granted_ns"),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    text("session_id", key=True),
    text("user_id"),
    text("peer"),
    big("created_ns"),
    big("expires_ns"),
    Column("revoked_ns", BigInteger),
    Index("sessions_by_user", "user_id", "created_ns"),
)
REFRESH_TOKENS = Table(
    "refresh_tokens",
    METADATA,
    text("hash", key=True),
    text("session_id"),
    big("expires_ns"),
    Column("spent_ns", BigInteger),
    Index("refresh_tokens_by_session", "session_id"),
)
API_KEYS = Table(
    "api_keys",
    METADATA,
    text("key_id", key=True),
    text("user_id"),
    text("label"),
    text("algorithm"),
    text("material"),
    text("scopes"),
    text("accounts"),
    text("addresses"),
    big("created_ns"),
    Column("expires_ns", BigInteger),
    Column("last_used_ns", BigInteger),
    Column("revoked_ns", BigInteger),
    Index("api_keys_by_user", "user_id", "created_ns"),
)
SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    text("kid", key=True),
    big("since_ns"),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    text("body"),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("entry", ROW, primary_key=True, autoincrement=True),
    big("time_ns"),
    text("kind"),
    text("user_id"),
    text("actor"),
    text("peer"),
    text("request_id"),
    text("detail"),
    Index("audit_by_user", "user_id", "entry"),
    Index("audit_by_kind", "kind", "entry"),
)

"""The auth room's tables: integers and text only, for SQLite and PostgreSQL. migrations/ makes them."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

METADATA = MetaData()
ROW = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only under the name INTEGER

USERS = Table(
    "users",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_folded", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("users_by_age", "created_ns", "user_id"),
)
ROLES = Table(
    "user_roles",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("role", Text, primary_key=True),
)
ACCOUNT_NUMBERS = Table(
    "account_numbers",
    METADATA,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),
)
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("account", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", Text, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("accounts_by_opened", "opened", "account"),
)
GRANTS = Table(
    "grants",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("account", BigInteger, primary_key=True),
    Column("granted_ns", BigInteger, nullable=False),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
    Index("sessions_by_user", "user_id", "created_ns"),
)
REFRESH_TOKENS = Table(
    "refresh_tokens",
    METADATA,
    Column("hash", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("spent_ns", BigInteger),
    Index("refresh_tokens_by_session", "session_id"),
)
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("material", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("accounts", Text, nullable=False),
    Column("addresses", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger),
    Column("last_used_ns", BigInteger),
    Column("revoked_ns", BigInteger),
    Index("api_keys_by_user", "user_id", "created_ns"),
)
SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("kid", Text, primary_key=True),
    Column("since_ns", BigInteger, nullable=False),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("body", Text, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("entry", ROW, primary_key=True, autoincrement=True),
    Column("time_ns", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("audit_by_user", "user_id", "entry"),
    Index("audit_by_kind", "kind", "entry"),
)

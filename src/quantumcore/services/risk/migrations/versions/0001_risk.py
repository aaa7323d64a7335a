"""What accounts have and want, prices, limits; parameters, warnings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int = 0, *, key: bool = False) -> sa.Column[str]:
    kind = sa.String(length) if length else sa.Text
    return sa.Column(name, kind, primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table("accounts", _big("account", key=True), _big("sequence"))
    op.create_table(
        "balances",
        _big("account", key=True),
        _big("currency", key=True),
        _text("total", 40),
        _big("day"),
        _text("opening", 40),
        _text("flow", 40),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "positions",
        _big("account", key=True),
        _big("instrument", key=True),
        _text("lots", 40),
        _text("cost", 60),
        sqlite_with_rowid=False,
    )
    op.create_index("positions_by_instrument", "positions", ["instrument"])
    op.create_table(
        "orders",
        _big("sequence", key=True),
        _big("slot", key=True),
        _big("account"),
        _big("instrument"),
        _small("side"),
        _big("price"),
        _big("leaves"),
        sqlite_with_rowid=False,
    )
    op.create_index("orders_by_account", "orders", ["account"])
    op.create_table(
        "marks",
        _big("instrument", key=True),
        _big("price"),
        _small("source"),
        _big("sequence"),
        _big("time_ns"),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )
    op.create_table(
        "closes", _big("instrument", key=True), _big("day", key=True), _big("price"), sqlite_with_rowid=False
    )
    op.create_table(
        "limits",
        _text("name", 32, key=True),
        _big("account", key=True),
        _big("instrument", key=True),
        _text("value", 40),
        _big("sequence"),
        sqlite_with_rowid=False,
    )
    op.create_table("switches", _big("account", key=True), _big("sequence"), _big("time_ns"))
    op.create_table("cursor", _small("one", key=True), _big("sequence"), _big("time_ns"))
    _own()


def _own() -> None:
    op.create_table(
        "parameters",
        _big("version", key=True),
        _text("kind", 32),
        _text("subject", 32),
        _text("payload"),
        _text("who", 64),
        _text("reason"),
        _big("time_ns"),
    )
    op.create_index("parameters_by_subject", "parameters", ["kind", "subject", "version"])
    op.create_table(
        "limit_changes",
        _big("number", key=True),
        _big("account"),
        _big("instrument"),
        _big("currency"),
        _small("state"),
        _text("given"),
        _text("before"),
        _text("who", 64),
        _text("reason"),
        _big("time_ns"),
        _big("expires_ns"),
        _big("sequence"),
        _text("code", 64),
    )
    op.create_index("limit_changes_by_account", "limit_changes", ["account", "number"])
    op.create_index("limit_changes_by_state", "limit_changes", ["state", "expires_ns"])
    op.create_table(
        "warned",
        _big("account", key=True),
        _text("name", 64, key=True),
        _big("number"),
        sqlite_with_rowid=False,
    )
    op.create_table("told", _big("number", key=True), _big("account"), _big("time_ns"), _text("payload"))
    op.create_index("told_by_account", "told", ["account", "number"])

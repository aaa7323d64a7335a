"""What the engine told of margin last; what was set of margin; steps of liquidations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int = 0) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text, nullable=False)


def _blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def upgrade() -> None:
    op.create_table(
        "margin_events",
        _small("kind", key=True),
        _big("account", key=True),
        _big("instrument", key=True),
        _big("currency", key=True),
        _blob("event"),
    )
    op.create_table(
        "margin_changes",
        _big("number", key=True),
        _text("subject", 32),
        _text("kind", 16),
        _text("what"),
        _blob("command"),
        _small("state"),
        _text("who", 64),
        _text("reason"),
        _big("time_ns"),
        _big("sequence"),
        _text("code", 64),
    )
    op.create_index("margin_changes_by_subject", "margin_changes", ["subject", "number"])
    op.create_index("margin_changes_by_state", "margin_changes", ["state", "number"])
    op.create_table(
        "liquidations",
        _big("number", key=True),
        _big("account"),
        _big("currency"),
        _big("episode"),
        _big("attempt"),
        _small("rung"),
        _big("assessed"),
        _text("cause"),
        _text("begun"),
        _text("commands"),
        _small("state"),
        _big("failed"),
        _text("filled", 40),
        _big("time_ns"),
        _big("sequence"),
    )
    op.create_index("liquidations_by_account", "liquidations", ["account", "currency", "number"])

"""What the engine told of guards last, and what was set of them; what follows the events follows them anew, from the first."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

FOLLOWING = (
    "accounts",
    "balances",
    "positions",
    "orders",
    "marks",
    "closes",
    "limits",
    "switches",
    "members",
    "drawn",
    "margin_events",
    "cursor",
)


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
        "guard_events",
        _small("kind", key=True),
        _big("account", key=True),
        _big("instrument", key=True),
        _big("number", key=True),
        _small("part", key=True),
        sa.Column("stands", sa.Boolean, nullable=False),
        _blob("event"),
    )
    op.create_index("guard_events_of_accounts", "guard_events", ["kind", "stands", "account"])
    op.create_index("guard_events_of_instruments", "guard_events", ["kind", "stands", "instrument"])
    op.create_table(
        "guard_changes",
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
    op.create_index("guard_changes_by_subject", "guard_changes", ["subject", "number"])
    op.create_index("guard_changes_by_state", "guard_changes", ["state", "number"])
    for table in FOLLOWING:
        op.execute(sa.delete(sa.table(table)))

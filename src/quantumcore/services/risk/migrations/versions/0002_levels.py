"""Limits and switches of every level, and who is of which firm and group; what follows the events follows them anew, from the first."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

FOLLOWING = ("accounts", "balances", "positions", "orders", "marks", "closes", "cursor")


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _small(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def _level() -> list[sa.Column[int]]:
    return [_small("scope", key=True), _big("number", key=True), _big("instrument", key=True)]


def _empty() -> None:
    for table in FOLLOWING:
        op.execute(sa.delete(sa.table(table)))


def upgrade() -> None:
    for table in ("limits", "switches"):
        op.drop_table(table)
    op.create_table(
        "limits", *_level(), _text("name", 32, key=True), _text("value", 40), _big("sequence"), sqlite_with_rowid=False
    )
    op.create_table("switches", *_level(), _small("mode"), _big("sequence"), _big("time_ns"), sqlite_with_rowid=False)
    op.create_table(
        "members", _big("account", key=True), _small("scope", key=True), _big("number"), sqlite_with_rowid=False
    )
    _empty()


def downgrade() -> None:
    for table in ("members", "switches", "limits"):
        op.drop_table(table)
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
    _empty()

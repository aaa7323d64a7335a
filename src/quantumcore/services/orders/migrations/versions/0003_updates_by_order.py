"""Updates name their order whole, by sequence and slot: a sibling's long history hides no change of an order."""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = ("account", "sequence", "event_index", "leg")
_KEPT = (*_KEY, "order_sequence", "payload")
_ROWS_AT_ONCE = 10_000


def _named(table: str, *columns: str) -> sa.TableClause:
    return sa.table(table, *(sa.column(name) for name in columns))


def _big(name: str, *, key: bool = False) -> sa.Column[int]:
    if key:
        return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)
    return sa.Column(name, sa.BigInteger, nullable=False)


def _updates(name: str, *, with_slot: bool) -> None:
    op.create_table(
        name,
        _big("account", key=True),
        _big("sequence", key=True),
        _big("event_index", key=True),
        sa.Column("leg", sa.SmallInteger, primary_key=True, autoincrement=False),
        _big("order_sequence"),
        *([_big("order_slot")] if with_slot else []),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _replace() -> None:
    """Let the new table take the old one's place; its index goes with it."""
    op.drop_table("order_updates")
    op.rename_table("new_order_updates", "order_updates")


def _pages(table: sa.TableClause) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows in the order of their key, some at a time: a venue may have more of them than memory."""
    keys = [table.c[name] for name in _KEY]
    query = sa.select(table).order_by(*keys).limit(_ROWS_AT_ONCE)
    page = [dict(row) for row in op.get_bind().execute(query).mappings()]
    while page:
        yield page
        beyond = sa.tuple_(*keys) > sa.tuple_(*(page[-1][name] for name in _KEY))
        page = [dict(row) for row in op.get_bind().execute(query.where(beyond)).mappings()]


def _slot(payload: bytes) -> int:
    """Return the slot of the order that a change shows: its second field, in the change's first."""
    slot: int = msgspec.msgpack.decode(payload)[0][1]
    return slot


def upgrade() -> None:
    before = _named("order_updates", *_KEPT)
    _updates("new_order_updates", with_slot=True)
    after = _named("new_order_updates", *_KEPT, "order_slot")
    for page in _pages(before):
        op.get_bind().execute(after.insert(), [{**row, "order_slot": _slot(row["payload"])} for row in page])
    _replace()
    op.create_index(
        "order_updates_by_order", "order_updates", ["order_sequence", "order_slot", "sequence", "event_index"]
    )


def downgrade() -> None:
    before = _named("order_updates", *_KEPT)
    _updates("new_order_updates", with_slot=False)
    op.execute(_named("new_order_updates", *_KEPT).insert().from_select(list(_KEPT), sa.select(before)))
    _replace()
    op.create_index("order_updates_by_order", "order_updates", ["order_sequence", "sequence", "event_index"])

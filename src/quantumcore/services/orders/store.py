"""The SQL of the orders room: what is written for a batch of changes, what is read for an answer.

Writers and readers are plain functions of a Connection, so that cursor and rows are one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, Connection, bindparam, insert, select, update

from quantumcore.contracts.values import I64_MAX
from quantumcore.ports.database import Many, adding, execute_many
from quantumcore.services.orders.changes import Change, Filled, read_change, stored
from quantumcore.services.orders.domain import Name, Order, OrderStatus, Rejection
from quantumcore.services.orders.tables import cursor, fills, order_updates, orders
from quantumcore.services.orders.terms import Terms

IDS_PER_QUERY = 500  # databases bound the parameters of one statement
CURSOR_NAME = "orders"
ACCOUNT_MASK = 2**64 - 1
BEGINNINGS = frozenset({"accepted", "rejected"})
IMMUTABLE = frozenset(
    [
        "sequence",
        "slot",
        "account",
        "client_id",
        "instrument",
        "side",
        "order_type",
        "time_in_force",
        "post_only",
        "accepted_ns",
        "rejection",
    ]
)

_encode = msgspec.msgpack.Encoder().encode
_decode_fill = msgspec.msgpack.Decoder(Filled).decode
_encode_rejection = msgspec.json.Encoder().encode
_decode_rejection = msgspec.json.Decoder(Rejection).decode
_decode_terms = msgspec.msgpack.Decoder(Terms).decode

_COLUMNS = tuple(column.name for column in orders.columns)
_MUTABLE = tuple(name for name in _COLUMNS if name not in IMMUTABLE)
_ADD_ORDERS = Many(insert(orders), *_COLUMNS)
_ADD_FILLS = adding(fills)
_ADD_UPDATES = adding(order_updates)
_MOVE_ORDERS = Many(
    update(orders)
    .where(orders.c.sequence == bindparam("of_sequence"), orders.c.slot == bindparam("of_slot"))
    .values({name: bindparam(f"new_{name}") for name in _MUTABLE}),
    *(f"new_{name}" for name in _MUTABLE),
    "of_sequence",
    "of_slot",
)
_MARK_FILL = (
    update(fills)
    .where(
        fills.c.account == bindparam("of_account"),
        fills.c.sequence == bindparam("of_sequence"),
        fills.c.event_index == bindparam("of_index"),
        fills.c.leg == bindparam("of_leg"),
    )
    .values(payload=bindparam("new_payload"))
)
_READ_CURSOR = select(cursor.c.sequence).where(cursor.c.name == CURSOR_NAME)
_MOVE_CURSOR = update(cursor).where(cursor.c.name == CURSOR_NAME)
_ORDERS_OF = select(orders).where(orders.c.sequence.in_(bindparam("some", expanding=True)))


class Position(NamedTuple):
    """Where a fill or an update stands in its account's stream."""

    sequence: int
    event_index: int
    leg: int


def read_cursor(connection: Connection) -> int:
    """Return the last sequence applied; 0 before the first."""
    return connection.execute(_READ_CURSOR).scalar() or 0


def move_cursor(connection: Connection, before: int, sequence: int) -> None:
    """Set the cursor, which stood at `before`."""
    if before == 0:
        connection.execute(insert(cursor).values(name=CURSOR_NAME, sequence=sequence))
    else:
        connection.execute(_MOVE_CURSOR, {"sequence": sequence})


def save(connection: Connection, changes: Sequence[Change]) -> None:
    """Write what `changes` brought: each order once, as it stands at the end, and every update and fill."""
    latest: dict[Name, Order] = {}
    created: set[Name] = set()
    marked: list[Filled] = []
    update_rows: list[tuple[Any, ...]] = []
    fill_rows: list[tuple[Any, ...]] = []
    for change in changes:
        order, filled = change.order, change.filled
        name = order.name
        latest[name] = order
        account = _signed(order.account)
        where = account, order.updated_sequence, change.index, change.leg
        update_rows.append((*where, *name, stored(change)))
        if filled is not None:
            if change.kind == "busted":
                marked.append(filled)
            else:
                fill_rows.append((*name, order.fills, account, order.instrument, *where[1:], _encode(filled)))
        elif change.kind in BEGINNINGS:
            created.add(name)
    execute_many(connection, _ADD_ORDERS, [_row(latest[name]) for name in latest if name in created])
    execute_many(connection, _MOVE_ORDERS, [_moved(latest[name]) for name in latest if name not in created])
    execute_many(connection, _ADD_UPDATES, update_rows)
    execute_many(connection, _ADD_FILLS, fill_rows)
    for one in marked:
        row = {
            "of_account": _signed(one.account),
            "of_sequence": one.sequence,
            "of_index": one.index,
            "of_leg": one.leg,
        }
        connection.execute(_MARK_FILL, row | {"new_payload": _encode(one)})


def load(connection: Connection, names: Iterable[Name]) -> dict[Name, Order]:
    """Return the orders of these names, as far as the table has them, and those that share a sequence with them."""
    wanted = sorted({sequence for sequence, _ in names})
    found: dict[Name, Order] = {}
    for start in range(0, len(wanted), IDS_PER_QUERY):
        part = wanted[start : start + IDS_PER_QUERY]
        for row in connection.execute(_ORDERS_OF, {"some": part}).mappings():
            found[row["sequence"], row["slot"]] = order_of(row)
    return found


def fills_of_trade(connection: Connection, accounts: Iterable[int], sequence: int, fill: int) -> list[Filled]:
    """Return both sides of one trade of these accounts, as far as they are in the table."""
    if sequence > I64_MAX:
        return []  # an operator may name any number
    query = select(fills.c.payload).where(
        fills.c.account.in_([_signed(account) for account in accounts]), fills.c.sequence == sequence
    )
    sides = [_decode_fill(payload) for payload in connection.execute(query).scalars()]
    return [side for side in sides if side.fill == fill]


def order_by_sequence(connection: Connection, account: int, sequence: int, slot: int) -> Order | None:
    """Return the account's order of that name, or None."""
    name = sequence, slot
    found = load(connection, (name,)).get(name) if sequence <= I64_MAX else None
    return found if found is not None and found.account == account else None


def order_by_client_id(connection: Connection, account: int, client_id: str) -> Order | None:
    """Return the account's newest order of that client id, or None."""
    query = (
        select(orders)
        .where(orders.c.account == account, orders.c.client_id == client_id)
        .order_by(orders.c.sequence.desc(), orders.c.slot.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else order_of(row)


def orders_page(
    connection: Connection,
    account: int,
    *,
    statuses: Sequence[OrderStatus],
    instrument: int | None,
    after: Name | None,
    limit: int,
    ascending: bool,
) -> list[Order]:
    """Return up to `limit` orders beyond the order named `after`, newest first unless `ascending`."""
    query = select(orders).where(orders.c.account == account)
    if statuses:
        query = query.where(orders.c.status.in_([int(status) for status in statuses]))
    if instrument is not None:
        query = query.where(orders.c.instrument == instrument)
    keys = orders.c.sequence, orders.c.slot
    if after is not None:  # the first condition is the range that the index is read from, the second trims its edge
        sequence, slot = after
        if ascending:
            query = query.where(keys[0] >= sequence, (keys[0] > sequence) | (keys[1] > slot))
        else:
            query = query.where(keys[0] <= sequence, (keys[0] < sequence) | (keys[1] < slot))
    order = keys if ascending else tuple(key.desc() for key in keys)
    return [order_of(row) for row in connection.execute(query.order_by(*order).limit(limit)).mappings()]


def fills_of(connection: Connection, names: Sequence[Name], most: int) -> dict[Name, list[Filled]]:
    """Return the first `most` fills of each of these orders, oldest first."""
    found: dict[Name, list[Filled]] = {name: [] for name in names}
    sequences = sorted({sequence for sequence, _ in names})
    for start in range(0, len(sequences), IDS_PER_QUERY):
        part = sequences[start : start + IDS_PER_QUERY]
        query = (
            select(fills.c.order_sequence, fills.c.order_slot, fills.c.payload)
            .where(fills.c.order_sequence.in_(part), fills.c.ordinal <= most)
            .order_by(fills.c.order_sequence, fills.c.order_slot, fills.c.ordinal)
        )
        for sequence, slot, payload in connection.execute(query):
            if (sequence, slot) in found:
                found[sequence, slot].append(_decode_fill(payload))
    return found


def fills_page(
    connection: Connection,
    account: int,
    *,
    instrument: int | None,
    after: Position | None,
    limit: int,
    ascending: bool,
) -> list[tuple[Position, Filled]]:
    """Return up to `limit` fills beyond `after`, newest first unless `ascending`."""
    keys = (fills.c.sequence, fills.c.event_index, fills.c.leg)
    query = select(*keys, fills.c.payload).where(fills.c.account == account)
    if instrument is not None:
        query = query.where(fills.c.instrument == instrument)
    if after is not None:
        query = query.where(beyond(keys, after, ascending=ascending))
    order = keys if ascending else tuple(key.desc() for key in keys)
    rows = connection.execute(query.order_by(*order).limit(limit))
    return [(Position(sequence, index, leg), _decode_fill(payload)) for sequence, index, leg, payload in rows]


def beyond(keys: Sequence[Column[int]], after: Position, *, ascending: bool) -> Any:
    """Return the condition that a row stands beyond `after`; spelled out, for not every database orders tuples by index."""
    first, second, third = keys
    if ascending:
        return (first > after.sequence) | (
            (first == after.sequence)
            & ((second > after.event_index) | ((second == after.event_index) & (third > after.leg)))
        )
    return (first < after.sequence) | (
        (first == after.sequence)
        & ((second < after.event_index) | ((second == after.event_index) & (third < after.leg)))
    )


def updates_of_order(connection: Connection, order: Order, limit: int) -> list[Change]:
    """Return the first `limit` changes of one order."""
    c = order_updates.c
    query = (
        select(c.payload)
        .where(c.order_sequence == order.sequence, c.order_slot == order.slot)
        .order_by(c.sequence, c.event_index)  # an event changes an order once
        .limit(limit)
    )
    return [read_change(payload) for payload in connection.execute(query).scalars()]


def updates_of_account(
    connection: Connection, account: int, after: int, limit: int, upto: int | None = None
) -> list[Change]:
    """Return up to `limit` changes of the account's orders after sequence `after`, and not beyond `upto`."""
    c = order_updates.c
    query = select(c.payload).where(c.account == account, c.sequence > after)
    if upto is not None:
        query = query.where(c.sequence <= upto)
    query = query.order_by(c.sequence, c.event_index, c.leg).limit(limit)
    return [read_change(payload) for payload in connection.execute(query).scalars()]


def order_of(row: Mapping[Any, Any]) -> Order:
    """Return the order that a row of the table holds."""
    values = dict(row)
    values["status"] = OrderStatus(values["status"])
    values["notional"] = int(values["notional"])
    values["account"] &= ACCOUNT_MASK
    if values["rejection"] is not None:
        values["rejection"] = _decode_rejection(values["rejection"])
    if values["terms"] is not None:
        values["terms"] = _decode_terms(values["terms"])
    return Order(**values)


def _signed(account: int) -> int:
    """Return an account's 64 bits as tables hold them: a hostile command may name any, and its rejection is a fact."""
    return account if account <= ACCOUNT_MASK >> 1 else account - ACCOUNT_MASK - 1


def _row(order: Order) -> tuple[Any, ...]:
    """Return the order as a row of its table, in the order of the columns."""
    rejection = None if order.rejection is None else _encode_rejection(order.rejection).decode()
    return (
        order.sequence,
        order.slot,
        _signed(order.account),
        order.client_id,
        order.instrument,
        order.side,
        order.order_type,
        order.time_in_force,
        order.post_only,
        order.price,
        order.quantity,
        order.filled,
        str(order.notional),
        order.fees,
        order.fills,
        int(order.status),
        order.reason,
        order.updated_sequence,
        order.accepted_ns,
        order.updated_ns,
        rejection,
        None if order.terms is None else _encode(order.terms),
    )


def _moved(order: Order) -> tuple[Any, ...]:
    """Return what of it may have changed, in the order of _MUTABLE, and its key."""
    return (
        order.price,
        order.quantity,
        order.filled,
        str(order.notional),
        order.fees,
        order.fills,
        int(order.status),
        order.reason,
        order.updated_sequence,
        order.updated_ns,
        None if order.terms is None else _encode(order.terms),
        order.sequence,
        order.slot,
    )

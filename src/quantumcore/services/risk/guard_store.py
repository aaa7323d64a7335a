"""The last event of guards of each kind and subject: entered with the room's other rows, in the same transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, tuple_

from quantumcore.contracts import wire
from quantumcore.contracts.wire import Event
from quantumcore.services.risk.guards.records import EVENTS, GuardEvent, Key, key_of, stands
from quantumcore.services.risk.tables import guard_events

_KINDS = tuple(EVENTS.values())
_KEY = [guard_events.c[name] for name in Key._fields]


def enter(connection: Connection, events: Iterable[Event]) -> None:
    """Enter those of `events` that are of guards."""
    last: dict[Key, GuardEvent] = {key_of(event): event for event in events if isinstance(event, _KINDS)}
    for key, event in last.items():
        connection.execute(delete(guard_events).where(*_same(key)))
        row = {**key._asdict(), "stands": stands(event), "event": event.encode()}
        connection.execute(insert(guard_events), row)


def find(connection: Connection, key: Key) -> GuardEvent | None:
    """Return the last event of `key`, whether something stands by it or not."""
    row = connection.execute(select(guard_events.c.event).where(*_same(key))).first()
    return None if row is None else _event(row)


def page(
    connection: Connection,
    kind: int,
    after: Key | None,
    limit: int,
    account: int = 0,
    instrument: int = 0,
    number: int = 0,
) -> list[GuardEvent]:
    """Return up to `limit` events of a kind by which something stands, in the order of their keys, beyond `after`.

    Args:
        account, instrument, number: Of these alone; 0: of all.
    """
    c = guard_events.c
    of = {c.account: account, c.instrument: instrument, c.number: number}
    wanted = [column == value for column, value in of.items() if value]
    if after is not None:
        wanted.append(tuple_(*_KEY) > tuple(after))
    rows = connection.execute(select(c.event).where(c.kind == kind, c.stands, *wanted).order_by(*_KEY).limit(limit))
    return [_event(row) for row in rows]


def _same(key: Key) -> list[Any]:
    return [column == value for column, value in zip(_KEY, key, strict=True)]


def _event(row: Sequence[Any]) -> GuardEvent:
    event = wire.decode_events(row[0])[0]
    assert isinstance(event, _KINDS)
    return event

"""The last event of margin of each kind and subject: entered with the room's other rows, in the same transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from quantumcore.contracts import wire
from quantumcore.contracts.wire import Event
from quantumcore.services.risk.margin.book import KINDS, SESSION, Key, begins_session, key_of
from quantumcore.services.risk.tables import margin_events


def enter(connection: Connection, events: Iterable[Event]) -> dict[Key, Event]:
    """Enter those of `events` that are of margin; return the last of each kind and subject."""
    last: dict[Key, Event] = {}
    for event in events:
        if type(event) in KINDS:
            key = key_of(event)
            if isinstance(event, wire.InstrumentStatusChanged):
                before = last.get(key) or _find(connection, key)
                if begins_session(before, event):
                    last[key._replace(kind=SESSION)] = event
            last[key] = event
    for key, event in last.items():
        connection.execute(delete(margin_events).where(*_same(key)))
        connection.execute(insert(margin_events), {**key._asdict(), "event": event.encode()})
    return last


def load(connection: Connection) -> list[tuple[Key, Event]]:
    """Return every last event."""
    return [(Key(*row[:4]), _event(row)) for row in connection.execute(select(margin_events))]


def _find(connection: Connection, key: Key) -> Event | None:
    row = connection.execute(select(margin_events).where(*_same(key))).first()
    return None if row is None else _event(row)


def _same(key: Key) -> list[Any]:
    return [margin_events.c[name] == value for name, value in key._asdict().items()]


def _event(row: Sequence[Any]) -> Event:
    return wire.decode_events(row[4])[0]

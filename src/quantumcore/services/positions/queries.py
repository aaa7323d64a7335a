"""What the positions room is asked: rows of one consistent view."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select, tuple_

from quantumcore.contracts.errors import invalid
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.wire import ActionApplied
from quantumcore.services.positions import records, segments
from quantumcore.services.positions.domain import Change, Position
from quantumcore.services.positions.folding import EVERYBODY, Key
from quantumcore.services.positions.store import Stand, load_marks, load_positions, read_stand
from quantumcore.services.positions.tables import actions, events

MAX_PAGE = 1_000
MAX_CURSOR = 2**63 - 1
_decode_action = msgspec.json.Decoder(ActionApplied).decode

Place = tuple[int, int, int]
"""(sequence, index, part) of an event."""


def action(connection: Connection, action_id: str) -> ActionApplied | None:
    """Return what was done under an id."""
    payload = connection.execute(select(actions.c.payload).where(actions.c.action_id == action_id)).scalar()
    return None if payload is None else _decode_action(payload)


class AccountView(NamedTuple):
    """What one account has at one sequence, by instrument."""

    stand: Stand
    positions: dict[int, Position]
    marks: dict[int, Mark]


def account_view(connection: Connection, account: int) -> AccountView:
    """Return every position of an account, and their marks."""
    found = {instrument: position for (_, instrument), position in load_positions(connection, [account]).items()}
    return AccountView(read_stand(connection), found, load_marks(connection, found))


def event_page(
    connection: Connection, key: Key, after: Place | None, limit: int, *, ascending: bool
) -> tuple[Stand, list[Change], Place | None]:
    """Return (where the tables stand, up to `limit` events of a position behind `after`, where to go on; None: nowhere).

    Marks of its instrument are among them from its first event on. What was put aside is read where the page reaches it.

    Raises:
        Corrupted: `position.segment`, `position.record`.
    """
    stand = read_stand(connection)
    position = load_positions(connection, [key[0]]).get(key)
    if position is None:
        return stand, [], None
    wanted = limit + 1
    found: list[Change] = []
    going_on: Place | None = None
    sources = (_aside, _live) if ascending else (_live, _aside)
    for source in sources:
        some, cut = source(connection, key, position.born, after, wanted - len(found), ascending=ascending)
        found += some
        if cut is not None:
            going_on = cut
            break
        if len(found) >= wanted:
            break
    if len(found) > limit:
        found = found[:limit]
        going_on = _place(found[-1])
    return stand, found, going_on


def _live(
    connection: Connection, key: Key, born: int, after: Place | None, limit: int, *, ascending: bool
) -> tuple[list[Change], Place | None]:
    c = events.c
    place = tuple_(c.sequence, c.event_index, c.part)
    order = [column if ascending else column.desc() for column in (c.sequence, c.event_index, c.part)]
    found: list[Change] = []
    for account in (key[0], EVERYBODY):  # one index each; a union would sort all of both
        query = select(c.schema, c.payload).where(c.account == account, c.instrument == key[1], c.sequence >= born)
        if after is not None:
            query = query.where(place > after if ascending else place < after)
        rows = connection.execute(query.order_by(*order).limit(limit))
        found += [records.decode(schema, payload) for schema, payload in rows]
    found.sort(key=_place, reverse=not ascending)
    return found[:limit], None


def _aside(
    connection: Connection, key: Key, born: int, after: Place | None, limit: int, *, ascending: bool
) -> tuple[list[Change], Place | None]:
    found: list[Change] = []
    names = segments.of_position(connection, key, after, ascending=ascending)
    for at, first in enumerate(names):
        segment = segments.read(connection, first)
        of_it = [told.change for told in segment if told.instrument == key[1] and told.account in (key[0], EVERYBODY)]
        some = [
            change for change in of_it if change.sequence >= born and _is_behind(change, after, ascending=ascending)
        ]
        found += sorted(some, key=_place, reverse=not ascending)
        if len(found) >= limit:
            return found[:limit], None
        if at + 1 >= segments.PER_PAGE and at + 1 < len(names):
            edge = max(_place(told.change) for told in segment) if ascending else (first, 0, 0)
            return found, edge
    return found, None


def _place(change: Change) -> Place:
    return change.sequence, change.index, change.part


def _is_behind(change: Change, after: Place | None, *, ascending: bool) -> bool:
    if after is None:
        return True
    return _place(change) > after if ascending else _place(change) < after


def parse_place(cursor: str) -> Place:
    """Return the place that a page's cursor names: sequence.index.part.

    Raises:
        InvalidCommand: It is none of ours.
    """
    words = cursor.split(".")
    if len(words) != 3 or not all(word.isascii() and word.isdigit() and len(word) <= 19 for word in words):
        raise invalid("range", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    sequence, index, part = (min(int(word), MAX_CURSOR) for word in words)
    return sequence, index, part


def show_place(place: Sequence[int] | None) -> str | None:
    """Return a page's cursor."""
    return None if place is None else ".".join(map(str, place))

"""How a batch of events gets into the tables of positions, and how they are read: effects and cursor in one transaction.

Writers and readers are plain functions of a Connection, so that who reads a cursor sees every row up to it and none beyond.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from quantumcore.contracts.marks import Mark
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.wire import Event
from quantumcore.ports.database import adding, chunks, execute_many, updating
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.positions import records
from quantumcore.services.positions.domain import Position, Terms
from quantumcore.services.positions.folding import NO_CHOICES, Choices, Folding, Key, Told, keys_of, new_events
from quantumcore.services.positions.lots import Loss, Lot, Method, in_order
from quantumcore.services.positions.tables import actions, choices, cursor, events, lots, marks, positions

_encode = msgspec.json.Encoder().encode
_decode_lot = msgspec.json.Decoder(Lot).decode
_decode_losses = msgspec.json.Decoder(tuple[Loss, ...]).decode
_decode_terms = msgspec.json.Decoder(Terms).decode


_ADD_POSITIONS, _UPDATE_POSITIONS = adding(positions), updating(positions)
_ADD_MARKS, _UPDATE_MARKS = adding(marks), updating(marks)
_ADD_LOTS, _UPDATE_LOTS = adding(lots), updating(lots)
_ADD_EVENTS, _ADD_ACTIONS = adding(events), adding(actions)
_READ_CURSOR, _MOVE_CURSOR = select(cursor), update(cursor)
_POSITIONS_OF = select(positions).where(positions.c.account.in_(bindparam("some", expanding=True)))
_LOTS_OF = select(lots).where(lots.c.account.in_(bindparam("some", expanding=True)))
_MARKS_OF = select(marks).where(marks.c.instrument.in_(bindparam("some", expanding=True)))
_FORGET_LOTS = delete(lots).where(
    lots.c.account == bindparam("of_account"),
    lots.c.instrument == bindparam("of_instrument"),
    lots.c.number.in_(bindparam("some", expanding=True)),
)


class Stand(NamedTuple):
    """Where the tables stand.

    Attributes:
        sequence: Last applied; 0 before the first. time_ns: Of its events.
        events: Position events so far. positions: How many there are.
        snapshot_events: What `events` was at the last snapshot.
    """

    sequence: int = 0
    time_ns: int = 0
    events: int = 0
    positions: int = 0
    snapshot_events: int = 0


class Applied(NamedTuple):
    """What a batch did: where the tables stand now, whose positions moved, the marks that moved, events added."""

    stand: Stand
    accounts: list[int]
    marks: dict[int, Mark]
    events: int


def read_stand(connection: Connection) -> Stand:
    """Return where the tables stand."""
    row = connection.execute(_READ_CURSOR).first()
    return Stand(*row[1:]) if row else Stand()


def apply(
    connection: Connection,
    batches: Sequence[EventBatch],
    instruments: Mapping[int, Instrument],
    chosen: Choices = NO_CHOICES,
) -> Applied:
    """Apply what is new in `batches`, all of it or nothing.

    Raises:
        Corrupted, InvalidCommand: A gap, or an event that cannot follow from what stands; the position is named.
    """
    stand = read_stand(connection)
    new = new_events(batches, stand.sequence)
    if new.upto == stand.sequence:
        return Applied(stand, [], {}, 0)
    folding, before = _load(connection, new.events, instruments, chosen)
    folding.enter(new.events)
    _save(connection, folding, before)
    after = Stand(
        new.upto,
        new.time_ns,
        stand.events + len(folding.told),
        stand.positions + sum(key not in before for key in folding.touched),
        stand.snapshot_events,
    )
    move(connection, stand, after)
    moved = {number: folding.marks[number] for number in folding.moved_marks}
    return Applied(after, sorted({account for account, _ in folding.touched}), moved, len(folding.told))


def move(connection: Connection, before: Stand, after: Stand) -> None:
    """Set the cursor, which stood at `before`."""
    if before.sequence:
        connection.execute(_MOVE_CURSOR, after._asdict())
    else:
        connection.execute(insert(cursor), {"one": 1, **after._asdict()})


# ------------------------------------------------------------------------------------------------ reading


def load_positions(connection: Connection, accounts: Iterable[int]) -> dict[Key, Position]:
    """Return every position of these accounts."""
    found: dict[Key, Position] = {}
    for some in chunks(accounts):
        of_position: dict[Key, list[Lot]] = {}
        for row in connection.execute(_LOTS_OF, {"some": some}):
            of_position.setdefault((row[0], row[1]), []).append(_decode_lot(row[3]))
        for row in connection.execute(_POSITIONS_OF, {"some": some}):
            key = row[0], row[1]
            found[key] = _position(row, of_position.get(key, ()))
    return found


def all_positions(connection: Connection) -> dict[Key, Position]:
    """Return every position there is, by account and instrument."""
    of_position: dict[Key, list[Lot]] = {}
    for row in connection.execute(select(lots)):
        of_position.setdefault((row[0], row[1]), []).append(_decode_lot(row[3]))
    rows = connection.execute(select(positions).order_by(positions.c.account, positions.c.instrument))
    return {(row[0], row[1]): _position(row, of_position.get((row[0], row[1]), ())) for row in rows}


def load_marks(connection: Connection, instruments: Iterable[int] | None = None) -> dict[int, Mark]:
    """Return the marks of these instruments; of all when none are named."""
    if instruments is None:
        return {row[0]: _mark(row) for row in connection.execute(select(marks))}
    return {row[0]: _mark(row) for some in chunks(instruments) for row in connection.execute(_MARKS_OF, {"some": some})}


def load_choices(connection: Connection) -> Choices:
    """Return every choice that was ever made."""
    rows = connection.execute(select(choices).order_by(choices.c.account, choices.c.instrument, choices.c.since))
    return Choices(((row[0], row[1]), row[2], _decode_terms(row[3])) for row in rows)


def save_choice(connection: Connection, key: Key, since: int, terms: Terms) -> None:
    """Keep a choice; one that counts from the same sequence is replaced."""
    account, instrument = key
    c = choices.c
    connection.execute(delete(choices).where(c.account == account, c.instrument == instrument, c.since == since))
    row = {"account": account, "instrument": instrument, "since": since, "payload": _encode(terms).decode()}
    connection.execute(insert(choices), row)


def _load(
    connection: Connection, new: Sequence[Event], instruments: Mapping[int, Instrument], chosen: Choices
) -> tuple[Folding, dict[Key, Position]]:
    accounts, traded = keys_of(new)
    before = load_positions(connection, accounts)
    return Folding(dict(before), load_marks(connection, traded), instruments, chosen), before


def _position(row: Sequence[Any], its_lots: Iterable[Lot]) -> Position:
    return Position(
        int(row[2]),
        int(row[3]),
        int(row[4]),
        int(row[5]),
        int(row[6]),
        row[7],
        row[8],
        row[9],
        row[10],
        row[11],
        Method(row[12]),
        bool(row[13]),
        (row[14], row[15]),
        row[16],
        row[17],
        row[18],
        in_order(list(its_lots)),
        _decode_losses(row[19]) if row[19] != "[]" else (),
        row[20],
        row[21],
        int(row[22]),
    )


def _mark(row: Sequence[Any]) -> Mark:
    return Mark(row[1], row[2], row[3], row[4], bool(row[5]))


# ------------------------------------------------------------------------------------------------ writing


def _save(connection: Connection, folding: Folding, before: Mapping[Key, Position]) -> None:
    """Write what the batch has changed: a few statements, each for many rows."""
    moved: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    for key in sorted(folding.touched):
        moved[key in before].append(_position_row(key, folding.positions[key]))
    execute_many(connection, _UPDATE_POSITIONS, moved[True])
    execute_many(connection, _ADD_POSITIONS, moved[False])
    _save_lots(connection, folding, before)
    execute_many(connection, _ADD_EVENTS, [event_row(told) for told in folding.told])
    execute_many(
        connection,
        _ADD_ACTIONS,
        [(one.action_id, one.sequence, one.time_ns, _encode(one).decode()) for one in folding.applied],
    )
    if folding.moved_marks:
        known = {row[0] for row in connection.execute(select(marks.c.instrument))}
        rows: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
        for number in sorted(folding.moved_marks):
            mark = folding.marks[number]
            row = number, mark.price, mark.source, mark.sequence, mark.time_ns, mark.withdrawn
            rows[number in known].append(row)
        execute_many(connection, _UPDATE_MARKS, rows[True])
        execute_many(connection, _ADD_MARKS, rows[False])


def _save_lots(connection: Connection, folding: Folding, before: Mapping[Key, Position]) -> None:
    added: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for key in folding.touched:
        now, was = folding.positions[key].lots, before[key].lots if key in before else ()
        if now is was:
            continue
        stood = {lot.number: lot for lot in was}
        for lot in now:
            old = stood.pop(lot.number, None)
            if old is not lot:
                row = *key, lot.number, _encode(lot).decode()
                (added if old is None else changed).append(row)
        for some in chunks(stood):
            account, instrument = key
            connection.execute(_FORGET_LOTS, {"of_account": account, "of_instrument": instrument, "some": some})
    execute_many(connection, _UPDATE_LOTS, changed)
    execute_many(connection, _ADD_LOTS, added)


def _position_row(key: Key, position: Position) -> tuple[Any, ...]:
    one = position
    return (
        *key,
        str(one.quantity),
        str(one.cost),
        str(one.realised),
        str(one.fees),
        str(one.funding),
        one.cycles,
        one.version,
        one.sequence,
        one.index,
        one.part,
        int(one.method),
        one.wash_sales,
        *one.opened,
        one.opened_ns,
        one.opened_price,
        one.decreased,
        _encode(one.losses).decode() if one.losses else "[]",
        one.numbers,
        one.born,
        str(one.dividends),
    )


def event_row(told: Told) -> tuple[Any, ...]:
    """Return the row of an event: its id, whose it is, and its record."""
    change = told.change
    return (
        change.sequence,
        change.index,
        change.part,
        told.account,
        told.instrument,
        records.SCHEMA,
        records.encode(change),
    )

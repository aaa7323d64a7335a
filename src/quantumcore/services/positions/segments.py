"""Position events that were put aside: sealed, compressed, hashed, and verified whenever they are read.

Once two snapshots agree, which means that the older one and the events between them lead to the newer one, the events up to
the older one are put aside, SEGMENT_EVENTS at a time, and stay for RETENTION_NS by the time of the events themselves. The
lease of the database's one writer keeps two compactions apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reference import Instrument
from quantumcore.ports.database import adding, execute_many
from quantumcore.ports.sealed import RETENTION_DAYS, Sealed, unseal
from quantumcore.ports.sealed import seal as seal_content
from quantumcore.services.positions import records
from quantumcore.services.positions.folding import Key, Told
from quantumcore.services.positions.replay import replay
from quantumcore.services.positions.snapshots import Snapshot, digest, kept
from quantumcore.services.positions.store import read_stand
from quantumcore.services.positions.tables import events, segment_positions, segments

SEGMENT_EVENTS = 10_000
RETENTION_NS = RETENTION_DAYS * 86_400 * 10**9
PER_PAGE = 16  # segments that one page opens; the page is shorter then, and its cursor goes on

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[int, int, int, str]]).decode
_ADD_NAMES = adding(segment_positions)
_READ = select(segments.c.digest, segments.c.payload).where(segments.c.first == bindparam("of"))


def of_position(connection: Connection, key: Key, after: tuple[int, int, int] | None, *, ascending: bool) -> list[int]:
    """Return the segments with events of a position or its instrument's marks behind `after`, in the order of reading."""
    c, s = segment_positions.c, segments.c
    query = (
        select(s.first)
        .join(segment_positions, c.first == s.first)
        .where(c.account.in_((key[0], 0)), c.instrument == key[1])
        .distinct()
    )
    if after is not None:
        query = query.where(s.last >= after[0] if ascending else s.first <= after[0])
    return list(connection.execute(query.order_by(s.first if ascending else s.first.desc())).scalars())


def read(connection: Connection, first: int) -> list[Told]:
    """Return what a segment holds, in order.

    Raises:
        Corrupted: `position.segment`: it is gone, or not what was sealed.
    """
    row = connection.execute(_READ, {"of": first}).first()
    if row is None:
        raise Corrupted("position.segment", f"the segment of {first} is gone")
    try:
        sealed = Sealed(row.payload, bytes.fromhex(row.digest))
        rows = _decode(unseal(sealed, "position.segment", f"the segment of {first}"))
    except (ValueError, msgspec.MsgspecError) as error:
        raise Corrupted("position.segment", f"the segment of {first}: {error}") from error
    return [Told(account, instrument, records.decode(schema, text)) for account, instrument, schema, text in rows]


def seal(connection: Connection, rows: Sequence[Any]) -> None:
    """Put these rows of `events`, which are in order and end with a whole sequence, aside."""
    content = [(row.account, row.instrument, row.schema, row.payload) for row in rows]
    sealed = seal_content(_encode(content))
    last = records.decode(rows[-1].schema, rows[-1].payload)
    first = rows[0].sequence
    connection.execute(
        insert(segments),
        {
            "first": first,
            "last": rows[-1].sequence,
            "events": len(rows),
            "last_ns": last.time_ns,
            "digest": sealed.digest.hex(),
            "payload": sealed.payload,
        },
    )
    names = sorted({(row.account, row.instrument) for row in rows})
    execute_many(connection, _ADD_NAMES, [(*name, first) for name in names])
    c = events.c
    connection.execute(delete(events).where(c.sequence >= first, c.sequence <= rows[-1].sequence))


def compact(
    connection: Connection,
    instruments: Mapping[int, Instrument],
    *,
    size: int = SEGMENT_EVENTS,
    retention_ns: int = RETENTION_NS,
) -> int:
    """Put the oldest `size` events aside, if so many stand before the last snapshot but one and the last two agree.

    Also lets go what is past its retention. One segment at a time, so that the writer is not held up.

    Returns:
        How many were put aside; when it is not 0, there may be more.

    Raises:
        Corrupted: The two snapshots disagree; nothing was put aside.
    """
    expire(connection, read_stand(connection).time_ns - retention_ns)
    newest = kept(connection)[:2]
    if len(newest) < 2:
        return 0
    c = events.c
    query = select(events).where(c.sequence <= newest[1].sequence).order_by(c.sequence, c.event_index, c.part)
    rows = list(connection.execute(query.limit(size)))
    if len(rows) < size:
        return 0
    agree(connection, newest[1], newest[0], instruments)
    edge = rows[-1].sequence  # whole sequences only
    rest = connection.execute(select(events).where(c.sequence == edge).order_by(c.event_index, c.part))
    rows = [row for row in rows if row.sequence < edge] + list(rest)
    seal(connection, rows)
    return len(rows)


def agree(connection: Connection, older: Snapshot, newer: Snapshot, instruments: Mapping[int, Instrument]) -> None:
    """See that the older snapshot and the events between lead to the newer.

    Raises:
        Corrupted: `position.snapshot`, `position.gap` or `position.mismatch`: they do not.
    """
    c = events.c
    query = (
        select(c.account, c.instrument, c.schema, c.payload)
        .where(c.sequence > older.sequence, c.sequence <= newer.sequence)
        .order_by(c.sequence, c.event_index, c.part)
    )
    told = (Told(row[0], row[1], records.decode(row[2], row[3])) for row in connection.execute(query))
    state = older.state()
    found = replay(state.positions, state.marks, told, instruments)
    if digest(*found) != newer.digest:
        raise Corrupted(
            "position.snapshot", f"the snapshot of {older.sequence} does not lead to that of {newer.sequence}"
        )


def expire(connection: Connection, before_ns: int) -> int:
    """Let go the segments whose last event is older; return how many."""
    old = list(connection.execute(select(segments.c.first).where(segments.c.last_ns < before_ns)).scalars())
    for first in old:
        connection.execute(delete(segments).where(segments.c.first == first))
        connection.execute(delete(segment_positions).where(segment_positions.c.first == first))
    return len(old)

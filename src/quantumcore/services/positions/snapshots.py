"""All positions at exactly one cursor, and their digest: two rooms that stand alike have the same.

A snapshot is the fold of the events up to its cursor and of none later. It is written in the transaction of the batch that
makes it due: every SNAPSHOT_EVENTS events, or as many events as there are positions if those are more, so that a snapshot
costs each event a row at most. The last KEPT stay.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.marks import Mark
from quantumcore.services.positions.domain import Position
from quantumcore.services.positions.folding import Key
from quantumcore.services.positions.store import Stand, all_positions, load_marks, read_stand
from quantumcore.services.positions.tables import cursor, snapshots

SNAPSHOT_EVENTS = 1_000
KEPT = 3
LEVEL = 1  # of zlib: three times faster than its own default, a tenth larger

_encode = msgspec.json.Encoder().encode


class State(NamedTuple):
    """What stands at a cursor."""

    stand: Stand
    positions: dict[Key, Position]
    marks: dict[int, Mark]


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    positions: list[tuple[int, int, Position]]
    marks: list[tuple[int, Mark]]


class Snapshot(NamedTuple):
    """A snapshot as it is kept."""

    sequence: int
    time_ns: int
    events: int
    positions: int
    digest: str
    payload: bytes

    def state(self) -> State:
        """Return what it holds.

        Raises:
            Corrupted: `position.snapshot`: it is not what was written.
        """
        try:
            kept = _decode(zlib.decompress(self.payload))
        except (zlib.error, msgspec.MsgspecError) as error:
            raise Corrupted("position.snapshot", f"snapshot of {self.sequence}: {error}") from error
        found = {(account, instrument): position for account, instrument, position in kept.positions}
        marks = dict(kept.marks)
        if digest(found, marks) != self.digest:
            raise Corrupted("position.snapshot", f"snapshot of {self.sequence} is not what was written")
        return State(Stand(self.sequence, self.time_ns, self.events, self.positions), found, marks)


_decode = msgspec.json.Decoder(_Kept).decode


def digest(found: Mapping[Key, Position], marks: Mapping[int, Mark]) -> str:
    """Return the SHA-256 of what stands, in hex, whatever order it is given in."""
    total = hashlib.sha256()
    for account, instrument in sorted(found):
        total.update(_encode((account, instrument, found[account, instrument])))
    for number in sorted(marks):
        total.update(_encode((number, marks[number])))
    return total.hexdigest()


def read_state(connection: Connection) -> State:
    """Return what stands now, all of it at one cursor."""
    return State(read_stand(connection), all_positions(connection), load_marks(connection))


def is_due(stand: Stand, every: int = SNAPSHOT_EVENTS) -> bool:
    """Tell whether enough has happened since the last one."""
    return stand.events - stand.snapshot_events >= max(every, stand.positions)


def take(connection: Connection) -> Snapshot:
    """Keep a snapshot of what stands, and let the oldest go."""
    state = read_state(connection)
    stand = state.stand
    kept = _Kept(
        [(*key, state.positions[key]) for key in sorted(state.positions)],
        [(number, state.marks[number]) for number in sorted(state.marks)],
    )
    made = Snapshot(
        stand.sequence,
        stand.time_ns,
        stand.events,
        len(state.positions),
        digest(state.positions, state.marks),
        zlib.compress(_encode(kept), LEVEL),
    )
    connection.execute(insert(snapshots), made._asdict())
    connection.execute(cursor.update(), {"snapshot_events": stand.events})
    old = connection.execute(select(snapshots.c.sequence).order_by(snapshots.c.sequence.desc()).offset(KEPT)).scalars()
    for sequence in list(old):
        connection.execute(delete(snapshots).where(snapshots.c.sequence == sequence))
    return made


def kept(connection: Connection) -> list[Snapshot]:
    """Return what is kept, the newest first."""
    rows = connection.execute(select(snapshots).order_by(snapshots.c.sequence.desc()))
    return [Snapshot(*row) for row in rows]

"""Which record is the first that is not as it was recorded, and what was done to it. Pure but for the iterators it is given.

altered      its content is another, or its hash is
removed      it is not there any more
inserted     it was never recorded
reordered    what was recorded here stands elsewhere now, or what stands here was recorded elsewhere
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

from quantumcore.services.ledger.audit.chain import Position, Record, Row, hash_after
from quantumcore.services.ledger.audit.roots import Leaf

T = TypeVar("T")

SEARCH = 100_000
"""How many records behind a damage are looked at for one that was moved; one from beyond is called removed or inserted."""

ALTERED, REMOVED, INSERTED, REORDERED = "altered", "removed", "inserted", "reordered"


class Finding(NamedTuple):
    """The first damage.

    Attributes:
        kind: altered, removed, inserted or reordered.
        what: record, hash (of a record), block, day or head (the audit's own rows), root or leaves (in the second store).
        number: Of the record in the chain, from 1; of a day its first record's.
        position: Of the record; None where nothing says it any more (it lies between `after` and the next that is there).
        after: Position of the last record that is as it was recorded; None before the first.
        detail: One sentence.
    """

    kind: str
    what: str
    number: int
    position: Position | None
    after: Position | None
    detail: str


class Spot(NamedTuple):
    """Where what stands parts from what was recorded.

    Attributes:
        number, previous: Number that the record here should have, and the hash before it.
        row, record: The entry and the audit's record that stand here; None where nothing does.
        published: What the second store says; None where the day has not been published.
        rows, recorded: Give what follows behind `row`, and behind the record that should be here, as far as SEARCH.
    """

    number: int
    previous: bytes
    after: Position | None
    row: Row | None
    record: Record | None
    published: Leaf | None
    rows: Callable[[], Iterator[Row]]
    recorded: Callable[[], Iterator[Leaf]]

    def found(self, kind: str, what: str, position: Position | None, detail: str) -> Finding:
        """Return a finding here."""
        return Finding(kind, what, self.number, position, self.after, detail)


def name(spot: Spot) -> Finding:
    """Return what was done here."""
    if spot.published is not None:
        return _against(spot, *spot.published) or _hash(spot, spot.published)
    row, record = spot.row, spot.record
    if record is None:
        assert row is not None, "there is a difference"
        return spot.found(INSERTED, "record", position_of(row), "an entry that the chain does not know")
    if record.number != spot.number:
        if row is not None and position_of(row) < record.position:
            return spot.found(REMOVED, "hash", position_of(row), "the hash of this entry is gone")
        return spot.found(REMOVED, "record", None, "an entry is gone, and its hash with it")
    if row is not None and hash_after(spot.previous, row) == record.hash:
        return spot.found(ALTERED, "hash", position_of(row), "the hash is filed under another position")
    return _against(spot, record.position, record.hash) or spot.found(
        ALTERED, "hash", record.position, "the stored hash is not that of the entry"
    )


def position_of(row: Row) -> Position:
    """Return the position of an entry."""
    return row[0], row[1], row[2]


def _against(spot: Spot, position: Position, recorded: bytes) -> Finding | None:
    """Compare the entry with what was recorded here; None when it is that."""
    row = spot.row
    if row is None or position_of(row) > position:
        if _stands_later(spot, position, recorded):
            return spot.found(REORDERED, "record", position, "this entry stands at a later position now")
        return spot.found(REMOVED, "record", position, "this entry is gone")
    if position_of(row) < position:
        if _belongs_later(spot, row, position, recorded):
            return spot.found(REORDERED, "record", position_of(row), "this entry was recorded at a later position")
        return spot.found(INSERTED, "record", position_of(row), "an entry that was never recorded")
    mine = hash_after(spot.previous, row)
    if mine == recorded:
        return None
    if _stands_later(spot, position, recorded):
        return spot.found(REORDERED, "record", position, "what was recorded here stands at a later position now")
    if spot.published is None:
        return _unpublished(spot, row, mine)
    return spot.found(ALTERED, "record", position, "the entry is another than the one that was recorded")


def _unpublished(spot: Spot, row: Row, mine: bytes | None) -> Finding | None:
    """Tell by the next record what is wrong, when entry and hash do not fit and nothing outside says which is right."""
    following = next(spot.rows(), None)
    behind = next(spot.recorded(), None)
    if following is not None and behind is not None and position_of(following) == behind[0]:
        if hash_after(spot.previous, following) == behind[1]:
            return spot.found(INSERTED, "record", position_of(row), "the chain goes on without this entry")
        if mine is not None and hash_after(mine, following) == behind[1]:
            return None
    return spot.found(ALTERED, "record", position_of(row), "the entry and its hash do not fit what stands before them")


def _hash(spot: Spot, published: Leaf) -> Finding:
    """Return what is wrong with the audit's record, the entry itself being as it was published."""
    gone = spot.record is None or spot.record.number != spot.number
    detail = "the hash of this entry is gone" if gone else "the stored hash is not the one that was published"
    return spot.found(REMOVED if gone else ALTERED, "hash", published[0], detail)


def _fits(row: Row, position: Position, previous: bytes, recorded: bytes) -> bool:
    """Tell whether the content of `row` is what was recorded at `position`."""
    return hash_after(previous, (*position, *row[3:])) == recorded


def _stands_later(spot: Spot, position: Position, recorded: bytes) -> bool:
    """Tell whether what was recorded here is the content of a later entry, which does not belong there itself."""
    before, references = recorded, spot.recorded()
    reference = next(references, None)
    candidates = spot.rows()
    if spot.row is not None and position_of(spot.row) > position:
        candidates = _first(spot.row, candidates)
    for row in islice(candidates, SEARCH):
        while reference is not None and reference[0] < position_of(row):
            before, reference = reference[1], next(references, None)
        if _fits(row, position, spot.previous, recorded):
            at_home = reference is not None and reference[0] == position_of(row)
            if reference is None or not (at_home and hash_after(before, row) == reference[1]):
                return True
    return False


def _belongs_later(spot: Spot, row: Row, position: Position, recorded: bytes) -> bool:
    """Tell whether `row` was recorded at a later position, where something else or nothing stands now."""
    rows = spot.rows()
    other = next(rows, None)
    before = spot.previous
    for reference in islice(_first((position, recorded), spot.recorded()), SEARCH):
        while other is not None and position_of(other) < reference[0]:
            other = next(rows, None)
        if _fits(row, reference[0], before, reference[1]):
            at_home = other is not None and position_of(other) == reference[0]
            if other is None or not (at_home and hash_after(before, other) == reference[1]):
                return True
        before = reference[1]
    return False


def _first(one: T, others: Iterator[T]) -> Iterator[T]:
    """Yield `one` before the others."""
    yield one
    yield from others

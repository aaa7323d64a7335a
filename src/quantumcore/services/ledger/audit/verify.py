"""Walk the chain and name the first record that is not as it was recorded.

entries ─┐
records ─┼─ block by block ─▶ the first difference, or the end of the chain
signed   ┘

Three things must say the same: the entries, the audit's records of them, and, for a published day, the list that its
signed root covers. Whoever recomputes every hash in the database still differs from the list; whoever alters the list
differs from the signature. In a day that is not published yet nothing outside says what was there: there the chain shows
what does not fit, and a chain recomputed to its end is found only against the journal (`quantumcore verify`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Corrupted, InvalidCommand
from quantumcore.services.ledger.audit import rows
from quantumcore.services.ledger.audit.chain import (
    BEFORE_ALL,
    TIME,
    UNRECORDABLE,
    Block,
    Day,
    Position,
    Record,
    Row,
    canonical,
    genesis,
)
from quantumcore.services.ledger.audit.findings import ALTERED, INSERTED, REMOVED, Finding, Spot, name, position_of
from quantumcore.services.ledger.audit.merkle import BLOCK, Tree, leaf, root_of
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.roots import Leaf, SignedRoot, day_number, leaves_in, packed_leaves


class Place(NamedTuple):
    """The last record that is as it was recorded."""

    number: int
    hash: bytes
    position: Position


class Stretch(NamedTuple):
    """Records that end with one day.

    Attributes:
        last: Number of the last; None for the day that is open.
        root: The signed root, if the day is published.
        day: The day as the database has it; None for the day that is open, and where the row is missing.
    """

    first: int
    last: int | None
    root: SignedRoot | None
    day: Day | None


class Walker:
    """Verifies in steps of at most BLOCK records, so that whoever calls decides how long it may take.

    Attributes:
        place: How far everything is as it was recorded.
        finding: The first damage; None while there is none.
        done: Whether the end of the chain is reached, or a finding.
        checked: Records that were verified by this walker.
    """

    def __init__(self, connection: Connection, published: Published, shard: int = 0, after: int = 0) -> None:
        """Begin behind record `after`, which an earlier walker has reached.

        Raises:
            InvalidCommand: There is no such record.
        """
        self._connection = connection
        self._published = published
        self._shard = shard
        self._genesis = genesis(shard)
        self.place = self._at(after)
        self.finding: Finding | None = None
        self.done = False
        self.checked = 0

    def step(self) -> None:
        """Verify the next block, or find that there is none."""
        if self.done:
            return
        stretch = self._stretch(self.place.number + 1)
        if isinstance(stretch, Finding):
            self._end(stretch)
            return
        before = self.place.number
        found = self._enter(stretch) if before + 1 == stretch.first else None
        found = found or self._block(stretch)
        if found is None and self.place.number == stretch.last:
            found = self._leave(stretch)
        elif found is None and self.place.number == before:
            self._end(self._head(stretch))
            return
        self.checked += self.place.number - before
        if found is not None:
            self._end(found)

    def walk(self, most: int) -> None:
        """Step until `most` records are verified, or there is nothing left."""
        while not self.done and self.checked < most:
            self.step()

    # ------------------------------------------------------------------------------------------- where it is

    def _at(self, number: int) -> Place:
        if not number:
            return Place(0, self._genesis, BEFORE_ALL)
        found = rows.records_after(self._connection, number - 1, 1)
        if not found or found[0].number != number:
            raise InvalidCommand("audit.cursor.bad", "there is no record of this number", field="cursor")
        return Place(number, found[0].hash, found[0].position)

    def _end(self, found: Finding | None) -> None:
        self.finding, self.done = found, True

    def _found(self, kind: str, what: str, detail: str, position: Position | None = None) -> Finding:
        after = self.place.position if self.place.number else None
        return Finding(kind, what, self.place.number + 1, position, after, detail)

    def _stretch(self, number: int) -> Stretch | Finding:
        """Return the stretch of the record `number`, or why there is none."""
        published = self._published
        behind = published.roots[-1].last if published.roots else 0
        if number <= behind:
            root = published.roots[max(0, bisect_right(published.roots, number, key=lambda each: each.first) - 1)]
            if not root.first <= number <= root.last:
                return self._found(REMOVED, "root", "no root is of this record, but of some that follow it")
            return Stretch(root.first, root.last, root, rows.closed_day(self._connection, day_number(root.day)))
        if published.damage is not None:
            return published.damage.finding(number, self.place.position if self.place.number else None)
        after = day_number(published.roots[-1].day) if published.roots else -1
        first = behind + 1
        for day in rows.closed_days(self._connection, after=after):
            if day.first != first or not isinstance(day.records, int):
                return self._found(ALTERED, "day", f"a closed day begins at record {day.first}, not at {first}")
            if number <= day.last:
                return Stretch(day.first, day.last, None, day)
            first = day.last + 1
        return Stretch(first, None, None, None)

    # -------------------------------------------------------------------------------------------------- days

    def _enter(self, stretch: Stretch) -> Finding | None:
        """See that the day goes on from what is here."""
        root, day = stretch.root, stretch.day
        if root is not None and root.before != self.place.hash.hex():
            return self._found(ALTERED, "root", f"the root of {root.day} goes on from another record")
        if root is None and day is not None and (day.before != self.place.hash or day.records < 1):
            return self._found(ALTERED, "day", f"the closed day {day.day} goes on from another record")
        return None

    def _stray(self, stretch: Stretch) -> Finding | None:
        """See that no entry stands behind the day's last that is of this day by its time: the list of a published day is whole."""
        if stretch.root is None:
            return None
        following = rows.entries_after(self._connection, self.place.position, 1)
        if not following:
            return None
        time_ns = following[0][TIME]
        if not isinstance(time_ns, int) or time_ns // DAY_NS > day_number(stretch.root.day):
            return None
        detail = f"an entry of {stretch.root.day} that was not recorded on that day"
        return self._found(INSERTED, "record", detail, position_of(following[0]))

    def _leave(self, stretch: Stretch) -> Finding | None:
        """See that the day ends where it says, that its nodes lead to its root, and that it is the day that was signed.

        Only now: a record that was changed is to be named, not the day that was made to fit it.
        """
        root, day = stretch.root, stretch.day
        assert stretch.last is not None, "the open day is never left"
        if day is None:
            return self._found(REMOVED, "day", "the closed day is gone from the database")
        nodes = [block.node for block in rows.blocks_between(self._connection, stretch.first, stretch.last)]
        try:
            whole = bool(nodes) and root_of(nodes) == day.root and day.head == self.place.hash
        except TypeError:  # a node that is no bytes
            whole = False
        if not whole:
            return self._found(ALTERED, "day", "the closed day's nodes do not lead to its root")
        if root is not None:
            said = day.first, day.records, _hex(day.before), _hex(day.head), _hex(day.root)
            if said != (root.first, root.count, root.before, root.head, root.root):
                return self._found(ALTERED, "day", f"the closed day {root.day} is another than the one that was signed")
        return None

    def _head(self, stretch: Stretch) -> Finding | None:
        """See that the chain ends where it says, with the tree of the open day."""
        extra = next(rows.every_record_after(self._connection, self.place.number), None)
        assert extra is None, "_block has seen it"
        try:
            chain = rows.chain_of(self._connection)
        except Corrupted as error:
            return self._found(ALTERED, "head", error.detail)
        if chain is None:
            return self._found(REMOVED, "head", "the chain's head is gone") if self.place.number else None
        begun = self._at(stretch.first - 1) if stretch.first > 1 else Place(0, self._genesis, BEFORE_ALL)
        blocks = rows.blocks_between(self._connection, stretch.first, self.place.number)
        full = len(blocks) * BLOCK
        rest = rows.records_after(self._connection, stretch.first + full - 1, BLOCK)
        tree = Tree.of_blocks([block.node for block in blocks], [record.hash for record in rest])
        expected = self._shard, self.place.number, self.place.hash, begun.hash, tree.count, tree.pack()
        if (chain.shard, chain.number, chain.hash, chain.before, chain.tree.count, chain.tree.pack()) != expected:
            return self._found(ALTERED, "head", "the chain's head is not at its last record")
        last = rows.entries_after(self._connection, (*self.place.position[:2], self.place.position[2] - 1), 1)
        if rest and last and last[0][TIME] // DAY_NS != chain.day:
            return self._found(ALTERED, "head", "the open day is not that of its records")
        return None

    # ----------------------------------------------------------------------------------------------- records

    def _block(self, stretch: Stretch) -> Finding | None:
        """Verify up to the end of a block, or of the day."""
        place = self.place
        offset = place.number + 1 - stretch.first
        most = BLOCK - offset % BLOCK
        if stretch.last is not None:
            most = min(most, stretch.last - place.number)
        stand = rows.entries_after(self._connection, place.position, most)
        records = rows.records_after(self._connection, place.number, most)
        leaves: list[Leaf] | None = None
        if stretch.root is not None:
            content = self._published.block(stretch.root, offset // BLOCK)
            if content is None:
                return self._found(ALTERED, "leaves", f"the list of {stretch.root.day} is not the one that was signed")
            leaves = leaves_in(content)[offset % BLOCK :][:most]
        good = self._agree(stand, records, leaves)
        if good:
            last = records[good - 1]
            self.place = Place(last.number, last.hash, last.position)
        if good < max(len(stand), len(records), len(leaves or ())):
            return name(
                self._spot(stretch, stand[good:], records[good:], leaves[good:] if leaves is not None else None)
            )
        if stretch.last is not None and good < most:
            return self._found(REMOVED, "record", "the day has fewer records than it says")
        if self.place.number == stretch.last and (stray := self._stray(stretch)):
            return stray
        return self._node(stretch, offset, good, records)

    def _agree(self, stand: Sequence[Row], records: Sequence[Record], leaves: Sequence[Leaf] | None) -> int:
        """Return how many of them are the same record, one after another."""
        number, previous = self.place.number, self.place.hash
        good = 0
        try:
            for row, record in zip(stand, records, strict=False):
                mine = sha256(previous + canonical(row)).digest()
                if (
                    record[0] != number + 1
                    or record[4] != mine
                    or row[0] != record[1]
                    or row[1] != record[2]
                    or row[2] != record[3]
                ):
                    break
                number, previous, good = number + 1, mine, good + 1
        except UNRECORDABLE:
            pass  # this row does not agree
        if leaves is not None and packed_leaves([(r.position, r.hash) for r in records[:good]]) != packed_leaves(
            leaves[:good]
        ):
            pairs = zip(records[:good], leaves, strict=False)
            good = next(at for at, (record, each) in enumerate(pairs) if (record.position, record.hash) != each)
        return good if leaves is None else min(good, len(leaves))

    def _node(self, stretch: Stretch, offset: int, good: int, records: Sequence[Record]) -> Finding | None:
        """See that a block that is complete now has its node; one that was entered in its middle is left to its root."""
        complete = good == BLOCK or (good > 0 and self.place.number == stretch.last)
        if offset % BLOCK or not complete:
            return None
        first = stretch.first + offset
        node = root_of([leaf(record.hash) for record in records[:good]])
        if rows.blocks_between(self._connection, first, first) != [Block(first, node)]:
            return self._found(ALTERED, "day", "a node above these records is another", records[0].position)
        return None

    def _spot(
        self, stretch: Stretch, stand: Sequence[Row], records: Sequence[Record], leaves: Sequence[Leaf] | None
    ) -> Spot:
        """Return where they part, and how to look further."""
        place, connection = self.place, self._connection
        row = stand[0] if stand else None
        record = records[0] if records else None
        recorded: Callable[[], Iterator[Leaf]]
        if leaves:
            root, offset = stretch.root, place.number + 2 - stretch.first
            assert root is not None, "only a published day has a list"
            recorded = lambda: self._published.leaves_behind(root, offset)  # noqa: E731  # one line, beside its counterpart
        else:
            recorded = lambda: _leaves(rows.every_record_after(connection, place.number + 1))  # noqa: E731
        from_here = position_of(row) if row is not None else place.position
        return Spot(
            number=place.number + 1,
            previous=place.hash,
            after=place.position if place.number else None,
            row=row,
            record=record,
            published=leaves[0] if leaves else None,
            rows=lambda: rows.every_entry_after(connection, from_here),
            recorded=recorded,
        )


def _leaves(records: Iterator[Record]) -> Iterator[Leaf]:
    for record in records:
        yield record.position, record.hash


def _hex(found: object) -> str:
    """Return a hash as it is published; what is no bytes is no hash."""
    return found.hex() if isinstance(found, bytes) else ""

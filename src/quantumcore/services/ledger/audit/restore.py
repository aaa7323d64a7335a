"""A ledger's entries and audit made anew from sealed segments and signed roots, and compared with those that stand.

What a restored ledger has: the entries of the days that were sealed, and every record, node and day over them. What it has
not: the day that is open, and what does not follow from entries (holds, ids); those the journal has.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any

from sqlalchemy import Connection

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Corrupted
from quantumcore.services.ledger.audit import rows
from quantumcore.services.ledger.audit.chain import BEFORE_ALL, TIME, Chain
from quantumcore.services.ledger.audit.roots import day_name
from quantumcore.services.ledger.audit.segments import Sealed, Segment
from quantumcore.services.ledger.store import write_chain, write_entries


class Restored:
    """Tables that are filled, segment by segment."""

    def __init__(self, first: Sealed) -> None:
        """Begin with that day, which need not be the ledger's first: older ones may have been let go."""
        self._chain = Chain(first.shard)
        self._chain.number = first.first - 1
        self._chain.hash = self._chain.before = first.before
        self._stood = False

    def enter(self, connection: Connection, segment: Segment) -> None:
        """Add a segment: the next one."""
        self._chain.extend(segment.rows, segment.rows[-1][TIME])
        write_entries(connection, segment.rows)
        self._write(connection)

    def close(self, connection: Connection, last: Sealed) -> None:
        """Close a day, and see that it has the root that it had.

        Raises:
            Corrupted: `audit.segment`: the entries make another one.
        """
        self._chain.extend([], (last.day + 1) * DAY_NS)
        if self._chain.days[-1].root != last.root:
            raise Corrupted("audit.segment", f"the entries of {day_name(last.day)} make another root than they had")
        self._write(connection)

    def _write(self, connection: Connection) -> None:
        write_chain(connection, self._chain, stood=self._stood)
        self._stood = True
        for written in (self._chain.records, self._chain.blocks, self._chain.days):
            written.clear()


def first_difference(live: Connection, restored: Connection, days: Sequence[Sealed]) -> str:
    """Compare every row of `days`, which follow one another, in both ledgers; return where they first part, "" if nowhere."""
    if not days:
        return ""
    first, last = days[0].first, days[-1].last
    count = last - first + 1
    before = rows.records_after(live, first - 2, 1) if first > 1 else []
    position = before[0].position if before else BEFORE_ALL
    pairs: dict[str, Sequence[Iterator[Any]]] = {
        "entries": [islice(rows.every_entry_after(each, position), count) for each in (live, restored)],
        "audit_records": [islice(rows.every_record_after(each, first - 1), count) for each in (live, restored)],
        "audit_blocks": [iter(rows.blocks_between(each, first, last)) for each in (live, restored)],
        "audit_days": [_days(each, days) for each in (live, restored)],
    }
    for table, (ours, theirs) in pairs.items():
        for one, other in zip_longest(ours, theirs):
            if one != other:
                at = (one or other)[:3] if table == "entries" else (one or other)[0]
                return f"{table}: {at}"
    return ""


def _days(connection: Connection, days: Sequence[Sealed]) -> Iterator[Any]:
    for day in rows.closed_days(connection, after=days[0].day - 1):
        if day.day <= days[-1].day:
            yield day

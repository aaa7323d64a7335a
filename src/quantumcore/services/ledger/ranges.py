"""Which postings a report is about: [begin, end) in sequences, never past what is known."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.values import I64_MAX, parse_time, show_time
from quantumcore.services.ledger.store import read_cursor
from quantumcore.services.ledger.tables import entries

DIGITS_MAX = 19


class Edge(NamedTuple):
    """One end of a range as it was asked: a sequence, or a time in UTC nanoseconds; neither: it was not given."""

    field: str
    sequence: int = 0
    time_ns: int | None = None


class Asked(NamedTuple):
    """A range as it was asked."""

    begin: Edge
    end: Edge
    as_known: int

    @property
    def by_time(self) -> bool:
        """Whether an end of it is a time."""
        return self.begin.time_ns is not None or self.end.time_ns is not None


class Range(NamedTuple):
    """Sequences, half open, and the last one that may count."""

    begin: int
    end: int
    as_known: int


def asked(begin: str, end: str, as_known: int) -> Asked:
    """Return what the texts mean.

    Raises:
        InvalidCommand: `request.invalid.*` for what is neither a time nor a sequence; `statement.range.reversed`.
    """
    if not 0 <= as_known <= I64_MAX:
        raise invalid("range", "as_known is a sequence", field="as_known", actual=str(as_known)[:64])
    found = Asked(_edge(begin, "from"), _edge(end, "to"), as_known)
    first, last = found.begin, found.end
    same_kind = (first.time_ns is None) == (last.time_ns is None)
    if begin and end and same_kind and (first.sequence, first.time_ns or 0) > (last.sequence, last.time_ns or 0):
        raise _reversed(begin, end)
    return found


def resolved(connection: Connection, wanted: Asked, now_ns: int) -> Range:
    """Return the sequences that `wanted` stands for.

    Raises:
        InvalidCommand: `statement.range.future`: what is asked is not known yet; `statement.range.reversed`.
    """
    as_known = known(connection, wanted.as_known)
    for edge in (wanted.begin, wanted.end):
        if edge.sequence > as_known + 1:
            raise _future(edge.field, str(as_known + 1), str(edge.sequence))
        if edge.time_ns is not None and edge.time_ns > now_ns:
            raise _future(edge.field, show_time(now_ns), show_time(edge.time_ns))
    begin = _first_at(connection, wanted.begin, as_known) or 1
    end = _first_at(connection, wanted.end, as_known) or as_known + 1
    if begin > end:
        raise _reversed(str(begin), str(end))
    return Range(begin, end, as_known)


def known(connection: Connection, as_known: int) -> int:
    """Return the last sequence that may count: `as_known`, or what is entered if that is 0.

    Raises:
        InvalidCommand: `statement.range.future`: it is not entered yet.
    """
    entered = read_cursor(connection)
    if as_known > entered:
        raise _future("as_known", str(entered), str(as_known))
    return as_known or entered


def sequence_before(connection: Connection, time_ns: int, as_known: int) -> int:
    """Return the last sequence, up to `as_known`, whose entries are of before a time."""
    return _first_at(connection, Edge("", time_ns=time_ns), as_known) - 1


def _edge(text: str, field: str) -> Edge:
    if not text:
        return Edge(field)
    if text.isascii() and text.isdigit():
        if len(text) > DIGITS_MAX or not 0 < int(text) <= I64_MAX:
            raise invalid("range", f"{field} is no sequence", field=field, limit=str(I64_MAX), actual=text[:64])
        return Edge(field, sequence=int(text))
    return Edge(field, time_ns=parse_time(text[:64], field))


def _first_at(connection: Connection, edge: Edge, as_known: int) -> int:
    """Return the first sequence at or after `edge`; 0 when it is not given. The engine's time never goes back."""
    if edge.time_ns is None:
        return edge.sequence
    low, high = 1, as_known + 1
    while low < high:
        middle = (low + high) // 2
        probe = select(entries.c.sequence, entries.c.time_ns).where(entries.c.sequence >= middle)
        row = connection.execute(probe.order_by(entries.c.sequence).limit(1)).first()
        if row is None or row[0] >= high or row[1] >= edge.time_ns:
            high = middle
        else:
            low = row[0] + 1
    return low


def _future(field: str, limit: str, actual: str) -> InvalidCommand:
    detail = "what has not been entered yet cannot be stated"
    return InvalidCommand("statement.range.future", detail, field=field, limit=limit, actual=actual)


def _reversed(begin: str, end: str) -> InvalidCommand:
    detail = "the range ends before it begins"
    return InvalidCommand("statement.range.reversed", detail, field="from", limit=end[:64], actual=begin[:64])

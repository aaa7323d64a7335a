"""Event batches for tests of what carries them: small, numbered, and recognisable; and events of which little matters."""

from typing import Any, TypeVar

from quantumcore.contracts.wire import CommandDone, Event
from quantumcore.ports.event_log import EventBatch

TIME_NS = 1_700_000_000_000_000_000
E = TypeVar("E", bound=Event)


def event(sequence: int, index: int = 0, *, last: bool = True) -> CommandDone:
    """Return the event (sequence, index)."""
    return CommandDone(int(last), index, sequence, TIME_NS + sequence, 0, 0, 11, 0, 0, 0, 0)


def blank(kind: type[E], **fields: Any) -> E:
    """Return an event that is zero but for `fields`."""
    return kind(**(dict.fromkeys(kind.__struct_fields__, 0) | fields))


def batch(first: int, last: int | None = None) -> EventBatch:
    """Return the sequences first..last, two events each."""
    last = first if last is None else last
    raw = b"".join(event(s, 0, last=False).encode() + event(s, 1).encode() for s in range(first, last + 1))
    return EventBatch(first, last, raw)


def sequences(batches: list[EventBatch]) -> list[int]:
    """Return the sequence of each event, in order, each sequence once."""
    return sorted({e.sequence for b in batches for e in b.events})

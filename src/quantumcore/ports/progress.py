"""Where a projection stands: what of a delivery is new and whole, and whether it keeps up."""

from collections.abc import Iterator, Sequence

from quantumcore.contracts.errors import Unavailable
from quantumcore.ports.clock import Clock
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.follower import Follower

LAG_S = 1.0
BYTES_PER_COMMIT = 256 << 10  # about 2,000 events: a reader of his own write waits for one commit, not for a megabyte


def without_holes(batches: Sequence[EventBatch], cursor: int, log: EventLog) -> list[EventBatch]:
    """Return the batches that go on from `cursor` in order: repeats are dropped, holes are filled from the log.

    Batches may come in any order, several times, and overlap; a batch that begins at or before `cursor` and ends after
    it stays whole, so whoever applies it skips the sequences he has.

    Raises:
        Unavailable: A hole that the log cannot fill yet; nothing was skipped.
    """
    found: list[EventBatch] = []
    for batch in sorted(batches, key=lambda b: b.first):
        while batch.first > cursor + 1:
            fetched = log.read(cursor)
            if not fetched:
                raise Unavailable(
                    "order.gap", f"sequences {cursor + 1} to {batch.first - 1} are missing", retry_after=1.0
                )
            found += fetched
            cursor = fetched[-1].last
        if batch.last > cursor:
            found.append(batch)
            cursor = batch.last
    return found


def parts(batches: Sequence[EventBatch], limit: int = BYTES_PER_COMMIT) -> Iterator[list[EventBatch]]:
    """Yield `batches` in runs of about `limit` bytes, each at least one batch."""
    part: list[EventBatch] = []
    size = 0
    for batch in batches:
        part.append(batch)
        size += len(batch.raw)
        if size >= limit:
            yield part
            part, size = [], 0
    if part:
        yield part


class Lag:
    """Whether a follower keeps up: what stood in the log a second ago is applied now."""

    def __init__(self, follower: Follower, log: EventLog, clock: Clock) -> None:
        self._follower = follower
        self._log = log
        self._clock = clock
        self._starting = True
        self._mark()

    def restart(self) -> None:
        """Count as behind until everything that stands in the log now is applied."""
        self._starting = True
        self._mark()

    def reasons(self) -> list[str]:
        """Return why the follower is not where it should be; empty when it is."""
        if self._follower.failure:
            return [self._follower.failure]
        if self._follower.cursor >= self._target:
            self._starting = False
            self._mark()
        elif self._starting or self._clock.monotonic() - self._since > LAG_S:
            return [f"{self._follower.name}: {self._follower.lag} sequences behind"]
        return []

    def _mark(self) -> None:
        self._target = self._log.last
        self._since = self._clock.monotonic()

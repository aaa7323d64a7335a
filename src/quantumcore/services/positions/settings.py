"""What can be set of the positions room."""

from dataclasses import dataclass

from quantumcore.contracts.marks import STALE_NS
from quantumcore.services.positions.segments import RETENTION_NS
from quantumcore.services.positions.snapshots import SNAPSHOT_EVENTS


@dataclass(frozen=True)
class PositionsSettings:
    """Defaults are those of docs/reference/limits.md.

    Attributes:
        stale_ns: Age at which a price is called stale, by the events' own time.
        snapshot_events: Events between two snapshots, at least.
        retention_ns: How long what was put aside is kept.
        side_by_side: Write a second projection beside the first, and read it once it agrees.
    """

    stale_ns: int = STALE_NS
    snapshot_events: int = SNAPSHOT_EVENTS
    retention_ns: int = RETENTION_NS
    side_by_side: bool = False

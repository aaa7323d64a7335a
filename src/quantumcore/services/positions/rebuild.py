"""The event log folded anew beside what stands, and compared with it at one sequence. Nothing is replaced.

Tables that are gone need none of this: the room's follower begins at the first event by itself.
"""

import asyncio
from functools import partial

from quantumcore.contracts.errors import Corrupted, QuantumCoreError
from quantumcore.contracts.positions import PositionsRebuild
from quantumcore.ports.clock import Clock
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.services.positions.folding import Folding, new_events
from quantumcore.services.positions.sides import Sides, up_to
from quantumcore.services.positions.snapshots import digest, read_state

READ_BYTES = 256 << 10  # folded in one go; the room's loop turns between two


class Rebuild:
    """Runs at most one rebuild at a time and remembers the last.

    Attributes:
        seconds: What the last took; 0 before the first.
    """

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        definitions: Definitions,
        sides: Sides,
    ) -> None:
        self.seconds: float = 0
        self._log = log
        self._clock = clock
        self._definitions = definitions
        self._sides = sides
        self._task: asyncio.Task[None] | None = None
        self._state = PositionsRebuild("none", 0, 0, 0, 0, 0)

    def begin(self) -> PositionsRebuild:
        """Start one unless one runs; return how far it is."""
        if self._task is None or self._task.done():
            self._state = PositionsRebuild("running", 0, 0, 0, 0, 0)
            self._task = asyncio.get_running_loop().create_task(self._run())
        return self._state

    def state(self) -> PositionsRebuild:
        """Return how far the last one is."""
        return self._state

    async def stop(self) -> None:
        """End what runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        began = self._clock.monotonic()
        try:
            await self._fold(began)
        except QuantumCoreError as error:
            self._tell(began, "failed", detail=f"{error.code}: {error.detail}")
        except Exception as error:  # a task's end: whatever it was is told to whoever asks
            self._tell(began, "failed", detail=f"internal: {error}")
            raise

    async def _fold(self, began: float) -> None:
        live = await self._sides.database.read(read_state)
        target = live.stand.sequence
        folding = Folding({}, {}, self._definitions.catalogue.instruments, self._sides.old.choices)
        cursor = told = 0
        self._tell(began, "running", target=target)
        while cursor < target:
            batches = self._log.read(cursor, max_bytes=READ_BYTES)
            if not batches:
                raise Corrupted("position.gap", f"the log ends at {cursor}, the room is at {target}")
            if batches[-1].last > target:
                batches = up_to(batches, target)
            fold = partial(_fold_some, folding, batches, cursor)
            cursor = await asyncio.to_thread(fold)
            told += len(folding.told)
            folding.told.clear()
            self._tell(began, "running", sequence=cursor, target=target, events=told, positions=len(folding.positions))
        digests = await asyncio.to_thread(
            lambda: (digest(live.positions, live.marks), digest(folding.positions, folding.marks))
        )
        self._tell(
            began,
            "equal" if digests[0] == digests[1] else "different",
            sequence=cursor,
            target=target,
            events=told,
            positions=len(folding.positions),
            live=digests[0],
            rebuilt=digests[1],
        )

    def _tell(self, began: float, state: str, **numbers: object) -> None:
        spent = self._clock.monotonic() - began
        known = self._state
        fields = {
            "sequence": known.sequence,
            "target": known.target,
            "events": known.events,
            "positions": known.positions,
            **numbers,
        }
        self._state = PositionsRebuild(state=state, milliseconds=round(spent * 1_000), **fields)  # type: ignore[arg-type]  # the names are the struct's
        if state != "running":
            self.seconds = round(spent, 3)


def _fold_some(folding: Folding, batches: list[EventBatch], cursor: int) -> int:
    new = new_events(batches, cursor)
    folding.enter(new.events)
    return new.upto

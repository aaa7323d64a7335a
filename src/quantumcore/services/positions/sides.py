"""Two projections side by side: how positions get another shape while everybody reads them.

old alone ──beside()──▶ new follows from the event log ──near──▶ compared at one sequence ──digests equal──▶ agreed: both are
written, readers have the new ──the new fails──▶ old alone. Digests that differ leave the readers where they are, and say so.

Whoever changes the shape gives the new projection its own way to apply and to tell its state; the old one stays as it is, until
a later release drops it. At each start the new one must agree again before anybody reads it.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from prometheus_client.core import Metric

from quantumcore.contracts.errors import Corrupted, QuantumCoreError
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.telemetry import gauge
from quantumcore.services.positions.projection import Projection
from quantumcore.services.positions.snapshots import digest, read_state

NEAR = 1_000  # sequences that the new one may be behind when the old one is held up for the comparison
READ_BYTES = 256 << 10

_log = logging.getLogger(__name__)


class Sides:
    """What the room follows with and reads from.

    Attributes:
        old: What readers have until another one agrees.
        new: The other one; None without.
        state: alone, following, agreed, different, or failed.
        applying: Held while a delivery is applied, to both: a choice counts from the sequence after the one that it was
            judged at, which must be the last that either has folded.
    """

    def __init__(self, log: EventLog, old: Projection) -> None:
        self.old = old
        self.new: Projection | None = None
        self.state = "alone"
        self._log = log
        self.applying = asyncio.Lock()

    @property
    def reading(self) -> Projection:
        """The one that answers."""
        return self.new if self.new is not None and self.state == "agreed" else self.old

    @property
    def database(self) -> Database:
        """Its tables."""
        return self.reading.database

    def beside(self, new: Projection) -> None:
        """Let `new` follow beside the old one from now on."""
        new.tells = False
        self.new, self.state = new, "following"

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics whether there are two, and whether they agree."""
        states = {"alone": 0, "following": 1, "agreed": 2, "different": -1, "failed": -2}
        text = "0 one shape, 1 the new one follows, 2 they agree and it is read, -1 they differ, -2 the new one failed"
        yield gauge("qc_positions_side_by_side", text, states[self.state])

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Apply to the old one, and to the new one once it agrees: who has waited for a sequence finds it in either.

        Raises:
            Unavailable, Corrupted, InvalidCommand: What the old one says; a new one that fails is left.
        """
        owned = [batch.owned() for batch in batches]  # before anything is waited for
        async with self.applying:
            await self.old.apply(owned)
            if self.new is not None and self.state == "agreed":
                self.new.choices = self.old.choices
                try:
                    await self.new.apply(owned)
                except QuantumCoreError as error:
                    self._leave("failed", f"the new shape of positions failed: {error}")

    async def run(self) -> None:
        """Bring the new one up to the old one and compare; then nothing more is to be done, for ever."""
        new = self.new
        if new is not None:
            try:
                await self._agree(new)
            except QuantumCoreError as error:
                self._leave("failed", f"the new shape of positions failed: {error}")
        await asyncio.Event().wait()

    async def _agree(self, new: Projection) -> None:
        await new.open()
        while self.old.cursor - new.cursor > NEAR:
            await self._follow(new, self.old.cursor)
        async with self.applying:
            await self._follow(new, self.old.cursor)
            if new.cursor != self.old.cursor:
                raise Corrupted(
                    "position.gap", f"the new shape is at {new.cursor} and the old one at {self.old.cursor}"
                )
            states = [await side.database.read(read_state) for side in (self.old, new)]
            digests = await asyncio.to_thread(lambda: [digest(state.positions, state.marks) for state in states])
            if digests[0] != digests[1]:
                self._leave("different", f"two shapes of positions differ at {new.cursor}: {digests}")
                return
            self.state = "agreed"
            self.old.tells, new.tells = False, True
            _log.info("two shapes of positions agree at %d: the new one is read", new.cursor)

    async def _follow(self, new: Projection, target: int) -> None:
        """Apply what the new one has not, up to exactly `target`."""
        while new.cursor < target:
            new.choices = self.old.choices
            batches = up_to(self._log.read(new.cursor, max_bytes=READ_BYTES), target)
            if not batches:
                raise Corrupted("position.gap", f"the log ends at {new.cursor}, the room is at {target}")
            await new.apply(batches)

    def _leave(self, state: str, why: str) -> None:
        _log.error("%s", why)
        self.state = state
        self.old.tells = True
        if self.new is not None:
            self.new.tells = False


def up_to(batches: Sequence[EventBatch], target: int) -> list[EventBatch]:
    """Return `batches` without what goes beyond the sequence `target`."""
    whole = [batch for batch in batches if batch.last <= target]
    for batch in batches:
        if batch.first <= target < batch.last:
            raw = b"".join(event.encode() for event in batch.events if event.sequence <= target)
            whole.append(EventBatch(batch.first, target, raw))
    return whole

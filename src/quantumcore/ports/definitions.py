"""What a room knows of instruments: read from matching, kept current by events, asked once more before a no."""

import asyncio

from quantumcore.contracts.reference import Catalogue, GetReference, Instrument
from quantumcore.ports.bus import Bus


class Definitions:
    """The catalogue and how it is filled.

    Attributes:
        catalogue: What is known now; always the same object.
        known: Whether matching has answered at least once.
    """

    def __init__(self, bus: Bus) -> None:
        self.catalogue = Catalogue()
        self.known = False
        self._bus = bus
        self._asking: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Ask matching what exists; callers at the same time share one question.

        Raises:
            Unavailable, OutcomeUnknown: Matching did not answer; what was known stays.
        """
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        # Shielded: the first caller's deadline must not cut off the others.
        await asyncio.shield(self._asking)

    async def instrument(self, symbol: str) -> Instrument | None:
        """Return the instrument of `symbol`, or None when matching does not know it either."""
        found = self.catalogue.symbols.get(symbol)
        if found is None:
            await self.refresh()
            found = self.catalogue.symbols.get(symbol)
        return found

    async def _ask(self) -> None:
        self.catalogue.learn(await self._bus.request(GetReference()))
        self.known = True

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # looked at, for all who asked may be gone

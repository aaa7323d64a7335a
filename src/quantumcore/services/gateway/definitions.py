"""Reference data at the gateway: asked of matching, believed for a second, asked anew after an own change."""

from quantumcore.contracts.reference import Catalogue, GetReference
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock

BELIEVED_S = 1.0


class Definitions:
    """The catalogue as matching last told it."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._catalogue = Catalogue()
        self._until = float("-inf")

    async def catalogue(self) -> Catalogue:
        """Return definitions that are at most a second old.

        Raises:
            Unavailable: Matching does not answer.
        """
        now = self._clock.monotonic()
        if now >= self._until:
            reference = await self._bus.request(GetReference())
            self._catalogue = Catalogue(reference)
            self._until = now + BELIEVED_S
        return self._catalogue

    def forget(self) -> None:
        """Ask anew next time."""
        self._until = float("-inf")

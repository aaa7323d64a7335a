"""The exchange rates that count: the portfolio room's snapshot in force, asked for when an account needs one."""

from collections.abc import Sequence

from quantumcore.contracts.errors import NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.portfolio import FxPublished, GetFxSnapshot
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.upstream import Upstream
from quantumcore.services.risk.valuation.worths import Rates

TARGET = "portfolio"
DEADLINE_S = 1.0
FRESH_S = 60.0  # a notice may have been lost
NS = 10**9


class RatesDesk:
    """Knows the last snapshot.

    Attributes:
        current: What is known; never half of one.
    """

    def __init__(self, bus: Bus, upstream: Upstream, clock: Clock, stale_s: float) -> None:
        self.current = Rates()
        self._bus = bus
        self._upstream = upstream
        self._clock = clock
        self._stale_s = stale_s
        self._fresh_until = float("-inf")

    @property
    def fresh(self) -> bool:
        """Whether it was asked for since the last word of a new one."""
        return self._clock.monotonic() < self._fresh_until

    @property
    def stale(self) -> bool:
        """Whether the rates are too old to be used; where there are none, none is."""
        return bool(self.current.snapshot_id) and self._clock.now() - self.current.time_ns > self._stale_s * NS

    async def on_published(self, _notices: Sequence[FxPublished]) -> None:
        """There are new ones."""
        self._fresh_until = float("-inf")

    async def refresh(self) -> None:
        """Ask for the snapshot in force.

        Raises:
            Unavailable: The portfolio room has no answer; the causes say why.
        """
        try:
            snapshot = await self._upstream.call(
                TARGET, lambda: self._bus.request(GetFxSnapshot(), deadline_s=DEADLINE_S), deadline_s=DEADLINE_S
            )
        except NotFound:
            self.current = Rates()
        except QuantumCoreError as error:
            detail = f"rates lookup failed: {error.detail}"
            raise Unavailable("unavailable", detail, retry_after=error.retry_after) from error
        else:
            if snapshot.snapshot_id != self.current.snapshot_id:
                self.current = Rates(snapshot)
        self._fresh_until = self._clock.monotonic() + FRESH_S

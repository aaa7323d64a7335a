"""Keep a room's tasks alive, and never quietly.

A task that ends, with or without an error, is a reason in reasons() at once, is logged with its stack once per reason,
and starts again after BACKOFF_S x 2^n, at most BACKOFF_CAP_S. It counts as well again after STEADY_S of running.
One that found Corrupted data is not started again: repeating cannot mend it, a person must.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from quantumcore.contracts.errors import Corrupted
from quantumcore.ports.clock import Clock
from quantumcore.ports.service import Service

BACKOFF_S = 0.1
BACKOFF_CAP_S = 5.0
STEADY_S = 1.0
FORGIVEN_S = 60.0  # after so long a run the back-off begins anew

_log = logging.getLogger(__name__)


class Supervisor:
    """Runs the tasks of one room from start() until stop()."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._wards = [_Ward(f"{service.name}.{name}", run, clock) for name, run in service.tasks()]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; the room's attach() and start() have been called."""
        self._tasks = [asyncio.create_task(ward.keep(), name=ward.name) for ward in self._wards]

    def reasons(self) -> list[str]:
        """Return why the room is not ready: its own reasons and those of its tasks."""
        return [*self._service.not_ready(), *(reason for ward in self._wards if (reason := ward.reason()))]

    async def stop(self) -> None:
        """End all tasks; what they were doing is cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Ward:
    """One task under supervision.

    Attributes:
        deaths: How often it ended in a row.
    """

    def __init__(self, name: str, run: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self.name = name
        self.deaths = 0
        self._run = run
        self._clock = clock
        self._died_of = ""
        self._started: float | None = None
        self._logged: str = ""

    def reason(self) -> str:
        """Return why it is not well; empty when it runs steadily."""
        if self._started is not None and self._clock.monotonic() - self._started >= STEADY_S:
            self._died_of = ""
        return self._died_of

    async def keep(self) -> None:
        """Run the task again and again, until cancelled or beyond help."""
        while True:
            self._started = begun = self._clock.monotonic()
            error = await self._once()
            self._started = None
            if self._clock.monotonic() - begun >= FORGIVEN_S:
                self.deaths = 0
            self.deaths += 1
            self._tell(error)
            if isinstance(error, Corrupted):
                return
            await self._clock.sleep(min(BACKOFF_CAP_S, BACKOFF_S * 2 ** min(self.deaths - 1, 16)))

    async def _once(self) -> Exception | None:
        try:
            await self._run()
        except Exception as error:  # noqa: BLE001  # the top of a background task: it must not end unseen
            return error
        return None

    def _tell(self, error: Exception | None) -> None:
        self._died_of = f"task {self.name} died: {error}" if error else f"task {self.name} ended"
        if self._died_of != self._logged:
            self._logged = self._died_of
            _log.error("%s", self._died_of, exc_info=error)

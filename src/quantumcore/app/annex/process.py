"""The annex from outside: start it, tell it of new events, know how its rooms are, end it."""

import asyncio
import logging
import subprocess
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from prometheus_client.core import Metric

from quantumcore.adapters.bus_link import BusLink
from quantumcore.adapters.codec import encode
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.app.annex.messages import BeginRooms, EndRooms, GetExposition, LevelChanged, LogGrew, RoomsStand
from quantumcore.app.annex.spawn import Spawned, spawn
from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.ports.clock import Clock
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.service import Service
from quantumcore.ports.telemetry import Measured, counter, gauge

BEGIN_S = 60.0
END_S = 10.0
SILENT_S = 3.0
LOOK_S = 0.005
FIRST_S = 0.001  # those whose order it was are answered before those who look on are woken
PACE_S = 0.01  # between two words about a log that grows all the time

_log = logging.getLogger(__name__)


class Annex:
    """Keeps one process alive whose rooms follow the event log.

    Attributes:
        bus: The house's, which the annex's is joined to.
        pid: The process of the annex; 0 before its launch.
    """

    name = "annex"

    def __init__(
        self, bus: EmbeddedBus, log: EventLog, clock: Clock, data_dir: Path, level: str, begin: BeginRooms
    ) -> None:
        self.pid = 0
        self.bus = bus
        self._log = log
        self._clock = clock
        self._data_dir = data_dir
        self._level = level
        self._begin = begin
        self._process: subprocess.Popen[bytes] | None = None
        self._link: BusLink | None = None
        self._reasons: dict[str, list[str]] | None = None
        self._heard = 0.0
        self._starts = 0

    async def launch(self, spawned: Spawned | None = None) -> None:
        """Take over the process, or start one; it opens its tables while the house reads its journal, and waits for start()."""
        self._process, ours = spawned or spawn(self._data_dir, self._level)
        self.pid = self._process.pid
        self._starts += 1
        loop = asyncio.get_running_loop()
        _, self._link = await loop.create_unix_connection(lambda: BusLink(self.bus), sock=ours)
        self.bus.join(self._link)

    def attach(self) -> None:
        """Hear how the rooms are."""
        self.bus.subscribe(RoomsStand, self._stand)

    async def start(self) -> None:
        """Let the rooms begin: the event log is whole now."""
        self._reasons = None
        await self.bus.request(self._begin, deadline_s=BEGIN_S)

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what keeps the process and what tells it of new events."""
        return [("process", self._keep), ("pulse", self._tell)]

    def not_ready(self) -> list[str]:
        """Return nothing: its rooms say why they cannot serve."""
        return []

    def reasons(self, room: str) -> list[str]:
        """Return why `room` cannot serve now; empty when it can."""
        if self._link is None or self._link.ended.is_set():
            return [f"{room}: its process is gone"]
        if self._reasons is None:
            return [f"{room}: starting"]
        silent = self._clock.monotonic() - self._heard
        if silent > SILENT_S:
            return [f"{room}: its process has said nothing for {silent:.0f} s"]
        return self._reasons.get(room, [])

    def set_level(self, level: str) -> None:
        """Let the annex log from `level` on; the next one too."""
        self._level = level
        if self._link is not None:
            self._link.tell(LevelChanged.__name__, encode([LevelChanged(level=level)]), 1)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics whether the annex lives, and how the link to it is used."""
        link = self._link
        lives = link is not None and not link.ended.is_set()
        yield gauge("qc_annex_up", "1 while the annex lives", lives)
        yield counter("qc_annex_starts", "Starts of the annex", self._starts)
        yield gauge("qc_link_in_flight", "Requests that wait for the annex", link.in_flight if link else 0)
        yield counter("qc_link_dropped_notices", "Notices the annex did not read in time", link.dropped if link else 0)

    async def stop(self) -> None:
        """End rooms and process; a second call does nothing.

        One that does not end in END_S is killed, which costs nothing but a longer next start.
        """
        process, self._process = self._process, None
        if process is None or self._link is None:
            return
        try:
            await self.bus.request(EndRooms(), deadline_s=END_S)
        except QuantumCoreError as error:
            _log.warning("the rooms of the annex did not end well: %s", error.detail)
        self._link.close()
        try:
            async with asyncio.timeout(END_S):
                await _ended(process)
        except TimeoutError:
            process.kill()
            await _ended(process)
        self.bus.join(None)

    async def _keep(self) -> None:
        """Run until the process ends, which is told; called again, start another one."""
        if self._link is None or self._link.ended.is_set():
            await self.launch()
            await self.start()
        assert self._link is not None
        assert self._process is not None
        await self._link.ended.wait()
        raise Unavailable("unavailable", f"the annex ended with status {await _ended(self._process)}")

    async def _tell(self) -> None:
        told = 0
        while True:
            await self._log.wait(told)
            await asyncio.sleep(FIRST_S)
            told = self._log.last
            await self.bus.publish([LogGrew(last=told)])
            await asyncio.sleep(PACE_S)

    async def _stand(self, notices: Sequence[RoomsStand]) -> None:
        self._reasons = notices[-1].reasons
        self._heard = self._clock.monotonic()


async def _ended(process: "subprocess.Popen[bytes]") -> int:
    """Return the status of a process that is about to end."""
    while (status := process.poll()) is None:  # noqa: ASYNC110  # no event tells it on every loop
        await asyncio.sleep(LOOK_S)
    return status


class AnnexRoom:
    """A room whose following happens in the annex: its face here, with what of it stayed in the house."""

    def __init__(self, name: str, annex: Annex, desk: Service | None = None) -> None:
        self.name = name
        self._bus = annex.bus
        self._reasons = partial(annex.reasons, name)
        self._desk = desk

    def attach(self) -> None:
        """Attach what stayed here."""
        if self._desk is not None:
            self._desk.attach()

    async def start(self) -> None:
        """Start what stayed here."""
        if self._desk is not None:
            await self._desk.start()

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what runs here."""
        return [] if self._desk is None else self._desk.tasks()

    def not_ready(self) -> list[str]:
        """Return the reasons of both parts."""
        return [*self._reasons(), *([] if self._desk is None else self._desk.not_ready())]

    async def stop(self) -> None:
        """Stop what stayed here."""
        if self._desk is not None:
            await self._desk.stop()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what is counted here."""
        return self._desk.collect() if isinstance(self._desk, Measured) else ()

    async def exposition(self) -> bytes:
        """Return what is counted in the annex, as text.

        Raises:
            Unavailable, OutcomeUnknown: The annex is gone, or hangs.
        """
        return (await self._bus.request(GetExposition(room=self.name))).text

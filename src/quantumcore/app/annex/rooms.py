"""The annex from inside: what it runs, and when it ends."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from quantumcore.adapters import logs
from quantumcore.adapters.bus_link import BusLink
from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_reader import EventLogReader
from quantumcore.app.annex.messages import (
    BeginRooms,
    EndRooms,
    Exposition,
    GetExposition,
    LevelChanged,
    LogGrew,
    RoomsStand,
)
from quantumcore.app.directory import DirectoryLock
from quantumcore.app.following import following_rooms
from quantumcore.app.garbage import spare_the_collector
from quantumcore.app.last_resort import LastResort
from quantumcore.app.metrics import parts_of
from quantumcore.app.read_side import ReadSide, open_read_side
from quantumcore.app.supervise import Supervisor
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.messages import Done
from quantumcore.ports.service import Service

LOCK = "annex.lock"
LOCKED_S = 10.0  # an annex whose house was killed needs a moment to see it
LOOK_S = 0.01
PULSE_S = 0.5
POLL_S = 0.25  # the house tells when the log grows; this is for a message that was lost
KILLED = 1
NICE = 5  # where cores are short, the order path goes first; a third of its share is left


class Rooms:
    """The rooms of this process, from BeginRooms until EndRooms.

    Attributes:
        ended: Whether EndRooms has been answered.
    """

    def __init__(self, bus: EmbeddedBus, data_dir: Path) -> None:
        self.ended = False
        self._data_dir = data_dir
        self._bus = bus
        self._clock = SystemClock()
        self._lock: DirectoryLock | None = None
        self._log: EventLogReader | None = None
        self._side: ReadSide | None = None
        self._opening = asyncio.create_task(self._open())  # the house reads its journal meanwhile
        self._services: Sequence[Service] = ()
        self._supervisors: dict[str, Supervisor] = {}
        self._counted: dict[str, CollectorRegistry] = {}
        self._pulse: asyncio.Task[None] | None = None
        bus.handle(BeginRooms, self.begin)
        bus.handle(EndRooms, self.end)
        bus.handle(GetExposition, self.exposition)
        bus.subscribe(LogGrew, self._grown)
        bus.subscribe(LevelChanged, self._leveled)

    async def begin(self, request: BeginRooms) -> Done:
        """Start every room."""
        self._side = await self._opening
        self._log = EventLogReader(self._data_dir / "events", poll_s=POLL_S)
        self._services = following_rooms(self._bus, self._log, self._side, self._clock, request.settings)
        for service in self._services:
            service.attach()
            parts = [service, *self._side.measured()[service.name]]
            self._counted[service.name] = parts_of(parts)
        for service in self._services:
            await service.start()
            supervisor = self._supervisors[service.name] = Supervisor(service, self._clock)
            supervisor.start()
        self._pulse = asyncio.create_task(self._tell())
        spare_the_collector()
        return Done()

    async def end(self, _request: EndRooms) -> Done:
        """Stop every room, the last first; also those whose start was cut short."""
        if self._pulse is not None:
            self._pulse.cancel()
        for service in reversed(self._services):
            if service.name in self._supervisors:
                await self._supervisors[service.name].stop()
                await service.stop()
        opened = (await asyncio.gather(self._opening, return_exceptions=True))[0]
        if isinstance(opened, ReadSide):
            await opened.close()
        if self._log is not None:
            self._log.close()
        if self._lock is not None:
            self._lock.release()
        self.ended = True
        return Done()

    async def exposition(self, request: GetExposition) -> Exposition:
        """Return what a room counts; an unknown room counts nothing."""
        return Exposition(generate_latest(self._counted[request.room]) if request.room in self._counted else b"")

    async def _grown(self, _notices: Sequence[LogGrew]) -> None:
        if self._log is not None:
            self._log.grown()

    async def _open(self) -> ReadSide:
        self._lock = await _locked(self._data_dir)
        return await open_read_side(self._data_dir, self._clock)

    async def _leveled(self, notices: Sequence[LevelChanged]) -> None:
        logs.set_level(notices[-1].level)

    async def _tell(self) -> None:
        """Say how the rooms are when it changes, and that this process lives."""
        told: dict[str, list[str]] = {}
        at = float("-inf")
        while True:
            reasons = {name: supervisor.reasons() for name, supervisor in self._supervisors.items()}
            now = self._clock.monotonic()
            if reasons != told or now - at >= PULSE_S:
                told, at = reasons, now
                await self._bus.publish([RoomsStand(reasons=reasons)])
            await asyncio.sleep(LOOK_S)


async def _locked(data_dir: Path) -> DirectoryLock:
    """Take the annex's lock, once an annex that is ending has let it go."""
    deadline = asyncio.get_running_loop().time() + LOCKED_S
    while True:
        try:
            return DirectoryLock(data_dir, LOCK)
        except Unavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(LOOK_S)


async def _serve(handle: int, data_dir: Path) -> int:
    loop = asyncio.get_running_loop()
    last_resort = LastResort(lambda: os._exit(KILLED))  # the house starts another one
    last_resort.install()
    last_resort.watch(loop)
    bus = EmbeddedBus()
    rooms = Rooms(bus, data_dir)
    _, link = await loop.create_unix_connection(lambda: BusLink(bus), sock=socket.socket(fileno=handle))
    bus.join(link)
    await link.ended.wait()
    if not rooms.ended:
        os._exit(KILLED)  # the house is gone: whatever runs here is as if killed with it
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run the annex of the venue in `arguments[2]`, at the socket of handle `arguments[0]`, logging from level `arguments[1]` on."""
    import uvloop  # only a server wants it

    os.nice(NICE)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the house, which ends us in its order
    logs.configure("quantumcore", arguments[1], sys.stderr)
    return uvloop.run(_serve(int(arguments[0]), Path(arguments[2])))

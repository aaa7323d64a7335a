"""Start, serve, drain, stop.

build ─▶ ports taken ─▶ attach ─▶ start (in order) ─▶ tasks ─▶ caught up ─▶ ports open ─▶ "ready" ─▶ signal
signal ─▶ not ready ─▶ streams told ─▶ requests in flight answered ─▶ rooms stopped in reverse ─▶ exit 0
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
import uvicorn

from quantumcore.adapters import logs
from quantumcore.app.annex.process import Annex, AnnexRoom
from quantumcore.app.annex.spawn import Spawned
from quantumcore.app.announce import Announcer
from quantumcore.app.compose import QUERIES, House, build, gateway_settings
from quantumcore.app.garbage import spare_the_collector
from quantumcore.app.last_resort import LastResort
from quantumcore.app.metrics import LoopLag, registry_of
from quantumcore.app.operator import OperatorSocket
from quantumcore.app.reload import Reloader
from quantumcore.app.service_http import service_app
from quantumcore.app.settings import SERVICE_PORTS, Settings
from quantumcore.app.supervise import Supervisor
from quantumcore.contracts.directory import GetRooms
from quantumcore.contracts.errors import Unavailable
from quantumcore.ports.service import Service
from quantumcore.services.gateway.service import UVICORN

DRAIN_S = 10
STOP_S = 15.0
READY_S = 60.0
BACKLOG = 2048
SWITCH_S = 0.0002
"""How long a projection's thread may keep the interpreter while the loop has an answer to give; Python's own is 5 ms."""

log = structlog.get_logger("run")


class _Server(uvicorn.Server):
    """A server among several in one process: signals belong to the house."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class Running:
    """A house with its tasks, its ports and its operator's door.

    Attributes:
        measured: What is common to all rooms, for the /metrics of each.
    """

    def __init__(self, settings: Settings, house: House) -> None:
        self._settings = settings
        self.house = house
        self._supervisors: dict[str, Supervisor] = {}
        self._operator = OperatorSocket(house.bus, settings.data_dir)
        self._announcer = Announcer(house.registry, self._endpoints(), self.reasons_of)
        self._loop_lag = LoopLag()
        self.measured: list[object] = [house.bus, self._announcer, self._loop_lag]
        self._servers: list[tuple[_Server, asyncio.Task[None]]] = []
        self._sockets: dict[str, socket.socket] = {}
        self._begun: list[Service] = []
        house.watchers.append(self._behind_the_gateway)

    def take_ports(self) -> None:
        """Bind every port, so that a taken one is told before a long recovery; nobody can connect yet.

        Raises:
            Unavailable: `port.taken`, with the port and the cure.
        """
        for service in self.house.services:
            if service.name in SERVICE_PORTS:
                self._sockets[service.name] = _bound(self._settings, service.name)

    async def start(self) -> None:
        """Start every room in order, then its tasks; return when all are ready."""
        self.house.bus.handle(GetRooms, self._announcer.rooms)
        for service in self.house.services:
            service.attach()
        for service in self.house.services:
            self._begun.append(service)
            await service.start()
            supervisor = self._supervisors[service.name] = Supervisor(service, self.house.clock)
            supervisor.start()
        await self._until_ready()

    async def open_ports(self) -> None:
        """Listen for clients and operators.

        Raises:
            Unavailable: `port.taken`.
        """
        if not self._sockets:
            self.take_ports()
        for name, bound in self._sockets.items():
            _listen(self._settings, name, bound)
        for service in self.house.services:
            if service.name not in SERVICE_PORTS:
                continue
            app: Any = self.house.gateway.asgi
            parts = [*self.measured, service, *self.house.measured.get(service.name, [])]
            if service is self.house.gateway:
                registry_of(service.name, parts, self.house.gateway.gate.metrics.registry)
            else:
                app = service_app(
                    partial(self.reasons, service),
                    self.house.bus,
                    QUERIES[service.name],
                    registry_of(service.name, parts),
                    service.exposition if isinstance(service, AnnexRoom) else None,
                )
            config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=DRAIN_S, backlog=BACKLOG, **UVICORN)
            server = _Server(config)
            self._servers.append((server, asyncio.create_task(server.serve(sockets=[self._sockets[service.name]]))))
        while not all(server.started for server, _ in self._servers):  # noqa: ASYNC110  # uvicorn tells it by no event
            await asyncio.sleep(0.001)
        await self._operator.open()
        self._loop_lag.start()
        await self._announcer.start()

    def take_over(self, settings: Settings) -> None:
        """Let what may change while the venue runs take effect for new requests."""
        logs.set_level(settings.log_level)
        for service in self.house.services:
            if isinstance(service, Annex):
                service.set_level(settings.log_level)
        self.house.gateway.take_over(gateway_settings(settings))

    async def stop(self) -> None:
        """Drain and stop; what was accepted is answered, what was answered is kept."""
        self._loop_lag.stop()
        await self._announcer.stop()
        await self._operator.close()
        await self.house.gateway.drain()
        for server, _ in self._servers:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._servers))
        for bound in self._sockets.values():
            bound.close()
        try:
            await self._stop_rooms()
        finally:
            await self.house.close()

    async def _stop_rooms(self) -> None:
        """Stop all that began to start, the last first; one that fails keeps no other from its flush, and is told.

        Also a room whose start was cut short: its thread may still be inside the journal, and a process that ends around
        a thread in native code aborts.
        """
        failed: list[Exception] = []
        for service in reversed(self._begun):
            try:
                if service.name in self._supervisors:
                    await self._supervisors[service.name].stop()
                await service.stop()
            except Exception as error:
                log.exception("%s did not stop well", service.name)
                failed.append(error)
        if failed:
            raise failed[0]

    def reasons(self, service: Service) -> list[str]:
        """Return why `service` is not ready: its own reasons and those of its tasks."""
        supervisor = self._supervisors.get(service.name)
        return supervisor.reasons() if supervisor else [f"{service.name}: not started"]

    def reasons_of(self, name: str) -> list[str]:
        """Return why the room of that name is not ready."""
        return next(self.reasons(service) for service in self.house.services if service.name == name)

    def _endpoints(self) -> dict[str, str]:
        names = [service.name for service in self.house.services if service.name in SERVICE_PORTS]
        return {name: f"{self._settings.host}:{self._settings.port(name)}" for name in names}

    def _behind_the_gateway(self) -> list[str]:
        """Return why the gateway should get no requests, apart from its own reasons: other rooms, and its own tasks."""
        own = set(self.house.gateway.not_ready())
        return [reason for service in self.house.services for reason in self.reasons(service) if reason not in own]

    async def _until_ready(self) -> None:
        """Wait as long as there is progress: reading a long log up may take its time."""
        before: list[str] = []
        deadline = 0.0
        while reasons := [reason for service in self.house.services for reason in self.reasons(service)]:
            if reasons != before:
                before, deadline = reasons, time.monotonic() + READY_S
            elif time.monotonic() > deadline:
                raise Unavailable("unavailable", f"not ready, and no progress for {READY_S:g} s: {'; '.join(reasons)}")
            await asyncio.sleep(0.005)


def _bound(settings: Settings, name: str) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port(name)))
    except OSError as error:
        bound.close()
        raise _taken(settings, name, error) from error
    return bound


def _listen(settings: Settings, name: str, bound: socket.socket) -> None:
    try:
        bound.listen(BACKLOG)
    except OSError as error:  # bound by two at once: who listens first has it
        raise _taken(settings, name, error) from error


def _taken(settings: Settings, name: str, error: OSError) -> Unavailable:
    where = f"{settings.host}:{settings.port(name)}"
    return Unavailable("port.taken", f"{name} cannot listen on {where} ({error.strerror}); choose another --port-base")


async def _serve(reloader: Reloader, began: float, spawned: Spawned | None) -> int:
    settings = reloader.live.current
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopping.set)

    last_resort = LastResort(stop)
    last_resort.install()
    last_resort.watch(loop)
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            os._exit(1)  # asked twice: the operator does not want to wait
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    reloader.start(loop, hung_up=on_signal)
    running = Running(settings, await build(settings, spawned))
    reloader.tell(running.take_over)
    running.measured.append(reloader)
    opening = asyncio.create_task(_open(running))
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({opening, asked}, return_when=asyncio.FIRST_COMPLETED)
    if opening.done() and opening.exception() is None:
        spare_the_collector()
        print(
            f"ready gateway=http://{settings.host}:{settings.port('gateway')} mode=embedded pid={os.getpid()}"
            f" in {time.monotonic() - began:.1f}s",
            flush=True,
        )
        await asked
    if stopping.is_set():
        log.info("stopping")
    reloader.stop()
    opening.cancel()
    asked.cancel()
    try:
        async with asyncio.timeout(STOP_S):
            await running.stop()
    finally:
        failed = (await asyncio.gather(opening, return_exceptions=True))[0]
        if isinstance(failed, Exception):
            raise failed
    return last_resort.status()


async def _open(running: Running) -> None:
    running.take_ports()
    await running.start()
    await running.open_ports()


def run(reloader: Reloader, began: float, spawned: Spawned | None = None) -> int:
    """Serve until a signal; return the exit code. `spawned` is the annex's process, if it runs already.

    Raises:
        QuantumCoreError: The venue could not start, or could not stop well.
    """
    import uvloop  # only a server wants it, and importing it costs a command 20 ms

    sys.setswitchinterval(SWITCH_S)
    logs.configure("quantumcore", reloader.live.current.log_level, sys.stderr)
    try:
        return uvloop.run(_serve(reloader, began, spawned))
    except TimeoutError:
        print(f"quantumcore: did not stop within {STOP_S:g} s", file=sys.stderr)
        return 1

"""The workers of a process: started when they are first needed, each with one computation at a time.

A worker that is not done in time is killed with what it computes, since nothing else would stop it; the next computation has a new one. Whoever
starts workers may be killed at any moment: they see the end of their sockets, and end.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

from prometheus_client.core import Metric

from quantumcore.adapters.bus_link import BusLink
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.app.annex.spawn import ONE_THREAD
from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.contracts.messages import Request
from quantumcore.ports.clock import Clock
from quantumcore.ports.telemetry import Durations, counter, gauge

R = TypeVar("R")

WORKERS = 2
WAITING = 32
"""Computations that wait for a worker; the next is `overloaded`."""
END_S = 5.0
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Worker:
    """One process, and the bus over which it is asked."""

    def __init__(self, process: "subprocess.Popen[bytes]", bus: EmbeddedBus, link: BusLink) -> None:
        self.process = process
        self.bus = bus
        self.link = link

    @property
    def lives(self) -> bool:
        return not self.link.ended.is_set()

    def kill(self) -> None:
        self.process.kill()
        self.link.close()


class WorkerPool:
    """At most `workers` processes; used from one event loop.

    Attributes:
        outcomes: Computations by outcome: done, refused, late, lost, overloaded.
    """

    def __init__(self, clock: Clock, level: str = "WARNING", *, workers: int = WORKERS, waiting: int = WAITING) -> None:
        self.outcomes: Counter[str] = Counter(dict.fromkeys(("done", "late", "lost", "overloaded", "refused"), 0))
        self._clock = clock
        self._level = level
        self._limit = workers + waiting
        self._idle: list[_Worker] = []
        self._ending: list[_Worker] = []
        self._free = asyncio.Semaphore(workers)
        self._inside = 0
        self._closed = False
        self._seconds = Durations("qc_worker_seconds", "Time of one computation, waiting included", SECONDS)

    async def compute(self, request: Request[R], *, deadline_s: float) -> R:
        """Compute in a process, the next that is free.

        Raises:
            Unavailable: `overloaded`, `risk.deadline`; nothing is known.
            QuantumCoreError: What the computation raised.
        """
        if self._closed or self._inside >= self._limit:
            self.outcomes["overloaded"] += 1
            raise Unavailable("overloaded", f"{self._limit} computations are under way", retry_after=1.0)
        self._inside += 1
        began = self._clock.monotonic()
        try:
            return await self._compute(request, deadline_s)
        finally:
            self._inside -= 1
            self._seconds.observe(self._clock.monotonic() - began)

    async def _compute(self, request: Request[R], deadline_s: float) -> R:
        end = asyncio.get_running_loop().time() + deadline_s
        try:
            async with asyncio.timeout_at(end):
                await self._free.acquire()
        except TimeoutError as error:
            self.outcomes["late"] += 1
            raise _late(deadline_s) from error
        worker: _Worker | None = None
        try:
            worker = self._living() or await self._start()
            reply = await worker.bus.request(request, deadline_s=max(0.0, end - asyncio.get_running_loop().time()))
        except OutcomeUnknown as error:
            assert worker is not None, "only a worker leaves it open"
            self.outcomes["late" if worker.lives else "lost"] += 1
            raise _late(deadline_s) from error
        except Exception:
            self.outcomes["refused"] += 1
            self._idle += [worker] if worker is not None and worker.lives else []
            worker = None
            raise
        else:
            self.outcomes["done"] += 1
            self._idle.append(worker)
            worker = None
            return reply
        finally:
            if worker is not None:  # late, or nobody waits any more: it would go on computing
                worker.kill()
                self._ending.append(worker)
            self._free.release()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how much is computed, and how it ends."""
        yield gauge("qc_worker_computations", "Computations that wait or run", self._inside)
        yield counter("qc_worker_outcomes", "Computations by outcome", self.outcomes, by="outcome")
        yield from self._seconds.collect()

    async def stop(self) -> None:
        """End all processes; what they compute is lost."""
        self._closed = True
        ending = [*self._idle, *self._ending]
        self._idle, self._ending = [], []
        for worker in ending:
            worker.link.close()
        for worker in ending:
            await asyncio.to_thread(_ended, worker.process)

    async def _start(self) -> _Worker:
        """Start a process.

        Raises:
            Unavailable: It cannot be started.
        """
        self._reap()
        process, ours = _spawned(self._level)
        bus = EmbeddedBus()
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: BusLink(bus), sock=ours)
        bus.join(link)
        return _Worker(process, bus, link)

    def _living(self) -> _Worker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.lives:
                return worker
            self._ending.append(worker)
        return None

    def _reap(self) -> None:
        self._ending = [worker for worker in self._ending if worker.process.poll() is None]


def _spawned(level: str) -> "tuple[subprocess.Popen[bytes], socket.socket]":
    """Start a process; return it and our end of the socket between us.

    Raises:
        Unavailable: The machine has no room for one more.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "quantumcore.app.workers", str(theirs.fileno()), level]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | ONE_THREAD,
            )
        except OSError as error:
            ours.close()
            raise Unavailable("unavailable", f"no process can be started: {error.strerror}", retry_after=1.0) from error
    return process, ours


def _late(deadline_s: float) -> Unavailable:
    return Unavailable(
        "risk.deadline", f"not computed within {deadline_s:g} s", limit=f"{deadline_s:g}", retry_after=1.0
    )


def _ended(process: "subprocess.Popen[Any]") -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
        return
    process.kill()
    process.wait()

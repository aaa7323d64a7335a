"""The engine's own thread: one job at a time, in order; results go home to the loop that asked.

Why a thread and not the loop: a step releases the GIL and may take long, and the sync of the journal waits for the disk.
Why not an executor: a job's answer must enter the loop by call_soon_threadsafe and by nothing else, and two threads
must never meet in the engine.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from quantumcore.contracts.errors import Unavailable

T = TypeVar("T")

MAX_JOBS = 64
"""Jobs that may wait: the sequencer keeps one in flight, queries and snapshots come beside it."""


class EngineThread:
    """Runs jobs that touch the engine. Give it to one loop only."""

    def __init__(self, name: str = "engine") -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False
        self._thread.start()

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` on the engine's thread and return what it returns or raise what it raises.

        Raises:
            Unavailable: `halted` when the thread was closed, `overloaded` when MAX_JOBS wait; the job did not run.
        """
        if self._closed:
            raise Unavailable("halted", "the engine's thread has ended")
        if self._jobs.qsize() >= MAX_JOBS:
            raise Unavailable("overloaded", "too many jobs wait for the engine", limit=str(MAX_JOBS))
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put(lambda: _carry_out(job, done, loop))
        return await done

    def close(self) -> None:
        """Finish what waits, then end; a second close does nothing."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _carry_out(job: Callable[[], T], done: "asyncio.Future[T]", loop: asyncio.AbstractEventLoop) -> None:
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001  # the asker gets it, whatever it is
        _send_home(loop, _settle, done, None, error)
    else:
        _send_home(loop, _settle, done, result, None)


def _send_home(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    try:
        loop.call_soon_threadsafe(callback, *arguments)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _settle(done: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)

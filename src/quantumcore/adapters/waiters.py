"""Wake coroutines that wait for a condition, from whichever thread made it true."""

import asyncio
import threading
from collections.abc import Callable

_Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class Waiters:
    """Those who wait, each on the loop it called from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiter] = []

    @property
    def count(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    async def until(self, true: Callable[[], bool]) -> None:
        """Return once `true()`; it is asked again after each wake(), never in between."""
        while not true():
            loop = asyncio.get_running_loop()
            waiter = (loop, loop.create_future())
            with self._lock:
                self._waiting.append(waiter)
            try:
                if true():  # it came true between the question and the entry: that wake() did not see us
                    return
                await waiter[1]
            finally:
                with self._lock:
                    if waiter in self._waiting:
                        self._waiting.remove(waiter)

    def wake(self) -> None:
        """Let all who wait ask again; from any thread."""
        if not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        for loop, future in waiting:
            if loop is here:
                _resolve(future)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, future)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)

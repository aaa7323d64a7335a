"""Deadlines of many waiters with one timer: what is answered in time, which is nearly all, costs two set operations.

A timer of the loop for each request is made and thrown away thousands of times a second; here those that end in the
same TICK_S share one. A deadline passes at most one TICK_S late, never early.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

TICK_S = 0.025


class Deadlines(Generic[T]):
    """Calls `expire` for each that is still watched when its time is up. Used from one event loop."""

    def __init__(self, expire: Callable[[T], None]) -> None:
        self._expire = expire
        self._due: dict[int, set[T]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0

    @property
    def waiting(self) -> int:
        """How many are under watch."""
        return sum(map(len, self._due.values()))

    def watch(self, loop: asyncio.AbstractEventLoop, waiter: T, seconds: float) -> set[T]:
        """Watch `waiter` for `seconds`; whoever is done before takes it out of the set that is returned."""
        tick = math.ceil((loop.time() + seconds) / TICK_S)
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = set()
            if self._timer is None or tick < self._next:
                self._wake(loop, tick)
        due.add(waiter)
        return due

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Expire what is due; wake again for what is due next."""
        now = loop.time() / TICK_S
        self._timer = None
        for tick in sorted(tick for tick, due in self._due.items() if tick <= now or not due):
            for waiter in list(self._due.pop(tick)):
                self._expire(waiter)
        if self._due:
            self._wake(loop, min(self._due))

    def _wake(self, loop: asyncio.AbstractEventLoop, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = tick
        self._timer = loop.call_at(tick * TICK_S, self._sweep, loop)

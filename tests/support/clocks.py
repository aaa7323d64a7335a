"""A clock that a test turns by hand, with tokens from a seed."""

import asyncio
import heapq
import itertools
import random

START_NS = 1_700_000_000_000_000_000
SETTLE_TURNS = 50


class ManualClock:
    """Time stands still until advance(); sleepers wake in the order of their time."""

    def __init__(self, start_ns: int = START_NS, seed: int = 1) -> None:
        self._now_ns = start_ns
        self._begin_ns = start_ns
        self._random = random.Random(seed)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    @property
    def sleepers(self) -> int:
        """How many wait for their time."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def now(self) -> int:
        """Return UTC nanoseconds."""
        return self._now_ns

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return (self._now_ns - self._begin_ns) / 1e9

    async def sleep(self, seconds: float) -> None:
        """Wait until advance() has passed `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_ns + round(seconds * 1e9), next(self._count), future))
        await future

    def token(self, n_bytes: int) -> bytes:
        """Return the next bytes of the seed."""
        return self._random.randbytes(n_bytes)

    def turn(self, seconds: float) -> None:
        """Move time without waking anyone; for code that only asks."""
        self._now_ns += round(seconds * 1e9)

    async def advance(self, seconds: float) -> None:
        """Move time on; each sleeper on the way wakes at its own time and may run until it waits again."""
        end = self._now_ns + round(seconds * 1e9)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._now_ns = max(self._now_ns, due)
            if not future.done():
                future.set_result(None)
                await settle()
        self._now_ns = end
        await settle()


async def settle(turns: int = SETTLE_TURNS) -> None:
    """Let everything that can run now do so."""
    for _ in range(turns):
        await asyncio.sleep(0)

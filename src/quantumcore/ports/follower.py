"""Follow the event log: apply what is new, in order, exactly once, at one's own pace."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from prometheus_client.core import Metric

from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.telemetry import gauge

TRIES = 3
REACH_S = 1.0
LINGER_S, BUSY_LINGER_S = 0.025, 0.05
"""A follower begins a batch at most once in so long: a transaction costs the same for one event as for a hundred.
A reader who waits in `reached` ends the wait, and what comes after a silence is applied at once.
The longer time is for a follower whose last batch had BUSY sequences or more; with the commit it stays below 100 ms."""
BUSY = 32


class Follower:
    """Feeds whole sequences to a projection, whose transaction stores its effects and its cursor together.

    Attributes:
        cursor: Last sequence applied.
        failure: Why it stopped, naming the position; empty while it is well. A stopped follower never jumps over an event.
    """

    def __init__(self, name: str, log: EventLog, apply: Callable[[Sequence[EventBatch]], Awaitable[None]]) -> None:
        self.name = name
        self.cursor = 0
        self.failure = ""
        self._log = log
        self._apply = apply
        self._moved = asyncio.Event()
        self._wanted = asyncio.Event()
        self._waiting = 0
        self._began = float("-inf")
        self._behind_since: float | None = None
        self._busy = False

    @property
    def lag(self) -> int:
        """Sequences in the log that are not applied yet."""
        return self._log.last - self.cursor

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics where it stands."""
        since, now = self._behind_since, asyncio.get_running_loop().time()
        behind = 0.0 if since is None or self.lag <= 0 else now - since
        yield gauge("qc_follower_sequence", "Last sequence applied", self.cursor, follower=self.name)
        yield gauge("qc_follower_lag_sequences", "Sequences not applied yet", max(0, self.lag), follower=self.name)
        yield gauge("qc_follower_lag_seconds", "Age of the oldest sequence not applied", behind, follower=self.name)
        yield gauge(
            "qc_follower_stopped", "1 after three failures at one place", bool(self.failure), follower=self.name
        )

    async def run(self) -> None:
        """Apply for ever; after three failures at one place, stay there and say so in `failure`."""
        while True:
            await self._log.wait(self.cursor)
            if self._behind_since is None:
                self._behind_since = asyncio.get_running_loop().time()
            await self._gather()
            self._began = asyncio.get_running_loop().time()
            last, batches = self._log.last, self._log.read(self.cursor)
            await self._apply_with_patience(batches)
            self._busy = batches[-1].last - self.cursor >= BUSY
            self.cursor = batches[-1].last
            if self.cursor >= last:  # what is not applied yet came after that reading
                self._behind_since = self._began if self.lag else None
            self._moved.set()
            self._moved = asyncio.Event()

    async def reached(self, sequence: int, timeout_s: float = REACH_S) -> int:
        """Wait until `sequence` is applied, at most `timeout_s`; return what is applied then."""
        if self.cursor >= sequence:
            return self.cursor
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(timeout_s):
                while self.cursor < sequence:
                    await self._moved.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1
        return self.cursor

    async def _gather(self) -> None:
        """Let more events come if the last batch began a moment ago and no reader waits."""
        linger = BUSY_LINGER_S if self._busy else LINGER_S
        rest = self._began + linger - asyncio.get_running_loop().time()
        if rest <= 0 or self._waiting:
            return
        self._wanted.clear()
        try:
            async with asyncio.timeout(rest):
                await self._wanted.wait()
        except TimeoutError:
            pass

    async def _apply_with_patience(self, batches: Sequence[EventBatch]) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                await self._apply(batches)
            except Exception as error:  # the dispatcher of projections: whatever fails, this one stops and is seen
                if attempt == TRIES:
                    self.failure = f"{self.name} stopped after sequence {self.cursor}: {error}"
                    raise
                await asyncio.sleep(0.05 * 2**attempt)
            else:
                self.failure = ""
                return

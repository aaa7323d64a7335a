"""New settings for a running venue: on SIGHUP, and when the settings file has changed.

    SIGHUP, changed file ─▶ read and checked whole (off the loop) ─▶ swapped in one step ─▶ rooms told
                                          └─ any error ─▶ the old version stays; file, key and reason are logged and counted

Log events: `settings.reloaded` (version, changed keys), `settings.refused` (file, key, reason).
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from quantumcore.app.settings import RELOADABLE, LiveSettings, Settings, Source, reloaded, with_secrets
from quantumcore.contracts.errors import InvalidCommand

LOOK_S = 1.0
"""How often the file is looked at. A change is taken over when two looks in a row saw the same file."""

log = structlog.get_logger("settings")


class Reloader:
    """Keeps the settings of one process current.

    Attributes:
        live: What is in force.
        taken: Reloads that were taken over.
        refused: Reloads that were refused.
    """

    def __init__(self, source: Source) -> None:
        """Read the settings for the first time.

        Raises:
            InvalidCommand: `settings.invalid`.
        """
        self.taken = 0
        self.refused = 0
        self._source = source
        self._first = source.read()
        self.live = LiveSettings(with_secrets(self._first))
        self._takers: list[Callable[[Settings], None]] = []
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop, *, hung_up: Callable[[], None], look_s: float = LOOK_S) -> None:
        """Hear SIGHUP and look at the file until stop().

        A terminal that closes sends SIGHUP too; a venue that was started from it is not left behind: `hung_up` is called.
        """
        at_a_terminal = os.isatty(0)

        def on_hup() -> None:
            if at_a_terminal and not os.isatty(0):
                hung_up()
            else:
                self._asked.set()

        self._loop = loop
        loop.add_signal_handler(signal.SIGHUP, on_hup)
        self._task = loop.create_task(self._run(look_s), name="settings")
        self._task.add_done_callback(_not_in_silence)

    def tell(self, taker: Callable[[Settings], None]) -> None:
        """Call `taker` with each new version; now too, when there has been one since the start."""
        self._takers.append(taker)
        if self.live.version > 1:
            taker(self.live.current)

    def stop(self) -> None:
        """Change nothing any more; a SIGHUP from now on is ignored."""
        if self._task is not None and self._loop is not None:
            self._task.cancel()
            self._loop.add_signal_handler(signal.SIGHUP, _ignore)

    async def reload(self) -> str:
        """Read anew and take over; return why not, or "".

        Reading happens in a thread: a slow disk must not keep the loop from its orders.
        """
        reading = asyncio.get_running_loop().run_in_executor(None, self._read)
        await asyncio.wait([reading])
        before = self.live.current
        complaint = self.live.reload(reading.result)
        if complaint:
            self.refused += 1
            error = reading.exception()
            key = error.field if isinstance(error, InvalidCommand) else ""
            log.error("settings.refused", file=str(self._source.file or ""), key=key, reason=complaint)
            return complaint
        self.taken += 1
        for taker in self._takers:
            taker(self.live.current)
        changed = sorted(key for key in RELOADABLE if getattr(before, key) != getattr(self.live.current, key))
        log.info("settings.reloaded", version=self.live.version, changed=changed)
        return ""

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics which version is in force and how reloads ended."""
        yield GaugeMetricFamily("qc_settings_version", "Version of the settings in force", value=self.live.version)
        reloads = CounterMetricFamily("qc_settings_reloads", "Reloads of the settings by outcome", labels=["outcome"])
        reloads.add_metric(["taken"], self.taken)
        reloads.add_metric(["refused"], self.refused)
        yield reloads

    def _read(self) -> Settings:
        return reloaded(self.live.current, self._first, self._source.read())

    async def _run(self, look_s: float) -> None:
        """Reload when asked, and when the file has changed and stands still."""
        while True:
            try:
                async with asyncio.timeout(look_s if self._source.file else None):
                    await self._asked.wait()
            except TimeoutError:
                if not await asyncio.to_thread(self._source.changed):
                    continue
            self._asked.clear()
            await self.reload()


def _not_in_silence(task: "asyncio.Task[None]") -> None:
    """Let a defect reach the loop's handler at once, not when the task is collected."""
    if not task.cancelled():
        task.result()


def _ignore() -> None:
    """Nothing: the default would kill a venue that is draining."""

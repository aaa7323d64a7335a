"""What nobody caught: one record with its stack, and a process that does not pretend to be well.

Uncaught in the main thread, another thread, a task or a finaliser: one critical record each, then `stop` is called
and the exit status is EXIT_DEFECT. A crash of the interpreter prints the stacks of all threads and dies of its signal.
"""

import asyncio
import faulthandler
import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

EXIT_DEFECT = 70  # EX_SOFTWARE of sysexits.h

_log = logging.getLogger(__name__)


class LastResort:
    """The handlers of one process.

    Attributes:
        seen: How many uncaught errors were recorded.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        """Take `stop`, which asks the process to end in order; it may be called from any thread, more than once."""
        self.seen = 0
        self._stop = stop

    def install(self) -> None:
        """Put the handlers of main thread, threads, finalisers and crashes in place."""
        sys.excepthook = self._on_main
        threading.excepthook = self._on_thread
        sys.unraisablehook = self._on_unraisable
        faulthandler.enable(all_threads=True)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """See what the tasks and callbacks of `loop` leave behind."""
        loop.set_exception_handler(self._on_loop)

    def status(self, wanted: int = 0) -> int:
        """Return the exit status: `wanted`, unless something was uncaught."""
        return wanted or (EXIT_DEFECT if self.seen else 0)

    def _record(self, where: str, error: BaseException | None) -> None:
        self.seen += 1
        _log.critical("uncaught in %s", where, exc_info=error)

    def _on_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self._record("the main thread", error)  # which ends by itself: there is nothing left to stop

    def _on_thread(self, hook: threading.ExceptHookArgs) -> None:
        if hook.exc_type is not SystemExit:
            self._record(f"thread {hook.thread.name if hook.thread else '?'}", hook.exc_value)
            self._stop()

    def _on_unraisable(self, hook: "sys.UnraisableHookArgs") -> None:
        self._record(f"a finaliser ({hook.err_msg or 'no message'})", hook.exc_value)
        self._stop()

    def _on_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None or "transport" in context:  # a lost peer or a complaint of the loop: say it and go on
            _log.error("event loop: %s", context.get("message", "?"), exc_info=error)
            return
        self._record(f"a task ({context.get('message', '?')})", error)
        self._stop()

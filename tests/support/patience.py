"""Time limits of the product that a busy machine would turn into failures of tests that are about something else.

A client gives up after seconds; a test has until its own deadline. Who tests a limit sets it himself.
"""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.contracts.messages import Request
from quantumcore.ports.bus import DEADLINE_S
from quantumcore.ports.follower import Follower
from tests.support.waiting import PATIENCE_S

READ_S = PATIENCE_S  # how long a reader waits for a projection that stands still

A = TypeVar("A")
R = TypeVar("R")


class PatientBus(EmbeddedBus):
    """The embedded bus, but who asks with the ordinary deadline waits longer."""

    async def request(self, message: Request[R], *, deadline_s: float = DEADLINE_S) -> R:
        return await super().request(message, deadline_s=_patient(deadline_s))

    def ask(
        self, message: Request[R], then: Callable[[R], A | Coroutine[Any, Any, A]], *, deadline_s: float = DEADLINE_S
    ) -> Any:
        return super().ask(message, then, deadline_s=_patient(deadline_s))


def _patient(deadline_s: float) -> float:
    return PATIENCE_S if deadline_s == DEADLINE_S else deadline_s


@contextmanager
def patient_readers() -> Iterator[None]:
    """Let a read that must have reached a sequence wait for it: the answer of a second later would be another one."""
    impatient = Follower.reached

    async def reached(self: Follower, sequence: int, timeout_s: float | None = None) -> int:
        return await impatient(self, sequence, READ_S if timeout_s is None else timeout_s)

    Follower.reached = reached  # type: ignore[method-assign]
    try:
        yield
    finally:
        Follower.reached = impatient  # type: ignore[method-assign]

"""Circuit breakers: what fails again and again is left alone for a while, and tried with one question before all may ask again.

CLOSED ──5 failures in a row──▶ OPEN ──30 s──▶ HALF_OPEN, one probe at a time ──2 successes──▶ CLOSED
                                 ▲────────────────1 failure───────┘

A target has one breaker, which all its callers share, and targets know nothing of each other. A refusal is an answer, so it is a success.
Whatever was asked before a change of state says nothing about the state after it. Used from one event loop.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from typing import TypeVar

from prometheus_client.core import Metric

from quantumcore.contracts.errors import Refused, Unavailable
from quantumcore.ports.clock import Clock
from quantumcore.ports.telemetry import counter, gauge

T = TypeVar("T")

FAILURES = 5
OPEN_S = 30.0
SUCCESSES = 2
PROBE_S = 1.0  # when to ask again while another's probe is under way
TARGETS = 1_000


class State(Enum):
    """Whether a target may be asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Stands before one target.

    Attributes:
        opened: How often it opened.
    """

    def __init__(self, target: str, clock: Clock) -> None:
        self.opened = 0
        self._target = target
        self._clock = clock
        self._open = False
        self._until = 0.0
        self._failures = 0
        self._successes = 0
        self._probing = False
        self._era = 0

    @property
    def state(self) -> State:
        """Where it stands now."""
        if not self._open:
            return State.CLOSED
        return State.HALF_OPEN if self._clock.monotonic() >= self._until else State.OPEN

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the target, if it may be asked, and learn from what becomes of it.

        Raises:
            Unavailable: It is open, or another's probe is under way: nobody was asked, `retry_after` says when one may be.
            Exception: What `ask` raised.
        """
        state = self.state
        probe = state is State.HALF_OPEN
        if state is State.OPEN or (probe and self._probing):
            wait = PROBE_S if probe else self._until - self._clock.monotonic()
            raise Unavailable("unavailable", f"{self._target} has failed, and is left alone", retry_after=wait)
        self._probing = probe
        era = self._era
        try:
            reply = await ask()
        except Refused:
            self._succeeded(era)
            raise
        except Exception:
            self._failed(era)
            raise
        finally:
            if probe and era == self._era:  # also where nobody waits for it any more: it has said nothing
                self._probing = False
        self._succeeded(era)
        return reply

    def _succeeded(self, era: int) -> None:
        if era != self._era:
            return
        self._failures = 0
        if self._open:
            self._successes += 1
            if self._successes >= SUCCESSES:
                self._turn(is_open=False)

    def _failed(self, era: int) -> None:
        if era != self._era:
            return
        self._failures += 1
        if self._open or self._failures >= FAILURES:
            self._turn(is_open=True)

    def _turn(self, *, is_open: bool) -> None:
        self._open = is_open
        self._failures = self._successes = 0
        self._probing = False
        self._era += 1
        if is_open:
            self._until = self._clock.monotonic() + OPEN_S
            self.opened += 1


class Breakers:
    """The breakers of a part of the house by their targets, at most TARGETS: then the closed one that was used least recently goes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[str, Breaker] = OrderedDict()

    def of(self, target: str) -> Breaker:
        """Return the breaker of a target, the same for everybody.

        Raises:
            Unavailable: `overloaded`: TARGETS others are open.
        """
        found = self._known.get(target)
        if found is None:
            if len(self._known) >= TARGETS:
                self._forget_one()
            found = self._known[target] = Breaker(target, self._clock)
        self._known.move_to_end(target)
        return found

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how many are open, and how often they opened."""
        known = self._known.values()
        shut = sum(one.state is not State.CLOSED for one in known)
        yield gauge("qc_breaker_open_targets", "Targets that failed and are left alone, or probed", shut)
        yield counter(
            "qc_breaker_openings", "Times that a target was given up for a while", sum(b.opened for b in known)
        )

    def _forget_one(self) -> None:
        closed = next((name for name, one in self._known.items() if one.state is State.CLOSED), None)
        if closed is None:
            raise Unavailable("overloaded", f"{TARGETS} targets have failed", retry_after=OPEN_S)
        del self._known[closed]

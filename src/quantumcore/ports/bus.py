"""How rooms talk: one reply per request, notices to all who listen. Messages are encoded at the boundary."""

from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from quantumcore.contracts.messages import Notice, Request

A = TypeVar("A")
R = TypeVar("R")
Q = TypeVar("Q", bound=Request)  # type: ignore[type-arg]  # a handler is typed by its own request class
N = TypeVar("N", bound=Notice)

DEADLINE_S = 2.0


class Subscription(Protocol):
    """A standing interest in notices."""

    async def close(self) -> None:
        """End it; a second close does nothing."""


class Bus(Protocol):
    """Requests have one handler; notices any number of listeners."""

    def handle(self, request: type[Q], handler: Callable[[Q], Awaitable[object]]) -> None:
        """Answer every `request` of this type with `handler`; a second handler of one type is an error."""

    async def request(self, message: Request[R], *, deadline_s: float = DEADLINE_S) -> R:
        """Ask and wait for the answer.

        Raises:
            Unavailable: Nobody answers this type now; nothing happened.
            OutcomeUnknown: The deadline passed after it was handed over.
            QuantumCoreError: What the handler raised, with code, detail and chain of causes.
        """

    def ask(
        self, message: Request[R], then: Callable[[R], A | Coroutine[Any, Any, A]], *, deadline_s: float = DEADLINE_S
    ) -> Future[A]:
        """Ask at once and return what `then` will make of the reply: for a handler that would need a task only to wait.

        The future fails as `request` does (the call itself may raise its Unavailable), or as `then` raises.
        """

    def subscribe(self, notice: type[N], listener: Callable[[Sequence[N]], Awaitable[None]]) -> Subscription:
        """Hear every notice of this type in order, in batches. A slow listener is bounded: see the adapter's limit."""

    async def publish(self, notices: Sequence[Notice]) -> None:
        """Tell all listeners; never waits for them."""

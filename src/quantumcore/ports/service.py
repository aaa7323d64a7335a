"""What every room offers to the house that runs it."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class Service(Protocol):
    """One room. Order of calls: attach, start, tasks (supervised until stop), stop."""

    name: str

    def attach(self) -> None:
        """Hand its handlers and listeners to the bus: the room's table of contents."""

    async def start(self) -> None:
        """Open what it needs and read where it stood; may ask other rooms that started before."""

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what must run until stop; one that dies makes the room not ready within 1 s and is restarted with back-off."""

    def not_ready(self) -> list[str]:
        """Return the reasons why it cannot serve now; empty when it can."""

    async def stop(self) -> None:
        """Finish what is in flight, flush, release."""

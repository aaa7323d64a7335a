"""How a room follows the event log from its start on: what it must know first, where it stands, whether it keeps up."""

from collections.abc import Awaitable, Callable

from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.ports.clock import Clock
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.progress import Lag


class Following:
    """Opens a room's tables and then follows; what a Service says of its projection.

    Attributes:
        opened: Whether the tables and the definitions have been read.
    """

    def __init__(
        self,
        follower: Follower,
        log: EventLog,
        clock: Clock,
        definitions: Definitions,
        read_cursor: Callable[[], Awaitable[int]],
    ) -> None:
        """Take who follows, what must be known before, and who reads where the tables stand."""
        self._follower = follower
        self._lag = Lag(follower, log, clock)
        self._definitions = definitions
        self._read_cursor = read_cursor
        self.opened = False

    async def start(self) -> None:
        """Read where the tables stand and what may be traded; what is not there yet is read when the projection starts."""
        try:
            await self._open()
        except (Unavailable, OutcomeUnknown):
            self.opened = False  # not_ready says so

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name the projection."""
        return [("projection", self._project)]

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        if not self.opened:
            return [f"{self._follower.name}: the tables or the definitions have not been read"]
        return self._lag.reasons()

    async def reached(self, sequence: int) -> int:
        """Wait until `sequence` is applied, at most a second; return what is applied then."""
        cursor = self._follower.cursor
        return cursor if cursor >= sequence else await self._follower.reached(sequence)

    async def _project(self) -> None:
        """Follow the event log for ever."""
        if not self.opened:
            await self._open()
        await self._follower.run()

    async def _open(self) -> None:
        await self._definitions.refresh()  # first: nothing can be shown without its units
        self._follower.cursor = await self._read_cursor()
        self._follower.failure = ""
        self._lag.restart()
        self.opened = True

"""What people set, as each desk keeps it: written down with who and why, then commanded, then marked by what became of it.

    asked ──the engine has it──▶ in force
      └──it refuses──▶ refused

A command replaces a record whole and says so again when it is repeated, so what a kill or a lost answer has left unfinished is done once more,
before anything later is asked.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection

from quantumcore.contracts.errors import InvalidCommand, QuantumCoreError
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.wire import CommandRefused, Event
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database

LOOK_S = 1.0  # seconds
_log = logging.getLogger(__name__)


class Kept(Protocol):
    """A change as it was written down. `code`: Why the engine refused it; empty: it did not."""

    @property
    def number(self) -> int:
        """From 1."""

    @property
    def code(self) -> str:
        """Of the refusal."""


C = TypeVar("C", bound=Kept)


class Outcome(NamedTuple):
    """What the engine said: at which sequence, and the code of its refusal; empty: it is so now."""

    sequence: int
    code: str


def outcome(told: Sequence[Event]) -> Outcome:
    """Return what the last events of commands say of all of them: the first refusal counts."""
    refused = next((one for one in told if isinstance(one, CommandRefused)), None)
    return Outcome(told[-1].sequence, CODES[Reason(refused.reason)] if refused else "")


class Writing(Generic[C]):
    """Writes changes of one kind down, one at a time, and sees that each is done."""

    def __init__(
        self,
        own: Database,
        clock: Clock,
        what: str,
        *,
        add: Callable[[Connection, C], C],
        find: Callable[[Connection, int], C],
        unfinished: Callable[[Connection], list[C]],
        do: Callable[[C], Awaitable[None]],
        due: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Take how rows are written and read, how one is done and marked, and what else is done at each look (`due`)."""
        self._own = own
        self._clock = clock
        self._what = what
        self._add = add
        self._find = find
        self._unfinished = unfinished
        self._do = do
        self._due = due
        self._one = asyncio.Lock()

    async def run(self) -> None:
        """Finish what was left unfinished, and do what is due; for ever."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Do what is to be done now; what cannot be done yet is due again."""
        async with self._one:
            try:
                await self._finish()
                if self._due is not None:
                    await self._due()
                    await self._finish()
            except QuantumCoreError as error:
                _log.warning("%s that is to be set is not: %s", self._what, error.detail)

    async def keep(self, judged: Callable[[], Awaitable[C]]) -> C:
        """Write down what `judged` returns once all before it is done, do it, and return what became of it.

        Raises:
            InvalidCommand: The engine refused it, with its code; or as `judged` says.
            Unavailable, OutcomeUnknown: It stays asked.
        """
        async with self._one:
            await self._finish()
            asked = await judged()
            made = await self._own.write(lambda tx: self._add(tx, asked))
            await self._do(made)
            found = await self._own.read(lambda tx: self._find(tx, made.number))
        if found.code:
            raise InvalidCommand(found.code, f"the engine refused it: {found.code}")
        return found

    async def _finish(self) -> None:
        for change in await self._own.read(self._unfinished):
            await self._do(change)

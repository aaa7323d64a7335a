"""A desk of what somebody signs for: one person, or two where the venue asks for two; judged, written down, then commanded (writing.py)."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from quantumcore.contracts.errors import NotFound, needs_second
from quantumcore.contracts.messages import Done
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.services.risk.desks.keeping.writing import Kept, Writing

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
W = TypeVar("W", bound=Kept)
T = TypeVar("T")


class Carried(Protocol[A_co]):
    """A request with another in it: two persons want that, or somebody asks whether it could be."""

    @property
    def asked(self) -> A_co:
        """The other."""


class Surroundings(NamedTuple):
    """What a desk stands on.

    Attributes:
        own: The tables of the room's own truth. database: Those that follow the engine; caught_up: How to wait for them.
    """

    bus: Bus
    own: Database
    database: Database
    clock: Clock
    definitions: Definitions
    caught_up: Callable[[], Awaitable[object]]


class SignedDesk(ABC, Generic[A, W, T]):
    """Sets what is asked for (A), writes it down (W), and tells what became of it (T).

    Attributes:
        changes: By what became of them.
        run, look: As Writing's.
    """

    def __init__(self, on: Surroundings, writing: Writing[W], states: Iterable[str], *, four_eyes: bool) -> None:
        """Take what it stands on, and how changes are written; states: What may become of them."""
        self.changes: Counter[str] = Counter(dict.fromkeys(states, 0))
        self._on = on
        self._writing = writing
        self._four_eyes = four_eyes
        self.run, self.look = writing.run, writing.look

    @abstractmethod
    async def _change(self, command: A) -> W:
        """Return what is to be written down.

        Raises:
            NotFound, InvalidCommand, Conflict: It cannot be so.
        """

    @abstractmethod
    def _shown(self, change: W) -> T:
        """Return a change as others see it."""

    async def set(self, command: A) -> T:
        """Set something, if one person is enough for that.

        Raises:
            Forbidden: Two are needed.
            NotFound, InvalidCommand, Conflict, Unavailable, OutcomeUnknown: As the contract says.
        """
        if self._four_eyes:
            raise needs_second()
        return await self._set(command)

    async def set_by_two(self, command: Carried[A]) -> T:
        """Set something.

        Raises:
            NotFound, InvalidCommand, Conflict, Unavailable, OutcomeUnknown: As the contract says.
        """
        return await self._set(command.asked)

    async def check(self, query: Carried[A]) -> Done:
        """Do nothing if it could be set now.

        Raises:
            NotFound, InvalidCommand, Conflict: What is wrong, by its field.
        """
        await self._change(query.asked)
        return Done()

    async def _set(self, command: A) -> T:
        return self._shown(await self._writing.keep(partial(self._change, command)))

    async def _instrument(self, symbol: str, field: str = "symbol") -> Instrument:
        """Return the instrument that a field names.

        Raises:
            NotFound: `instrument.not_found`.
        """
        found = await self._on.definitions.instrument(symbol) if is_symbol(symbol) else None
        if found is None:
            raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field=field)
        return found

    @property
    def _catalogue(self) -> Catalogue:
        return self._on.definitions.catalogue

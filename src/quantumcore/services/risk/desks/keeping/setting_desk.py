"""A desk of settings, each of which is one command of the engine: judged, written down, then commanded, then in force (writing.py)."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.risk_settings import SettingChange
from quantumcore.services.risk import parameters, store
from quantumcore.services.risk.desks.keeping import numbered
from quantumcore.services.risk.desks.keeping.setting_changes import Change, SettingChanges, State
from quantumcore.services.risk.desks.keeping.signed import SignedDesk, Surroundings
from quantumcore.services.risk.desks.keeping.writing import Outcome, Writing, outcome

S = TypeVar("S")
C = TypeVar("C", bound=SettingChange)
S_co = TypeVar("S_co", covariant=True)


class Asked(Protocol[S_co]):
    """A request that sets something."""

    @property
    def what(self) -> S_co:
        """What is to be so."""

    @property
    def who(self) -> str:
        """Who wants it."""

    @property
    def reason(self) -> str:
        """Why."""


class Listed(Protocol):
    """A request for a page of changes."""

    @property
    def subject(self) -> str:
        """Of what; "": of everything."""

    @property
    def limit(self) -> int:
        """How many at most."""

    @property
    def cursor(self) -> str:
        """Where the page begins."""


class Judged(NamedTuple, Generic[S]):
    """What is to be written down.

    Attributes:
        subject: Under what it is listed. command: What makes it so.
    """

    what: S
    subject: str
    command: wire.Command


class SettingDesk(SignedDesk[Asked[S], Change[S], C]):
    """Sets, by one person or by two, and keeps what became of it."""

    def __init__(
        self, name: str, on: Surroundings, kept: SettingChanges[S], shown: Callable[..., C], *, four_eyes: bool
    ) -> None:
        """Take its rows, and how a change is told: made of a `what` and the fields of SettingChange."""
        writing: Writing[Change[S]] = Writing(
            on.own, on.clock, name, add=kept.add, find=kept.find, unfinished=kept.unfinished, do=self._do
        )
        super().__init__(on, writing, (state.name.lower() for state in State), four_eyes=four_eyes)
        self._kept = kept
        self._told = shown

    @abstractmethod
    async def _judged(self, what: S) -> Judged[S]:
        """Return what is to be written down for `what`.

        Raises:
            NotFound, InvalidCommand, Conflict: It cannot be so.
        """

    async def _page(self, query: Listed) -> tuple[list[C], str | None]:
        """Return a page of changes, newest first, and where the next one begins.

        Raises:
            InvalidCommand: limit or cursor.
        """
        found, following = await numbered.page(
            self._on.own, self._kept.page, query.limit, query.cursor, subject=query.subject[:32]
        )
        return [self._shown(one) for one in found], following

    # ---------------------------------------------------------------------------------------- one change

    async def _change(self, command: Asked[S]) -> Change[S]:
        parameters.check_signed(command.who, command.reason)
        what, subject, made = await self._judged(command.what)
        return Change(
            number=0,
            subject=subject,
            kind=tag_of(type(what)),
            what=what,
            command=made.encode(),
            state=State.ASKED,
            who=command.who,
            reason=command.reason,
            time_ns=self._on.clock.now(),
        )

    async def _do(self, change: Change[S]) -> None:
        """Command a change, and write down what became of it.

        Raises:
            Unavailable, OutcomeUnknown: It stays asked.
        """
        await self._sent(change)

    async def _sent(self, change: Change[S]) -> bool:
        """Command a change and write down what became of it; tell whether it was done."""
        told = (await self._on.bus.request(Sequence(command=change.command))).events
        return await self._ended(change, outcome(wire.decode_events(told)[-1:]))

    async def _ended(self, change: Change[S], end: Outcome) -> bool:
        """Write down what became of a change; tell whether it was done."""
        state = State.REFUSED if end.code else State.DONE
        await self._on.own.write(
            partial(self._kept.ended, number=change.number, state=state, sequence=end.sequence, code=end.code)
        )
        self.changes[state.name.lower()] += 1
        return not end.code

    def _shown(self, change: Change[S]) -> C:
        return self._told(
            number=change.number,
            what=change.what,
            state=change.state.name.lower(),
            who=change.who,
            reason=change.reason,
            time_ns=change.time_ns,
            sequence=change.sequence,
            code=change.code,
        )

    # ------------------------------------------------------------------------------------------ what exists

    async def _see_symbols(self, **named: str) -> None:
        """See that there are the instruments that fields name, and learn what they are.

        Raises:
            NotFound: `instrument.not_found`.
        """
        for field, symbol in named.items():
            await self._instrument(symbol, field)

    async def _see_account(self, account: int) -> None:
        """See that there is such an account, as of when the tables caught up.

        Raises:
            NotFound: `account.not_found`.
        """
        if not await self._on.database.read(partial(store.is_open, account=account)):
            raise NotFound("account.not_found", "account not found", field="account_id")


def tag_of(kind: type[Any]) -> str:
    """Return the name of a kind of settings: the tag of its struct."""
    return str(kind.__struct_config__.tag)

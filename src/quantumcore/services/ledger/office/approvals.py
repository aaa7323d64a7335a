"""Four eyes: keeps what one person asks for until another lets it happen, and carries it out once.

An approval is on disk before anything happens. Approved requests are carried out one at a time, in the order of their approvals, by
the same code that answers them when nobody asks for a second person; what a kill or a lost answer has left unfinished comes first. Each of
those requests is safe to be carried out again while nothing came after it: by its id, or because it sets a value.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import msgspec
from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts.errors import (
    Conflict,
    InvalidCommand,
    NotFound,
    Refused,
    check_count,
    invalid,
    needs_second,
)
from quantumcore.contracts.ledger_approvals import (
    KINDS,
    MAX_BODY_BYTES,
    MAX_PAGE,
    STATES,
    ApproveProposal,
    GetProposal,
    GetProposals,
    ProposalPage,
    ProposalView,
    Propose,
    RejectProposal,
)
from quantumcore.contracts.messages import Request
from quantumcore.contracts.values import I64_MAX, check_client_id
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.ledger.attempts import AGAIN_S, Attempts
from quantumcore.services.ledger.office import proposals
from quantumcore.services.ledger.office.proposal import Proposal

ID_BYTES = 16
MAX_REASON_BYTES = 512
MAX_USER = 64
NS = 10**9

_log = logging.getLogger(__name__)


class Act(NamedTuple):
    """How a kind of request is carried out.

    Attributes:
        check: Raises what is wrong with a request; does nothing else.
        act: Carries it out.
    """

    check: Callable[[Any], Awaitable[object]]
    act: Callable[[Any], Awaitable[Any]]


class Approvals:
    """Answers Propose, ApproveProposal, RejectProposal, GetProposal, GetProposals, and stands before what needs two persons.

    Attributes:
        outcomes: Proposals by what was done: proposed, approved, rejected, done, refused.
    """

    def __init__(self, office: Database, clock: Clock, *, four_eyes: bool, proposal_s: int) -> None:
        """Take the office's tables; with `four_eyes` a proposal may be approved for `proposal_s` seconds."""
        self.outcomes: Counter[str] = Counter()
        self._office = office
        self._clock = clock
        self._four_eyes = four_eyes
        self._life_ns = proposal_s * NS
        self._acts: dict[str, Act] = {}
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0
        self._attempts = Attempts(_log, "an approved proposal is not carried out")

    def attach(self, bus: Bus) -> None:
        """Hand the handlers to the bus; `guard` or `keep` must have been called for every kind."""
        bus.handle(Propose, self.propose)
        bus.handle(ApproveProposal, self.approve)
        bus.handle(RejectProposal, self.reject)
        bus.handle(GetProposal, self.proposal)
        bus.handle(GetProposals, self.page)

    def guard(self, bus: Bus, kind: str, act: Act) -> None:
        """Answer a kind of request: at once if one person is enough, else not without a second."""
        self._acts[kind] = act

        async def alone(request: Request[Any]) -> Any:
            if self._four_eyes or getattr(request, "two_persons", False):
                raise needs_second()
            return await act.act(request)

        bus.handle(KINDS[kind], alone)

    def keep(self, kind: str, act: Act) -> None:
        """Keep and carry out a kind of request of another room, which answers itself whoever asks it for one."""
        self._acts[kind] = act

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how it goes."""
        yield counter("qc_ledger_proposals", "What was done about proposals", self.outcomes, by="outcome")
        yield gauge("qc_ledger_proposals_unfinished", "Approved, and not carried out yet", self._waiting)

    async def run(self) -> None:
        """Carry out what was approved and left unfinished, at the start and whenever something was left."""
        while True:
            with self._attempts.attempt():
                async with self._one_at_a_time:
                    await self._finish()
            await self._clock.sleep(AGAIN_S)

    # ---------------------------------------------------------------------------------------- decisions

    async def propose(self, command: Propose) -> ProposalView:
        """Keep a request; nothing else happens.

        Raises:
            InvalidCommand, NotFound, Conflict, Unavailable: As contracts/ledger_approvals says.
        """
        if not self._four_eyes:
            raise Conflict("approval.off", "this venue asks for no second person: ask for it itself")
        _check_user(command.maker, "maker")
        request = _decoded(command.kind, command.what)
        await self._acts[command.kind].check(request)
        now = self._clock.now()
        made = Proposal(
            proposal_id=self._clock.token(ID_BYTES).hex(),
            kind=command.kind,
            what=msgspec.msgpack.encode(request),
            maker=command.maker,
            made_ns=now,
            expires_ns=now + self._life_ns,
        )
        kept = await self._office.write(lambda tx: proposals.keep(tx, made))
        self.outcomes["proposed"] += kept is made
        return self._shown(kept)

    async def approve(self, command: ApproveProposal) -> ProposalView:
        """Let it happen, once.

        Raises:
            NotFound, Forbidden, Conflict, Unavailable, OutcomeUnknown: As contracts/ledger_approvals says.
        """
        _check_user(command.checker, "checker")
        async with self._one_at_a_time:  # two approvers at once: the second finds what the first has done
            await self._finish()
            now = self._clock.now()

            def work(tx: Connection) -> tuple[Proposal, bool]:
                found = _known(proposals.find(tx, command.proposal_id))
                approved = found.approve(command.checker, now)
                return (proposals.change(tx, approved), True) if approved is not found else (found, False)

            proposal, new = await self._office.write(work)
            if new:
                self.outcomes["approved"] += 1
                self._waiting = 1
                await self._finish()
                proposal = _known(await self._office.read(lambda tx: proposals.find(tx, command.proposal_id)))
        return self._shown(proposal)

    async def reject(self, command: RejectProposal) -> ProposalView:
        """Let it never happen.

        Raises:
            NotFound, Conflict, InvalidCommand: As contracts/ledger_approvals says.
        """
        _check_user(command.checker, "checker")
        size = len(command.reason.encode())
        if size > MAX_REASON_BYTES:
            bound = str(MAX_REASON_BYTES)
            raise invalid("range", f"at most {bound} bytes", field="reason", limit=bound, actual=str(size))
        now = self._clock.now()

        def work(tx: Connection) -> tuple[Proposal, bool]:
            found = _known(proposals.find(tx, command.proposal_id))
            rejected = found.reject(command.checker, command.reason, now)
            return (proposals.change(tx, rejected), True) if rejected is not found else (found, False)

        proposal, new = await self._office.write(work)
        self.outcomes["rejected"] += new
        return self._shown(proposal)

    async def _finish(self) -> None:
        """Carry out what is approved, the oldest approval first; stop at what cannot be known yet.

        Raises:
            Unavailable, OutcomeUnknown: It stays approved.
        """
        for proposal in await self._office.read(proposals.unfinished):
            try:
                request = _decoded(proposal.kind, proposal.what)
                reply = await self._acts[proposal.kind].act(request)
                ended = proposal.done(msgspec.msgpack.encode(reply), getattr(reply, "sequence", 0))
            except Refused as error:
                ended = proposal.refused(error)
            await self._office.write(lambda tx, ended=ended: proposals.change(tx, ended))  # type: ignore[misc]
            self.outcomes[ended.state.name.lower()] += 1
        self._waiting = 0

    # ---------------------------------------------------------------------------------------- queries

    async def proposal(self, query: GetProposal) -> ProposalView:
        """Return a proposal.

        Raises:
            NotFound: `proposal.not_found`.
        """
        check_client_id(query.proposal_id, "proposal_id")
        return self._shown(_known(await self._office.read(lambda tx: proposals.find(tx, query.proposal_id))))

    async def page(self, query: GetProposals) -> ProposalPage:
        """Return a page of proposals.

        Raises:
            InvalidCommand: state, limit or cursor.
        """
        check_count(query.limit, MAX_PAGE)
        if query.state and query.state not in STATES:
            names = ", ".join(STATES)
            raise invalid("range", f"state must be one of {names}", field="state", actual=query.state[:64])
        after = _place(query.cursor) if query.cursor else None
        now = self._clock.now()
        found = await self._office.read(lambda tx: proposals.page(tx, query.state, now, after, query.limit + 1))
        last = found[query.limit - 1] if len(found) > query.limit else None
        following = f"{last.made_ns}.{last.proposal_id}" if last else None
        return ProposalPage([self._shown(one) for one in found[: query.limit]], following)

    def _shown(self, proposal: Proposal) -> ProposalView:
        return ProposalView(
            proposal_id=proposal.proposal_id,
            kind=proposal.kind,
            state=proposal.shown(self._clock.now()),
            what=proposal.what,
            maker=proposal.maker,
            made_ns=proposal.made_ns,
            expires_ns=proposal.expires_ns,
            checker=proposal.checker,
            checked_ns=proposal.checked_ns,
            result=proposal.result,
            sequence=proposal.sequence,
            code=proposal.code,
            detail=proposal.detail,
        )


def _known(found: Proposal | None) -> Proposal:
    if found is None:
        raise NotFound("proposal.not_found", "proposal not found", field="proposal_id")
    return found


def _decoded(kind: str, what: bytes) -> Request[Any]:
    """Return the request that waits.

    Raises:
        InvalidCommand: No such kind, or no request of it.
    """
    wanted = KINDS.get(kind)
    if wanted is None:
        names = ", ".join(KINDS)
        raise invalid("range", f"kind must be one of {names}", field="kind", actual=kind[:64])
    if len(what) > MAX_BODY_BYTES:
        bound = str(MAX_BODY_BYTES)
        raise invalid("range", f"a proposal has at most {bound} bytes", limit=bound, actual=str(len(what)))
    try:
        request: Request[Any] = msgspec.msgpack.decode(what, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidCommand("request.invalid", f"no {wanted.__name__}: {error}") from error
    return request


def _check_user(user: str, field: str) -> None:
    """Raise InvalidCommand unless it can be a user's id: who is nobody can sign nothing."""
    if not 1 <= len(user) <= MAX_USER:
        raise invalid("range", f"{field} is a user's id", field=field, limit=str(MAX_USER), actual=user[:64])


def _place(cursor: str) -> proposals.Place:
    made, _, name = cursor.partition(".")
    if not (made.isascii() and made.isdigit() and len(made) <= 19 and int(made) <= I64_MAX and name):
        raise invalid("range", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    return int(made), name[:64]

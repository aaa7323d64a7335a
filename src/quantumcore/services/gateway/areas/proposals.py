"""Four eyes: what one admin asks for, and another approves or rejects (setting `four_eyes`)."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from quantumcore.contracts.ledger_approvals import (
    KINDS,
    ApproveProposal,
    GetProposal,
    GetProposals,
    ProposalView,
    Propose,
    RejectProposal,
)
from quantumcore.contracts.messages import Request
from quantumcore.contracts.values import check_client_id
from quantumcore.ports.bus import DEADLINE_S
from quantumcore.services.gateway.areas.reference import NOBODY
from quantumcore.services.gateway.codec import readable, rfc3339
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.money_bodies import ProposalsQuery, RejectionBody
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer

A = TypeVar("A")
R = TypeVar("R")
ACCEPTED = 202
_KIND_OF = {request: kind for kind, request in KINDS.items()}


class ProposalAnswer(msgspec.Struct, frozen=True):
    """What was proposed, and what became of it: proposed, approved, done, refused, rejected or expired.

    Attributes:
        what: The request, as the room has it.
        made_by, checked_by: Users.
        result: What the request was answered with.
        sequence: Where it stands in the journal.
        code, detail: Why it was refused, or the reason of a rejection.
    """

    proposal_id: str
    status: str
    kind: str
    what: dict[str, Any]
    made_by: str
    made: str
    expires: str
    checked_by: str | None
    checked: str | None
    result: dict[str, Any] | None
    sequence: int | None
    code: str | None
    detail: str | None


class ProposalsAnswer(msgspec.Struct, frozen=True):
    """A page of proposals, newest first."""

    items: list[ProposalAnswer]
    next_cursor: str | None


async def by_two(
    gate: Gate, call: Call, request: Request[R], shown: Callable[[R], A], *, deadline_s: float = DEADLINE_S
) -> A | Answer:
    """Do what is asked; where the venue asks for a second person, keep it until he decides: 202 says that nothing else has happened."""
    if not gate.settings.four_eyes:
        return shown(await gate.bus.request(request, deadline_s=deadline_s))
    maker, kind = call.caller.identity.user_id, _KIND_OF[type(request)]
    made = await gate.bus.request(Propose(maker=maker, kind=kind, what=msgspec.msgpack.encode(request)))
    return Answer(_answer(made), ACCEPTED)


async def listing(gate: Gate, _call: Call, query: ProposalsQuery) -> ProposalsAnswer:
    """List proposals, newest first."""
    page = await gate.bus.request(GetProposals(state=query.state, limit=query.limit, cursor=query.cursor))
    return ProposalsAnswer([_answer(one) for one in page.items], page.next_cursor)


async def get(gate: Gate, call: Call) -> ProposalAnswer:
    """Look a proposal up."""
    return _answer(await gate.bus.request(GetProposal(proposal_id=_id(call))))


async def approve(gate: Gate, call: Call) -> ProposalAnswer:
    """Let a proposal of another person happen, once; the answer says what became of it."""
    command = ApproveProposal(checker=call.caller.identity.user_id, proposal_id=_id(call))
    found = _answer(await gate.bus.request(command))
    for account in (NOBODY, *_accounts(found)):
        gate.own_writes.wrote(account, found.sequence or 0)
    return found


async def reject(gate: Gate, call: Call, body: RejectionBody) -> ProposalAnswer:
    """Let a proposal never happen; its maker so withdraws it."""
    command = RejectProposal(checker=call.caller.identity.user_id, proposal_id=_id(call), reason=body.reason)
    return _answer(await gate.bus.request(command))


def _id(call: Call) -> str:
    return check_client_id(call.params["id"], "proposal_id")


def _accounts(found: ProposalAnswer) -> set[int]:
    """Return the customers whose balances a proposal has changed."""
    result = found.result or {}
    legs = result.get("transaction", result).get("legs", ())  # of a capture beside its hold
    sides = {side.partition(":") for leg in legs for side in (leg["debit"], leg["credit"])}
    own = found.what.get("account", 0) if found.sequence else 0
    return {int(account) for account, customer, _ in sides if customer} | ({own} if own else set())


def _answer(one: ProposalView) -> ProposalAnswer:
    return ProposalAnswer(
        one.proposal_id,
        one.state,
        one.kind,
        readable(msgspec.msgpack.decode(one.what)),
        one.maker,
        rfc3339(one.made_ns),
        rfc3339(one.expires_ns),
        one.checker or None,
        rfc3339(one.checked_ns) if one.checker else None,
        readable(msgspec.msgpack.decode(one.result)) if one.result else None,
        one.sequence or None,
        one.code or None,
        one.detail or None,
    )

"""The ledger's audit: verify in steps, published roots, proofs that a stranger can check."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

from quantumcore.contracts.ledger_audit import (
    AuditRootPage,
    ChainVerdict,
    EntryProof,
    GetAuditRoots,
    ProveEntry,
    VerifyChain,
)
from quantumcore.services.gateway.bodies import PageQuery
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.money_bodies import VerifyQuery
from quantumcore.services.gateway.request import Call

VERIFY_DEADLINE_S = 30.0


async def verify(gate: Gate, call: Call, query: VerifyQuery) -> ChainVerdict:
    """Verify the next records of the chain; the answer says where to go on."""
    return await gate.bus.request(VerifyChain(cursor=query.cursor, limit=query.limit), deadline_s=VERIFY_DEADLINE_S)


async def roots(gate: Gate, call: Call, query: PageQuery) -> AuditRootPage:
    """List the published roots, newest first."""
    return await gate.bus.request(GetAuditRoots(limit=query.limit, cursor=query.cursor))


async def proof(gate: Gate, call: Call) -> EntryProof:
    """Prove that an entry of the account was recorded, by its position."""
    account = call.caller.account(call.params["id"])
    return await gate.bus.request(ProveEntry(account=account, position=call.params["position"]))

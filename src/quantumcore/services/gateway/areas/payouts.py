"""Withdrawals through the payout rail, as operators see them, say the rail's word, and help those that need a person."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

import msgspec

from quantumcore.contracts.ledger_payouts import GetPayouts, PayoutView, RetryPayout, SettlePayout
from quantumcore.contracts.values import check_client_id
from quantumcore.services.gateway.codec import shown
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.money_bodies import PayoutRetryBody, PayoutsQuery
from quantumcore.services.gateway.request import Call


class PayoutAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal on its way."""

    payout_id: str
    transfer_id: str
    account_id: str
    currency: str
    amount: str
    fee: str
    status: str
    step: str
    reason: str
    sequence: int
    started: str
    deadline: str


class PayoutsAnswer(msgspec.Struct, frozen=True):
    """What is under way, the oldest first."""

    items: list[PayoutAnswer]


async def listing(gate: Gate, call: Call, query: PayoutsQuery) -> PayoutsAnswer:
    """List the withdrawals that are under way or need a person."""
    found = await gate.bus.request(GetPayouts(limit=query.limit))
    return PayoutsAnswer([shown(PayoutAnswer, one) for one in found.items])


async def confirm(gate: Gate, call: Call) -> PayoutAnswer:
    """Say that a payout was paid: the money is captured."""
    return await _settle(gate, call, paid=True)


async def fail(gate: Gate, call: Call) -> PayoutAnswer:
    """Say that a payout will not be paid: the money is released."""
    return await _settle(gate, call, paid=False)


async def retry(gate: Gate, call: Call, body: PayoutRetryBody) -> PayoutAnswer:
    """Let a withdrawal that needs a person go on, or end as done when the rest was done by hand."""
    done = await gate.bus.request(RetryPayout(payout_id=_named(call), by_hand=body.by_hand))
    return _changed(gate, done)


async def _settle(gate: Gate, call: Call, *, paid: bool) -> PayoutAnswer:
    return _changed(gate, await gate.bus.request(SettlePayout(payout_id=_named(call), paid=paid)))


def _named(call: Call) -> str:
    return check_client_id(call.params["id"], "payout_id")


def _changed(gate: Gate, done: PayoutView) -> PayoutAnswer:
    gate.own_writes.wrote(int(done.account_id), done.sequence)
    return shown(PayoutAnswer, done)

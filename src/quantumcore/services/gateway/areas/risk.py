"""The kill switch: engage it and working orders go, nothing new comes in; of one account, or of the venue."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

import msgspec

from quantumcore.contracts import wire
from quantumcore.contracts.values import AccountId
from quantumcore.services.gateway.bodies import AccountQuery, KillBody
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.sequencing import sequence


class KillAnswer(msgspec.Struct, frozen=True):
    """The switch as it stands now; cancelled: how many orders went."""

    account_id: str | None
    engaged: bool
    cancelled: int
    sequence: int


async def engage(gate: Gate, call: Call, body: KillBody) -> KillAnswer:
    """Engage the switch of an account, or without account_id of the venue."""
    return await _switch(gate, body.account_id, engaged=1)


async def lift(gate: Gate, call: Call, query: AccountQuery) -> KillAnswer:
    """Lift the switch of an account, or without account_id of the venue."""
    return await _switch(gate, query.account_id, engaged=0)


async def _switch(gate: Gate, account_id: str | None, *, engaged: int) -> KillAnswer:
    account = AccountId(0)
    if account_id is not None:  # the scope risk reaches every account: that is what a risk officer is for
        account = account_number(account_id, "account_id")
    events = await sequence(gate.bus, wire.SetKillSwitch(account=account, engaged=engaged))
    changed = events[-1]
    cancelled = changed.count if isinstance(changed, wire.KillSwitchChanged) else 0
    for event in events:
        if isinstance(event, wire.OrderCancelled):
            gate.own_writes.wrote(event.account, event.sequence)
    return KillAnswer(account_id, bool(engaged), cancelled, changed.sequence)

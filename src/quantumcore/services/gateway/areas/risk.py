"""The kill switch: engage it and working orders go, nothing new comes in; of one account, or of the venue."""

from functools import partial

import msgspec

from quantumcore.contracts.risk_limits import EngageKillSwitch, KillSwitch, LiftKillSwitch
from quantumcore.contracts.values import AccountId
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.bodies import AccountQuery, KillBody
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer


class KillAnswer(msgspec.Struct, frozen=True):
    """The switch as it stands now; cancelled: how many orders went."""

    account_id: str | None
    engaged: bool
    cancelled: int
    sequence: int


async def engage(gate: Gate, _call: Call, body: KillBody) -> KillAnswer:
    """Engage the switch of an account, or without account_id of the venue; one person is enough."""
    return _shown(gate, await gate.bus.request(EngageKillSwitch(account=_account(body.account_id))))


async def lift(gate: Gate, call: Call, query: AccountQuery) -> KillAnswer | Answer:
    """Lift the switch of an account, or without account_id of the venue."""
    return await by_two(gate, call, LiftKillSwitch(account=_account(query.account_id)), partial(_shown, gate))


def _account(account_id: str | None) -> AccountId:
    """Return the account; 0: the venue. The scope risk reaches every account: that is what a risk officer is for."""
    return AccountId(0) if account_id is None else account_number(account_id, "account_id")


def _shown(gate: Gate, switch: KillSwitch) -> KillAnswer:
    for account in switch.accounts:
        gate.own_writes.wrote(account, switch.sequence)
    return KillAnswer(switch.account_id, switch.engaged, switch.cancelled, switch.sequence)

"""The kill switch: engage it and working orders go, nothing new comes in; of an account, a firm, a session, an instrument, or the venue."""

from functools import partial
from typing import Any

import msgspec

from quantumcore.contracts.risk_kill import (
    EngageKillSwitch,
    GetKillSwitches,
    KillSwitch,
    LiftKillSwitch,
    scope_of,
)
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.areas.reference import NOBODY
from quantumcore.services.gateway.bodies import KillBody, KillQuery
from quantumcore.services.gateway.codec import shown
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import named_account
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer


class SwitchAnswer(msgspec.Struct, frozen=True):
    """Whose a switch is (`scope`), and what it stops."""

    scope: str
    account_id: str | None
    firm: int | None
    session: int | None
    symbol: str | None
    mode: str


class KillAnswer(SwitchAnswer, frozen=True):
    """The switch as it stands now, off, all or reduce_only, and whose it is (`scope`); cancelled: how many orders went."""

    engaged: bool
    cancelled: int
    sequence: int


class EngagedAnswer(SwitchAnswer, frozen=True):
    """A switch that is engaged, and since when."""

    sequence: int
    time: str


class SwitchesAnswer(msgspec.Struct, frozen=True):
    """Every switch that is engaged; complete: there are no more than these."""

    sequence: int
    items: list[EngagedAnswer]
    complete: bool


async def engage(gate: Gate, _call: Call, body: KillBody) -> KillAnswer:
    """Engage the switch of what is named, or of the venue; one person is enough."""
    command = EngageKillSwitch(**_named(body), mode=body.mode)
    return _shown(gate, await gate.bus.request(command))


async def lift(gate: Gate, call: Call, query: KillQuery) -> KillAnswer | Answer:
    """Lift the switch of what is named, or of the venue."""
    command = LiftKillSwitch(**_named(query))
    scope_of(command)  # what cannot be named is not proposed either
    return await by_two(gate, call, command, partial(_shown, gate))


async def switches(gate: Gate, _call: Call) -> SwitchesAnswer:
    """List the switches that are engaged."""
    found = await gate.bus.request(GetKillSwitches(at_least=gate.own_writes.at_least(NOBODY)))
    return SwitchesAnswer(found.sequence, [shown(EngagedAnswer, one) for one in found.items], found.complete)


def _named(body: KillQuery) -> dict[str, Any]:
    """Return whose switch it is. The scope risk reaches every account: that is what a risk officer is for."""
    account = named_account(body.account_id, "account_id")
    return {"account": account, "firm": body.firm or 0, "session": body.session or 0, "symbol": body.symbol or ""}


def _shown(gate: Gate, switch: KillSwitch) -> KillAnswer:
    fields = msgspec.structs.asdict(switch)
    for account in (NOBODY, *fields.pop("accounts")):
        gate.own_writes.wrote(account, switch.sequence)
    return KillAnswer(**fields)

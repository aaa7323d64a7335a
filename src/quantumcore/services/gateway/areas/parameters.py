"""What a risk officer sets for the figures: volatilities, correlations, sectors, margin profiles and floors, each with a reason."""

from quantumcore.contracts.risk_parameters import (
    Correlation,
    GetParameters,
    SetCorrelations,
    SetMarginFloor,
    SetMarginProfile,
    SetSector,
    SetVolatility,
)
from quantumcore.services.gateway import risk_answers
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.risk_answers import ParameterAnswer, ParametersAnswer
from quantumcore.services.gateway.risk_bodies import (
    CorrelationsBody,
    FloorBody,
    ParametersQuery,
    ProfileBody,
    SectorBody,
    VolatilityBody,
)


async def volatility(gate: Gate, call: Call, body: VolatilityBody) -> ParameterAnswer:
    """Set the volatility of a symbol's day."""
    command = SetVolatility(symbol=symbol_of(call), volatility=body.volatility, who=_who(call), reason=body.reason)
    return risk_answers.parameter(await gate.bus.request(command))


async def floor(gate: Gate, call: Call, body: FloorBody) -> ParameterAnswer:
    """Set the least margin requirement of a symbol."""
    command = SetMarginFloor(symbol=symbol_of(call), floor=body.floor, who=_who(call), reason=body.reason)
    return risk_answers.parameter(await gate.bus.request(command))


async def sector(gate: Gate, call: Call, body: SectorBody) -> ParameterAnswer:
    """Put a symbol into a sector."""
    command = SetSector(symbol=symbol_of(call), sector=body.sector, who=_who(call), reason=body.reason)
    return risk_answers.parameter(await gate.bus.request(command))


async def profile(gate: Gate, call: Call, body: ProfileBody) -> ParameterAnswer:
    """Say how the margin of an account counts."""
    account = account_number(call.params["account"], "account_id")
    command = SetMarginProfile(account=account, profile=body.profile, who=_who(call), reason=body.reason)
    return risk_answers.parameter(await gate.bus.request(command))


async def correlations(gate: Gate, call: Call, body: CorrelationsBody) -> ParameterAnswer:
    """Set all correlations anew, whole or not at all."""
    command = SetCorrelations(
        pairs=[Correlation(first=one.first, second=one.second, value=one.value) for one in body.pairs],
        repair=body.repair,
        who=_who(call),
        reason=body.reason,
    )
    return risk_answers.parameter(await gate.bus.request(command))


async def listing(gate: Gate, _call: Call, query: ParametersQuery) -> ParametersAnswer:
    """List what was set, by whom and why, newest first."""
    question = GetParameters(kind=query.kind, subject=query.subject, limit=query.limit, cursor=query.cursor)
    return risk_answers.parameters(await gate.bus.request(question))


def _who(call: Call) -> str:
    return call.caller.identity.user_id

"""What a risk officer sets for the figures: volatilities, correlations, sectors, margin profiles, floors, charges and spreads, each with a reason."""

import msgspec

from quantumcore.contracts.risk_parameters import (
    Correlation,
    GetParameters,
    SetCharges,
    SetCorrelations,
    SetMarginFloor,
    SetMarginProfile,
    SetSector,
    SetSpreads,
    SetVolatility,
    SpreadCredit,
    UnderlyingCharges,
)
from quantumcore.services.gateway import risk_answers
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.risk_answers import ParameterAnswer, ParametersAnswer
from quantumcore.services.gateway.risk_bodies import (
    ChargesBody,
    CorrelationsBody,
    FloorBody,
    ParametersQuery,
    ProfileBody,
    SectorBody,
    SpreadsBody,
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


async def charges(gate: Gate, call: Call, body: ChargesBody) -> ParameterAnswer:
    """Set what scenarios charge on an underlying, whole."""
    given = UnderlyingCharges(**{name: getattr(body, name) for name in UnderlyingCharges.__struct_fields__})
    command = SetCharges(symbol=symbol_of(call), charges=given, who=_who(call), reason=body.reason)
    return risk_answers.parameter(await gate.bus.request(command))


async def spreads(gate: Gate, call: Call, body: SpreadsBody) -> ParameterAnswer:
    """Set all spreads between underlyings anew, whole or not at all."""
    given = [SpreadCredit(**msgspec.structs.asdict(one)) for one in body.spreads]
    command = SetSpreads(spreads=given, who=_who(call), reason=body.reason)
    return risk_answers.parameter(await gate.bus.request(command))


async def listing(gate: Gate, _call: Call, query: ParametersQuery) -> ParametersAnswer:
    """List what was set, by whom and why, newest first."""
    question = GetParameters(kind=query.kind, subject=query.subject, limit=query.limit, cursor=query.cursor)
    return risk_answers.parameters(await gate.bus.request(question))


def _who(call: Call) -> str:
    return call.caller.identity.user_id

"""What accounts could lose, and how much of what they may do they use. A risk officer sees every account."""

from msgspec import structs

from quantumcore.contracts.risk import (
    GetGreeks,
    GetRiskMetrics,
    GetStress,
    GetVar,
    OptionAnswers,
    OptionInput,
    Scenario,
)
from quantumcore.contracts.risk_limits import GetLimits, Limits
from quantumcore.contracts.values import AccountId
from quantumcore.services.gateway import risk_answers
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.risk_answers import RiskAnswer, StressAnswer, VarAnswer
from quantumcore.services.gateway.risk_bodies import GreeksBody, LimitsQuery, StressBody, VarQuery

COMPUTED_S = 12.0  # a little longer than the room lets a computation take


async def metrics(gate: Gate, call: Call) -> RiskAnswer:
    """Tell what an account could lose, at one sequence, with the age of every price."""
    account = _account(call, call.params["id"])
    at_least = gate.own_writes.at_least(account)
    question = GetRiskMetrics(account=account, at_least=at_least, request_id=call.request_id)
    return risk_answers.risk(await gate.bus.request(question))


async def var(gate: Gate, call: Call, query: VarQuery) -> VarAnswer:
    """Tell what an account loses on a day at most: by formula, by history, or by simulation."""
    account = _account(call, call.params["id"])
    question = GetVar(
        account=account,
        method=query.method,
        confidence=query.confidence,
        exact=query.exact,
        window=query.window,
        paths=query.paths,
        seed=query.seed,
        freedom=query.freedom,
        losses=query.losses,
        at_least=gate.own_writes.at_least(account),
        request_id=call.request_id,
    )
    return risk_answers.var(await gate.bus.request(question, deadline_s=COMPUTED_S))


async def stress(gate: Gate, call: Call, body: StressBody) -> StressAnswer:
    """Tell what scenarios make of an account: those that are given, else the standard ones and named days."""
    account = _account(call, body.account_id)
    question = GetStress(
        account=account,
        scenarios=[
            Scenario(
                name=one.name,
                prices=dict(one.prices),
                volatility=one.volatility,
                rate=one.rate,
                spread=one.spread,
            )
            for one in body.scenarios
        ],
        at_least=gate.own_writes.at_least(account),
        request_id=call.request_id,
    )
    return risk_answers.stress(await gate.bus.request(question, deadline_s=COMPUTED_S))


async def greeks(gate: Gate, call: Call, body: GreeksBody) -> OptionAnswers:
    """Tell what options are worth and how they move, each by itself."""
    contracts = [OptionInput(**structs.asdict(one)) for one in body.contracts]
    question = GetGreeks(contracts=contracts, days_per_year=body.days_per_year, request_id=call.request_id)
    return await gate.bus.request(question, deadline_s=COMPUTED_S)


async def limits(gate: Gate, call: Call, query: LimitsQuery) -> Limits:
    """Show what an account may do, and how much of it it does."""
    account = _account(call, call.params["account"])
    at_least = gate.own_writes.at_least(account)
    question = GetLimits(account=account, symbol=query.symbol or "", at_least=at_least, request_id=call.request_id)
    return await gate.bus.request(question)


def _account(call: Call, text: str | None) -> AccountId:
    """Return the account that is asked about: any, of who has the scope risk; else one of the caller's."""
    if text is not None and "risk" in call.caller.identity.scopes:
        return account_number(text, "account_id")
    return call.caller.account(text)

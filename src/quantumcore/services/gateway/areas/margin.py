"""Margin of the engine: what a risk officer sets (by two persons where the venue asks for two), assessments, and what liquidations did."""

from msgspec import structs

from quantumcore.contracts.risk_margin import (
    AccountMargin,
    AssessAccount,
    GetLiquidations,
    GetMarginChanges,
    LotGreeks,
    LotModel,
    MarginChange,
    MarginSetting,
    MarginTerms,
    RiskArray,
    RiskDay,
    RiskLimits,
    SetMargin,
)
from quantumcore.services.gateway import margin_answers, setting_answers
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.codec import instant
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number, named_account
from quantumcore.services.gateway.margin_answers import LiquidationsAnswer, MarginStandingAnswer
from quantumcore.services.gateway.margin_bodies import (
    AccountMarginBody,
    AssessmentBody,
    LotGreeksBody,
    LotModelBody,
    MarginChangesQuery,
    MarginTermsBody,
    RiskArrayBody,
    RiskDayBody,
    RiskLimitsBody,
)
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.risk_bodies import ChangesQuery
from quantumcore.services.gateway.routing import Answer
from quantumcore.services.gateway.setting_answers import SettingChangeAnswer, SettingChangesAnswer


async def terms(gate: Gate, call: Call, body: MarginTermsBody) -> SettingChangeAnswer | Answer:
    """Set what a position in a symbol needs."""
    fields = structs.asdict(body)
    reason = fields.pop("reason")
    return await _set(gate, call, MarginTerms(symbol=symbol_of(call), **fields), reason)


async def array(gate: Gate, call: Call, body: RiskArrayBody) -> SettingChangeAnswer | Answer:
    """Set what one lot of a symbol loses in each scenario, or by what the room makes that."""
    what = RiskArray(
        symbol=symbol_of(call),
        losses=body.losses,
        model=_model(body.model),
        short_minimum=body.short_minimum,
    )
    return await _set(gate, call, what, body.reason)


async def greeks(gate: Gate, call: Call, body: LotGreeksBody) -> SettingChangeAnswer | Answer:
    """Set what one lot of a symbol adds to delta, gamma and vega, or by what the room makes that."""
    numbers = {"delta": body.delta, "gamma": body.gamma, "vega": body.vega}
    what = LotGreeks(symbol=symbol_of(call), model=_model(body.model), **numbers)
    return await _set(gate, call, what, body.reason)


async def account(gate: Gate, call: Call, body: AccountMarginBody) -> SettingChangeAnswer | Answer:
    """Say how an account is margined in a currency."""
    what = AccountMargin(account=_account(call), currency=call.params["currency"], profile=body.profile)
    return await _set(gate, call, what, body.reason)


async def venue_limits(gate: Gate, call: Call, body: RiskLimitsBody) -> SettingChangeAnswer | Answer:
    """Set what every account may risk in a currency."""
    return await _set(gate, call, _limits(call, body, 0), body.reason)


async def account_limits(gate: Gate, call: Call, body: RiskLimitsBody) -> SettingChangeAnswer | Answer:
    """Set what one account may risk in a currency."""
    return await _set(gate, call, _limits(call, body, _account(call)), body.reason)


async def open_day(gate: Gate, call: Call, body: RiskDayBody) -> SettingChangeAnswer | Answer:
    """Let the day of an account in a currency begin, anew if one is open."""
    number = account_number(body.account_id, "account_id")
    return await _set(gate, call, RiskDay(account=number, currency=body.currency), body.reason)


async def assess(gate: Gate, _call: Call, body: AssessmentBody) -> MarginStandingAnswer:
    """Look at an account in a currency now, and do what its state asks for: from the rung cancel on, opening orders are cancelled."""
    number = account_number(body.account_id, "account_id")
    found = await gate.bus.request(AssessAccount(account=number, currency=body.currency))
    gate.own_writes.wrote(number, found.sequence)
    return margin_answers.standing(found)


async def changes(gate: Gate, _call: Call, query: MarginChangesQuery) -> SettingChangesAnswer:
    """List what was set of margin, by whom and why, and what became of it; newest first."""
    question = GetMarginChanges(subject=query.subject, limit=query.limit, cursor=query.cursor)
    page = await gate.bus.request(question)
    return SettingChangesAnswer([setting_answers.change(one) for one in page.items], page.next_cursor)


async def liquidations(gate: Gate, _call: Call, query: ChangesQuery) -> LiquidationsAnswer:
    """List the steps of liquidations with the numbers that caused them; newest first."""
    number = named_account(query.account_id, "account_id")
    page = await gate.bus.request(GetLiquidations(account=number, limit=query.limit, cursor=query.cursor))
    return LiquidationsAnswer([margin_answers.liquidation(one) for one in page.items], page.next_cursor)


async def _set(gate: Gate, call: Call, what: MarginSetting, reason: str) -> SettingChangeAnswer | Answer:
    def shown(made: MarginChange) -> SettingChangeAnswer:
        if isinstance(what, AccountMargin | RiskLimits | RiskDay) and what.account:
            gate.own_writes.wrote(what.account, made.sequence)
        return setting_answers.change(made)

    request = SetMargin(what=what, who=call.caller.identity.user_id, reason=reason)
    return await by_two(gate, call, request, shown)


def _limits(call: Call, body: RiskLimitsBody, number: int) -> RiskLimits:
    fields = structs.asdict(body)
    del fields["reason"]
    return RiskLimits(account=number, currency=call.params["currency"], **fields)


def _account(call: Call) -> int:
    return account_number(call.params["account"], "account_id")


def _model(body: LotModelBody | None) -> LotModel | None:
    if body is None:
        return None
    fields = structs.asdict(body)
    expires = fields.pop("expires")
    return LotModel(**fields, expires_ns=0 if expires is None else instant(expires, "model.expires"))

"""Guards of the engine: what a risk officer sets (by two persons where the venue asks for two), what stands, who is paused and who resumes him."""

from msgspec import structs

from quantumcore.contracts.risk_guards import (
    Entitlements,
    GetGuardChanges,
    GetGuards,
    GetPauses,
    GuardChange,
    GuardSetting,
    InstrumentClass,
    Locate,
    Patterns,
    Protection,
    Restriction,
    Resume,
    SetGuard,
    Throttle,
)
from quantumcore.services.gateway import guard_answers, setting_answers
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.areas.reference import NOBODY
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.guard_answers import GuardsAnswer, PausesAnswer
from quantumcore.services.gateway.guard_bodies import (
    EntitlementsBody,
    GuardChangesQuery,
    GuardsQuery,
    InstrumentClassBody,
    LocateBody,
    PatternsBody,
    PausesQuery,
    ProtectionBody,
    RestrictionBody,
    ResumeBody,
    ThrottleBody,
)
from quantumcore.services.gateway.identity import account_number, named_account
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer
from quantumcore.services.gateway.setting_answers import SettingChangeAnswer, SettingChangesAnswer


async def instrument_class(gate: Gate, call: Call, body: InstrumentClassBody) -> SettingChangeAnswer | Answer:
    """Say what a symbol is: its underlying and product, what its short sales need, and how old a reference from outside may be."""
    what = InstrumentClass(
        symbol=symbol_of(call),
        underlying=body.underlying or "",
        product=body.product,
        needs_locate=body.needs_locate,
        price_test=body.price_test,
        outside_s=body.outside_s,
    )
    return await _set(gate, call, what, body.reason)


async def entitlements(gate: Gate, call: Call, body: EntitlementsBody) -> SettingChangeAnswer | Answer:
    """Say which products an account may trade, and whether it may trade at all."""
    what = Entitlements(account=_account(call), products=body.products, enabled=body.enabled)
    return await _set(gate, call, what, body.reason)


async def restriction(gate: Gate, call: Call, body: RestrictionBody) -> SettingChangeAnswer | Answer:
    """Put a symbol on the list of the venue, an account or a group, or take it off: who is meant may not trade it."""
    what = Restriction(
        symbol=symbol_of(call),
        account=named_account(body.account_id, "account_id"),
        group=body.group or 0,
        restricted=body.restricted,
    )
    return await _set(gate, call, what, body.reason)


async def locate(gate: Gate, call: Call, body: LocateBody) -> SettingChangeAnswer | Answer:
    """Say how much of a symbol an account may be short of, where short sales need a locate."""
    what = Locate(account=_account(call), symbol=symbol_of(call), quantity=body.quantity)
    return await _set(gate, call, what, body.reason)


async def throttle(gate: Gate, call: Call, body: ThrottleBody) -> SettingChangeAnswer | Answer:
    """Say how often orders (new), replacements (replace), cancels (cancel) or mass cancels (mass_cancel) may come."""
    what = Throttle(
        command=call.params["command"],
        account=named_account(body.account_id, "account_id"),
        session=body.session or 0,
        rate=body.rate,
        burst=body.burst,
    )
    return await _set(gate, call, what, body.reason)


async def patterns(gate: Gate, call: Call, body: PatternsBody) -> SettingChangeAnswer | Answer:
    """Say what is looked at of an account over time: orders for its trades, trades in a row, the same order again."""
    fields = structs.asdict(body)
    reason = fields.pop("reason")
    return await _set(gate, call, Patterns(account=_account(call), **fields), reason)


async def protection(gate: Gate, call: Call, body: ProtectionBody) -> SettingChangeAnswer | Answer:
    """Say how much an account may trade in an underlying in a time before it is frozen there."""
    fields = structs.asdict(body)
    reason = fields.pop("reason")
    return await _set(
        gate, call, Protection(account=_account(call), underlying=call.params["underlying"], **fields), reason
    )


async def resume(gate: Gate, call: Call, body: ResumeBody) -> SettingChangeAnswer | Answer:
    """Lift a pause that stands; its count begins anew."""
    what = Resume(
        account=named_account(body.account_id, "account_id"),
        cause=body.cause,
        underlying=body.underlying or "",
        pause=body.pause,
    )
    return await _set(gate, call, what, body.reason)


async def classes(gate: Gate, _call: Call, query: GuardsQuery) -> GuardsAnswer:
    """List what symbols are, of those that are anything."""
    return await _records(gate, query, "class")


async def all_entitlements(gate: Gate, _call: Call, query: GuardsQuery) -> GuardsAnswer:
    """List which products accounts may trade, of those that may not trade everything."""
    return await _records(gate, query, "entitlements")


async def restrictions(gate: Gate, _call: Call, query: GuardsQuery) -> GuardsAnswer:
    """List what is on the lists of the venue, of accounts and of groups."""
    return await _records(gate, query, "restriction")


async def locates(gate: Gate, _call: Call, query: GuardsQuery) -> GuardsAnswer:
    """List how much accounts may be short of."""
    return await _records(gate, query, "locate")


async def throttles(gate: Gate, _call: Call, query: GuardsQuery) -> GuardsAnswer:
    """List how often what may come, of the venue, of sessions and of accounts."""
    return await _records(gate, query, "throttle")


async def all_patterns(gate: Gate, _call: Call, query: GuardsQuery) -> GuardsAnswer:
    """List what is looked at of accounts over time."""
    return await _records(gate, query, "patterns")


async def protections(gate: Gate, _call: Call, query: GuardsQuery) -> GuardsAnswer:
    """List the protections of accounts in underlyings."""
    return await _records(gate, query, "protection")


async def pauses(gate: Gate, _call: Call, query: PausesQuery) -> PausesAnswer:
    """List who is paused or frozen now, and until when."""
    question = GetPauses(
        account=named_account(query.account_id, "account_id"),
        limit=query.limit,
        cursor=query.cursor,
        at_least=gate.own_writes.at_least(NOBODY),
    )
    return guard_answers.pauses(await gate.bus.request(question))


async def changes(gate: Gate, _call: Call, query: GuardChangesQuery) -> SettingChangesAnswer:
    """List what was set of guards and resumed, by whom and why, and what became of it; newest first."""
    question = GetGuardChanges(subject=query.subject, limit=query.limit, cursor=query.cursor)
    page = await gate.bus.request(question)
    return SettingChangesAnswer([setting_answers.change(one) for one in page.items], page.next_cursor)


async def _set(gate: Gate, call: Call, what: GuardSetting, reason: str) -> SettingChangeAnswer | Answer:
    def shown(made: GuardChange) -> SettingChangeAnswer:
        gate.own_writes.wrote(NOBODY, made.sequence)
        return setting_answers.change(made)

    request = SetGuard(what=what, who=call.caller.identity.user_id, reason=reason)
    return await by_two(gate, call, request, shown)


async def _records(gate: Gate, query: GuardsQuery, kind: str) -> GuardsAnswer:
    question = GetGuards(
        kind=kind,
        account=named_account(query.account_id, "account_id"),
        symbol=query.symbol or "",
        limit=query.limit,
        cursor=query.cursor,
        at_least=gate.own_writes.at_least(NOBODY),
    )
    return guard_answers.guards(await gate.bus.request(question))


def _account(call: Call) -> int:
    return account_number(call.params["account"], "account_id")

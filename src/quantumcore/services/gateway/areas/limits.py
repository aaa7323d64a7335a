"""Limits of accounts: a record is replaced whole, with a reason, until an expiry if one is given; by two persons where the venue asks for two."""

from quantumcore.contracts.risk_limits import GetLimitChanges, SetAccountLimits
from quantumcore.services.gateway import risk_answers
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.codec import instant
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.risk_answers import LimitChangeAnswer, LimitChangesAnswer
from quantumcore.services.gateway.risk_bodies import AccountLimitsBody, ChangesQuery, SymbolLimitsBody
from quantumcore.services.gateway.routing import Answer


async def of_account(gate: Gate, call: Call, body: AccountLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what an account may, whatever it trades; what is left out is not limited by its own record any more."""
    request = SetAccountLimits(
        account=account_number(call.params["account"], "account_id"),
        currency=body.currency or "",
        max_open_orders=body.max_open_orders,
        max_open_each=body.max_open_each,
        max_order_value=body.max_order_value,
        max_open_value=body.max_open_value,
        who=call.caller.identity.user_id,
        reason=body.reason,
        expires_ns=_expiry(body.expires),
    )
    return await by_two(gate, call, request, risk_answers.limit_change)


async def of_symbol(gate: Gate, call: Call, body: SymbolLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what an account may in one symbol; values are in its quote."""
    request = SetAccountLimits(
        account=account_number(call.params["account"], "account_id"),
        symbol=symbol_of(call),
        max_open_each=body.max_open_each,
        max_order_quantity=body.max_order_quantity,
        max_long=body.max_long,
        max_short=body.max_short,
        max_order_value=body.max_order_value,
        max_open_value=body.max_open_value,
        who=call.caller.identity.user_id,
        reason=body.reason,
        expires_ns=_expiry(body.expires),
    )
    return await by_two(gate, call, request, risk_answers.limit_change)


async def changes(gate: Gate, _call: Call, query: ChangesQuery) -> LimitChangesAnswer:
    """List what was set of limits, by whom and why, and what became of it; newest first."""
    account = 0 if query.account_id is None else account_number(query.account_id, "account_id")
    page = await gate.bus.request(GetLimitChanges(account=account, limit=query.limit, cursor=query.cursor))
    return LimitChangesAnswer([risk_answers.limit_change(one) for one in page.items], page.next_cursor)


def _expiry(text: str | None) -> int:
    return 0 if text is None else instant(text, "expires")

"""Limits of every level: a record is replaced whole, with a reason, until an expiry if one is given; by two persons where the venue asks for two."""

from typing import Any

import msgspec

from quantumcore.contracts.levels import MAX_NUMBER
from quantumcore.contracts.risk_limits import GetLevelLimits, GetLimitChanges, LevelLimits, SetLimits
from quantumcore.services.gateway import risk_answers
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.codec import instant
from quantumcore.services.gateway.errors import require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number, named_account
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.risk_answers import LimitChangeAnswer, LimitChangesAnswer
from quantumcore.services.gateway.risk_bodies import (
    AccountLimitsBody,
    ChangesQuery,
    FirmLimitsBody,
    GroupLimitsBody,
    LimitsBody,
    SymbolLimitsBody,
    VenueLimitsBody,
)
from quantumcore.services.gateway.routing import Answer

SIGNED = ("reason", "expires")


async def of_account(gate: Gate, call: Call, body: AccountLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what an account may, whatever it trades; what is left out is not limited by its own record any more."""
    return await _set(gate, call, body, account=_account(call))


async def of_symbol(gate: Gate, call: Call, body: SymbolLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what an account may in one symbol; values are in its quote."""
    return await _set(gate, call, body, account=_account(call), symbol=symbol_of(call))


async def of_venue(gate: Gate, call: Call, body: VenueLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what every account may that has no tighter limit."""
    return await _set(gate, call, body)


async def of_firm(gate: Gate, call: Call, body: FirmLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what all accounts of a firm may together, in one currency."""
    return await _set(gate, call, body, firm=_number(call, "firm"))


async def of_group(gate: Gate, call: Call, body: GroupLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what all accounts of a group may together, in each instrument."""
    return await _set(gate, call, body, group=_number(call, "group"))


async def of_instrument(gate: Gate, call: Call, body: SymbolLimitsBody) -> LimitChangeAnswer | Answer:
    """Set what each account may in one symbol; values are in its quote."""
    return await _set(gate, call, body, symbol=symbol_of(call))


async def venue(gate: Gate, _call: Call) -> LevelLimits:
    """Show what stands of the venue."""
    return await gate.bus.request(GetLevelLimits())


async def firm(gate: Gate, call: Call) -> LevelLimits:
    """Show what stands of a firm."""
    return await gate.bus.request(GetLevelLimits(firm=_number(call, "firm")))


async def group(gate: Gate, call: Call) -> LevelLimits:
    """Show what stands of a group."""
    return await gate.bus.request(GetLevelLimits(group=_number(call, "group")))


async def instrument(gate: Gate, call: Call) -> LevelLimits:
    """Show what stands of an instrument."""
    return await gate.bus.request(GetLevelLimits(symbol=symbol_of(call)))


async def changes(gate: Gate, _call: Call, query: ChangesQuery) -> LimitChangesAnswer:
    """List what was set of limits, by whom and why, and what became of it; newest first."""
    account = named_account(query.account_id, "account_id")
    page = await gate.bus.request(GetLimitChanges(account=account, limit=query.limit, cursor=query.cursor))
    return LimitChangesAnswer([risk_answers.limit_change(one) for one in page.items], page.next_cursor)


async def _set(gate: Gate, call: Call, body: LimitsBody, **level: Any) -> LimitChangeAnswer | Answer:
    given = {
        name: value for name, value in msgspec.structs.asdict(body).items() if name not in SIGNED and value is not None
    }
    request = SetLimits(
        **level,
        **given,
        who=call.caller.identity.user_id,
        reason=body.reason,
        expires_ns=0 if body.expires is None else instant(body.expires, "expires"),
    )
    return await by_two(gate, call, request, risk_answers.limit_change)


def _account(call: Call) -> int:
    return account_number(call.params["account"], "account_id")


def _number(call: Call, name: str) -> int:
    """Return the firm or the group that the path names.

    Raises:
        InvalidCommand: It is no number of 32 bits over 0.
    """
    text = call.params[name]
    fits = text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MAX_NUMBER
    require(fits, name, f"{name} is a number from 1 to {MAX_NUMBER}", actual=text)
    return int(text)

"""Positions: what an account holds, what happened to it, its lots and how they are counted."""

from quantumcore.contracts.positions import (
    GetLots,
    GetPositionEvents,
    GetPositions,
    LotMethod,
    Positions,
    SetLotMethod,
)
from quantumcore.services.gateway import position_answers
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.money_bodies import LotMethodBody, PositionEventsQuery
from quantumcore.services.gateway.position_answers import LotsAnswer, PositionEventsAnswer
from quantumcore.services.gateway.request import Call


async def listing(gate: Gate, call: Call) -> Positions:
    """Show every position of the account, flat ones too, valued at the last mark or trade."""
    account = call.caller.account(call.params["id"])
    return await gate.bus.request(GetPositions(account=account, at_least=gate.own_writes.at_least(account)))


async def events(gate: Gate, call: Call, query: PositionEventsQuery) -> PositionEventsAnswer:
    """List what happened to one position, with the marks of its instrument since it was first opened."""
    account = call.caller.account(call.params["id"])
    page = await gate.bus.request(
        GetPositionEvents(
            account=account,
            symbol=call.params["symbol"],
            limit=query.limit,
            cursor=query.cursor,
            ascending=query.order == "asc",
            at_least=gate.own_writes.at_least(account),
        )
    )
    items = [position_answers.event(one) for one in page.items]
    return PositionEventsAnswer(items, page.next_cursor, page.sequence)


async def lots(gate: Gate, call: Call) -> LotsAnswer:
    """Show the open lots of one position."""
    account = call.caller.account(call.params["id"])
    found = await gate.bus.request(
        GetLots(account=account, symbol=call.params["symbol"], at_least=gate.own_writes.at_least(account))
    )
    shown = [position_answers.lot(one) for one in found.lots]
    return LotsAnswer(found.account_id, found.symbol, found.sequence, shown)


async def set_method(gate: Gate, call: Call, body: LotMethodBody) -> LotMethod:
    """Choose which lots a closing trade takes; it changes only while the position is flat."""
    account = call.caller.account(call.params["id"])
    return await gate.bus.request(
        SetLotMethod(
            account=account,
            symbol=call.params["symbol"],
            method=body.method,
            wash_sales=body.wash_sales,
            chosen=body.chosen,
        )
    )

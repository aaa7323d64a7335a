"""Accounts: open one more, balances, holds, fills, ledger entries; each with the sequence it has reached."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

import msgspec

from quantumcore.contracts.auth import NewAccount
from quantumcore.contracts.ledger import Balances, GetBalances, GetEntries, GetHolds
from quantumcore.contracts.order_queries import GetFills
from quantumcore.services.gateway import answers, money_answers
from quantumcore.services.gateway.answers import FillPageAnswer
from quantumcore.services.gateway.bodies import FillsQuery
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.money_answers import EntryPageAnswer, HoldsAnswer
from quantumcore.services.gateway.money_bodies import EntriesQuery
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer


class AccountAnswer(msgspec.Struct, frozen=True):
    """One account of the caller."""

    account_id: str


class AccountsAnswer(msgspec.Struct, frozen=True):
    """The accounts that the caller may act on."""

    items: list[AccountAnswer]
    next_cursor: str | None


async def listing(gate: Gate, call: Call) -> AccountsAnswer:
    """List the accounts granted to the caller."""
    return AccountsAnswer([AccountAnswer(str(account)) for account in call.caller.identity.accounts], None)


async def create(gate: Gate, call: Call) -> Answer:
    """Open one more account for the caller; answered once the engine knows it."""
    call.caller.need_session()
    user_id = call.caller.identity.user_id
    made = await gate.bus.request(NewAccount(user_id=user_id))
    gate.identities.forget_user(user_id)
    return Answer(AccountAnswer(made.account_id), 201)


async def balances(gate: Gate, call: Call) -> Balances:
    """Show total, held and available per currency."""
    account = call.caller.account(call.params["id"])
    return await gate.bus.request(GetBalances(account=account, at_least=gate.own_writes.at_least(account)))


async def holds(gate: Gate, call: Call) -> HoldsAnswer:
    """Show what working orders reserve and what clients have set aside, oldest first."""
    account = call.caller.account(call.params["id"])
    found = await gate.bus.request(GetHolds(account=account, at_least=gate.own_writes.at_least(account)))
    return money_answers.holds(found)


async def fills(gate: Gate, call: Call, query: FillsQuery) -> FillPageAnswer:
    """List the account's fills."""
    account = call.caller.account(call.params["id"])
    page = await gate.bus.request(
        GetFills(
            account=account,
            symbol=query.symbol or "",
            limit=query.limit,
            cursor=query.cursor,
            ascending=query.order == "asc",
            at_least=gate.own_writes.at_least(account),
        )
    )
    return FillPageAnswer([answers.account_fill(one) for one in page.items], page.next_cursor, page.sequence)


async def entries(gate: Gate, call: Call, query: EntriesQuery) -> EntryPageAnswer:
    """List the account's ledger entries."""
    account = call.caller.account(call.params["id"])
    page = await gate.bus.request(
        GetEntries(
            account=account,
            currency=query.currency or "",
            limit=query.limit,
            cursor=query.cursor,
            ascending=query.order == "asc",
            at_least=gate.own_writes.at_least(account),
        )
    )
    return EntryPageAnswer([money_answers.entry(one) for one in page.items], page.next_cursor, page.sequence)

"""What operators do to the books by hand: transactions, reversals, whether an account is open, and its credit."""

from functools import partial
from typing import TypeVar

import msgspec

from quantumcore.contracts.ledger import (
    AccountState,
    CreditLimit,
    GetTransaction,
    RecordTransaction,
    ReverseTransaction,
    SetAccountState,
    SetCreditLimit,
    SignedEntry,
    TransactionLeg,
    TransactionView,
)
from quantumcore.contracts.ledger_periods import ClosePeriod, GetPeriods, PeriodView
from quantumcore.contracts.values import check_client_id
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.codec import rfc3339, shown
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number, named_account
from quantumcore.services.gateway.money_bodies import (
    AccountStateBody,
    CreditBody,
    EntryBody,
    PeriodBody,
    PeriodsQuery,
    ReversalBody,
    TransactionBody,
)
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer

Terms = TypeVar("Terms", AccountState, CreditLimit)
CLOSING_S = 10.0  # it waits for what is on its way into the period


class TransactionAnswer(msgspec.Struct, frozen=True):
    """A posted transaction."""

    transaction_id: str
    status: str
    sequence: int
    code: int
    effective_date: str | None
    user_data: str
    text: str
    reverses: str | None
    legs: list[TransactionLeg]
    time: str
    corrects: str | None


class PeriodAnswer(msgspec.Struct, frozen=True):
    """Days into which nothing is posted any more; closing: the engine has not answered yet."""

    period: str
    begin: str | None
    end: str
    status: str
    sequence: int | None
    time: str | None


class PeriodsAnswer(msgspec.Struct, frozen=True):
    """Closed periods, newest first."""

    items: list[PeriodAnswer]


async def record(gate: Gate, call: Call, body: TransactionBody) -> TransactionAnswer | Answer:
    """Post signed entries, all or none; the same id and body answers the same again."""
    request = RecordTransaction(
        transaction_id=check_client_id(body.transaction_id, "transaction_id"),
        entries=[_entry(one, at) for at, one in enumerate(body.entries)],
        code=body.code,
        effective_date=body.effective_date or "",
        user_data=body.user_data or "",
        text=body.text,
        corrects=body.corrects or "",
        two_persons=body.two_persons,
    )
    return await by_two(gate, call, request, partial(posted, gate))


async def reverse(gate: Gate, call: Call, body: ReversalBody) -> TransactionAnswer | Answer:
    """Post the mirror of a transaction; one that is reversed already answers its first reversal."""
    request = ReverseTransaction(
        transaction_id=check_client_id(call.params["id"], "transaction_id"),
        reversal_id=check_client_id(body.reversal_id, "reversal_id") if body.reversal_id is not None else "",
        code=body.code,
        text=body.text,
        two_persons=body.two_persons,
    )
    return await by_two(gate, call, request, partial(posted, gate))


async def get(gate: Gate, call: Call) -> TransactionAnswer:
    """Look a transaction up by its id."""
    name = check_client_id(call.params["id"], "transaction_id")
    return posted(gate, await gate.bus.request(GetTransaction(transaction_id=name)))


async def close_period(gate: Gate, call: Call, body: PeriodBody) -> PeriodAnswer | Answer:
    """Close all days up to the end of a month, or up to a day, for ever; the same again answers the same."""
    request = ClosePeriod(month=body.month or "", end=body.end or "")
    return await by_two(gate, call, request, _period, deadline_s=CLOSING_S)


async def periods(gate: Gate, _call: Call, query: PeriodsQuery) -> PeriodsAnswer:
    """List closed periods, newest first."""
    found = await gate.bus.request(GetPeriods(limit=query.limit))
    return PeriodsAnswer([_period(one) for one in found.items])


async def set_state(gate: Gate, call: Call, body: AccountStateBody) -> AccountState | Answer:
    """Open, freeze or close an account."""
    account = account_number(call.params["id"], "account_id")
    return await by_two(gate, call, SetAccountState(account=account, state=body.state), partial(_set, gate))


async def set_credit(gate: Gate, call: Call, body: CreditBody) -> CreditLimit | Answer:
    """Set the credit limit of a balance."""
    account = account_number(call.params["id"], "account_id")
    request = SetCreditLimit(account=account, currency=body.currency, limit=body.limit)
    return await by_two(gate, call, request, partial(_set, gate))


def _set(gate: Gate, done: Terms) -> Terms:
    gate.own_writes.wrote(int(done.account_id), done.sequence)
    return done


def _period(one: PeriodView) -> PeriodAnswer:
    told = (one.sequence, rfc3339(one.time_ns)) if one.sequence else (None, None)
    return PeriodAnswer(one.period, one.begin, one.end, one.state, *told)


def _entry(one: EntryBody, at: int) -> SignedEntry:
    account = named_account(one.account_id, f"entries[{at}].account_id")
    return SignedEntry(account=account, code=one.code, currency=one.currency, amount=one.amount)


def posted(gate: Gate, done: TransactionView) -> TransactionAnswer:
    """Return a posted transaction; whoever it moved money of reads it from now on."""
    for side in {side for leg in done.legs for side in (leg.debit, leg.credit)}:
        account, is_customer, _ = side.partition(":")
        if is_customer:
            gate.own_writes.wrote(int(account), done.sequence)
    return shown(TransactionAnswer, done)

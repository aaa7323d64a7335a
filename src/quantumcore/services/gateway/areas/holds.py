"""Holds by clients, as operators place, amend, capture and release them."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

from functools import partial

import msgspec

from quantumcore.contracts.ledger import ClientHoldView
from quantumcore.contracts.ledger_holds import AmendHold, CapturedHold, CaptureHold, PlaceHold, ReleaseHold, Taken
from quantumcore.contracts.values import check_client_id, parse_time
from quantumcore.services.gateway import money_answers
from quantumcore.services.gateway.areas.books import TransactionAnswer, posted
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number, named_account
from quantumcore.services.gateway.money_answers import ClientHoldAnswer
from quantumcore.services.gateway.money_bodies import (
    HoldAmendBody,
    HoldBody,
    HoldCaptureBody,
    HoldPartBody,
    HoldReleaseBody,
)
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer


class CaptureAnswer(msgspec.Struct, frozen=True):
    """The transaction that captured, and the hold afterwards."""

    transaction: TransactionAnswer
    hold: ClientHoldAnswer


async def place(gate: Gate, call: Call, body: HoldBody) -> ClientHoldAnswer:
    """Set an amount of an account aside; the same id and body answers the same again."""
    request = PlaceHold(
        account=account_number(body.account_id, "account_id"),
        hold_id=check_client_id(body.hold_id, "hold_id"),
        currency=body.currency,
        amount=body.amount,
        expires_ns=parse_time(body.expires_at, "expires_at") if body.expires_at is not None else 0,
    )
    return _changed(gate, await gate.bus.request(request))


async def amend(gate: Gate, call: Call, body: HoldAmendBody) -> ClientHoldAnswer:
    """Let another amount have been placed in all; twice is as good as once."""
    account, hold_id = _named(call, body.account_id)
    return _changed(gate, await gate.bus.request(AmendHold(account=account, hold_id=hold_id, amount=body.amount)))


async def release(gate: Gate, call: Call, body: HoldReleaseBody) -> ClientHoldAnswer:
    """Give a part of what is open back, or all of it."""
    account, hold_id = _named(call, body.account_id)
    request = ReleaseHold(account=account, hold_id=hold_id, amount=body.amount if body.amount is not None else "")
    return _changed(gate, await gate.bus.request(request))


async def capture(gate: Gate, call: Call, body: HoldCaptureBody) -> CaptureAnswer | Answer:
    """Take parts out of a hold as one transaction; the same id and body answers the same again."""
    account, hold_id = _named(call, body.account_id)
    request = CaptureHold(
        account=account,
        hold_id=hold_id,
        transaction_id=check_client_id(body.transaction_id, "transaction_id"),
        parts=[_part(one, at) for at, one in enumerate(body.parts)],
        code=body.code,
        effective_date=body.effective_date or "",
        user_data=body.user_data or "",
        text=body.text,
    )
    return await by_two(gate, call, request, partial(_captured, gate))


def _named(call: Call, account_id: str) -> tuple[int, str]:
    return account_number(account_id, "account_id"), check_client_id(call.params["id"], "hold_id")


def _part(one: HoldPartBody, at: int) -> Taken:
    account = named_account(one.account_id, f"parts[{at}].account_id")
    return Taken(account=account, code=one.code, amount=one.amount)


def _captured(gate: Gate, done: CapturedHold) -> CaptureAnswer:
    return CaptureAnswer(posted(gate, done.transaction), _changed(gate, done.hold))


def _changed(gate: Gate, done: ClientHoldView) -> ClientHoldAnswer:
    gate.own_writes.wrote(int(done.account_id), done.sequence)
    return money_answers.client_hold(done)

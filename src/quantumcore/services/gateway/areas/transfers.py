"""Transfers: deposits (admin), withdrawals, between accounts. The same transfer_id and body answers the same again."""

from quantumcore.contracts.ledger import GetTransfer, MakeTransfer
from quantumcore.contracts.values import Scaled, check_client_id
from quantumcore.services.gateway import money_answers
from quantumcore.services.gateway.bodies import AccountQuery
from quantumcore.services.gateway.errors import require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.money_answers import TransferAnswer
from quantumcore.services.gateway.money_bodies import TransferBody
from quantumcore.services.gateway.request import Call


async def create(gate: Gate, call: Call, body: TransferBody) -> TransferAnswer:
    """Move money into, out of, or between accounts."""
    check_client_id(body.transfer_id, "transfer_id")
    require(
        Scaled.parse(body.amount, "amount").mantissa > 0,
        "amount",
        "amount must be over 0",
        limit="0",
        actual=body.amount,
    )
    between = body.kind == "transfer"
    require(
        between == (body.to_account_id is not None),
        "to_account_id",
        "to_account_id goes with kind transfer, and only with it",
    )
    to_account = 0
    if body.to_account_id is not None:
        to_account = account_number(body.to_account_id, "to_account_id")
    if body.kind == "deposit":
        call.caller.need("admin")
    account = call.caller.account(body.account_id)
    done = await gate.bus.request(
        MakeTransfer(
            transfer_id=body.transfer_id,
            kind=body.kind,
            account=account,
            to_account=to_account,
            currency=body.currency,
            amount=body.amount,
        )
    )
    gate.own_writes.wrote(account, done.sequence)
    if to_account:
        gate.own_writes.wrote(to_account, done.sequence)
    return money_answers.transfer(done)


async def get(gate: Gate, call: Call, query: AccountQuery) -> TransferAnswer:
    """Look a transfer up by its id."""
    account = call.caller.account(query.account_id)
    transfer_id = check_client_id(call.params["id"], "transfer_id")
    at_least = gate.own_writes.at_least(account)
    return money_answers.transfer(
        await gate.bus.request(GetTransfer(account=account, transfer_id=transfer_id, at_least=at_least))
    )

"""Orders: submit, amend, cancel, look up. A refused order is an answer with status `rejected`, not an error."""

import binascii

from quantumcore.contracts.errors import QuantumCoreError, invalid
from quantumcore.contracts.orders import (
    AmendOrder,
    CancelOrder,
    ErrorView,
    GetAccountOrders,
    GetOrder,
    GetOrderEvents,
    MassCancel,
    MassCancelled,
    OrderView,
    SubmitBatch,
    SubmitOrder,
)
from quantumcore.contracts.values import AccountId, Scaled, check_client_id
from quantumcore.services.gateway import answers
from quantumcore.services.gateway.answers import BatchAnswer, BatchError, OrderAnswer, OrderPageAnswer, UpdatesAnswer
from quantumcore.services.gateway.bodies import (
    AccountQuery,
    AmendBody,
    BatchBody,
    MassCancelQuery,
    OrderBody,
    OrdersQuery,
)
from quantumcore.services.gateway.codec import Decoder
from quantumcore.services.gateway.errors import problem, problem_of_view, require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.idempotency import HEADER
from quantumcore.services.gateway.identity import Caller
from quantumcore.services.gateway.request import Call

BY_CLIENT_ID = "client:"
_one_of_batch: Decoder[OrderBody] = Decoder(OrderBody)


async def submit(gate: Gate, call: Call, body: OrderBody) -> OrderAnswer:
    """Submit an order. The same client_order_id and body again gives the first answer again."""
    command = command_of(gate, call.caller, body, keyed=HEADER in call.headers)
    call.charge(await gate.limits.orders(command.account))
    return _wrote(gate, command.account, await gate.bus.request(command))


async def submit_batch(gate: Gate, call: Call, body: BatchBody) -> BatchAnswer:
    """Submit up to 100 orders; each is answered by itself, in order."""
    msgpack = call.sent_msgpack()
    items: list[OrderAnswer | BatchError | None] = []
    commands: list[SubmitOrder] = []
    for raw in body.orders:
        try:
            body_of_one = _one_of_batch.decode(raw, msgpack=msgpack)
            commands.append(command_of(gate, call.caller, body_of_one, keyed=HEADER in call.headers))
            items.append(None)
        except QuantumCoreError as error:
            items.append(BatchError(None, problem(error, call.request_id)))
    for account in {command.account for command in commands}:
        call.charge(await gate.limits.orders(account, sum(1 for command in commands if command.account == account)))
    if commands:
        result = await gate.bus.request(SubmitBatch(orders=commands))
        done = iter(zip(commands, result.items, strict=True))
        items = [_batch_item(gate, call, *next(done)) if item is None else item for item in items]
    return BatchAnswer([item for item in items if item is not None])


async def amend(gate: Gate, call: Call, body: AmendBody) -> OrderAnswer:
    """Change total quantity or price as one act; less quantity at the same price keeps the priority."""
    account = call.caller.account(body.account_id)
    require(
        body.quantity is not None or body.price is not None, "quantity", "give a new quantity, a new price, or both"
    )
    _positive(body.quantity, "quantity")
    if body.price is not None:
        Scaled.parse(body.price, "price")
    call.charge(await gate.limits.orders(account))
    order_id, client_id = named(call.params["id"])
    command = AmendOrder(
        account=account, order_id=order_id, client_order_id=client_id, quantity=body.quantity, price=body.price
    )
    return _wrote(gate, account, await gate.bus.request(command))


async def cancel(gate: Gate, call: Call, query: AccountQuery) -> OrderAnswer:
    """Cancel an order; cancelling what is cancelled already succeeds."""
    account = call.caller.account(query.account_id)
    order_id, client_id = named(call.params["id"])
    command = CancelOrder(account=account, order_id=order_id, client_order_id=client_id)
    return _wrote(gate, account, await gate.bus.request(command))


async def mass_cancel(gate: Gate, call: Call, query: MassCancelQuery) -> MassCancelled:
    """Cancel the account's working orders that fit, and name them."""
    account = call.caller.account(query.account_id)
    command = MassCancel(account=account, symbol=query.symbol or "", side=query.side or "")
    done = await gate.bus.request(command)
    gate.own_writes.wrote(account, done.sequence)
    return done


async def get(gate: Gate, call: Call, query: AccountQuery) -> OrderAnswer:
    """Look an order up by its id, or by client:{client_order_id}."""
    return answers.order(await _find(gate, call, query))


async def listing(gate: Gate, call: Call, query: OrdersQuery) -> OrderPageAnswer:
    """List the account's orders, newest first unless asked."""
    account = call.caller.account(query.account_id)
    page = await gate.bus.request(
        GetAccountOrders(
            account=account,
            status=query.status,
            symbol=query.symbol or "",
            limit=query.limit,
            cursor=query.cursor,
            ascending=query.order == "asc",
            at_least=gate.own_writes.at_least(account),
        )
    )
    return OrderPageAnswer([answers.order(view) for view in page.items], page.next_cursor, page.sequence)


async def events(gate: Gate, call: Call, query: AccountQuery) -> UpdatesAnswer:
    """List every change of an order, oldest first."""
    view = await _find(gate, call, query)
    account = call.caller.account(query.account_id)
    history = await gate.bus.request(
        GetOrderEvents(account=account, order_id=view.order_id, at_least=gate.own_writes.at_least(account))
    )
    return UpdatesAnswer([answers.update(one) for one in history.items], history.reached)


def command_of(gate: Gate, caller: Caller, body: OrderBody, *, keyed: bool = False) -> SubmitOrder:
    """Return the command that `body` means; what the engine judges is left to it.

    Raises:
        InvalidCommand: The shape is wrong; the field is named. Or there is no client_order_id, while an Idempotency-Key
            (`keyed`) says that the sender believes a repeat to be safe.
        NotFound: The account is not the caller's.
    """
    _positive(body.quantity, "quantity")
    if body.price is not None:
        Scaled.parse(body.price, "price")
    require(body.type != "limit" or body.price is not None, "price", "a limit order needs a price")
    if body.client_order_id is None:
        if keyed:
            raise invalid(
                "missing", "what makes an order safe to repeat is its client_order_id", field="client_order_id"
            )
        client_id = binascii.hexlify(gate.clock.token(16)).decode()
    else:
        client_id = check_client_id(body.client_order_id)
    return SubmitOrder(
        account=caller.account(body.account_id),
        client_order_id=client_id,
        symbol=body.symbol,
        side=body.side,
        type=body.type,
        time_in_force=body.time_in_force or ("ioc" if body.type == "market" else "gtc"),
        quantity=body.quantity,
        price=body.price,
        post_only=body.post_only,
        self_trade_prevention=body.self_trade_prevention,
    )


def named(text: str) -> tuple[str, str]:
    """Return (order_id, client_order_id), one of them empty, as the path names an order."""
    if text.startswith(BY_CLIENT_ID):
        return "", check_client_id(text[len(BY_CLIENT_ID) :])
    return text[:64], ""


async def _find(gate: Gate, call: Call, query: AccountQuery) -> OrderView:
    account = call.caller.account(query.account_id)
    order_id, client_id = named(call.params["id"])
    at_least = gate.own_writes.at_least(account)
    return await gate.bus.request(
        GetOrder(account=account, order_id=order_id, client_order_id=client_id, at_least=at_least)
    )


def _wrote(gate: Gate, account: AccountId | int, view: OrderView) -> OrderAnswer:
    if view.status == "rejected":
        gate.own_writes.wrote(account, view.sequence)
    else:
        gate.own_writes.wrote(account, view.sequence, view.symbol)
        gate.answers.moved(view.symbol)
    return answers.order(view)


def _batch_item(gate: Gate, call: Call, command: SubmitOrder, item: OrderView | ErrorView) -> OrderAnswer | BatchError:
    if isinstance(item, OrderView):
        return _wrote(gate, command.account, item)
    return BatchError(command.client_order_id, problem_of_view(item, call.request_id))


def _positive(text: str | None, field: str) -> None:
    if text is not None and Scaled.parse(text, field).mantissa <= 0:
        raise invalid("range", f"{field} must be over 0", field=field, limit="0", actual=text)

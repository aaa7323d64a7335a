"""Orders: submit, amend, cancel, look up. A refused order is an answer with status `rejected`, not an error."""

import binascii
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from quantumcore.contracts.errors import QuantumCoreError, invalid, naming
from quantumcore.contracts.messages import Request
from quantumcore.contracts.order_queries import GetAccountOrders, GetOrder, GetOrderEvents, GetQueuePosition, QueuePlace
from quantumcore.contracts.orders import (
    AmendOrder,
    CancelAllAfter,
    CancelOrder,
    ErrorView,
    MassCancel,
    MassCancelled,
    OrderView,
    SubmitBatch,
    SubmitLinked,
    SubmitOrder,
)
from quantumcore.contracts.values import AccountId, Scaled, check_client_id
from quantumcore.services.gateway import answers
from quantumcore.services.gateway.answers import (
    BatchAnswer,
    BatchError,
    CancelTimerAnswer,
    LinkedAnswer,
    OrderAnswer,
    OrderPageAnswer,
    UpdatesAnswer,
)
from quantumcore.services.gateway.bodies import (
    AccountQuery,
    AmendBody,
    BatchBody,
    CancelAfterBody,
    LinkedBody,
    MassCancelQuery,
    OrderBody,
    OrdersQuery,
)
from quantumcore.services.gateway.codec import Decoder, rfc3339
from quantumcore.services.gateway.errors import problem, problem_of_view, require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.idempotency import HEADER
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.terms import terms_of

R = TypeVar("R")
BY_CLIENT_ID = "client:"
_one_of_batch: Decoder[OrderBody] = Decoder(OrderBody)


async def submit(gate: Gate, call: Call, body: OrderBody) -> OrderAnswer:
    """Submit an order. The same client_order_id and body again gives the first answer again."""
    command = command_of(gate, call, body)
    call.charge(await gate.limits.orders(command.account))
    return _wrote(gate, command.account, await gate.bus.request(command))


async def submit_batch(gate: Gate, call: Call, body: BatchBody) -> BatchAnswer:
    """Submit up to 100 orders; each is answered by itself, in order, or with `atomic` all are accepted or all rejected."""
    msgpack = call.sent_msgpack()
    items: list[OrderAnswer | BatchError | None] = []
    commands: list[SubmitOrder] = []
    for place, raw in enumerate(body.orders):
        try:
            with naming(f"orders[{place}]") if body.atomic else nullcontext():
                commands.append(command_of(gate, call, _one_of_batch.decode(raw, msgpack=msgpack)))
            items.append(None)
        except QuantumCoreError as error:
            if body.atomic:
                raise
            items.append(BatchError(None, problem(error, call.request_id)))
    for account in {command.account for command in commands}:
        call.charge(await gate.limits.orders(account, sum(1 for command in commands if command.account == account)))
    if commands:
        result = await gate.bus.request(SubmitBatch(orders=commands, atomic=body.atomic))
        done = iter(zip(commands, result.items, strict=True))
        items = [_batch_item(gate, call, *next(done)) if item is None else item for item in items]
    return BatchAnswer([item for item in items if item is not None])


async def submit_linked(gate: Gate, call: Call, body: LinkedBody) -> LinkedAnswer:
    """Submit two or three orders that stand for each other, as one act: all are accepted, or all rejected."""
    commands: list[SubmitOrder] = []
    for place, one in enumerate(body.orders):
        with naming(f"orders[{place}]"):
            commands.append(command_of(gate, call, one))
    account = commands[0].account
    call.charge(await gate.limits.orders(account, len(commands)))
    result = await gate.bus.request(SubmitLinked(link=body.link, orders=commands))
    return LinkedAnswer([_wrote(gate, account, view) for view in result.items])


async def cancel_all_after(gate: Gate, call: Call, body: CancelAfterBody) -> CancelTimerAnswer:
    """Arm a dead-man switch: unless asked again in time, all working orders of the account go; 0 disarms."""
    account = call.caller.account(body.account_id)
    timer = await gate.bus.request(CancelAllAfter(account=account, timeout_s=body.timeout_s))
    deadline = rfc3339(timer.deadline_ns) if timer.deadline_ns else None
    return CancelTimerAnswer(str(account), deadline, timer.sequence)


async def queue(gate: Gate, call: Call, query: AccountQuery) -> QueuePlace:
    """Show how much trades before an order on its side of the shown book."""
    return await _find(gate, call, query, GetQueuePosition)


async def amend(gate: Gate, call: Call, body: AmendBody) -> OrderAnswer:
    """Change total quantity, price, stop price or display as one act; less quantity at the same price keeps the priority."""
    account = call.caller.account(body.account_id)
    given = (body.quantity, body.price, body.stop_price, body.display)
    require(any(one is not None for one in given), "quantity", "give a new quantity, price, stop price or display")
    _positive(body.quantity, "quantity")
    for field, text in (("price", body.price), ("stop_price", body.stop_price), ("display", body.display)):
        if text is not None:
            Scaled.parse(text, field)
    call.charge(await gate.limits.orders(account))
    order_id, client_id = named(call.params["id"])
    command = AmendOrder(
        account=account,
        order_id=order_id,
        client_order_id=client_id,
        quantity=body.quantity,
        price=body.price,
        stop_price=body.stop_price,
        display=body.display,
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
    return answers.order(await _find(gate, call, query, GetOrder))


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
    view = await _find(gate, call, query, GetOrder)
    account = call.caller.account(query.account_id)
    history = await gate.bus.request(
        GetOrderEvents(account=account, order_id=view.order_id, at_least=gate.own_writes.at_least(account))
    )
    return UpdatesAnswer([answers.update(one) for one in history.items], history.reached)


def command_of(gate: Gate, call: Call, body: OrderBody) -> SubmitOrder:
    """Return the command that `body` means; what the engine judges is left to it.

    Raises:
        InvalidCommand: The shape is wrong; the field is named. Or there is no client_order_id, while an Idempotency-Key
            says that the sender believes a repeat to be safe.
        NotFound: The account is not the caller's.
    """
    _positive(body.quantity, "quantity")
    if body.price is not None:
        Scaled.parse(body.price, "price")
    require(body.type != "limit" or body.price is not None, "price", "a limit order needs a price")
    if body.client_order_id is None:
        if HEADER in call.headers:
            raise invalid(
                "missing", "what makes an order safe to repeat is its client_order_id", field="client_order_id"
            )
        client_id = binascii.hexlify(gate.clock.token(16)).decode()
    else:
        client_id = check_client_id(body.client_order_id)
    return SubmitOrder(
        account=call.caller.account(body.account_id),
        client_order_id=client_id,
        symbol=body.symbol,
        side=body.side,
        type=body.type,
        time_in_force=body.time_in_force or ("ioc" if body.type == "market" else "gtc"),
        session=call.session,
        terms=terms_of(body, ends_with_socket=call.ends_orders),
        quantity=body.quantity,
        price=body.price,
        post_only=body.post_only is not False,
        self_trade_prevention=body.self_trade_prevention,
    )


def named(text: str) -> tuple[str, str]:
    """Return (order_id, client_order_id), one of them empty, as the path names an order."""
    if text.startswith(BY_CLIENT_ID):
        return "", check_client_id(text[len(BY_CLIENT_ID) :])
    return text[:64], ""


async def _find(gate: Gate, call: Call, query: AccountQuery, question: Callable[..., Request[R]]) -> R:
    """Ask about the caller's order that the path names, no older than what he was told of the account."""
    account = call.caller.account(query.account_id)
    order_id, client_id = named(call.params["id"])
    at_least = gate.own_writes.at_least(account)
    return await gate.bus.request(
        question(account=account, order_id=order_id, client_order_id=client_id, at_least=at_least)
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

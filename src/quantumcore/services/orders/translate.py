"""From what a client asks to what the engine reads. Only the shape is judged here; all else is the engine's to refuse.

A symbol nobody knows is no error of shape: it travels as a number that names no instrument, so that the refusal is a
fact with an order id like any other (behaviour 1.3).
"""

from collections.abc import Mapping

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound, invalid
from quantumcore.contracts.orders import (
    SELF_TRADE_PREVENTION,
    SIDES,
    TIMES_IN_FORCE,
    TYPES,
    AmendOrder,
    CancelOrder,
    MassCancel,
    SubmitOrder,
)
from quantumcore.contracts.values import OrderId, Scaled, check_client_id, is_symbol

UNKNOWN_INSTRUMENT = 0xFFFFFFFF
PRICE_GIVEN, QUANTITY_GIVEN = 1, 2
POST_ONLY = 1
MAX_ACCOUNT = 2**63 - 1  # what a table can hold; the engine opens none beyond 32 bits
NO_PRICE = Scaled(0, 0)


def submission(order: SubmitOrder, instrument: int) -> wire.SubmitOrder:
    """Return the engine's command for `order` on the instrument of that number.

    Raises:
        InvalidCommand: A field has a wrong shape; `field` says which.
    """
    order_type = _choice(TYPES, order.type, "type")
    price = NO_PRICE
    if order.type == "market":
        if order.price is not None:
            raise invalid("range", "a market order has no price", field="price", actual=str(order.price))
    elif order.price is None:
        raise invalid("missing", "a limit order needs a price", field="price")
    else:
        price = Scaled.parse(order.price, "price")
    quantity = Scaled.parse(order.quantity, "quantity")
    prevention = order.self_trade_prevention
    return wire.SubmitOrder(
        instrument=instrument,
        account=check_account(order.account),
        price=price.mantissa,
        price_scale=price.scale,
        quantity=quantity.mantissa,
        quantity_scale=quantity.scale,
        side=_choice(SIDES, order.side, "side"),
        order_type=order_type,
        time_in_force=_choice(TIMES_IN_FORCE, order.time_in_force, "time_in_force"),
        self_trade_prevention=0
        if prevention is None
        else _choice(SELF_TRADE_PREVENTION, prevention, "self_trade_prevention"),
        flags=POST_ONLY if order.post_only else 0,
        client_id=check_client_id(order.client_order_id),
    )


def replacement(amend: AmendOrder, shard: int) -> wire.ReplaceOrder:
    """Return the engine's command for `amend`.

    Raises:
        InvalidCommand: Neither price nor quantity, or a field has a wrong shape.
        NotFound: `order.not_found`: the id cannot be an order's of this shard.
    """
    if amend.price is None and amend.quantity is None:
        raise invalid("missing", "an amendment needs a price or a quantity", field="quantity")
    sequence, slot, client_id = _name(amend, shard)
    price = NO_PRICE if amend.price is None else Scaled.parse(amend.price, "price")
    quantity = NO_PRICE if amend.quantity is None else Scaled.parse(amend.quantity, "quantity")
    return wire.ReplaceOrder(
        account=check_account(amend.account),
        price=price.mantissa,
        price_scale=price.scale,
        quantity=quantity.mantissa,
        quantity_scale=quantity.scale,
        order_sequence=sequence,
        order_slot=slot,
        client_id=client_id,
        fields=(0 if amend.price is None else PRICE_GIVEN) | (0 if amend.quantity is None else QUANTITY_GIVEN),
    )


def cancellation(cancel: CancelOrder, shard: int) -> wire.CancelOrder:
    """Return the engine's command for `cancel`; raises as `replacement` does."""
    sequence, slot, client_id = _name(cancel, shard)
    return wire.CancelOrder(
        account=check_account(cancel.account), order_sequence=sequence, order_slot=slot, client_id=client_id
    )


def mass_cancellation(cancel: MassCancel, instrument: int) -> wire.MassCancel:
    """Return the engine's command for `cancel`; instrument 0 is all of them."""
    side = _choice(SIDES, cancel.side, "side") if cancel.side else 0
    return wire.MassCancel(instrument=instrument, account=check_account(cancel.account), side=side)


def check_symbol(symbol: str) -> str:
    """Return `symbol` if it has a symbol's form; raise InvalidCommand otherwise."""
    if not isinstance(symbol, str) or not is_symbol(symbol):
        raise invalid("range", "symbol must be 1 to 24 of A-Z0-9._-", field="symbol", actual=str(symbol)[:64])
    return symbol


def check_account(account: int) -> int:
    """Return `account` if it can be an account's number; raise InvalidCommand otherwise."""
    if not isinstance(account, int) or not 0 < account <= MAX_ACCOUNT:
        raise invalid("range", "account must be a positive number", field="account")
    return account


def order_named(order_id: str, shard: int) -> OrderId:
    """Return the order's id.

    Raises:
        NotFound: `order.not_found`: no order of this shard can have it.
    """
    parsed = OrderId.parse(order_id) if isinstance(order_id, str) else None
    if parsed is None or parsed.shard != shard or parsed.sequence == 0:
        raise not_found()
    return parsed


def not_found() -> NotFound:
    """Return the one answer for an order that is unknown and for one that is another account's."""
    return NotFound("order.not_found", "order not found")


def one_name(order_id: str, client_order_id: str) -> None:
    """Raise InvalidCommand unless exactly one of the two names is given."""
    if bool(order_id) == bool(client_order_id):
        raise invalid("range", "name the order by order_id or by client_order_id, not both", field="order_id")


def _name(command: AmendOrder | CancelOrder, shard: int) -> tuple[int, int, str]:
    """Return (order_sequence, order_slot, client_id) as the engine wants an order named."""
    one_name(command.order_id, command.client_order_id)
    if command.client_order_id:
        return 0, 0, check_client_id(command.client_order_id)
    named = order_named(command.order_id, shard)
    return named.sequence, named.slot, wire.NO_ID


def _choice(table: Mapping[str, int], value: str, field: str) -> int:
    number = table.get(value) if isinstance(value, str) else None
    if number is None:
        raise invalid("type", f"{field} must be one of {', '.join(table)}", field=field, actual=str(value)[:64])
    return number

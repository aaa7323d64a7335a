"""From what a client asks to what the engine reads. Only the shape is judged here; all else is the engine's to refuse.

A symbol nobody knows is no error of shape: it travels as a number that names no instrument, so that the refusal is a
fact with an order id like any other (behaviour 1.3).
"""

from collections.abc import Sequence

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound, invalid
from quantumcore.contracts.orders import (
    HOUSE_ID,
    SELF_TRADE_PREVENTION,
    SIDES,
    TIMES_IN_FORCE,
    TYPES,
    AmendOrder,
    CancelOrder,
    MassCancel,
    SubmitOrder,
)
from quantumcore.contracts.values import NO_SLOT, OrderId, Scaled, check_client_id, is_symbol
from quantumcore.services.orders.terms import PLAIN_TIMES, PLAIN_TYPES
from quantumcore.services.orders.terms_sent import advanced, choice, wholly_advanced

UNKNOWN_INSTRUMENT = 0xFFFFFFFF
MAX_OF_ACT = wire.SubmitOrderBatch.MOST
PRICE_GIVEN, QUANTITY_GIVEN, STOP_GIVEN, DISPLAY_GIVEN = 1, 2, 4, 8
POST_ONLY = 1
MAX_SESSION = 2**32 - 1
MAX_ACCOUNT = 2**63 - 1  # what a table can hold; the engine opens none beyond 32 bits
NO_PRICE = Scaled(0, 0)
PRICED = frozenset({"limit", "stop_limit", "limit_if_touched", "pegged"})


def submission(order: SubmitOrder, instrument: int) -> wire.SubmitOrder:
    """Return the engine's command for `order` on the instrument of that number.

    Raises:
        InvalidCommand: A field has a wrong shape; `field` says which.
    """
    order_type = choice(TYPES, order.type, "type")
    price = NO_PRICE
    if order.price is not None:
        if order.type == "market":
            raise invalid("range", "a market order has no price", field="price", actual=str(order.price))
        price = Scaled.parse(order.price, "price")
    elif order.type in PRICED:
        raise invalid("missing", f"a {order.type.replace('_', ' ')} order needs a price", field="price")
    quantity = Scaled.parse(order.quantity, "quantity")
    prevention = order.self_trade_prevention
    time_in_force = choice(TIMES_IN_FORCE, order.time_in_force, "time_in_force")
    plain = wire.SubmitOrder(
        instrument=instrument,
        account=check_account(order.account),
        price=price.mantissa,
        price_scale=price.scale,
        quantity=quantity.mantissa,
        quantity_scale=quantity.scale,
        side=choice(SIDES, order.side, "side"),
        order_type=order_type,
        time_in_force=time_in_force,
        self_trade_prevention=0
        if prevention is None
        else choice(SELF_TRADE_PREVENTION, prevention, "self_trade_prevention"),
        flags=POST_ONLY if order.post_only else 0,
        session=check_session(order.session),
        client_id=check_customers_id(order.client_order_id),
    )
    if order.terms is None and order_type in PLAIN_TYPES and time_in_force in PLAIN_TIMES:
        return plain
    return advanced(order, plain)


def check_customers_id(text: str) -> str:
    """Return a client order id, if it has the form of one and is not of those that the venue keeps for itself.

    Raises:
        InvalidCommand: It is not.
    """
    found = check_client_id(text)
    if found.startswith(HOUSE_ID):
        detail = f"client_order_id must not begin with {HOUSE_ID}: those are the venue's own"
        raise invalid("id", detail, field="client_order_id", limit=HOUSE_ID, actual=found)
    return found


def linked(link: int, members: Sequence[wire.SubmitOrder]) -> wire.SubmitLinkedOrders:
    """Return the command that submits `members`, two or three, as one act.

    Raises:
        InvalidCommand: They are not of one account and one instrument.
    """
    first = members[0]
    for member in members:
        if (member.account, member.instrument) != (first.account, first.instrument):
            raise invalid("range", "linked orders are of one account and one symbol", field="orders")
    parts = [wholly_advanced(member).encode() for member in members]
    return wire.SubmitLinkedOrders(
        instrument=first.instrument,
        account=first.account,
        link=link,
        count=len(parts),
        **dict(zip(("first", "second", "third"), parts, strict=False)),
    )


def batch(members: Sequence[wire.SubmitOrder]) -> wire.SubmitOrderBatch:
    """Return the command that submits `members`, 1 to 100, as one act.

    Raises:
        InvalidCommand: They are not of one account, or two have the same client_order_id.
    """
    account = members[0].account
    first: dict[str, int] = {}
    for place, member in enumerate(members):
        if member.account != account:
            raise invalid("range", "an atomic batch is of one account", field=f"orders[{place}].account_id")
        if first.setdefault(member.client_id, place) != place:
            detail = f"orders[{first[member.client_id]}] has the same client_order_id"
            raise invalid("range", detail, field=f"orders[{place}].client_order_id", actual=member.client_id)
    parts = b"".join(wholly_advanced(member).encode() for member in members)
    return wire.SubmitOrderBatch(account=account, count=len(members), orders=parts)


def replacement(amend: AmendOrder, shard: int) -> wire.ReplaceOrder:
    """Return the engine's command for `amend`.

    Raises:
        InvalidCommand: Nothing to change, or a field has a wrong shape.
        NotFound: `order.not_found`: the id cannot be an order's of this shard.
    """
    wanted = {
        PRICE_GIVEN: ("price", amend.price),
        QUANTITY_GIVEN: ("quantity", amend.quantity),
        STOP_GIVEN: ("stop_price", amend.stop_price),
        DISPLAY_GIVEN: ("display", amend.display),
    }
    given = {bit: Scaled.parse(text, field) for bit, (field, text) in wanted.items() if text is not None}
    if not given:
        raise invalid("missing", "an amendment needs a price, a quantity, a stop price or a display", field="quantity")
    sequence, slot, client_id = _name(amend, shard)
    price, quantity = given.get(PRICE_GIVEN, NO_PRICE), given.get(QUANTITY_GIVEN, NO_PRICE)
    plain = wire.ReplaceOrder(
        account=check_account(amend.account),
        price=price.mantissa,
        price_scale=price.scale,
        quantity=quantity.mantissa,
        quantity_scale=quantity.scale,
        order_sequence=sequence,
        order_slot=slot,
        client_id=client_id,
        fields=sum(given),
    )
    if STOP_GIVEN not in given and DISPLAY_GIVEN not in given:
        return plain
    stop, display = given.get(STOP_GIVEN, NO_PRICE), given.get(DISPLAY_GIVEN, NO_PRICE)
    return wire.ReplaceAdvancedOrder(
        **{name: getattr(plain, name) for name in plain.__struct_fields__},
        stop_price=stop.mantissa,
        stop_scale=stop.scale,
        display=display.mantissa,
        display_scale=display.scale,
    )


def cancellation(cancel: CancelOrder, shard: int) -> wire.CancelOrder:
    """Return the engine's command for `cancel`; raises as `replacement` does."""
    sequence, slot, client_id = _name(cancel, shard)
    return wire.CancelOrder(
        account=check_account(cancel.account), order_sequence=sequence, order_slot=slot, client_id=client_id
    )


def mass_cancellation(cancel: MassCancel, instrument: int) -> wire.MassCancel:
    """Return the engine's command for `cancel`; instrument 0 is all of them."""
    side = choice(SIDES, cancel.side, "side") if cancel.side else 0
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


def check_session(session: int) -> int:
    """Return `session` if it can be a connection's number, or 0 for none; raise InvalidCommand otherwise."""
    if not 0 <= session <= MAX_SESSION:
        raise invalid("range", "session must be a number of 32 bits", field="session")
    return session


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
    # Of orders of one act that were rejected the engine knows one name; each has its own here (domain.slot_of).
    slot = NO_SLOT if named.slot > NO_SLOT - MAX_OF_ACT else named.slot
    return named.sequence, slot, wire.NO_ID

"""What a client asks becomes exactly one engine command, or an error that names the field.

Goal: no wrong shape reaches the engine, and nothing the engine should judge is judged here.
Method: each field broken by itself; random orders must arrive in the command number by number.
"""

import random
from decimal import Decimal

import msgspec
import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, NotFound
from quantumcore.contracts.orders import (
    SELF_TRADE_PREVENTION,
    SIDES,
    TIMES_IN_FORCE,
    AmendOrder,
    CancelOrder,
    MassCancel,
)
from quantumcore.contracts.values import OrderId
from quantumcore.services.orders import translate
from tests.support.orders_room import limit, market

ID = OrderId(0, 77, 3).text()


def change(order, **changes):
    return msgspec.structs.replace(order, **changes)


@pytest.mark.parametrize(
    "field, value",
    [
        ("side", "BUY"), ("side", ""), ("side", "hold"),
        ("type", "iceberg"), ("type", "Limit"),
        ("time_in_force", "until_noon"), ("time_in_force", ""),
        ("quantity", ""), ("quantity", "1e3"), ("quantity", "NaN"), ("quantity", " 1"), ("quantity", "1."), ("quantity", ".5"),
        ("quantity", "+1"), ("quantity", "-0"), ("quantity", "9" * 30), ("quantity", "0." + "0" * 18 + "1"), ("quantity", "١"),
        ("price", "abc"), ("price", ""), ("price", None), ("price", "0x10"), ("price", "1_000"),
        ("client_order_id", ""), ("client_order_id", "a" * 37), ("client_order_id", "a b"), ("client_order_id", "é"),
        ("client_order_id", "a\n"),
        ("self_trade_prevention", "maybe"), ("self_trade_prevention", ""),
        ("account", 0), ("account", -1), ("account", 2**64),
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_shape_is_named(field, value):
    order = change(limit("buy", "1", "100"), **{field: value})
    with pytest.raises(InvalidCommand) as refused:
        translate.submission(order, 1)
    assert refused.value.field == field
    assert refused.value.status == 400


def test_a_market_order_has_no_price():
    with pytest.raises(InvalidCommand) as refused:
        translate.submission(change(market("buy", "1"), price="100"), 1)
    assert refused.value.field == "price"


@pytest.mark.parametrize("symbol", ["", "btc-usd", "BTC USD", "-BTC", "B" * 25, "BTC\n", "É"])
def test_a_symbol_of_the_wrong_form_is_refused(symbol):
    with pytest.raises(InvalidCommand) as refused:
        translate.check_symbol(symbol)
    assert refused.value.field == "symbol"


@pytest.mark.parametrize("symbol", ["A", "BTC-USD", "ESH7", "0X.Y_Z", "B" * 24])
def test_a_symbol_of_the_right_form_passes(symbol):
    assert translate.check_symbol(symbol) == symbol


@pytest.mark.parametrize("quantity", ["0", "-5", "0.000000000000000001", "9223372036854775807"])
def test_a_decimal_that_is_only_unwise_is_the_engines_to_refuse(quantity):
    """Zero, negative, off-lot: facts with a reason, not errors of shape (behaviour 1.3)."""
    assert translate.submission(limit("buy", quantity, "100"), 1).quantity == int(
        quantity.replace("0.", "").lstrip("0") or 0
    )


@pytest.mark.hazard("A1")
def test_every_field_of_an_order_arrives_in_its_command(rng: random.Random):
    """10,000 random orders: decoded from its bytes, the command says what the client said, number by number."""
    for at in range(10_000):
        price, quantity = (
            Decimal(rng.randrange(1, 10**9)).scaleb(-rng.randrange(6)),
            Decimal(rng.randrange(1, 10**9)).scaleb(-5),
        )
        order = limit(
            rng.choice(list(SIDES)), format(quantity, "f"), format(price, "f"), account=rng.randrange(1, 2**32),
            client_order_id=f"id-{at}", time_in_force=rng.choice(["gtc", "ioc", "fok"]), post_only=rng.random() < 0.5,
            self_trade_prevention=rng.choice([None, *SELF_TRADE_PREVENTION]),
        )  # fmt: skip
        number = rng.randrange(1, 2**32)
        buffer = bytearray(translate.submission(order, number).encode())
        command = wire.decode_command(buffer)
        buffer[:] = b"\xaa" * len(buffer)
        assert type(command) is wire.SubmitOrder
        assert (command.instrument, command.account, command.client_id) == (
            number,
            order.account,
            order.client_order_id,
        )
        assert Decimal(command.price).scaleb(-command.price_scale) == price
        assert Decimal(command.quantity).scaleb(-command.quantity_scale) == quantity
        assert (command.side, command.time_in_force) == (SIDES[order.side], TIMES_IN_FORCE[order.time_in_force])
        assert command.self_trade_prevention == SELF_TRADE_PREVENTION.get(order.self_trade_prevention or "", 0)
        assert (command.order_type, command.flags) == (2, int(order.post_only))


def test_an_amendment_says_which_fields_it_gives():
    both = translate.replacement(AmendOrder(account=1, order_id=ID, quantity="5.10", price="7"), 0)
    assert (both.fields, both.quantity, both.quantity_scale, both.price) == (3, 51, 1, 7)
    assert (both.order_sequence, both.order_slot, both.client_id) == (77, 3, "")
    one = translate.replacement(AmendOrder(account=1, client_order_id="x", quantity="5"), 0)
    assert (one.fields, one.price, one.price_scale, one.order_sequence, one.client_id) == (2, 0, 0, 0, "x")


def test_an_amendment_of_nothing_is_refused():
    with pytest.raises(InvalidCommand):
        translate.replacement(AmendOrder(account=1, order_id=ID), 0)


@pytest.mark.parametrize("names", [{}, {"order_id": ID, "client_order_id": "x"}])
def test_an_order_has_exactly_one_name(names):
    with pytest.raises(InvalidCommand) as refused:
        translate.cancellation(CancelOrder(account=1, **names), 0)
    assert refused.value.field == "order_id"


@pytest.mark.parametrize(
    "order_id",
    [
        "nonsense",
        "0" * 36,
        ID[:-1],
        ID.replace("ffff", "0000"),
        OrderId(1, 77, 3).text(),
        OrderId(0, 0, 3).text(),
        f"{{{ID}}}",
    ],
)
def test_an_id_that_no_order_can_have_is_not_found(order_id):
    with pytest.raises(NotFound) as refused:
        translate.cancellation(CancelOrder(account=1, order_id=order_id), 0)
    assert refused.value.code == "order.not_found"


def test_a_mass_cancel_means_all_where_nothing_is_said():
    command = translate.mass_cancellation(MassCancel(account=1), 0)
    assert (command.instrument, command.side) == (0, 0)
    assert translate.mass_cancellation(MassCancel(account=1, side="sell"), 4).side == 2
    with pytest.raises(InvalidCommand):
        translate.mass_cancellation(MassCancel(account=1, side="both"), 0)

"""What clients read is exact: no float, no rounding but the one that is said.

Goal: values, averages and refusals are shown in outside units to the last digit.
Method: the golden examples of the handbook; random fills against Fraction and Decimal; a look at the syntax tree.
"""

import ast
import random
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

import quantumcore.services.orders as orders_room
from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.reference import Catalogue, Currency, Instrument
from quantumcore.services.orders.domain import opened
from quantumcore.services.orders.views import fill_view, numbered, order_view, sentence
from tests.unit.test_orders_domain import accepted, rejected, trade

USD, BTC = Currency(1, "USD", 2), Currency(2, "BTC", 8)
PLAIN = Instrument(
    number=1, symbol="BTC-USD", kind=1, status=1, base=BTC, quote=USD, tick=1, tick_scale=2, lot=1, lot_scale=5, multiplier=1,
    min_price=1, max_price=10**12, min_quantity=1, max_quantity=10**15, min_notional=0, max_notional=2**62, taker_fee=0,
    maker_fee=0, minimum_fee=0, collar=1,
)  # fmt: skip


def catalogue(**changes) -> Catalogue:
    found = Catalogue()
    instrument = msgspec.structs.replace(PLAIN, **changes)
    found.instruments[1] = found.symbols[instrument.symbol] = instrument
    return found


def filled(lots: int, ticks: int):
    """Return an order of `lots` filled at one price."""
    return opened(accepted(quantity=lots, price=ticks)).apply(trade(6, lots, 0, price=ticks))


@pytest.mark.parametrize(
    "quantity, price, value",
    [
        ("0.001", "50000", "50.00"),
        ("0.00001", "50000", "0.50"),
        ("1000000", "100000", "100000000000.00"),
        ("0.00001", "0.01", "0.0000001"),
        ("3", "33.33", "99.99"),
    ],
)
@pytest.mark.hazard("F9")
def test_a_value_is_price_times_quantity_exactly(quantity, price, value):
    """Golden examples of behaviour 4."""
    lots, ticks = int(Decimal(quantity).scaleb(5)), int(Decimal(price).scaleb(2))
    view = order_view(filled(lots, ticks), catalogue())
    assert view.filled_value == value
    assert Decimal(view.filled_value) == Decimal(quantity) * Decimal(price)
    assert (Decimal(view.filled), Decimal(view.average_price)) == (Decimal(quantity), Decimal(price))


@pytest.mark.hazard("F9", "F1")
def test_a_value_with_a_multiplier_equals_a_fraction(rng: random.Random):
    """20,000 random instruments and fills: the text, read as a fraction, is the product, multiplier included."""
    for _ in range(20_000):
        terms = {
            "tick": rng.randrange(1, 1_000), "tick_scale": rng.randrange(10), "lot": rng.randrange(1, 1_000),
            "lot_scale": rng.randrange(10), "multiplier": rng.choice((1, 5, 50, 1_000)),
        }  # fmt: skip
        lots, ticks = rng.randrange(1, 10**9), rng.randrange(1, 10**9)
        view = order_view(filled(lots, ticks), catalogue(**terms))
        price = Fraction(ticks * terms["tick"], 10 ** terms["tick_scale"])
        quantity = Fraction(lots * terms["lot"], 10 ** terms["lot_scale"])
        assert Fraction(view.filled_value) == price * quantity * terms["multiplier"]
        assert Fraction(view.price) == price
        assert Fraction(view.quantity) == quantity


@pytest.mark.hazard("F1")
def test_an_average_is_rounded_once_and_half_even(rng: random.Random):
    """5,000 orders of two fills against Decimal at 60 digits."""
    for _ in range(5_000):
        first, second = rng.randrange(1, 10**6), rng.randrange(1, 10**6)
        a, b = rng.randrange(1, 10**9), rng.randrange(1, 10**9)
        order = opened(accepted(quantity=first + second))
        order = order.apply(trade(6, first, second, price=a)).apply(trade(7, second, 0, price=b))
        with localcontext(prec=60):
            exact = (Decimal(a) * first + Decimal(b) * second) / (first + second) / 100
            expected = exact.quantize(Decimal("1e-8"))
        assert Decimal(order_view(order, catalogue()).average_price) == expected


def test_no_fill_has_no_average():
    view = order_view(opened(accepted()), catalogue())
    assert (view.average_price, view.filled_value, view.fees) == (None, "0.00", "0.00")


def test_prices_and_quantities_have_the_decimals_of_tick_and_lot():
    view = order_view(opened(accepted(quantity=50_000, price=6_400_000)), catalogue())
    assert (view.price, view.quantity, view.filled, view.leaves) == ("64000.00", "0.50000", "0.00000", "0.50000")


def test_a_rebate_is_a_negative_fee_in_the_quote_currency():
    order = opened(accepted()).apply(trade(6, 30, 70, maker_fee=-7))
    fill = fill_view(order, trade(6, 30, 70, maker_fee=-7), catalogue())
    assert (fill.fee, fill.fee_currency, fill.liquidity) == ("-0.07", "USD", "maker")
    assert order_view(order, catalogue()).fees == "-0.07"


def test_a_market_order_shows_no_price():
    assert order_view(opened(accepted(order_type=1)), catalogue()).price is None


def test_a_rejection_shows_what_was_sent_and_says_that_it_exceeds():
    """Behaviour 4: above the maximum quantity the text contains "exceeds"."""
    view = order_view(opened(rejected()), catalogue())
    assert (view.status, view.quantity, view.price, view.leaves) == ("rejected", "7", "0.5", "0.00000")
    assert (view.reason, view.scope, view.limit, view.actual) == ("risk.max_quantity", "instrument", "1.00", "7.00")
    assert view.text is not None
    assert "exceeds" in view.text


def test_an_unknown_symbol_is_shown_as_it_was_asked():
    order = msgspec.structs.replace(opened(rejected()), instrument=0xFFFFFFFF)
    assert order_view(order, catalogue(), symbol="NOPE").symbol == "NOPE"


def test_an_accepted_order_on_no_instrument_is_corrupted():
    with pytest.raises(Corrupted):
        order_view(opened(accepted(instrument=99)), catalogue())


@pytest.mark.parametrize("reason", sorted(CODES))
def test_every_reason_has_a_sentence(reason):
    text = sentence(reason, "1", "2")
    assert text
    assert "{" not in text
    assert numbered(reason, "1", "2") == ("1" in text)
    assert Reason(reason) in CODES


OF_LIMITS = [Reason.MAX_QTY, Reason.MAX_NOTIONAL, Reason.MIN_NOTIONAL, Reason.MAX_OPEN, Reason.POS_LIMIT, Reason.CREDIT]
OF_LIMITS += [Reason.NO_FUNDS, Reason.THROTTLED, Reason.DUPLICATE_ORDER, Reason.MMP, Reason.REDUCE_ONLY]
OF_LIMITS += [Reason.EXPOSURE, Reason.LOSS_LIMIT, Reason.DRAWDOWN, Reason.GREEKS]


@pytest.mark.parametrize("reason", OF_LIMITS)
def test_what_breaks_a_limit_says_the_limit_and_what_it_was(reason):
    """A reason that is forgotten in the sentences would lose its numbers on the way to the client."""
    assert numbered(reason, "5", "7")
    assert {"5", "7"} <= set(sentence(reason, "5", "7").split())


@pytest.mark.parametrize("reason", [Reason.KILLED, Reason.HALTED, Reason.RESTRICTED, Reason.REPEAT_LIMIT])
def test_what_stops_an_order_whatever_it_asks_has_no_numbers(reason):
    assert not numbered(reason, "0", "0")
    assert sentence(reason, "0", "0") == reason.name.lower().replace("_", " ")
    assert numbered(reason, "0", "1")
    assert "1" in sentence(reason, "0", "1")


@pytest.mark.hazard("F1")
def test_the_orders_room_has_no_float():
    """No float literal, no call of float, no true division in any file of the room."""
    for path in Path(orders_room.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (
                isinstance(node, ast.Constant) and isinstance(node.value, float) and path.name != "rebuild.py"
            ), path
            assert not (isinstance(node, ast.Name) and node.id == "float"), path
            assert not isinstance(node, ast.Div), path

"""Numbers stay what was written: from text to ticks and back, through rounding, without a float anywhere.

Goal: prices, quantities and values are exact; what is no plain decimal is refused; rounding does what its name says.
Method: `Fraction` and `Decimal` as oracles over seeded random numbers and the edges of 64 bits; the syntax trees of the
money files are searched for floats.
"""

import ast
import decimal
import random
from fractions import Fraction
from pathlib import Path

import pytest

import quantumcore.core.twin
from quantumcore.contracts import values, wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.values import I64_MAX, Scaled, show
from tests.support.desk import ALICE, BUY, USD, Desk, instrument
from tests.support.engines import both_engines, step

RANDOM_CASES = 200_000


# ------------------------------------------------------------------------------------- text and numbers


@pytest.mark.hazard("E1")
@pytest.mark.hazard("F1")
def test_text_survives_the_way_in_and_out():
    """200,000 random decimals of up to 18 places: the number read is the number written, and is written back."""
    rng = random.Random(1)
    for _ in range(RANDOM_CASES):
        places = rng.randrange(19)
        mantissa = rng.randrange(-I64_MAX, I64_MAX + 1) >> rng.randrange(63)
        if mantissa == 0:
            continue
        read = Scaled.parse(show(mantissa, places), "price")
        assert read.mantissa * 10**places == mantissa * 10**read.scale, (mantissa, places)
        assert read.scale == 0 or read.mantissa % 10
        assert Scaled.parse(read.text(), "price") == read


@pytest.mark.hazard("F1")
def test_order_values_equal_the_exact_fraction():
    """100,000 random prices and quantities: the product of what was parsed is the product of what was written."""
    assert Fraction(Scaled.parse("0.001", "p").mantissa, 1000) * 50_000 == 50
    rng = random.Random(2)
    for _ in range(100_000):
        price, quantity = (f"{rng.randrange(10**6)}.{rng.randrange(10**6):06d}" for _ in range(2))
        p, q = Scaled.parse(price, "price"), Scaled.parse(quantity, "quantity")
        written = int(price.replace(".", "")) * int(quantity.replace(".", ""))
        assert p.mantissa * q.mantissa * 10 ** (12 - p.scale - q.scale) == written


@pytest.mark.hazard("E1")
@pytest.mark.parametrize("text", [str(I64_MAX), str(-I64_MAX), "9.223372036854775807", "-9.223372036854775807", "0"])
def test_the_edges_of_sixty_four_bits_are_exact(text):
    read = Scaled.parse(text, "price")
    with decimal.localcontext(prec=60):
        assert decimal.Decimal(read.mantissa).scaleb(-read.scale) == decimal.Decimal(text)
    assert read.text() == text


@pytest.mark.hazard("E1")
@pytest.mark.hazard("F1")
@pytest.mark.parametrize(
    "given",
    [
        1.5,
        1,
        None,
        True,
        "",
        " ",
        "-",
        "+1",
        "1.",
        ".5",
        "1e5",
        "NaN",
        "Infinity",
        "-0",
        "0x10",
        "1_000",
        "1,5",
        "١",
        "1\n",
        str(I64_MAX + 1),
        str(-I64_MAX - 1),
        "0.1234567890123456789",
        "9.2233720368547758079",
        "1" * 65,
    ],
    ids=repr,
)
def test_what_is_no_plain_decimal_is_refused(given):
    """A JSON number, a float, an exponent, NaN, blanks, more than 18 places, more than 63 bits."""
    with pytest.raises(InvalidCommand):
        Scaled.parse(given, "price")


@both_engines
@pytest.mark.hazard("E1")
@pytest.mark.hazard("F8")
@pytest.mark.parametrize(("tick", "tick_scale"), [(5, 2), (1, 8), (25, 3), (7, 0), (3, 18)])
def test_text_becomes_ticks_and_ticks_become_text(new_engine, tick, tick_scale):
    """2,000 random prices on and off the grid: accepted ones are the written number exactly, the others BAD_TICK."""
    rng = random.Random(tick)
    desk = Desk(new_engine, instrument(tick=tick, tick_scale=tick_scale, max_price=I64_MAX))
    desk.fund(ALICE, USD, I64_MAX)
    for _ in range(2_000):
        mantissa = rng.randrange(1, min(I64_MAX, 10 ** (tick_scale + 6))) >> rng.randrange(30) or 1
        if rng.randrange(2):
            mantissa = max(1, mantissa // tick) * tick
        text = Scaled.parse(show(mantissa, tick_scale), "price").text()
        (event,) = desk.submit(ALICE, BUY, "1", text)
        on_grid = mantissa % tick == 0
        assert isinstance(event, wire.OrderAccepted) == on_grid, text
        if on_grid:
            assert Fraction(show(event.price * tick, tick_scale)) == Fraction(text)
            desk.cancel(event)
        else:
            assert event.reason == 7
            assert Fraction(show(event.actual, event.decimals)) == Fraction(text)


# --------------------------------------------------------------------------------------------- rounding


@pytest.mark.hazard("F3")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0, {-25: -3, -15: -2, -5: -1, 5: 0, 15: 1, 25: 2, 7: 0, -7: -1, 20: 2}),
        (1, {-25: -2, -15: -1, -5: 0, 5: 1, 15: 2, 25: 3, 7: 1, -7: 0, 20: 2}),
        (2, {-25: -3, -15: -2, -5: -1, 5: 1, 15: 2, 25: 3, 7: 1, -7: -1, 20: 2}),
        (3, {-25: -2, -15: -1, -5: 0, 5: 0, 15: 1, 25: 2, 7: 1, -7: -1, 20: 2}),
        (4, {-25: -2, -15: -2, -5: 0, 5: 0, 15: 2, 25: 2, 7: 1, -7: -1, 20: 2}),
    ],
    ids=["floor", "ceil", "half up", "half down", "half even"],
)
def test_five_modes_do_what_they_are_called(mode, expected):
    """Ties of both signs, in tenths."""
    from quantumcore.core._native import round_divide

    assert {tenths: round_divide(tenths, 10, mode) for tenths in expected} == expected


@pytest.mark.hazard("F3")
def test_half_even_to_cents():
    """1.235 -> 1.24, 2.245 -> 2.24, 3.255 -> 3.26; 0.5, 1.5 ... 9.5 sum to 50."""
    from quantumcore.core._native import round_divide

    assert [round_divide(mills, 10, 4) for mills in (1235, 2245, 3255)] == [124, 224, 326]
    assert sum(round_divide(half, 10, 4) for half in range(5, 100, 10)) == 50


@pytest.mark.hazard("F3")
def test_rounding_equals_decimals_own():
    """50,000 random quotients, many of them ties, in every mode."""
    from quantumcore.core._native import round_divide

    modes = [
        decimal.ROUND_FLOOR,
        decimal.ROUND_CEILING,
        decimal.ROUND_HALF_UP,
        decimal.ROUND_HALF_DOWN,
        decimal.ROUND_HALF_EVEN,
    ]
    rng = random.Random(3)
    with decimal.localcontext(prec=80):
        for _ in range(50_000):
            denominator = rng.choice((2, 4, 8, 10, 1000, 2**40))
            numerator = rng.randrange(-(2**62), 2**62) >> rng.randrange(62)
            mode = rng.randrange(5)
            quotient = decimal.Decimal(numerator) / denominator
            assert round_divide(numerator, denominator, mode) == int(quotient.to_integral_value(modes[mode]))


# ---------------------------------------------------------------------------------- no float, no slot lost


@pytest.mark.hazard("F1")
def test_no_money_file_knows_a_float():
    """No float constant, no `float`, no `/` between numbers in values, wire and the twin."""
    folder = Path(quantumcore.core.twin.__file__).parent
    for path in (Path(values.__file__), Path(wire.__file__), *folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            assert not (isinstance(node, ast.Name) and node.id in ("float", "Decimal") and path.parent == folder), path
            assert not (isinstance(node, ast.Name) and node.id == "float"), path
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), path


@pytest.mark.hazard("B11")
def test_a_slot_reused_a_million_times_never_answers_to_an_old_name():
    """2^20 orders through one slot: no old (sequence, slot) finds the newcomer, whatever words of the two agree."""
    from quantumcore.core._native import Engine

    desk = Desk(Engine).rich()
    first = desk.rest(ALICE, BUY, "1", "1.00")
    desk.cancel(first)
    raw = bytearray(desk.order(ALICE, BUY, "1", "1.00", client_id="x" * 8).encode())
    cancel = bytearray(wire.CancelOrder(account=ALICE, client_id="x" * 8).encode())
    batch, names = [], []
    for i in range(2**20):
        name = b"%08x" % i
        raw[44:52] = cancel[32:40] = name
        batch += [bytes(raw), bytes(cancel)]
        if len(batch) == 2**14:
            step(desk.engine, b"".join(batch), desk.time_ns)
            names.append(desk.engine.sequence - 1)
            batch.clear()
    newcomer = desk.rest(ALICE, BUY, "7", "1.00")
    assert newcomer.order_slot == first.order_slot == 0
    assert newcomer.sequence > 2**21
    for sequence in (
        first.sequence,
        *names,
        newcomer.sequence - 2**16,
        newcomer.sequence ^ 2**32,
        newcomer.sequence + 2**32,
    ):
        assert desk.engine.order(sequence, 0) is None
        answer = desk.do(wire.CancelOrder(account=ALICE, order_sequence=sequence, order_slot=0))
        assert not isinstance(answer, wire.OrderCancelled)
    assert desk.engine.order(newcomer.sequence, 0)[5] == 7

"""Values at the edge: decimals, ids, times. Nothing rounds, nothing guesses.

Goal: what a client writes is what the engine gets, or is refused naming the field; times mean the same everywhere.
Method: examples at the limits, seeded round trips against Decimal, and the time zone of the process turned.
"""

import os
import random
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.values import (
    I64_MAX,
    OrderId,
    Scaled,
    check_client_id,
    is_symbol,
    packed_id,
    parse_time,
    show,
    show_time,
)


@pytest.fixture(params=["UTC", "Asia/Kolkata", "America/New_York"])
def _zone(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("text", "mantissa", "scale"),
    [
        ("0", 0, 0),
        ("99.99", 9999, 2),
        ("0.00000001", 1, 8),
        ("100.10", 1001, 1),
        ("-0.5", -5, 1),
        ("007", 7, 0),
        ("0.000000000000000001", 1, 18),
        (str(I64_MAX), I64_MAX, 0),
        ("5.000", 5, 0),
    ],
)
def test_a_decimal_is_read_exactly_and_canonically(text: str, mantissa: int, scale: int) -> None:
    assert Scaled.parse(text, "price") == (mantissa, scale)


@pytest.mark.parametrize(
    "given",
    [
        "", " ", "1 ", " 1", "+1", "-", ".5", "5.", "1e3", "1E400", "NaN", "Infinity", "-0", "-0.00", "0x10", "1_000", "1,5", "١",
        "1" * 65, str(I64_MAX + 1), "0." + "1" * 19, 1, 1.5, None, True, [], {"a": 1}, b"1",
    ],
)  # fmt: skip
def test_everything_else_is_refused_naming_the_field(given: object) -> None:
    with pytest.raises(InvalidCommand) as caught:
        Scaled.parse(given, "quantity")
    assert caught.value.field == "quantity"
    assert caught.value.code in {
        f"request.invalid.{rule}" for rule in ("decimal", "type", "negative_zero", "places", "overflow")
    }


def test_a_hundred_thousand_random_decimals_equal_decimal() -> None:
    rng = random.Random(20)
    for _ in range(100_000):
        places = rng.randint(0, 18)
        mantissa = rng.randint(-(10 ** rng.randint(1, 18)), 10 ** rng.randint(1, 18)) or 1
        value = Scaled.parse(show(mantissa, places), "x")
        assert Decimal(value.mantissa).scaleb(-value.scale) == Decimal(mantissa).scaleb(-places)
        assert Decimal(value.text()) == Decimal(mantissa).scaleb(-places)


@pytest.mark.parametrize(
    ("mantissa", "places", "text"), [(-5, 2, "-0.05"), (0, 3, "0.000"), (123, 0, "123"), (-1234, 2, "-12.34")]
)
def test_numbers_are_shown_with_exactly_their_places(mantissa: int, places: int, text: str) -> None:
    assert show(mantissa, places) == text


@pytest.mark.hazard("L7")
@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-29T01:30:00.5Z", 1_774_747_800_500_000_000),
        ("2026-03-29T03:30:00.500000000+02:00", 1_774_747_800_500_000_000),
        ("2024-02-29T23:59:59.123456789Z", 1_709_251_199_123_456_789),
        ("2026-11-01T01:30:00-04:00", 1_793_511_000_000_000_000),
        ("2026-11-01T01:30:00-05:00", 1_793_514_600_000_000_000),
    ],
)
def test_a_time_means_the_same_in_every_zone(text: str, ns: int) -> None:
    assert parse_time(text, "at") == ns
    assert parse_time(show_time(ns), "at") == ns
    assert show_time(ns).endswith("Z")


@pytest.mark.hazard("L7")
@pytest.mark.usefixtures("_zone")
def test_shown_times_do_not_depend_on_the_zone_of_the_process() -> None:
    assert show_time(1_774_747_800_000_000_001) == "2026-03-29T01:30:00.000000001Z"


@pytest.mark.hazard("L7")
@pytest.mark.parametrize(
    "text",
    [
        "2026-03-29T01:30:00",
        "2026-03-29",
        "2026-03-29 01:30:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "1",
        "",
    ],
)
def test_a_time_without_a_zone_or_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        parse_time(text, "from")
    assert caught.value.field == "from"


def test_an_order_id_survives_its_text_and_nothing_else_is_one() -> None:
    rng = random.Random(3)
    for _ in range(1000):
        order = OrderId(rng.randint(0, 65535), rng.randint(1, 2**64 - 1), rng.randint(0, 2**32 - 1))
        assert OrderId.parse(order.text()) == order
    assert OrderId.parse(packed_id(0, 5, 1, 0)) is None  # a trade's
    assert OrderId.parse("not-an-id") is None
    assert OrderId.parse(OrderId(0, 5, 1).text().replace("-", "")) is None


@pytest.mark.parametrize("text", ["a", "A-z_9", "x" * 36])
def test_client_ids_are_accepted(text: str) -> None:
    assert check_client_id(text) == text


@pytest.mark.parametrize("text", ["", "x" * 37, "a b", "ü", "a\n", "a.b", "<script>"])
def test_other_client_ids_are_refused(text: str) -> None:
    with pytest.raises(InvalidCommand):
        check_client_id(text)


def test_symbols_have_a_form() -> None:
    assert all(is_symbol(symbol) for symbol in ("BTC-USD", "AAPL", "ESH7", "BRK.A", "X" * 24))
    assert not any(is_symbol(symbol) for symbol in ("", "btc", "-A", "X" * 25, "A B", "A\n", "ü"))

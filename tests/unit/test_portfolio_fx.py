"""Snapshots of exchange rates: exact, in agreement with themselves, or refused whole.

Goal: a rate is the number that was given, in both directions and over others; a wrong snapshot names what is wrong with it.
Method: worked examples of the money page, every refusal by its field, and random meshes of currencies whose rates follow
from one price each, of which one is then bent by more, or by less, than the tolerance.
"""

import random
from fractions import Fraction

import pytest

from quantumcore.contracts.errors import InvalidCommand, Unavailable
from quantumcore.contracts.portfolio import MAX_RATES, GivenRate
from quantumcore.services.portfolio.fx import U64_MAX, Snapshot, check_rates, convert
from tests.support.portfolios import T0, snapshot

TOLERANCE = 10


def given(base: str, quote: str, rate: str | None = None, over: tuple[str, str] | None = None) -> GivenRate:
    numerator, denominator = over or (None, None)
    return GivenRate(base=base, quote=quote, rate=rate, numerator=numerator, denominator=denominator)


def refused(*rates: GivenRate) -> InvalidCommand:
    with pytest.raises(InvalidCommand) as caught:
        check_rates(rates, TOLERANCE)
    return caught.value


def test_a_rate_is_the_rational_that_was_given_in_lowest_terms() -> None:
    rates = check_rates([given("EUR", "USD", "1.0800"), given("GBP", "USD", over=("254", "200"))], TOLERANCE)
    assert [(r.value.numerator, r.value.denominator) for r in rates] == [(27, 25), (127, 100)]
    shown = rates[0].shown()
    assert (shown.numerator, shown.denominator, shown.rate) == ("27", "25", "1.080000000000")


def test_a_pair_holds_in_both_directions_and_over_one_currency_in_between() -> None:
    fx = snapshot(EUR_USD="1.25", USD_JPY="150")
    assert fx.between("USD", "EUR") == Fraction(4, 5)
    assert fx.between("EUR", "JPY") == Fraction(375, 2)
    assert fx.between("EUR", "EUR") == 1
    assert fx.between("EUR", "GBP") is None
    with pytest.raises(Unavailable) as caught:
        fx.needed("GBP", "EUR")
    assert (caught.value.code, caught.value.actual) == ("fx.rate_missing", "GBP/EUR")


@pytest.mark.parametrize(
    "rates, field, code",
    [
        ([], "rates", "request.invalid.range"),
        ([given("EUR", "USD", "1")] * (MAX_RATES + 1), "rates", "request.invalid.range"),
        ([given("EUR", "EUR", "1")], "rates[0].quote", "request.invalid.range"),
        ([given("eur", "USD", "1")], "rates[0].base", "request.invalid.id"),
        ([given("EUR", "USD")], "rates[0].rate", "request.invalid.range"),
        ([given("EUR", "USD", "1", ("1", "1"))], "rates[0].rate", "request.invalid.range"),
        ([given("EUR", "USD", "0")], "rates[0].rate", "request.invalid.range"),
        ([given("EUR", "USD", "-1.1")], "rates[0].rate", "request.invalid.range"),
        ([given("EUR", "USD", "1e5")], "rates[0].rate", "request.invalid.decimal"),
        ([given("EUR", "USD", " 1")], "rates[0].rate", "request.invalid.decimal"),
        ([given("EUR", "USD", "1.0000000000000000001")], "rates[0].rate", "request.invalid.decimal"),
        ([given("EUR", "USD", str(U64_MAX + 1))], "rates[0].rate", "request.invalid.overflow"),
        ([given("EUR", "USD", over=("1", "0"))], "rates[0].denominator", "request.invalid.range"),
        ([given("EUR", "USD", over=("1", "x"))], "rates[0].denominator", "request.invalid.range"),
        ([given("EUR", "USD", "1.1"), given("USD", "EUR", "0.9")], "rates[1]", "request.invalid.range"),
    ],
)
def test_what_is_no_rate_is_refused_by_its_field(rates: list[GivenRate], field: str, code: str) -> None:
    error = refused(*rates)
    assert (error.field, error.code) == (field, code)


def test_the_largest_rates_pass() -> None:
    rates = check_rates([given("A", "B", str(U64_MAX)), given("A", "C", over=("1", str(U64_MAX)))], TOLERANCE)
    assert [r.value for r in rates] == [U64_MAX, Fraction(1, U64_MAX)]


def test_a_triangle_that_disagrees_is_refused_with_pair_and_numbers() -> None:
    """1.10 × 150 is 165; 165.33 is 20 bp off, 165.165 is 10 bp off, which is the tolerance and passes."""
    two = [given("EUR", "USD", "1.10"), given("USD", "JPY", "150")]
    check_rates([*two, given("EUR", "JPY", "165.165")], TOLERANCE)
    error = refused(*two, given("EUR", "JPY", "165.33"))
    assert (error.code, error.field, error.limit, error.actual) == ("fx.triangle", "rates", "10 bp", "JPY/USD 20.00 bp")
    assert error.detail == "JPY/USD is 0.006666666667 given and 0.006653359947 over EUR: 20.00 bp apart"


def test_two_ways_to_a_rate_that_was_not_given_must_agree_too() -> None:
    """EUR/JPY over USD or over GBP: whoever asks for it must not get one of two."""
    error = refused(
        given("EUR", "USD", "1.10"), given("USD", "JPY", "150"), given("EUR", "GBP", "0.85"), given("GBP", "JPY", "200")
    )
    assert error.code == "fx.triangle"


def test_random_meshes_pass_and_one_bent_rate_is_seen(rng: random.Random) -> None:
    for _ in range(300):
        prices = {
            f"C{n}": Fraction(rng.randrange(1, 10**6), rng.randrange(1, 10**6)) for n in range(rng.randrange(3, 7))
        }
        pairs = [(a, b) for a in prices for b in prices if a < b]
        rates = {(a, b): prices[a] / prices[b] for a, b in pairs}

        def publish(values: dict[tuple[str, str], Fraction]) -> None:
            check_rates(
                [given(a, b, over=(str(v.numerator), str(v.denominator))) for (a, b), v in values.items()], TOLERANCE
            )

        publish(rates)
        bent = rng.choice(pairs)
        publish({**rates, bent: rates[bent] * Fraction(10_009, 10_000)})
        with pytest.raises(InvalidCommand, match="bp apart"):
            publish({**rates, bent: rates[bent] * Fraction(10_011, 10_000)})


@pytest.mark.parametrize(
    "minor, rate, received, residue",
    [
        (10_000_000, Fraction("0.8500"), 8_500_000, 0),
        (9_999_999_999_999, Fraction("0.85"), 8_499_999_999_999, Fraction("0.15")),
        (8_242_135, Fraction(1, 10), 824_213, Fraction(1, 2)),
        (824_213_500, Fraction(1, 1000), 824_213, Fraction(1, 2)),
    ],
)
def test_the_customer_receives_the_floor_and_the_residue_is_kept(
    minor: int, rate: Fraction, received: int, residue: Fraction
) -> None:
    """The cases of money.md 1.5; 8,242.135 pays 8,242.13, not .14."""
    assert convert(minor, 2, rate, 2) == (received, residue)


def test_scales_of_both_currencies_count() -> None:
    assert convert(100, 2, Fraction(150), 0) == (150, 0)
    assert convert(1, 0, Fraction(1, 150), 2) == (0, Fraction(2, 3))


def test_a_snapshot_cannot_be_changed() -> None:
    fx: Snapshot = snapshot(EUR_USD="1.25")
    with pytest.raises(AttributeError):
        fx.rates = ()  # type: ignore[misc]
    assert fx.time_ns == T0

"""Tax is taken once on a total, and what is shared out adds up.

Goal: no rounding compounds: not over lines, not over taxes, not over periods; every share-out is exact.
Method: golden cases by hand, random documents against `Fraction` and `Decimal`.
"""

import random
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.ledger.rounding import rounded
from quantumcore.services.ledger.tax import Line, Periods, Tax, shares, taxes_of

VAT = Tax(code="VAT", rate=5_000_000)
MODES = {
    "floor": ROUND_FLOOR,
    "ceil": ROUND_CEILING,
    "half_up": ROUND_HALF_UP,
    "half_down": ROUND_HALF_DOWN,
    "half_even": ROUND_HALF_EVEN,
}


def line(amount: int, *taxes: str) -> Line:
    return Line(amount=amount, taxes=taxes or ("VAT",))


@pytest.mark.hazard("F10")
def test_five_percent_of_three_lines_of_1_10_is_16_cents():
    (due,) = taxes_of([line(110)] * 3, [VAT])
    assert (due.base, due.amount) == (330, 16)


@pytest.mark.hazard("F10")
@given(amounts=st.lists(st.integers(-(10**12), 10**12), max_size=40), rate=st.integers(0, 10**8), pick=st.randoms())
def test_the_order_and_the_cut_of_the_lines_are_irrelevant(amounts, rate, pick):
    """However a total is cut into lines, its tax is the tax of the total, off by half a unit at most."""
    tax = Tax(code="VAT", rate=rate)
    (due,) = taxes_of([line(amount) for amount in amounts], [tax])
    shuffled = pick.sample(amounts, len(amounts))
    assert taxes_of([line(amount) for amount in shuffled], [tax]) == [due]
    assert taxes_of([line(sum(amounts))], [tax]) == [due]
    assert 2 * abs(due.amount - Fraction(sum(amounts) * rate, 10**8)) <= 1


@pytest.mark.hazard("F10")
@given(bases=st.lists(st.integers(0, 10**9), min_size=12, max_size=12), rate=st.integers(0, 10**8))
def test_over_twelve_periods_the_error_is_at_most_one_unit(bases, rate):
    tax = Tax(code="VAT", rate=rate)
    periods, charged = Periods(tax=tax), 0
    for base in bases:
        periods, due = periods.after(base)
        charged += due
    assert abs(charged - Fraction(sum(bases) * rate, 10**8)) <= 1
    assert periods.charged == charged == taxes_of([line(sum(bases))], [tax])[0].amount


def test_each_tax_has_its_base_and_its_mode():
    lines = [line(150, "A", "B"), line(151, "B"), line(1000, "none")]
    taxes = [
        Tax(code="A", rate=1_000_000),
        Tax(code="B", rate=1_000_000, mode="ceil"),
        Tax(code="none", rate=0),
    ]
    assert [(due.base, due.amount) for due in taxes_of(lines, taxes)] == [(150, 2), (301, 4), (1000, 0)]


def test_a_tax_upon_a_tax_is_taken_on_its_exact_amount():
    """5 % of 10 is half a cent, which is rounded to nothing; the tax upon it still sees the half."""
    first = Tax(code="A", rate=5_000_000)
    second = Tax(code="B", rate=100_000_000, upon=("A",), mode="ceil")
    due = taxes_of([line(10, "A", "B")], [first, second])
    assert [(one.base, one.amount) for one in due] == [(10, 0), (Fraction(21, 2), 11)]


def test_a_line_taxed_twice_by_one_name_is_taxed_once():
    assert taxes_of([line(330, "VAT", "VAT")], [VAT])[0].amount == 16


@pytest.mark.parametrize("taxes", [[VAT], [Tax(code="B", rate=1, upon=("VAT",)), VAT, Tax(code="no", rate=1)]])
def test_a_tax_that_is_not_there_is_named(taxes):
    with pytest.raises(InvalidCommand) as caught:
        taxes_of([line(1, "no")], taxes)
    assert caught.value.field == "taxes"
    assert caught.value.actual in ("no", "VAT")


@given(total=st.integers(-(10**15), 10**15), weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_shares_are_exact_and_within_a_unit(total, weights):
    if not sum(weights):
        weights[0] = 1
    found = shares(total, weights)
    assert sum(found) == total
    for share, weight in zip(found, weights, strict=True):
        assert abs(share - Fraction(total * weight, sum(weights))) < 1


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (10, [1, 2, 3, 4], [1, 2, 3, 4]),
        (1, [0, 1, 1], [0, 1, 0]),
        (7, [3, 3, 1], [3, 3, 1]),
        (-100, [1, 1, 1], [-33, -33, -34]),
        (0, [5], [0]),
    ],
)
def test_the_largest_remainders_get_a_unit_each_of_equal_ones_the_first(total, weights, expected):
    assert shares(total, weights) == expected


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
def test_weights_that_say_nothing_are_refused(weights):
    with pytest.raises(InvalidCommand) as caught:
        shares(1, weights)
    assert caught.value.field == "weights"


def test_half_even_of_the_design():
    assert [rounded(Fraction(n, 10)) for n in (1235, 2245, 3255)] == [124, 224, 326]
    assert sum(rounded(Fraction(2 * n + 1, 2)) for n in range(10)) == 50


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_what_decimal_calls_by_that_name(mode, seed: int):
    rng = random.Random(seed)
    for _ in range(2_000):
        value = Decimal(rng.randrange(-5_000, 5_000)).scaleb(-rng.randrange(3))
        assert rounded(Fraction(value), mode) == int(value.to_integral_value(MODES[mode])), value

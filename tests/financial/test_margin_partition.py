"""Margin by strategy of a whole account.

Goal: up to four legs it is what pairing says; of more the cheapest partition into groups of at most four counts, up to a bound that is
stated; beyond it the answer is an upper bound; what works counts as it would stand alone; no scale of prices or lots loses anything.
Method: every partition by brute force, laws over random legs, and amounts worked out by hand.
"""

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.services.risk.margin import partition
from quantumcore.services.risk.margin.pairing import MAX_LEGS, RULES, cheapest, margin, partitions
from quantumcore.services.risk.margin.partition import MANY, MAX_TOGETHER, least_cost
from quantumcore.services.risk.margin.strategies import Cost, Leg, Right, Sized, requirement, sized_at
from quantumcore.services.risk.margin.strategy_book import OptionLine, ShareLine, account_requirement

SPOT = 10_000


def leg(right: Right, quantity: int, strike: int, price: int, expiry: int = 1) -> Sized:
    return sized_at(right, quantity, 100, price, strike, expiry, SPOT, RULES)


def stock(quantity: int) -> Sized:
    return sized_at(Right.STOCK, quantity, 1, SPOT, 0, 0, SPOT, RULES)


options = st.builds(
    leg,
    st.sampled_from([Right.CALL, Right.PUT]),
    st.integers(-3, 3).filter(bool),
    st.integers(85, 115).map(lambda units: units * 100),
    st.integers(0, 2_000),
    st.integers(1, 2),
)
shares = st.integers(-500, 500).filter(bool).map(stock)


def accounts(least: int, most: int) -> st.SearchStrategy[list[Sized]]:
    """Options, and sometimes shares before them."""
    alone = st.lists(options, min_size=least, max_size=most)
    with_shares = st.builds(
        lambda one, rest: [one, *rest], shares, st.lists(options, min_size=least - 1, max_size=most - 1)
    )
    return st.one_of(alone, with_shares)


def alone(legs: list[Sized]) -> int:
    found = [requirement([one], RULES) for one in legs]
    return sum(cost.initial for cost in found if cost is not None)


@given(accounts(1, 4))
def test_up_to_four_legs_need_what_pairing_says(legs: list[Sized]) -> None:
    cost, _ = cheapest(legs, RULES)
    found = least_cost(legs, RULES)
    assert (found.initial, found.maintenance) == (cost.initial, cost.maintenance)


@given(accounts(5, 6))
def test_five_and_six_legs_need_the_least_of_every_partition(legs: list[Sized]) -> None:
    best: Cost | None = None
    for groups in partitions(len(legs)):
        if max(map(len, groups)) > MAX_LEGS:
            continue
        costs = [requirement([legs[at] for at in group], RULES) for group in groups]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(groups):
            continue
        total = Cost(*map(sum, zip(*known, strict=True)))
        if best is None or total.initial < best.initial:
            best = total
    assert best is not None
    found = least_cost(legs, RULES)
    assert (found.initial, found.maintenance) == (best.initial, best.maintenance)


@given(accounts(1, 20))
def test_an_account_never_needs_more_than_its_legs_alone_nor_less_than_nothing(legs: list[Sized]) -> None:
    assert 0 <= least_cost(legs, RULES).initial <= alone(legs)


def verticals(count: int) -> list[Sized]:
    """Short calls, then as many long ones 5.00 above: 500.00 each together, far more alone."""
    short = [leg(Right.CALL, -1, 10_000 + at, 300) for at in range(count)]
    return [*short, *(leg(Right.CALL, 1, 10_500 + at, 100) for at in range(count))]


def test_at_the_bound_the_partition_is_exact_and_one_leg_more_is_taken_apart() -> None:
    half = MAX_TOGETHER // 2
    at_bound = verticals(half)
    assert len(at_bound) == MAX_TOGETHER
    assert least_cost(at_bound, RULES).initial == half * 500 * 100 * 100
    beyond = [leg(Right.PUT, 1, 8_000, 1), *at_bound]  # the last long call is in a part of its own
    naked = next(requirement([one], RULES) for one in at_bound if one.quantity < 0)
    assert naked is not None
    found = least_cost(beyond, RULES).initial
    parts = least_cost(beyond[:MAX_TOGETHER], RULES).initial + least_cost(beyond[MAX_TOGETHER:], RULES).initial
    assert half * 500 * 100 * 100 < found == parts < alone(beyond)


def test_of_very_many_legs_four_at_a_time_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the work grows with the legs alone."""
    sizes: list[int] = []
    work = partition._cheapest
    monkeypatch.setattr(partition, "_cheapest", lambda legs, rules: (sizes.append(len(legs)), work(legs, rules))[1])
    many = [leg(Right.CALL, -1 if at % 2 else 1, 10_000 + at, 100) for at in range(MANY + 1)]
    least_cost(many[:MANY], RULES)
    assert set(sizes) == {MAX_TOGETHER}
    sizes.clear()
    assert least_cost(many, RULES).initial <= alone(many)
    assert sizes == [MAX_LEGS] * 16 + [1]


# ------------------------------------------------------------------------------------------------ a whole account

D = Decimal


def line(right: Right, lots: int, strike: str, premium: str = "0", expiry: int = 1, **changes: object) -> OptionLine:
    found = OptionLine(
        right=right,
        lots=lots,
        premium=Fraction(premium),
        strike=Fraction(strike),
        expiry=expiry,
        multiplier=Fraction(100),
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # fields of it


def needed(*lines: OptionLine, shares: ShareLine | None = None, spot: str = "100") -> tuple[Fraction, Fraction]:
    return account_requirement(lines, shares, Fraction(spot), RULES)


small = st.builds(
    lambda right, lots, strike, cents, expiry: line(right, lots, str(strike), f"{cents}/100", expiry),
    st.sampled_from([Right.CALL, Right.PUT]),
    st.integers(-3, 3).filter(bool),
    st.integers(85, 115),
    st.integers(0, 2_000),
    st.integers(1, 2),
)


@given(st.lists(small, min_size=1, max_size=3), st.integers(-300, 300))
def test_an_account_of_four_legs_needs_what_its_package_does(lines: list[OptionLine], lots: int) -> None:
    legs = [
        Leg(
            right=one.right,
            quantity=one.lots,
            price=D(one.premium.numerator) / one.premium.denominator,
            strike=D(int(one.strike)),
            expiry=one.expiry,
        )
        for one in lines
    ]
    if lots:
        legs.append(Leg(right=Right.STOCK, quantity=lots, price=D(100), multiplier=1))
    package = margin(legs, D(100), places=9)
    found = needed(*lines, shares=ShareLine(lots=lots, units=Fraction(1)))
    assert found == (Fraction(package.required), Fraction(package.maintenance))


def test_the_worked_packages() -> None:
    assert needed(line(Right.PUT, -1, "200", "1.20"), spot="209") == (3_400, 3_400)
    assert needed(line(Right.PUT, 1, "120", "0.80"), line(Right.PUT, -1, "125", "1.24"), spot="130") == (500, 500)
    butterfly = [
        line(Right.CALL, lots, strike, premium)
        for lots, strike, premium in ((1, "95", "7.20"), (-2, "100", "4.10"), (1, "105", "2.00"))
    ]
    assert needed(*butterfly) == (0, 0)


def test_what_works_to_sell_beyond_what_is_held_is_naked_alone_and_what_works_to_buy_needs_nothing() -> None:
    call = line(Right.CALL, 2, "100", "3")
    assert needed(replace(call, sells=2)) == (0, 0)
    assert needed(replace(call, sells=3)) == (2_300, 0)
    assert needed(replace(call, lots=0, sells=1)) == (2_300, 0)
    assert needed(replace(call, lots=-1, sells=1)) == (4_600, 2_300)
    assert needed(replace(call, lots=0, buys=9)) == (0, 0)
    covered = line(Right.CALL, 1, "105", "1", number=1)
    assert needed(replace(call, lots=-1, sells=1), covered) == (500 + 2_300, 500)  # an order is covered by nothing


def test_shares_count_at_the_dearer_of_all_buys_and_all_sells_with_what_they_cover() -> None:
    held = ShareLine(lots=100, units=Fraction(1))
    call = line(Right.CALL, -1, "105", "2")
    assert needed(call, shares=held) == (5_000, 2_500)
    assert needed(call, shares=replace(held, buys=50)) == (7_500, 2_500)
    assert needed(call, shares=replace(held, sells=100)) == (5_000, 2_500)  # uncovered it is 1,700.00
    assert needed(call, shares=replace(held, sells=200)) == (6_700, 2_500)  # 100 short, and the call naked
    deep = line(Right.CALL, -1, "50", "51")
    assert needed(deep, shares=replace(held, sells=100)) == (7_100, 2_500)  # without the shares: 51 + 20
    assert needed(shares=ShareLine(lots=0, units=Fraction(1), buys=10, sells=30)) == (1_500, 0)


def test_lots_of_a_fraction_of_the_underlying_and_prices_that_are_no_decimals_stay_exact() -> None:
    """A lot of 1/300 unit at a third of a dollar: nothing is rounded before the end."""
    odd = replace(line(Right.CALL, -7, "100", "1/3"), multiplier=Fraction(1, 300))
    assert needed(odd) == (Fraction(7, 300) * (Fraction(1, 3) + 20),) * 2
    covered = ShareLine(lots=7, units=Fraction(1, 300))
    assert needed(odd, shares=covered) == (Fraction(7, 3) / 2, Fraction(7, 3) / 4)


def test_legs_beyond_the_bound_are_taken_in_one_order_whatever_order_they_come_in() -> None:
    lines = [
        line(Right.CALL, -1 if at % 2 else 1, str(100 + at // 2), "2", 1 + at % 3, number=at)
        for at in range(2 * MAX_TOGETHER)
    ]
    canonical = sorted(lines, key=lambda one: (one.expiry, one.strike))
    legs = [
        sized_at(one.right, one.lots, 100, 200, int(one.strike) * 100, one.expiry, SPOT, RULES) for one in canonical
    ]
    rng = random.Random(3)
    for _ in range(8):
        rng.shuffle(lines)
        assert needed(*lines)[0] == Fraction(least_cost(legs, RULES).initial, 10_000)


@pytest.mark.parametrize("lots", [2**62, -(2**62)])
def test_no_size_is_too_large_to_be_exact(lots: int) -> None:
    initial, maintenance = needed(shares=ShareLine(lots=lots, units=Fraction(1)))
    assert (initial, maintenance) == (2**62 * 50, 2**62 * (25 if lots > 0 else 30))

"""Margin by strategy: Regulation T and the option exchanges' rules.

Goal: the golden packages come out; of all ways to group legs the cheapest counts; a package never needs more than its legs alone,
and where its loss is bounded, the money that must be there covers it.
Method: worked cases, and an oracle in fractions that groups by labels and knows no integers.
"""

import itertools
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quantumcore.services.risk.margin.pairing import margin, partitions
from quantumcore.services.risk.margin.strategies import Leg, Right, Rules
from tests.support.risk import refused

U = Decimal(100)
D = Decimal


def call(quantity: int, strike: str, price: str = "0", expiry: int = 1, multiplier: int = 100) -> Leg:
    return Leg(
        right=Right.CALL, quantity=quantity, strike=D(strike), price=D(price), expiry=expiry, multiplier=multiplier
    )


def put(quantity: int, strike: str, price: str = "0", expiry: int = 1) -> Leg:
    return replace(call(quantity, strike, price, expiry), right=Right.PUT)


def stock(quantity: int, price: str = "100") -> Leg:
    return Leg(right=Right.STOCK, quantity=quantity, price=D(price), multiplier=1)


def required(*legs: Leg, underlying: str = "100") -> str:
    return str(margin(legs, D(underlying)).required)


def test_a_short_put_200_at_1_20_with_the_underlying_at_209() -> None:
    found = margin([put(-1, "200", "1.20")], D(209))
    assert (str(found.required), str(found.call)) == ("3400.00", "3280.00")


def test_a_long_put_120_with_a_short_put_125() -> None:
    found = margin([put(1, "120", "0.80"), put(-1, "125", "1.24")], D(130))
    assert (str(found.required), str(found.call)) == ("500.00", "456.00")
    assert (found.groups, str(found.worst_loss)) == (((0, 1),), "456.00")


def test_a_long_call_butterfly_95_100_105() -> None:
    found = margin([call(1, "95", "7.20"), call(-2, "100", "4.10"), call(1, "105", "2.00")], U)
    assert (str(found.required), str(found.call), str(found.worst_loss)) == ("0.00", "100.00", "100.00")


@pytest.mark.parametrize(
    ("leg", "needed"),
    [
        (call(-1, "100", "3"), "2300.00"),  # 3 + 20
        (call(-1, "105", "1"), "1600.00"),  # 1 + 20 - 5
        (call(-1, "110", "1"), "1100.00"),  # 1 + 10: 20 - 10 is just the least
        (call(-1, "111", "1"), "1100.00"),
        (put(-1, "90", "1"), "1100.00"),  # 1 + 20 - 10
        (put(-1, "80", "1"), "900.00"),  # 1 + 10 % of the strike
        (put(-1, "120", "21"), "4100.00"),  # 21 + 20
        (call(-3, "100", "3"), "6900.00"),
        (call(5, "100", "3"), "0.00"),
        (put(5, "100", "3"), "0.00"),
    ],
)
def test_single_options(leg: Leg, needed: str) -> None:
    assert required(leg) == needed


@pytest.mark.parametrize(
    ("shares", "initial", "maintenance"), [(100, "5000.00", "2500.00"), (-100, "5000.00", "3000.00")]
)
def test_stock(shares: int, initial: str, maintenance: str) -> None:
    found = margin([stock(shares)], U)
    assert (str(found.required), str(found.maintenance), str(found.call)) == (initial, maintenance, initial)
    assert found.worst_loss is None


@pytest.mark.parametrize(
    ("legs", "needed"),
    [
        ([call(1, "100"), call(-1, "105")], "0.00"),  # vertical for a debit
        ([call(-1, "100"), call(1, "105")], "500.00"),  # for a credit
        ([put(-1, "95"), put(1, "90"), call(-1, "105"), call(1, "110")], "500.00"),  # iron condor: one side
        ([put(-1, "95"), put(1, "93"), call(-1, "105"), call(1, "112")], "700.00"),  # the wider one
        ([put(1, "95"), put(-1, "100"), call(-1, "100"), call(1, "105")], "500.00"),  # iron butterfly
        ([call(1, "95"), call(-1, "105"), put(-1, "95"), put(1, "105")], "0.00"),  # long box
        ([call(-1, "95"), call(1, "105"), put(1, "95"), put(-1, "105")], "1000.00"),  # short box
        ([call(1, "95"), call(-1, "100"), call(-1, "105"), call(1, "110")], "0.00"),  # condor
        ([call(-1, "95"), call(2, "100"), call(-1, "105")], "500.00"),  # short butterfly
        ([call(-1, "100", expiry=1), call(1, "100", expiry=2)], "0.00"),  # calendar
        ([call(-1, "100", expiry=1), call(1, "104", expiry=2)], "400.00"),  # diagonal
        ([call(2, "100"), call(-3, "105", "1")], "1600.00"),  # ratio: one is naked
    ],
)
def test_packages(legs: list[Leg], needed: str) -> None:
    assert required(*legs) == needed


def test_a_short_leg_is_covered_only_by_what_expires_with_it_or_later() -> None:
    naked = required(call(-1, "100", "3", expiry=2))
    assert required(call(-1, "100", "3", expiry=2), call(1, "100", "2", expiry=1)) == naked
    assert required(call(-1, "100", "3", expiry=2), call(1, "100", "3", expiry=2)) == "0.00"
    assert required(call(-1, "100", "3", expiry=2), call(1, "100", "4", expiry=3)) == "0.00"


def test_short_legs_of_two_days_are_two_packages() -> None:
    legs = [call(-1, "100", "3", expiry=1), call(-1, "100", "5", expiry=2), call(1, "100", "6", expiry=3)]
    found = margin(legs, U)
    assert str(found.required) == "2300.00"  # the dearer one is covered
    assert found.groups == ((0,), (1, 2))


def test_a_short_straddle_needs_its_greater_side_and_the_premium_of_the_other() -> None:
    assert required(call(-1, "100", "3"), put(-1, "100", "2.50")) == "2550.00"  # 23 + 2.50
    assert required(call(-1, "110", "1"), put(-1, "95", "2")) == "1800.00"  # the put: 17, and 1
    assert required(call(-1, "100", "3"), put(-1, "100", "3")) == "2600.00"


def test_of_equal_sides_the_larger_sum_counts() -> None:
    """Call 3 + 17 and put 1 + 19 are 20 both: with 1 of the put 21, with 3 of the call 23."""
    assert required(call(-1, "103", "3"), put(-1, "99", "1")) == "2300.00"


@pytest.mark.parametrize(
    ("legs", "needed", "maintenance"),
    [
        ([stock(100), call(-1, "105", "2")], "5000.00", "2500.00"),  # covered call
        ([stock(100), put(1, "95", "2")], "5000.00", "2500.00"),  # protective put
        ([stock(100), put(1, "95", "2"), call(-1, "105", "2")], "5000.00", "2500.00"),  # collar
        ([stock(-100), put(-1, "95", "2")], "5000.00", "3000.00"),  # covered put
        ([stock(-100), call(1, "105", "2")], "5000.00", "3000.00"),  # protective call
        ([stock(99), call(-1, "105", "2")], "6650.00", "4175.00"),  # one share too few: naked, 2 + 15
        ([stock(250), call(-3, "105", "2")], "14200.00", "7950.00"),  # two covered, one naked
        ([stock(100), call(-1, "105", "2"), call(-1, "100", "3")], "6700.00", "4200.00"),  # the dearer is covered
        ([stock(60), stock(40), call(-1, "100", "3")], "5000.00", "2500.00"),
        ([stock(100), put(-1, "100", "3")], "7300.00", "4800.00"),  # nothing covers it
    ],
)
def test_stock_with_options(legs: list[Leg], needed: str, maintenance: str) -> None:
    found = margin(legs, U)
    assert (str(found.required), str(found.maintenance)) == (needed, maintenance)


def test_premiums_of_stock_packages_are_those_of_the_options() -> None:
    assert str(margin([stock(100), call(-1, "105", "2")], U).call) == "4800.00"


def test_ties_go_by_leg_index() -> None:
    """Either long call covers the short one as well: the first does, with its neighbour."""
    assert margin([call(1, "100"), call(1, "100"), put(1, "100"), call(-1, "100")], U).groups == ((0, 1, 2, 3),)
    found = margin([call(-1, "100", "3", expiry=2), call(-1, "100", "3", expiry=1), call(1, "100", expiry=2)], U)
    assert found.groups == ((0, 2), (1,))
    assert list(partitions(3)) == [((0, 1, 2),), ((0, 1), (2,)), ((0, 2), (1,)), ((0,), (1, 2)), ((0,), (1,), (2,))]
    assert len(list(partitions(4))) == 15


def test_rules_are_settings() -> None:
    """15 % of a broad index instead of 20."""
    assert str(margin([call(-1, "100", "3")], U, rules=Rules(option=15)).required) == "1800.00"


def test_what_is_left_of_a_cent_is_rounded_up_once() -> None:
    assert str(margin([call(-1, "100", "0.00001", multiplier=1)], D("100.001")).required) == "20.01"
    assert str(margin([call(-1, "100", "0.00001", multiplier=1)], D("100.001"), places=8).required) == "20.00021000"


@pytest.mark.parametrize(
    ("legs", "field"),
    [
        ([], "legs"),
        ([call(1, "100")] * 5, "legs"),
        ([call(1, "100"), call(0, "100")], "legs[1].quantity"),
        ([call(1, "0")], "legs[0].strike"),
        ([call(1, "-5")], "legs[0].strike"),
        ([call(1, "100", "-1")], "legs[0].price"),
        ([call(1, "100", multiplier=0)], "legs[0].multiplier"),
        ([replace(stock(1), strike=D(5))], "legs[0].strike"),
    ],
)
def test_a_package_that_cannot_be_is_refused(legs: list[Leg], field: str) -> None:
    refused("risk.package.bad", lambda: margin(legs, U), field=field)


@pytest.mark.parametrize("price", ["NaN", "Infinity"])
def test_no_number_is_refused(price: str) -> None:
    refused("risk.not_finite", lambda: margin([call(1, "100", price)], U), field="legs[0].price")


@pytest.mark.parametrize("underlying", ["0", "-1"])
def test_an_underlying_without_a_price_is_refused(underlying: str) -> None:
    refused("risk.package.bad", lambda: margin([call(1, "100")], D(underlying)), field="underlying")


@pytest.mark.parametrize("underlying", ["NaN", "Infinity", "-Infinity"])
def test_an_underlying_that_is_no_number_is_refused(underlying: str) -> None:
    refused("risk.not_finite", lambda: margin([call(1, "100")], D(underlying)), field="underlying")


def test_a_package_beyond_63_bits_is_refused() -> None:
    refused("order.amount.overflow", lambda: margin([call(-(2**62), "100", "3")], U))


# ------------------------------------------------------------------------------------------------ against an oracle

options = st.builds(
    lambda right, quantity, strike, cents, expiry: Leg(
        right=right, quantity=quantity, strike=D(strike), price=D(cents) / 100, expiry=expiry
    ),
    st.sampled_from([Right.CALL, Right.PUT]),
    st.sampled_from([-1, 1]),
    st.integers(85, 115),
    st.integers(0, 2_000),
    st.integers(1, 2),
)
packages = st.lists(options, min_size=1, max_size=4)


@given(packages)
def test_pairing_is_the_cheapest_of_all_labellings(legs: list[Leg]) -> None:
    """Contracts by ones: every way to put each into one of four groups, each group by the rules in fractions."""
    ways = itertools.product(range(len(legs)), repeat=len(legs))
    best = min(
        sum(_group([leg for leg, at in zip(legs, way, strict=True) if at == n]) for n in set(way)) for way in ways
    )
    assert margin(legs, U).required == best


def _group(legs: list[Leg]) -> Fraction:
    short, long = [leg for leg in legs if leg.quantity < 0], [leg for leg in legs if leg.quantity > 0]
    if not short:
        return Fraction(0)
    if not long:
        return max(_naked(short, Right.CALL, Right.PUT), _naked(short, Right.PUT, Right.CALL))
    if len({leg.expiry for leg in short}) > 1 or min(leg.expiry for leg in long) < short[0].expiry:
        return Fraction(10**12)
    if sum(leg.quantity for leg in legs if leg.right is Right.CALL) < 0:
        return Fraction(10**12)
    return -min(Fraction(0), *(_payoff(legs, spot) for spot in (Fraction(0), *(Fraction(leg.strike) for leg in legs))))


def _naked(short: list[Leg], counted: Right, other: Right) -> Fraction:
    """The greater side is the one from which this is larger, for a side's margin holds its own premiums."""
    needed = {Right.CALL: Fraction(0), Right.PUT: Fraction(0)}
    for leg in short:
        out = max(0, leg.strike - 100) if leg.right is Right.CALL else max(0, 100 - leg.strike)
        least = Fraction(10) if leg.right is Right.CALL else Fraction(leg.strike) / 10
        needed[leg.right] += 100 * (Fraction(leg.price) + max(Fraction(20) - Fraction(out), least))
    if needed[counted] < needed[other]:
        return Fraction(0)
    return needed[counted] + sum(100 * Fraction(leg.price) for leg in short if leg.right is other)


def _payoff(legs: list[Leg], spot: Fraction) -> Fraction:
    total = Fraction(0)
    for leg in legs:
        worth = spot - Fraction(leg.strike) if leg.right is Right.CALL else Fraction(leg.strike) - spot
        total += max(Fraction(0), worth) * leg.quantity * 100
    return total


any_leg = st.one_of(
    st.builds(lambda leg, n: replace(leg, quantity=leg.quantity * n), options, st.integers(1, 5)),
    st.builds(lambda n, cents: stock(n or 100, str(D(cents) / 100)), st.integers(-500, 500), st.integers(1, 20_000)),
)


@given(st.lists(any_leg, min_size=1, max_size=4))
def test_a_package_never_needs_more_than_its_legs_alone(legs: list[Leg]) -> None:
    assert margin(legs, U).required <= sum(margin([leg], U).required for leg in legs)


@given(st.lists(any_leg, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_legs_changes_no_amount(legs: list[Leg], random) -> None:
    shuffled = list(legs)
    random.shuffle(shuffled)
    one, other = margin(legs, U), margin(shuffled, U)
    assert (one.required, one.call) == (other.required, other.call)


spreads = st.builds(
    lambda leg, n, other, cents: [
        replace(leg, quantity=n),
        replace(leg, quantity=-n, strike=D(other), price=D(cents) / 100),
    ],
    options,
    st.integers(1, 5),
    st.integers(95, 105),
    st.integers(0, 2_000),
)


@given(st.lists(spreads, min_size=1, max_size=2), st.randoms(use_true_random=False))
def test_the_call_of_a_package_without_naked_legs_covers_its_worst_loss(pairs: list[list[Leg]], random) -> None:
    """What is lost at the worst strike, premiums included, is there."""
    legs = [leg for pair in pairs for leg in pair]
    random.shuffle(legs)
    found = margin(legs, U)
    assert found.worst_loss is not None
    assume(found.naked == 0)
    assert found.call >= found.worst_loss


def test_naked_contracts_are_told() -> None:
    assert margin([call(-3, "105", "1"), call(2, "100")], U).naked == 1
    assert margin([stock(250), call(-3, "105", "2")], U).naked == 1
    assert margin([call(-3, "105", "1")], U).naked == 3
    assert margin([call(-3, "105", "1"), call(3, "100")], U).naked == 0
    wide = margin([put(-1, "115", "0"), put(1, "85", "0")], U)
    assert (wide.naked, str(wide.required)) == (1, "2000.00")

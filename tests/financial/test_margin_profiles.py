"""Margin by volatility and by scenarios.

Goal: the golden amounts come out to the last unit; no size is too large to be exact or refused; what is rounded is rounded against
the account, once; a new price, position or setting counts at once.
Method: worked cases, exact rationals as an oracle, laws over random portfolios, an option model of the tests' own.
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.contracts.values import I64_MAX
from quantumcore.services.risk.figures.revaluation import Option
from quantumcore.services.risk.margin import perpetuals, scenarios, volatility
from quantumcore.services.risk.margin.amounts import ceiling, decimal, equity, mantissa, money, worst_lots
from quantumcore.services.risk.margin.arrays import MAX_AGE_NS, Market, Stamp, is_stale, risk_array
from quantumcore.services.risk.margin.grid import BROAD_INDICES, BUCKETS, SINGLE_NAMES, SIXTEEN, Grid, Scenario, sixteen
from quantumcore.services.risk.margin.scenarios import Charges, Line, Spread, price_risk, scenario_losses
from quantumcore.services.risk.margin.volatility import Holding, price_of
from tests.support.risk import black_scholes, no_options, refused

# 100 at 150.00 and 50 at 2,000.00, a tick and a unit of one cent
FIRST = Holding(symbol="AAA", lots=100, price=15_000, unit=1)
SECOND = Holding(symbol="BBB", lots=50, price=200_000, unit=1, volatility=3_000_000)

holdings = st.builds(
    Holding,
    symbol=st.just("S"),
    lots=st.integers(-(10**9), 10**9),
    price=st.integers(-(10**6), 10**6),
    unit=st.integers(1, 1_000),
    per=st.sampled_from([1, 3, 10, 10**6]),
    buys=st.integers(0, 10**6),
    sells=st.integers(0, 10**6),
    volatility=st.integers(1, 10**9),
    floor=st.integers(0, 10**9),
)


# ------------------------------------------------------------------------------------------------------- profile A


def test_100_at_150_and_50_at_2000_need_750_and_7500() -> None:
    assert volatility.initial([FIRST]) == 750_00
    assert volatility.initial([SECOND]) == 7_500_00
    assert volatility.initial([FIRST, SECOND]) == 8_250_00


def test_a_short_needs_what_a_long_needs_and_flat_nothing() -> None:
    assert volatility.initial([replace(FIRST, lots=-100)]) == 750_00
    assert volatility.initial([replace(FIRST, lots=0)]) == 0
    assert volatility.initial([]) == 0


def test_a_new_price_position_or_setting_counts_at_once() -> None:
    assert volatility.initial([replace(FIRST, price=15_001)]) == 750_05
    assert volatility.initial([replace(FIRST, lots=101)]) == 757_50
    assert volatility.initial([replace(FIRST, volatility=2_000_001)]) == 750_01  # 750.000375, up
    assert volatility.initial([FIRST]) == 750_00


@pytest.mark.parametrize(
    ("buys", "sells", "initial"),
    [(0, 0, 750_00), (10, 0, 825_00), (0, 10, 750_00), (0, 250, 1_125_00), (50, 250, 1_125_00), (51, 250, 1_132_50)],
)
def test_working_orders_count_as_the_worse_of_all_buys_and_all_sells(buys: int, sells: int, initial: int) -> None:
    holding = replace(FIRST, buys=buys, sells=sells)
    assert volatility.initial([holding]) == initial
    assert volatility.maintenance([holding]) == 750_00


def test_worst_lots_of_equal_sizes_are_those_with_the_buys() -> None:
    assert worst_lots(10, 5, 25) == 15
    assert worst_lots(10, 5, 26) == -16
    assert worst_lots(-10, 25, 5) == 15


def test_a_symbols_floor_raises_its_requirement_and_never_lowers_it() -> None:
    assert volatility.initial([replace(FIRST, floor=10_000_000)]) == 1_500_00  # 10 % of 15,000.00
    assert volatility.initial([replace(FIRST, floor=5_000_000)]) == 750_00
    assert volatility.initial([replace(FIRST, floor=4_000_000)]) == 750_00


def test_the_mark_counts_else_the_average_entry_and_never_nothing() -> None:
    average = Fraction(46_000, 3)
    assert price_of("AAA", 15_000, average) == 15_000
    assert price_of("AAA", 0, average) == 0
    assert price_of("AAA", None, average) == average
    refused("risk.price.missing", lambda: price_of("AAA", None, None), field="AAA")
    assert volatility.initial([replace(FIRST, lots=150, price=average)]) == 1_150_00


def test_a_negative_price_counts_by_its_size() -> None:
    assert volatility.initial([replace(FIRST, price=-15_000)]) == 750_00


@pytest.mark.parametrize("bad", [0, -1, volatility.MAX_VOLATILITY + 1])
def test_an_absurd_volatility_is_refused(bad: int) -> None:
    refused("risk.volatility.bad", lambda: volatility.initial([replace(FIRST, volatility=bad)]), actual=str(bad))
    assert volatility.initial([replace(FIRST, volatility=volatility.MAX_VOLATILITY)]) == 375_000_00


def test_an_absurd_floor_is_refused_by_name() -> None:
    refused("risk.volatility.bad", lambda: volatility.initial([replace(FIRST, floor=-1)]), field="floor", actual="-1")
    most = volatility.MAX_VOLATILITY
    refused("risk.volatility.bad", lambda: volatility.initial([replace(FIRST, floor=most + 1)]), field="floor")
    assert volatility.initial([replace(FIRST, floor=most)]) == 150_000_00


@pytest.mark.hazard("F7")
@pytest.mark.parametrize("lots", [2**62, 2**62 - 1, -(2**62), 2**63 - 1])
def test_the_largest_size_is_exact_or_refused(lots: int) -> None:
    """At 10^9 it does not fit; at a price of one tick it does, and is the exact number: never 0, negative or less than for a lot less."""
    huge = Holding(symbol="S", lots=lots, price=10**9, unit=1)
    refused("order.amount.overflow", lambda: volatility.initial([huge]), limit=str(I64_MAX))
    small = replace(huge, price=1, volatility=1_000)
    assert volatility.initial([small]) == ceiling(abs(lots) * 5, 2 * 10**5)
    assert volatility.initial([small]) >= volatility.initial([replace(small, lots=abs(lots) - 1)])


@pytest.mark.hazard("F7")
def test_the_bound_is_that_of_an_account() -> None:
    """A requirement of 2^63 - 1 minor units is one; of one more, it is not."""
    at = Holding(symbol="S", lots=2 * I64_MAX, price=1, unit=1, volatility=20_000_000)
    assert volatility.initial([at]) == I64_MAX
    refused("order.amount.overflow", lambda: volatility.initial([replace(at, lots=2 * I64_MAX + 1)]))


@given(st.lists(holdings, max_size=8))
def test_a_requirement_is_the_exact_sum_rounded_up_once(held: list[Holding]) -> None:
    exact = Fraction(0)
    for one in held:
        lots = max(abs(one.lots + one.buys), abs(one.lots - one.sells))
        rate = max(Fraction(one.volatility, 10**8) * Fraction(5, 2), Fraction(one.floor, 10**8))
        exact += abs(lots * one.price * Fraction(one.unit, one.per)) * rate
    assert volatility.initial(held) == -(-exact.numerator // exact.denominator)
    assert volatility.maintenance(held) <= volatility.initial(held)


def test_equity_is_rounded_down_once() -> None:
    assert equity(1_000, Fraction(-1, 3), Fraction(250), Fraction(1, 3)) == 1_249
    assert equity(0, Fraction(-1, 3), Fraction(0), Fraction(0)) == -1
    assert equity(5, Fraction(1, 2), Fraction(1, 2), Fraction(7)) == -1
    refused("order.amount.overflow", lambda: equity(I64_MAX, Fraction(1), Fraction(0), Fraction(0)))


def test_decimals_become_integers_exactly_or_not_at_all() -> None:
    assert mantissa(Decimal("1.20"), 2, "f") == 120
    assert mantissa(Decimal("-1E+30"), 2, "f") == -(10**32)
    assert mantissa(Decimal("0.00000000000000000000000000000000001"), 35, "f") == 1
    refused("request.invalid.places", lambda: mantissa(Decimal("1.205"), 2, "f"), field="f", limit="2")
    refused("risk.not_finite", lambda: mantissa(Decimal("NaN"), 2, "f"))
    refused("risk.not_finite", lambda: mantissa(Decimal("-Infinity"), 2, "f"))
    assert decimal(-(10**40) - 5, 2) == Decimal(f"-1{'0' * 38}.05")
    assert str(decimal(5, 2)) == "0.05"
    assert money(-I64_MAX) == -I64_MAX


# ------------------------------------------------------------------------------------------------------- profile C

CALL = Option(strike=105, years=30 / 365, call=True)
GOLDEN = (
    "-38.368041 35.572651 -145.667541 -54.021925 32.040353 81.653871 -293.731988 -198.126374 73.194331 100.612012 "
    "-481.692122 -396.588702 94.259234 106.646337 -697.552086 36.120583"
)
MARKET = Market(spot=100, volatility=0.25, price_range=9, shift=0.04)


def golden() -> tuple[int, ...]:
    return risk_array(CALL, MARKET, 100, SIXTEEN, black_scholes)


def line(**changed: object) -> Line:
    given: dict[str, object] = {"symbol": "C", "underlying": "U", "lots": -10, "losses": golden(), "delta": 30_000_000}
    return Line(**{**given, **changed})  # type: ignore[arg-type]


def plain(lots: int, *losses: int, **changed: object) -> Line:
    return line(**{"lots": lots, "losses": losses, "delta": 0, **changed})


PAIR = Grid((Scenario(Fraction(1), 0), Scenario(Fraction(-1), 0)))


def test_the_risk_array_of_a_call() -> None:
    assert golden() == tuple(int(one.replace(".", "")) for one in GOLDEN.split())


def test_ten_short_calls_scan_to_6975_53_in_scenario_15() -> None:
    found = scenarios.requirement([line()], SIXTEEN, {})
    assert (found.risk, found.requirement, found.parts[0].scenario) == (6_975_53, 6_975_53, 15)
    assert found.parts[0].scan == 6_975_520_860


def test_a_future_loses_what_its_price_falls() -> None:
    array = risk_array(None, MARKET, 50, SIXTEEN, no_options)
    assert array[:6] == (0, 0, -150_000_000, -150_000_000, 150_000_000, 150_000_000)
    assert array[12:] == (450_000_000, 450_000_000, -450_000_000, 450_000_000)


def test_alternative_grids_are_settings_of_the_same_code() -> None:
    assert [float(one.price) for one in SINGLE_NAMES.scenarios] == [
        *(0.03, 0.06, 0.09, 0.12, 0.15),
        *(-0.03, -0.06, -0.09, -0.12, -0.15),
    ]
    assert [float(one.price) for one in BROAD_INDICES.scenarios][4::5] == [0.06, -0.08]
    assert len(BUCKETS.scenarios) == 29
    assert [float(one.price) for one in BUCKETS.scenarios[:27:3]] == [
        -0.16,
        -0.12,
        -0.08,
        -0.04,
        0,
        0.04,
        0.08,
        0.12,
        0.16,
    ]
    assert [one.volatility for one in BUCKETS.scenarios[:3]] == [1, 0, -1]
    array = risk_array(None, replace(MARKET, spot=200), 1, SINGLE_NAMES, no_options)
    assert max(array) == 30_000_000  # 15 % of 200
    assert scenarios.requirement([line(losses=array, lots=1)], SINGLE_NAMES, {}).risk == 30_00
    assert (
        scenarios.requirement([line(losses=array, lots=1)], SINGLE_NAMES, {"U": Charges(contract=37_500_000)}).risk
        == 37_50
    )


def test_extremes_are_settings() -> None:
    grid = sixteen(Fraction(2), Fraction(1, 2))
    assert grid.scenarios[14:] == (Scenario(Fraction(2), 0, Fraction(1, 2)), Scenario(Fraction(-2), 0, Fraction(1, 2)))


@pytest.mark.parametrize(
    "bad", [(), (Scenario(Fraction(1), 0, Fraction(0)),), (Scenario(Fraction(1), 0, Fraction(2)),)]
)
def test_a_grid_that_cannot_be_is_refused(bad: tuple[Scenario, ...]) -> None:
    refused("risk.scenario.bad", lambda: Grid(bad))


def test_a_price_below_zero_leaves_an_option_what_it_pays_there() -> None:
    put = Option(strike=5, years=1, call=False)
    array = risk_array(put, replace(MARKET, spot=10, price_range=9), 1, SIXTEEN, black_scholes)
    now = black_scholes(put, np.array([10.0]), np.array([0.25]), np.array([0.0]))[0]
    assert array[15] == round((now - (5 + 17)) / 3 * 10**6)


@pytest.mark.parametrize("changed", [{"volatility": float("nan")}, {"spot": float("inf")}])
def test_nan_and_infinity_make_no_array(changed: dict[str, float]) -> None:
    refused("risk.not_finite", lambda: risk_array(CALL, replace(MARKET, **changed), 100, SIXTEEN, black_scholes))


@pytest.mark.parametrize("changed", [{"price_range": 0}, {"price_range": float("nan")}, {"shift": -0.01}])
def test_a_range_that_is_none_makes_no_array(changed: dict[str, float]) -> None:
    refused("risk.scenario.bad", lambda: risk_array(CALL, replace(MARKET, **changed), 100, SIXTEEN, black_scholes))


def test_a_loss_that_the_gate_cannot_add_is_refused() -> None:
    refused("risk.array.bad", lambda: risk_array(None, replace(MARKET, price_range=1e12), 10**6, SIXTEEN, no_options))


def test_an_array_of_another_grid_is_refused() -> None:
    refused("risk.array.bad", lambda: scenarios.requirement([line()], SINGLE_NAMES, {}), limit="10", actual="16")


STAMP = Stamp(time_ns=0, spot=10_000, price_range=900, volatility=25_000_000)


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ({}, False),
        ({"spot": 10_149}, False),
        ({"spot": 10_150}, True),
        ({"spot": 9_850}, True),
        ({"volatility": 25_000_001}, True),
        ({"now_ns": MAX_AGE_NS - 1}, False),
        ({"now_ns": MAX_AGE_NS}, True),
    ],
)
def test_arrays_age_by_price_volatility_and_time(changed: dict[str, int], stale: bool) -> None:
    assert MAX_AGE_NS == 60_000_000_000
    assert is_stale(STAMP, **{"now_ns": 1, "spot": 10_000, "volatility": 25_000_000, **changed}) is stale


def test_working_orders_count_on_the_grid_scenario_by_scenario() -> None:
    assert scenario_losses([plain(0, 3, -5, buys=2, sells=4)], orders=True) == [6, 20]
    assert scenario_losses([plain(1, 3, -5, buys=2, sells=4)], orders=True) == [9, 15]
    assert scenario_losses([plain(1, 3, -5, buys=2, sells=4)], orders=False) == [3, -5]


def test_offsetting_positions_of_an_underlying_net_and_those_of_two_do_not() -> None:
    long, short = plain(1, 4_000_000, -4_000_000), plain(-1, 4_000_000, -4_000_000)
    assert scenarios.requirement([long, short], PAIR, {}).risk == 0
    assert scenarios.requirement([long, replace(short, underlying="V")], PAIR, {}).risk == 8_00


def test_calendar_delivery_minimum_and_concentration() -> None:
    near = plain(3, 5, -5, delta=2_000_000, expiry=1, delivering=True)
    far = plain(-4, 5, -5, delta=1_000_000, expiry=2, option=True)
    charges = Charges(
        calendar=10, delivery=7, short_option=100, contract=1, concentrated=1_000, concentrated_from=1_500_000
    )
    part = scenarios.requirement([near, far], PAIR, {"U": charges}).parts[0]
    assert (part.scan, part.scenario) == (5, 2)
    assert (part.calendar, part.delivery) == (40, 42)  # 4 units both ways; 6 in delivery
    assert part.minimum == 4 * 100 + 7
    assert part.concentration == 500  # 2 net, 1.5 free
    assert part.risk == 407 + 500
    assert replace(part, minimum=0).risk == 5 + 40 + 42 + 500


def test_option_values_count_against_the_requirement_and_never_below_nothing() -> None:
    long = plain(2, 1_000_000, -1_000_000, value=600_000, option=True)
    found = scenarios.requirement([long], PAIR, {})
    assert (found.risk, found.requirement, found.parts[0].net_option_value) == (2_00, 80, 1_200_000)
    assert scenarios.requirement([replace(long, value=5_000_000)], PAIR, {}).requirement == 0
    assert scenarios.requirement([replace(long, lots=-2)], PAIR, {}).requirement == 3_20


def test_spreads_between_underlyings_are_credited_once_and_in_their_order() -> None:
    first = plain(10, 8_000_000, -8_000_000, delta=1_000_000)
    second = plain(-6, 9_000_000, -9_000_000, delta=1_000_000, underlying="V")
    spread = Spread(first="U", second="V", credit=80_000_000)
    parts = {part.underlying: part for part in scenarios.requirement([first, second], PAIR, {}, spreads=[spread]).parts}
    assert parts["U"].credit == 80_000_000 * 6 // 10 * 80 // 100  # six of ten units of delta
    assert parts["V"].credit == 54_000_000 * 80 // 100
    twice = scenarios.requirement([first, second], PAIR, {}, spreads=[spread, spread]).parts
    assert {part.underlying: part.credit for part in twice} == {name: part.credit for name, part in parts.items()}
    two_to_one = replace(spread, of_first=2)
    parts = {
        part.underlying: part for part in scenarios.requirement([first, second], PAIR, {}, spreads=[two_to_one]).parts
    }
    assert parts["U"].credit == 64_000_000  # 5 spreads use all ten
    assert parts["V"].credit == 54_000_000 * 5 // 6 * 80 // 100


def test_deltas_of_one_sign_are_no_spread() -> None:
    first = plain(10, 8, -8, delta=1_000_000)
    found = scenarios.requirement(
        [first, replace(first, underlying="V")], PAIR, {}, spreads=[Spread(first="U", second="V", credit=10**8)]
    )
    assert [part.credit for part in found.parts] == [0, 0]


@pytest.mark.parametrize(
    "changed", [{"credit": -1}, {"credit": 10**8 + 1}, {"of_first": 0}, {"of_second": 0}, {"of_second": -1}]
)
def test_a_spread_that_cannot_be_is_refused(changed: dict[str, int]) -> None:
    spread = replace(Spread(first="U", second="V", credit=1), **changed)
    refused("risk.spread.bad", lambda: scenarios.requirement([line()], SIXTEEN, {}, spreads=[spread]))


def test_a_credit_is_from_nothing_to_all_of_the_price_risk() -> None:
    first = plain(10, 8_000_000, -8_000_000, delta=1_000_000)
    both = [first, replace(first, lots=-10, underlying="V")]
    for credit, risk in ((0, 160_00), (10**8, 0)):
        spread = Spread(first="U", second="V", credit=credit)
        assert scenarios.requirement(both, PAIR, {}, spreads=[spread]).risk == risk


def test_volatility_is_no_price_risk() -> None:
    """The mean over both volatilities at the worst price, less the mean of what volatilities do alone."""
    grid = Grid(tuple(Scenario(Fraction(price), shift) for price in (0, 1) for shift in (1, -1)))
    assert price_risk([10, -4, 100, 60], grid) == 80 - 3
    assert price_risk([-40, -60, 100, 60], grid) == 100
    assert price_risk([-1, -1, -5, -9], grid) == 0


arrays = st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=2)
books = st.lists(st.tuples(st.integers(-1_000, 1_000), arrays), min_size=1, max_size=6)


@given(books, books)
def test_a_scan_is_subadditive(first: list[tuple[int, list[int]]], second: list[tuple[int, list[int]]]) -> None:
    """Together never more than apart; what offsets may be less."""
    apart = [[plain(lots, *losses) for lots, losses in book] for book in (first, second)]
    scans = [scenarios.requirement(book, PAIR, {}).parts[0].scan for book in (apart[0] + apart[1], *apart)]
    assert scans[0] <= scans[1] + scans[2]


@given(books, st.integers(0, 9))
def test_requirements_are_rounded_up_to_the_currency_once(book: list[tuple[int, list[int]]], places: int) -> None:
    found = scenarios.requirement([plain(lots, *losses) for lots, losses in book], PAIR, {}, places=places)
    exact = Fraction(sum(part.risk for part in found.parts), 10**6)
    assert exact <= Fraction(found.risk, 10**places) < exact + Fraction(1, 10**places)


def test_a_portfolio_beyond_63_bits_is_refused() -> None:
    refused("order.amount.overflow", lambda: scenarios.requirement([plain(2**62, 2**40, 0)], PAIR, {}))


# ------------------------------------------------------------------------------------------------------ perpetuals


def test_25_bitcoin_at_100000_need_53125_and_28125() -> None:
    """A lot of 0.01 BTC, a tick of 0.01."""
    assert perpetuals.margins(2_500, 10_000_000, unit=1, per=100, lot=1, lot_per=100) == (53_125_00, 28_125_00)
    assert perpetuals.margins(-2_500, 10_000_000, unit=1, per=100, lot=1, lot_per=100) == (53_125_00, 28_125_00)
    assert perpetuals.margins(0, 10_000_000, unit=1, lot=1) == (0, 0)


def test_perpetuals_of_other_units() -> None:
    """1,000 lots of 2 coins at 50 ticks of 3: notional 150,000, rates 2 % + 10 % and 1 % + 10 %."""
    assert perpetuals.margins(1_000, 50, unit=3, lot=2) == (18_000, 16_500)


@pytest.mark.hazard("F7")
def test_a_perpetual_of_any_size_is_exact_or_refused() -> None:
    refused("order.amount.overflow", lambda: perpetuals.margins(2**62, 10**9, unit=1, lot=1))
    initial, maintenance = perpetuals.margins(3, 1, unit=1, lot=1)
    assert (initial, maintenance) == (1, 1)  # 0.06 and 0.03 of a cent, up

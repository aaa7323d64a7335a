"""Stress, exposure, drawdown, backtests.

Goal: the golden results come out; a scenario moves what it names and says what it does not; tests of a VaR are those of the literature.
Method: worked cases, the definitions in plain Python, boundaries, data that must name its source.
"""

import math
import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quantumcore.services.risk.figures.backtests import (
    CRITICAL_95,
    Zone,
    christoffersen,
    exceptions,
    kupiec,
    traffic_light,
    transitions,
)
from quantumcore.services.risk.figures.drawdown import Fall, fall
from quantumcore.services.risk.figures.exposure import Sum, Valued, exposure, rounded
from quantumcore.services.risk.figures.revaluation import Held, Option
from quantumcore.services.risk.figures.stress import Shock, StressResult, correlated, reverse, standard, stress
from quantumcore.services.risk.figures.stress_days import named_days, read_days
from quantumcore.services.risk.figures.var import Exposed
from tests.support.risk import BASIS, black_scholes, no_options, refused

D = Decimal
LONG = Held(symbol="AAA", underlying="AAA", units=100, price=150)
SHORT = Held(symbol="BBB", underlying="BBB", units=-50, price=2_000)
CALL = Held(
    symbol="C", underlying="AAA", units=-100, price=150, volatility=0.3, option=Option(strike=160, years=0.5, call=True)
)


def of(shock: Shock, *positions: Held, classes: dict[str, str] | None = None) -> StressResult:
    return stress(positions, [shock], black_scholes, BASIS, classes=classes).results[0]


# ---------------------------------------------------------------------------------------------------------- stress


def test_minus_20_percent_of_100_at_150_and_50_short_at_2000() -> None:
    found = stress([LONG, SHORT], standard(), no_options, BASIS)
    result = next(one for one in found.results if one.name == "prices -20 %")
    assert str(result.result) == "17000.00"
    assert result.lines == (("AAA", D("-3000.00")), ("BBB", D("20000.00")))
    assert found.basis is BASIS


def test_the_standard_scenarios() -> None:
    assert [one.name for one in standard()] == [
        *(f"prices {sign}{n} %" for n in (1, 3, 5, 10, 20, 30) for sign in "+-"),
        *("volatility +50 %", "volatility -50 %", "rates +200 bp", "rates -200 bp", "spreads x 3"),
    ]
    assert [one.prices["*"] for one in standard()[:4]] == [0.01, -0.01, 0.03, -0.03]


def test_options_are_revalued_and_not_estimated() -> None:
    def worth(spot: float, volatility: float = 0.3, rate: float = 0.0) -> float:
        return float(black_scholes(CALL.option, np.array([spot]), np.array([volatility]), np.array([rate]))[0])

    for shock, then in (
        (Shock(name="up", prices={"*": 0.3}), worth(195)),
        (Shock(name="volatility", volatility=1.5), worth(150, 0.45)),
        (Shock(name="rates", rate=-0.02), worth(150, rate=-0.02)),
        (Shock(name="all", prices={"AAA": -0.1}, volatility=2.0, rate=0.02), worth(135, 0.6, 0.02)),
    ):
        assert float(of(shock, CALL).result) == pytest.approx(-100 * (then - worth(150)), abs=0.006)


def test_a_wider_spread_costs_both_sides() -> None:
    wide = Shock(name="spreads", spread=3.0)
    assert str(of(wide, replace(LONG, spread=0.05), replace(SHORT, spread=0.5)).result) == "-60.00"  # 10 and 50
    assert of(wide, LONG).result == 0


def test_a_symbol_goes_before_its_class_and_a_class_before_all() -> None:
    shock = Shock(name="mixed", prices={"AAA": 0.1, "equity": 0.2, "*": 0.3})
    assert of(shock, LONG, classes={"AAA": "equity"}).result == 1_500
    assert of(shock, SHORT, classes={"BBB": "equity"}).result == -20_000
    assert of(shock, SHORT).result == -30_000
    assert of(Shock(name="the call", prices={"AAA": 0.1}), CALL).result < 0  # by its underlying


def test_what_a_scenario_says_nothing_of_is_named() -> None:
    found = of(Shock(name="one", prices={"AAA": 0.1}), LONG, SHORT)
    assert (found.unmoved, found.result) == (("BBB",), 1_500)
    assert of(Shock(name="rates", rate=0.01), LONG, SHORT).unmoved == ()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"prices": {"AAA": -10.1}}, "prices.AAA"),
        ({"prices": {"*": 10.1}}, "prices.*"),
        ({"prices": {"*": math.nan}}, "prices.*"),
        ({"volatility": 0.0}, "volatility"),
        ({"volatility": 101.0}, "volatility"),
        ({"rate": 1.1}, "rate"),
        ({"rate": -1.1}, "rate"),
        ({"spread": -0.1}, "spread"),
        ({"spread": math.inf}, "spread"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(changed: dict[str, object], field: str) -> None:
    refused("risk.scenario.bad", lambda: of(replace(Shock(name="x"), **changed), LONG), field=field)


def test_scenarios_have_a_limit() -> None:
    refused("risk.scenario.bad", lambda: stress([LONG], [Shock(name="x")] * 1_001, no_options, BASIS), actual="1001")
    assert len(stress([LONG], [Shock(name="x")] * 1_000, no_options, BASIS).results) == 1_000


def test_the_bounds_of_a_scenario_are_within_them() -> None:
    for volatility, rate, spread, move in ((0.01, -1.0, 0.0, -10.0), (100.0, 1.0, 1_000.0, 10.0)):
        shock = Shock(name="x", prices={"*": move}, volatility=volatility, rate=rate, spread=spread)
        assert of(shock, LONG).result == 15_000 * D(str(move))


def test_a_flat_portfolio_loses_nothing() -> None:
    assert of(standard()[1]).result == 0


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 10**5)), max_size=6), st.integers(-99, 300))
def test_a_linear_portfolio_moves_by_its_value(rows: list[tuple[int, int]], percent: int) -> None:
    held = [Held(symbol=f"S{n}", underlying=f"S{n}", units=q, price=p) for n, (q, p) in enumerate(rows)]
    result = of(Shock(name="x", prices={"*": percent / 100}), *held)
    exact = Fraction(sum(q * p for q, p in rows) * percent, 100)
    assert abs(Fraction(result.result) - exact) <= Fraction(1, 100)
    assert abs(sum(line for _, line in result.lines) - result.result) <= D("0.01") * max(1, len(rows))


def test_correlations_of_one_add_risks_up() -> None:
    long = Exposed(symbol="A", value=D(15_000), volatility=0.02)
    other = Exposed(symbol="B", value=D(100_000), volatility=0.03)
    assert str(correlated([long, other], BASIS).var) == "7675.80"  # 2.326 × 3,300
    assert str(correlated([long, replace(other, value=D(-100_000))], BASIS).var) == "6280.20"  # 2.326 × 2,700


# ------------------------------------------------------------------------------------------------------ named days


def test_named_days_are_data_with_their_sources() -> None:
    days = {day.name: day for day in named_days()}
    assert list(days) == ["1987-10-19", "2008-10", "2010-05-06", "2015-01-15", "2020-03", "2020-04-20"]
    assert all(len(day.source) > 40 for day in days.values())
    assert days["1987-10-19"].prices["equity"] == pytest.approx(224.84 / 282.70 - 1, abs=5e-5)
    assert days["2010-05-06"].prices["equity"] == pytest.approx(1065.79 / 1165.87 - 1, abs=5e-5)
    assert days["2020-03"].prices["equity"] == pytest.approx(2386.13 / 2711.02 - 1, abs=5e-5)
    assert days["2020-03"].prices["oil"] == pytest.approx(31.13 / 41.28 - 1, abs=5e-5)
    assert days["2020-04-20"].prices["oil"] == pytest.approx(-37.63 / 18.27 - 1, abs=5e-5)
    assert days["2015-01-15"].prices["chf"] == pytest.approx(1 / 0.72 - 1, abs=5e-5)


def test_oil_below_zero_costs_more_than_all_of_it() -> None:
    """10 contracts of 1,000 barrels at 18.27: 55.90 each."""
    oil = Held(symbol="CL", underlying="CL", units=10_000, price=18.27)
    found = of(named_days()[-1], oil, LONG, classes={"CL": "oil", "AAA": "equity"})
    assert float(found.result) == pytest.approx(-559_000, abs=10)
    assert found.unmoved == ("AAA",)
    put = replace(oil, symbol="P", units=1_000, volatility=0.5, option=Option(strike=20, years=0.1, call=False))
    assert float(of(named_days()[-1], put, classes={"CL": "oil"}).result) > 50_000


@pytest.mark.parametrize(
    "text",
    [
        "day = 3",
        "[[day]",
        '[[day]]\nname = "x"\nprices = {}',
        '[[day]]\nname = "x"\nsource = ""\nprices = {}',
        '[[day]]\nname = "x"\nsource = "y"\nprices = { a = "1" }',
        '[[day]]\nname = "x"\nsource = "y"\nprices = {}\nvolatilty = 2.0',
    ],
)
def test_a_file_of_days_that_cannot_be_is_refused(text: str) -> None:
    refused("risk.scenario.bad", lambda: read_days(text), field="stress_days.toml")


def test_a_file_of_days_of_ones_own() -> None:
    text = '[[day]]\nname = "x"\nsource = "y"\nprices = { a = -1 }\nspread = 2'
    assert read_days(text) == (Shock(name="x", source="y", prices={"a": -1.0}, spread=2.0),)


# -------------------------------------------------------------------------------------------------- reverse stress


def test_the_least_move_that_ends_equity() -> None:
    found = reverse([LONG], D("3000"), no_options, BASIS)
    assert (found.fall, found.rise) == (-0.2, None)
    short = reverse([SHORT], D("25000"), no_options, BASIS)
    assert (short.fall, short.rise) == (None, 0.25)
    assert reverse([LONG], D("15001"), no_options, BASIS).fall is None
    assert reverse([LONG], D("15000"), no_options, BASIS).fall == -1.0
    assert reverse([LONG], D(0), no_options, BASIS).fall == 0.0
    assert reverse([], D(1), no_options, BASIS).fall is None


def test_a_straddle_ends_both_ways_at_its_own_moves() -> None:
    put = replace(CALL, symbol="P", option=replace(CALL.option, call=False))
    found = reverse([CALL, put], D(2_000), black_scholes, BASIS)
    for move in (found.fall, found.rise):
        assert move is not None
        lost = of(Shock(name="x", prices={"*": move}), CALL, put).result
        assert float(lost) == pytest.approx(-2_000, abs=0.5)
        nearer = of(Shock(name="x", prices={"*": move * 0.999}), CALL, put).result
        assert nearer > -2_000


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 10**9))
def test_reverse_stress_of_one_share(units: int, price: int, equity: int) -> None:
    found = reverse([Held(symbol="A", underlying="A", units=units, price=price)], D(equity), no_options, BASIS)
    exact = equity / (units * price)
    if exact > 1:
        assert found.fall is None
    else:
        assert found.fall == pytest.approx(-exact, abs=2e-6)


# -------------------------------------------------------------------------------------------------------- exposure


def test_exposure_is_gross_and_net_by_symbol_sector_and_currency() -> None:
    found = exposure(
        [
            Valued(symbol="AAA", sector="banks", currency="USD", value=D("15000")),
            Valued(symbol="AAA", sector="banks", currency="USD", value=D("-5000")),
            Valued(symbol="BBB", sector="", currency="EUR", value=D("-100000")),
        ],
        BASIS,
    )
    assert found.total == Sum(D("120000.00"), D("-90000.00"))
    assert found.by_symbol == {"AAA": Sum(D("20000.00"), D("10000.00")), "BBB": Sum(D("100000.00"), D("-100000.00"))}
    assert found.by_sector == {"": found.by_symbol["BBB"], "banks": found.by_symbol["AAA"]}
    assert found.by_currency == {"EUR": found.by_symbol["BBB"], "USD": found.by_symbol["AAA"]}
    assert str(found.largest) == "0.83333333"
    assert found.basis is BASIS


def test_a_flat_account_is_exposed_to_nothing() -> None:
    found = exposure([], BASIS)
    assert (found.total, found.by_symbol, found.largest) == (Sum(D("0.00"), D("0.00")), {}, D("0.00000000"))


def test_sums_are_exact_and_rounded_once_half_even() -> None:
    third = Valued(symbol="A", sector="", currency="USD", value=Fraction(1, 3))
    assert exposure([third] * 3, BASIS).total == Sum(D("1.00"), D("1.00"))
    assert [str(rounded(Fraction(one), 2)) for one in ("1.235", "2.245", "3.255", "-1.235")] == [
        *("1.24", "2.24", "3.26", "-1.24"),
    ]
    assert sum(rounded(Fraction(2 * n + 1, 2), 0) for n in range(10)) == 50
    huge = Valued(symbol="A", sector="", currency="USD", value=D(f"{10**40}.01"))
    assert str(exposure([huge], BASIS).total.gross) == f"{10**40}.01"


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity"])
def test_a_value_that_is_no_number_is_refused(bad: str) -> None:
    given_ = [Valued(symbol="A", sector="", currency="USD", value=D(bad))]
    refused("risk.not_finite", lambda: exposure(given_, BASIS), field="A")


# -------------------------------------------------------------------------------------------------------- drawdown


def test_1000_1100_1000_900_950_have_fallen_by_200() -> None:
    found = fall(map(D, (1000, 1100, 1000, 900, 950)))
    assert (found.deepest, found.now, found.loss, found.peak) == (200, 150, 50, 1100)


@pytest.mark.parametrize(
    ("values", "deepest", "now", "loss"),
    [
        ((), 0, 0, 0),
        ((5,), 0, 0, 0),
        ((1, 2, 3), 0, 0, 0),
        ((3, 2, 1), 2, 2, 2),
        ((3, 1, 4, 1), 3, 3, 2),
        ((-1, -5, 0), 4, 0, 0),
    ],
)
def test_falls_are_from_the_running_peak_and_losses_from_the_first(
    values: tuple[int, ...], deepest: int, now: int, loss: int
) -> None:
    found = fall(map(D, values))
    assert (found.deepest, found.now, found.loss) == (deepest, now, loss)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=40))
def test_the_deepest_fall_is_the_largest_of_all_pairs(values: list[int]) -> None:
    found = fall(map(D, values))
    assert found.deepest == max(a - b for at, a in enumerate(values) for b in values[at:])
    assert found == fall(map(D, values[:-1])).after(D(values[-1]))


def test_falls_are_exact_however_long_a_number_is() -> None:
    assert fall([D(10**40), D("0.000000000000000001")]).deepest == D(f"{10**40 - 1}.999999999999999999")


def test_a_value_that_is_no_number_is_no_fall() -> None:
    refused("risk.not_finite", lambda: Fall().after(D("NaN")))
    refused("risk.not_finite", lambda: fall([D(1), D("-Infinity")]))


# ------------------------------------------------------------------------------------------------------- backtests


@pytest.mark.parametrize(("failed", "statistic"), [(4, 0.7691), (10, 12.9555)])
def test_kupiec_of_250_days_at_99_percent(failed: int, statistic: float) -> None:
    assert round(kupiec(250, failed).statistic, 4) == statistic


def test_christoffersen_of_238_5_4_2() -> None:
    assert round(christoffersen(238, 5, 4, 2).statistic, 4) == 7.4321


def test_tests_are_refused_at_the_critical_value_of_95_percent() -> None:
    assert not kupiec(250, 4).rejected
    assert kupiec(250, 10).rejected
    assert christoffersen(238, 5, 4, 2).rejected
    assert math.erfc(math.sqrt(CRITICAL_95 / 2)) == pytest.approx(0.05, abs=1e-5)
    assert kupiec(250, 4).p_value == pytest.approx(0.3805, abs=1e-4)


def test_a_series_without_exceptions_or_of_nothing_else() -> None:
    assert kupiec(250, 0).statistic == pytest.approx(-2 * 250 * math.log(0.99))
    assert kupiec(250, 250).statistic == pytest.approx(-2 * 250 * math.log(0.01))
    assert kupiec(100, 1).statistic == pytest.approx(0, abs=1e-12)
    assert christoffersen(249, 0, 0, 0).statistic == 0
    assert christoffersen(0, 0, 0, 9).statistic == 0
    assert christoffersen(90, 10, 9, 1).statistic == pytest.approx(0, abs=1e-12)


@given(st.integers(0, 400), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_the_independence_ratio_by_its_formula(n00: int, n01: int, n10: int, n11: int) -> None:
    assume(n00 + n01 + n10 + n11 > 0)
    p, first, second = (
        Fraction(b, a + b) if a + b else Fraction(0) for a, b in ((n00 + n10, n01 + n11), (n00, n01), (n10, n11))
    )

    def log(chance: Fraction, count: int) -> float:
        return count * math.log(chance) if count else 0.0

    alike = log(1 - p, n00 + n10) + log(p, n01 + n11)
    apart = log(1 - first, n00) + log(first, n01) + log(1 - second, n10) + log(second, n11)
    assert christoffersen(n00, n01, n10, n11).statistic == pytest.approx(max(0, -2 * (alike - apart)), abs=1e-8)


@pytest.mark.parametrize(
    ("failed", "zone", "added"),
    [
        (0, Zone.GREEN, "0"),
        (4, Zone.GREEN, "0"),
        (5, Zone.YELLOW, "0.40"),
        (6, Zone.YELLOW, "0.50"),
        (7, Zone.YELLOW, "0.65"),
        (8, Zone.YELLOW, "0.75"),
        (9, Zone.YELLOW, "0.85"),
        (10, Zone.RED, "1.00"),
        (250, Zone.RED, "1.00"),
    ],
)
def test_basels_zones(failed: int, zone: Zone, added: str) -> None:
    assert traffic_light(failed) == (zone, D(added))


def test_an_exception_is_a_loss_over_the_var_of_the_day_before() -> None:
    profits = [D(0), D(-10), D("-10.01"), D(-50), D(50)]
    vars_ = [D(10), D(10), D(60), D(1), D(1)]
    assert exceptions(profits, vars_) == [False, True, False, False]
    assert exceptions([D(0), D(-11)], [D(10), D(0)]) == [True]
    assert transitions([False, True, True, False, False]) == (1, 1, 1, 1)
    assert transitions([True, True, True]) == (0, 0, 0, 2)
    assert transitions([]) == (0, 0, 0, 0)


def test_what_cannot_be_judged_is_refused() -> None:
    refused("risk.history.empty", lambda: kupiec(0, 0))
    refused("risk.history.empty", lambda: christoffersen(0, 0, 0, 0))
    refused("risk.history.empty", lambda: exceptions([D(1)], [D(1)]))
    refused("risk.history.bad", lambda: exceptions([D(1), D(2)], [D(1)]), field="vars")
    refused("risk.history.bad", lambda: kupiec(250, 251), limit="250")
    refused("risk.history.bad", lambda: kupiec(250, -1))
    refused("risk.history.bad", lambda: christoffersen(5, -1, 0, 0))
    refused("risk.history.bad", lambda: traffic_light(251))
    refused("risk.confidence.bad", lambda: kupiec(250, 4, "1"))


def test_a_right_model_is_refused_about_one_time_in_twenty(rng: random.Random) -> None:
    runs = [sum(rng.random() < 0.05 for _ in range(1_000)) for _ in range(1_000)]
    refusals = sum(kupiec(1_000, failed, "0.95").rejected for failed in runs)
    assert 20 < refusals < 90

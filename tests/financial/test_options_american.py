"""American options: early exercise is worth what a fine tree says, and its edges are where they should be.

Goal: 0.01 % of the price and of the greeks, and an answer that says what has computed it.
Method: the exact engine against a tree that nothing of it enters, against itself with many more points, and at the
borders of section 6.3 of the design: European cases, two boundaries, exercise now.
"""

import math

import pytest

from quantumcore.core import _greeks
from quantumcore.services.risk.options.arrays import ENGINES, METHODS, float_greeks

EXACT, FINE = METHODS["exact"], METHODS["fine"]
ORDINARY = [
    (False, 100.0, 100.0, 1.0, 0.05, 0.0, 0.2),
    (False, 90.0, 100.0, 0.5, 0.1, 0.1, 0.25),
    (False, 110.0, 100.0, 2.0, 0.08, 0.03, 0.3),
    (False, 100.0, 120.0, 0.25, 0.02, 0.05, 0.4),
    (True, 100.0, 100.0, 1.0, 0.05, 0.08, 0.25),
    (True, 120.0, 100.0, 0.75, 0.03, 0.07, 0.35),
    (True, 80.0, 100.0, 3.0, 0.0, 0.05, 0.3),
    (False, 100.0, 100.0, 0.02, 0.05, 0.0, 0.5),
    (False, 100.0, 100.0, 3.0, 0.08, 0.0, 0.2),
]


def _price(option, method=EXACT):
    price, engine = _greeks.american_price(*option, method)
    return price, ENGINES[engine]


def _greeks_of(option, method=EXACT):
    six, engine = _greeks.american(*option, 365.0, 0.0, method)
    return six, ENGINES[engine]


def tree(option, steps):
    """A binomial tree of Cox, Ross and Rubinstein with the last step by Black and Scholes: nothing of the kernel's American."""
    call, spot, strike, years, rate, dividend_yield, volatility = option
    dt = years / steps
    up = math.exp(volatility * math.sqrt(dt))
    p = (math.exp((rate - dividend_yield) * dt) - 1 / up) / (up - 1 / up)
    discount, w = math.exp(-rate * dt), 1 if call else -1
    spots = [spot * up ** (2 * j - steps + 1) for j in range(steps)]
    values = [
        max(w * (s - strike), _greeks.european(call, s, strike, dt, rate, dividend_yield, volatility, 365.0, 0.0)[0])
        for s in spots
    ]
    for step in range(steps - 1, 0, -1):
        values = [
            max(discount * (p * values[j + 1] + (1 - p) * values[j]), w * (spot * up ** (2 * j - step + 1) - strike))
            for j in range(step)
        ]
    return values[0]


@pytest.mark.parametrize("option", ORDINARY)
def test_a_fine_tree_agrees(option):
    """Extrapolated from 300 and 600 steps, a tree is good to some 1e-4; so is the exact engine to the tree."""
    coarse, fine = tree(option, 300), tree(option, 600)
    price, engine = _price(option)
    assert engine == "exact"
    assert price == pytest.approx(2 * fine - coarse, rel=2e-4)


@pytest.mark.parametrize("option", ORDINARY)
def test_many_more_points_change_nothing_that_counts(option):
    """1e-5 of price, delta, gamma and theta (of its largest term), 3e-5 of vega, 1e-4 of rho."""
    (exact, _), (fine, engine) = _greeks_of(option), _greeks_of(option, FINE)
    assert engine == "fine"
    assert exact[:3] == pytest.approx(fine[:3], rel=1e-5)
    decay = 0.5 * (option[6] * option[1]) ** 2 * fine[2] / 365
    assert exact[3] == pytest.approx(fine[3], abs=1e-5 * decay)
    assert exact[4] == pytest.approx(fine[4], rel=3e-5)
    assert exact[5] == pytest.approx(fine[5], rel=1e-4)


def test_much_interest_over_years_is_still_within_a_hundredth_of_a_percent():
    """The plain fixed-point iteration swings here and does not end: 0.6 % off after four steps."""
    option = (False, 100 / 0.955, 100.0, 6.7076, 0.10682, 1e-5, 0.1054)
    exact, fine = _price(option)[0], _price(option, FINE)[0]
    assert exact == pytest.approx(fine, rel=1e-4)
    assert fine == pytest.approx(0.768284, rel=2e-4)  # Leisen and Reimer's tree of 16,001 steps


def test_random_options_are_within_a_hundredth_of_a_percent(rng):
    """Of ordinary markets: rates to 10 %, volatilities from 10 % to 60 %, weeks to two years."""
    for _ in range(60):
        option = (
            rng.random() < 0.5,
            100.0,
            100.0 * math.exp(rng.uniform(-0.25, 0.25)),
            rng.uniform(0.02, 2),
            rng.uniform(0.001, 0.1),
            rng.uniform(0.0, 0.1),
            rng.uniform(0.1, 0.6),
        )
        exact, fine = _price(option)[0], _price(option, FINE)[0]
        assert exact == pytest.approx(fine, rel=1e-4, abs=1e-9), option


@pytest.mark.parametrize("option", ORDINARY[:5])
def test_greeks_are_the_slopes_of_the_price(option):
    """Delta, gamma, theta, vega and rho by differences of prices that a finer engine makes."""
    six, _ = _greeks_of(option)

    def moved(index, by):
        changed = list(option)
        changed[index] += by
        return _price(tuple(changed), FINE)[0]

    def slope(index, h):
        return (moved(index, h) - moved(index, -h)) / (2 * h)

    here = _price(option, FINE)[0]
    assert six[1] == pytest.approx(slope(1, 0.05), rel=1e-4)
    assert six[2] == pytest.approx((moved(1, 0.5) + moved(1, -0.5) - 2 * here) / 0.25, rel=1e-3)
    assert six[3] == pytest.approx(-slope(3, 1e-3) / 365, rel=1e-3)
    assert six[4] == pytest.approx(slope(6, 1e-3) / 100, rel=1e-3)
    assert six[5] == pytest.approx(slope(4, 1e-4) / 100, rel=2e-3)


def test_a_call_without_dividends_is_european():
    """It is never exercised early, and the answer says so."""
    option = (True, 100.0, 95.0, 1.0, 0.05, 0.0, 0.2)
    six, engine = _greeks_of(option)
    assert engine == "european"
    assert six == _greeks.european(*option, 365.0, 0.0)


@pytest.mark.parametrize(("rate", "dividend_yield"), [(0.0, 0.0), (0.0, 0.03), (-0.02, -0.02), (-0.02, 0.01)])
def test_a_put_whose_strike_earns_nothing_is_european(rate, dividend_yield):
    option = (False, 90.0, 100.0, 1.0, rate, dividend_yield, 0.2)
    assert _greeks_of(option) == (_greeks.european(*option, 365.0, 0.0), "european")


def test_two_boundaries_are_left_to_the_tree_and_said_so():
    """q < r < 0: exercise pays between two boundaries; the price is over the European one and under the tree's error."""
    option = (False, 100.0, 105.0, 2.0, -0.01, -0.04, 0.08)
    price, engine = _price(option)
    assert engine == "lattice"
    assert price > _greeks.european(*option, 365.0, 0.0)[0] * 1.001
    assert price == pytest.approx(2 * tree(option, 600) - tree(option, 300), rel=1e-3)
    six, engine = _greeks_of(option)
    assert engine == "lattice"
    assert six[0] == price
    h = 0.2
    up, down = (_price((False, 100.0 + by, *option[2:]))[0] for by in (h, -h))
    assert six[1] == pytest.approx((up - down) / (2 * h), rel=5e-3)


def test_a_rate_of_zero_with_a_yield_below_it_has_one_boundary():
    """r = 0, q < 0: short stock earns, so early exercise can pay, and the exact engine has its limit there."""
    option = (False, 80.0, 100.0, 1.0, 0.0, -0.05, 0.2)
    price, engine = _price(option)
    assert engine in {"exact", "intrinsic"}
    assert price == pytest.approx(2 * tree(option, 600) - tree(option, 300), rel=2e-4)
    near = (False, 100.0, 100.0, 1.0, 0.0, -0.05, 0.2)
    assert _price(near)[1] == "exact"
    assert _price(near)[0] == pytest.approx(2 * tree(near, 600) - tree(near, 300), rel=2e-4)


@pytest.mark.parametrize("call", [True, False])
def test_beyond_the_boundary_it_is_exercised_now(call):
    """Intrinsic, delta of one, and nothing else moves."""
    option = (call, 300.0 if call else 30.0, 100.0, 0.5, 0.06, 0.06, 0.2)
    six, engine = _greeks_of(option)
    assert engine == "intrinsic"
    assert six == (200.0 if call else 70.0, 1.0 if call else -1.0, 0.0, 0.0, 0.0, 0.0)


def test_gamma_at_the_boundary_is_the_pricing_equation_s():
    """A cent over it: the premium's integrand is a spike that few points would miss."""
    strike, rate, volatility = 100.0, 0.06, 0.3
    option = (False, 76.0, strike, 0.5, rate, 0.0, volatility)
    low, high = 60.0, 100.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if _price((False, middle, *option[2:]))[1] == "intrinsic" else (low, middle)
    for over in (1e-5, 1e-3, 0.02, 0.2):
        (exact, _), (fine, _) = (_greeks_of((False, high + over, *option[2:]), m) for m in (EXACT, FINE))
        wanted = 2 * rate * strike / (volatility * high) ** 2
        assert exact[2] == pytest.approx(wanted, rel=0.05)
        assert exact[2] == pytest.approx(fine[2], rel=2e-3)


def test_without_volatility_the_best_time_to_exercise_is_certain():
    """A put is exercised now; a call on what pays a high yield too; a call that gains waits."""
    assert _price((False, 90.0, 100.0, 1.0, 0.05, 0.0, 0.0)) == (10.0, "intrinsic")
    assert _price((True, 110.0, 100.0, 1.0, 0.01, 0.08, 0.0)) == (10.0, "intrinsic")
    price, engine = _price((True, 100.0, 100.0, 1.0, 0.05, 0.0, 0.0))
    assert engine == "certain"
    assert price == pytest.approx(100 - 100 * math.exp(-0.05), rel=1e-12)


@pytest.mark.parametrize("method", ["baw", "bs93"])
@pytest.mark.parametrize("option", ORDINARY[:7])
def test_the_approximations_are_near_and_never_the_default(option, method):
    """Some percent of the exact price, and greeks that are theirs; the default's answer says exact."""
    exact, _ = _price(option)
    price, engine = _price(option, METHODS[method])
    assert engine == method
    assert price == pytest.approx(exact, rel=0.05)
    found = float_greeks(*option, american=True, method=method)
    assert found.price == price
    assert found.delta == pytest.approx(float_greeks(*option, american=True).delta, abs=0.05)
    assert found.vega > 0 > found.theta


@pytest.mark.parametrize("option", ORDINARY)
def test_a_call_is_a_put_with_strike_and_spot_rates_and_yields_exchanged(option):
    call, spot, strike, years, rate, dividend_yield, volatility = option
    mirror = (not call, strike, spot, years, dividend_yield, rate, volatility)
    assert _price(option)[0] == pytest.approx(_price(mirror)[0], rel=1e-12)


def test_hard_terms_have_answers_that_are_numbers(rng):
    """From a day to ten years, from 1 % to 150 %, rates and yields from -5 % to 35 %: finite, and over the intrinsic."""
    for _ in range(400):
        option = (
            rng.random() < 0.5,
            100.0,
            100.0 * math.exp(rng.uniform(-1, 1)),
            math.exp(rng.uniform(-6, 2.3)),
            rng.choice((0.0, 1e-5, rng.uniform(-0.05, 0.35))),
            rng.choice((0.0, rng.uniform(-0.05, 0.35))),
            math.exp(rng.uniform(-4.6, 0.4)),
        )
        six, _ = _greeks_of(option)
        assert all(math.isfinite(value) for value in six), option
        intrinsic = max(0.0, (option[1] - option[2]) * (1 if option[0] else -1))
        european = _greeks.european(*option, 365.0, 0.0)[0]
        assert six[0] >= max(intrinsic, european) * (1 - 2e-4), option

"""Laws that options obey whatever the market, and volatilities that come back.

Goal: no terms make a price break an arbitrage bound, or a volatility differ from the one that made the price.
Method: hypothesis invents terms; the laws are those of the field, not of the implementation.
"""

import math
import sys

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from quantumcore.contracts.greeks import GreeksRefused
from quantumcore.core import _greeks
from quantumcore.services.risk.options.arrays import SEARCHES, float_greeks, float_implied_volatility

pytestmark = pytest.mark.fuzz


SMALLEST = sys.float_info.min


def _numbers(low, high):
    return st.floats(low, high, allow_nan=False)


SPOTS, MONEYNESS, YEARS = _numbers(0.01, 10_000), _numbers(-1.5, 1.5), _numbers(0.01, 5)
RATES, YIELDS, VOLATILITIES = _numbers(-0.05, 0.2), _numbers(-0.05, 0.2), _numbers(0.02, 3)


@st.composite
def options(draw):
    """Call or put, spot, strike, years, rate, dividend yield, volatility."""
    spot = draw(SPOTS)
    return (
        draw(st.booleans()), spot, spot * math.exp(draw(MONEYNESS)), draw(YEARS), draw(RATES), draw(YIELDS),
        draw(VOLATILITIES),
    )  # fmt: skip


def _price(option):
    return _greeks.european(*option, 365.0, 0.0)[0]


def _with(option, index, value):
    return (*option[:index], value, *option[index + 1 :])


@given(options())
def test_a_price_lies_between_its_bounds(option):
    call, spot, strike, years, rate, dividend_yield, _ = option
    paid, discounted = spot * math.exp(-dividend_yield * years), strike * math.exp(-rate * years)
    lower = max(0.0, (paid - discounted) if call else (discounted - paid))
    upper = paid if call else discounted
    assert lower * (1 - 1e-14) - 1e-300 <= _price(option) <= upper * (1 + 1e-14)


@given(options(), _numbers(1.001, 1.5))
def test_more_volatility_is_never_worth_less(option, factor):
    assert _price(_with(option, 6, option[6] * factor)) >= _price(option) * (1 - 1e-13)


@given(options(), _numbers(1.001, 1.5))
def test_a_higher_strike_makes_calls_cheaper_and_puts_dearer(option, factor):
    other = _price(_with(option, 2, option[2] * factor))
    here = _price(option)
    assert other <= here * (1 + 1e-13) if option[0] else other >= here * (1 - 1e-13)


@given(options(), _numbers(1.01, 1.3))
def test_prices_are_convex_in_the_strike(option, factor):
    strikes = option[2], option[2] * factor, option[2] * factor * factor
    low, middle, high = (_price(_with(option, 2, strike)) for strike in strikes)
    share = (strikes[2] - strikes[1]) / (strikes[2] - strikes[0])
    assert middle <= (share * low + (1 - share) * high) * (1 + 1e-12) + 1e-13 * option[1]


@given(options(), st.integers(-20, 20))
@example((False, 14.0, 38.05594559842663, 0.03125, 0.0, 2.2250738585e-313, 0.125), 1)
def test_prices_are_homogeneous(option, power):
    """In twice the money everything is worth twice as much, bit by bit: a power of two rounds nothing but what is too small to be normal."""
    factor = 2.0**power
    scaled = _with(_with(option, 1, option[1] * factor), 2, option[2] * factor)
    here, there = (_greeks.european(*each, 365.0, 0.0) for each in (option, scaled))
    wanted = (here[0] * factor, here[1], here[2] / factor, *(value * factor for value in here[3:]))
    assert all(one == other or abs(one - other) < SMALLEST for one, other in zip(there, wanted, strict=True))


@given(options())
def test_delta_lies_between_nothing_and_all(option):
    delta, gamma, vega = (_greeks.european(*option, 365.0, 0.0)[k] for k in (1, 2, 4))
    assert 0 <= (delta if option[0] else -delta) <= math.exp(-option[5] * option[3]) * (1 + 1e-14)
    assert gamma >= 0
    assert vega >= 0


@given(options())
def test_the_pricing_equation_holds(option):
    """theta + (r - q) S delta + s² S² gamma / 2 = r V, of its largest term."""
    _, spot, _, _, rate, dividend_yield, volatility = option
    price, delta, gamma, theta, _, _ = _greeks.european(*option, 365.0, 0.0)
    terms = (
        theta * 365, (rate - dividend_yield) * spot * delta, 0.5 * (volatility * spot) ** 2 * gamma, -rate * price,
    )  # fmt: skip
    assert abs(sum(terms)) <= 1e-11 * max(map(abs, terms)) + 1e-290


@given(options())
def test_vega_and_gamma_are_one(option):
    """vega = S² s T gamma: two numbers that are computed apart."""
    found = _greeks.european(*option, 365.0, 0.0)
    assert found[4] * 100 == pytest.approx(option[1] ** 2 * option[6] * option[3] * found[2], rel=1e-11, abs=1e-290)


@given(options())
def test_an_american_is_worth_at_least_a_european_and_its_intrinsic(option):
    call, spot, strike = option[:3]
    price, _ = _greeks.american_price(*option, 0)
    intrinsic = max(0.0, spot - strike if call else strike - spot)
    assert price >= max(_price(option), intrinsic) * (1 - 3e-4) - 1e-12 * spot
    assert price <= max(spot if call else strike, _price(option)) * (1 + 1e-6)


@given(options())
def test_a_volatility_comes_back(option):
    """Whatever made the price: to what the price's last bits hold, or it is refused as not recoverable."""
    price = _price(option)
    assume(price > 1e-280)
    terms, volatility = option[:6], option[6]
    outcome, found, steps, bound, _, _ = _greeks.implied(*terms, price, SEARCHES["rational"], 100, 1e-12)
    if outcome:
        assert outcome in {1, 2}
        paid, discounted = option[1] * math.exp(-option[5] * option[3]), option[2] * math.exp(-option[4] * option[3])
        parity = (paid - discounted) * (1 if option[0] else -1)
        # In the money all but nothing is time value, or the price is within rounding of its upper bound.
        assert price - max(parity, 0.0) < 1e-9 * price or price > 0.999999 * (paid if option[0] else discounted)
        return
    assert steps <= 3
    assert abs(found - volatility) <= 1e-13 * volatility + 16 * bound


@pytest.mark.parametrize("search", ["newton", "bisection", "brent"])
@given(option=options())
def test_all_methods_find_the_same(search, option):
    price = _price(option)
    assume(price > 1e-12)
    try:
        wanted = float_implied_volatility(*option[:6], price)
    except GreeksRefused:
        assume(False)
    outcome, found, _, bound, _, _ = _greeks.implied(*option[:6], price, SEARCHES[search], 1_000, 1e-13)
    assert outcome == 0
    assert abs(found - wanted) <= 1e-10 * max(wanted, 1) + 16 * bound


@given(options())
def test_an_american_volatility_comes_back(option):
    option = _with(option, 6, max(option[6], 0.1))
    price, engine = _greeks.american_price(*option, 0)
    assume(engine == 0)
    assume(price > 1e-9 * option[1])
    outcome, found, _, bound, _, _ = _greeks.american_implied(*option[:6], price, 100, 1e-12)
    assume(outcome != 2)  # at the intrinsic every low volatility has this price
    assert outcome == 0
    vega = float_greeks(*option, american=True).vega
    assume(vega > 1e-6 * option[1])
    assert abs(found - option[6]) <= 1e-6 * option[6] + 64 * bound


def test_one_option_s_volatility_takes_two_steps():
    assert _greeks.implied(True, 100.0, 105.0, 0.5, 0.05, 0.02, 4.0, SEARCHES["rational"], 100, 1e-12)[2] <= 2

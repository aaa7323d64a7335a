"""The kernel's bound: 1e-12 of every value over 1e-6, 1e-9 in the tails down to 1e-300.

Goal: the statement of docs/reference/options.md holds everywhere, not on the examples one thinks of.
Method: random options from minutes to years and from the money to thirty deviations out, against the textbook in 60
digits. `make fuzz ARGS=tests/financial/test_options_bound.py` takes 10,000 of them, a plain run 1,000.
"""

import math
import os
from decimal import Decimal

import mpmath
import numpy as np
import pytest

from quantumcore.core import _greeks
from quantumcore.services.risk.options.arrays import float_greeks, greeks_of_many
from quantumcore.services.risk.options.greeks import greeks_of
from quantumcore.services.risk.options.precise import precise_values
from quantumcore.services.risk.options.terms import OptionTerms
from tests.support.options import Random, digits, far_from, random_option

OPTIONS = 10_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 1_000


@pytest.mark.fuzz
def test_every_value_is_within_the_bound(rng):
    broken = []
    for _ in range(OPTIONS):
        option = random_option(rng)
        found = _greeks.european(*option, 365.0, 0.0)
        if trouble := far_from(option, found):
            broken.append(trouble)
    assert broken == []


def test_a_far_tail_keeps_its_digits():
    """A put 20 deviations out of the money: one minus a distribution function would say zero."""
    option = Random(False, 100.0, 18.0, 0.25, 0.03, 0.0, 0.17)
    found = _greeks.european(*option, 365.0, 0.0)
    assert 0 < found[0] < 1e-90
    assert far_from(option, found) == ""


@pytest.mark.parametrize("call", [True, False])
def test_next_to_the_money_with_seconds_to_go_no_digit_is_lost(call):
    """The logarithm of a ratio that is rounded to one would be 1e-16 off, of a price of a millionth of the spot."""
    option = Random(call, 10_000.0, 10_000.0001, 1e-6, 0.03, 0.01, 1e-3)
    assert far_from(option, _greeks.european(*option, 365.0, 0.0)) == ""


def test_a_call_deep_in_the_money_is_parity_and_its_put():
    """The time value of a call whose put is worth 1e-40 is not lost in the call, whose gamma is the put's."""
    call, put = (_greeks.european(side, 200.0, 90.0, 0.25, 0.05, 0.01, 0.12, 365.0, 0.0) for side in (True, False))
    assert 0 < put[0] < 1e-30
    assert call[2] == put[2] > 0
    assert call[4] == put[4] > 0


@pytest.mark.parametrize(
    ("h", "t"),
    [
        (h, t)
        for h in (0.0, 0.3, 3.0, 11.9, 12.1, 20.0)
        for t in (1e-6, 1e-4, 0.049, 0.051, 0.4, 3.0)
        if 2 * t * h < 30  # further the strike is over 1e15, and refused
    ],
)
def test_the_ways_to_compute_meet(h, t):
    """On both sides of every border between series, asymptotics and the plain difference."""
    s = 2 * t
    option = Random(True, 1.0, math.exp(h * s), 1.0, 0.0, 0.0, s)
    assert far_from(option, _greeks.european(*option, 365.0, 0.0)) == ""


def test_the_mills_ratio_has_all_its_digits():
    mp = digits()
    for step in range(2_000):
        a = step * 0.05
        exact = mp.sqrt(mp.pi / 2) * mp.exp(mp.mpf(a) ** 2 / 2) * mp.erfc(mp.mpf(a) / mp.sqrt(2))
        assert abs(_greeks.mills(a) / exact - 1) < 1e-15, a


def _terms(option: Random) -> OptionTerms:
    """The same option as Decimals: exactly the floats."""
    return OptionTerms(
        call=option.call,
        spot=Decimal(option.spot),
        strike=Decimal(option.strike),
        years=Decimal(option.years),
        rate=Decimal(option.rate),
        dividend_yield=Decimal(option.dividend_yield),
    )


def test_fast_is_precise_after_rounding(rng):
    """Eight places of the kernel are those of 50 digits, but where these lie so close to a half that the bound decides."""
    ties = compared = 0
    for _ in range(300):
        option = random_option(rng)
        terms, volatility = _terms(option), Decimal(option.volatility)
        fast = greeks_of(terms, volatility, min_days=Decimal(0))
        slow = greeks_of(terms, volatility, min_days=Decimal(0), precise=True)
        exact = precise_values(terms, volatility, 365)
        for name, value in zip(
            ("price", "delta", "gamma", "theta_per_day", "vega_per_1pct", "rho_per_1pct"), exact, strict=True
        ):
            one, other = getattr(fast, name), getattr(slow, name)
            compared += 1
            if one == other:
                continue
            ties += 1
            doubt = max(1e-12 * abs(value), 1e-14 * option.spot)
            beyond = abs(value * 10**8 - mpmath.floor(value * 10**8) - mpmath.mpf("0.5")) / 10**8
            assert beyond <= doubt, (name, option, one, other)
    assert ties < compared / 100


def test_parity_holds_to_1e_12(rng):
    """call - put = S e^(-qT) - K e^(-rT), of the larger of the two; so do delta, gamma and vega."""
    for _ in range(2_000):
        option = random_option(rng)._replace(call=True)
        call = _greeks.european(*option, 365.0, 0.0)
        put = _greeks.european(*option._replace(call=False), 365.0, 0.0)
        paid = option.spot * math.exp(-option.dividend_yield * option.years)
        discounted = option.strike * math.exp(-option.rate * option.years)
        assert abs(call[0] - put[0] - (paid - discounted)) <= 1e-12 * max(paid, discounted)
        assert abs(call[1] - put[1] - paid / option.spot) <= 1e-12
        assert (call[2], call[4]) == (put[2], put[4])


def test_batches_are_the_scalars(rng):
    """Row by row the same bits, European and American, at 365 and at 252 days."""
    options = [random_option(rng)._replace(years=rng.uniform(0.01, 3)) for _ in range(300)]
    columns = [np.array(column) for column in zip(*options, strict=True)]
    for american, count in ((False, 300), (True, 40)):
        for days in (365.0, 252.0):
            table = greeks_of_many(*(c[:count] for c in columns), american=american, days_per_year=days)
            for row, option in enumerate(options[:count]):
                one = float_greeks(*option, american=american, days_per_year=days)
                assert tuple(column[row] for column in table) == tuple(one)


def test_a_single_number_stands_for_all_rows():
    table = greeks_of_many(True, 100.0, np.array([90.0, 100.0, 110.0]), 0.5, 0.05, 0.0, 0.2)
    assert [float(price) for price in table.price] == [
        float_greeks(True, 100.0, strike, 0.5, 0.05, 0.0, 0.2).price for strike in (90.0, 100.0, 110.0)
    ]
    assert list(table.price) == sorted(table.price, reverse=True)


@pytest.mark.parametrize("days", [365, 252])
def test_theta_is_the_year_s_over_the_days(days):
    found = float_greeks(True, 100.0, 95.0, 0.5, 0.05, 0.02, 0.3, days_per_year=days)
    h = 1e-5
    prices = [float_greeks(True, 100.0, 95.0, 0.5 + step, 0.05, 0.02, 0.3).price for step in (h, -h)]
    assert found.theta == pytest.approx(-(prices[0] - prices[1]) / (2 * h) / days, rel=1e-8)

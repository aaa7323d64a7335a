"""What a series of points says.

Goal: returns are of the market and not of deposits; the examples of the pages come out; conventions are those that are stated.
Method: worked examples, the definitions of Python's `statistics`, and random series in which only flows move the total.
"""

import itertools
import math
import random
import statistics
from fractions import Fraction

import pytest

from quantumcore.services.portfolio.statistics import YEAR_NS, Sample, drawdown, figures, made_of

DAY = 86_400 * 10**9


def samples(*totals: int, flows: tuple[int, ...] = (), every: int = DAY) -> list[Sample]:
    given = (*flows, *[0] * len(totals))
    return [Sample(at * every, Fraction(total), Fraction(given[at])) for at, total in enumerate(totals)]


def test_1000_1100_1000_900_950_have_fallen_by_200() -> None:
    assert drawdown([Fraction(v) for v in (1000, 1100, 1000, 900, 950)]) == 200
    assert figures(samples(1000, 1100, 1000, 900, 950), 0).drawdown == 200


@pytest.mark.parametrize(
    "values, fallen", [((5,), 0), ((1, 2, 3), 0), ((3, 2, 1), 2), ((3, 1, 4, 1), 3), ((-1, -5), 4)]
)
def test_a_drawdown_is_from_the_running_peak(values: tuple[int, ...], fallen: int) -> None:
    assert drawdown([Fraction(v) for v in values]) == fallen


def test_the_time_weighted_return_is_the_product_of_its_parts() -> None:
    """+10 %, then a deposit of 900 and +5 % on what was there: 1.10 x 1.05."""
    made = figures(samples(1000, 1100, 2055, flows=(0, 0, 900)), 0)
    assert made.time_weighted_return == pytest.approx(1.10 * 1.05 - 1)


def test_a_withdrawal_is_no_loss_and_no_drawdown() -> None:
    made = figures(samples(1000, 400, 440, flows=(0, -600, 0)), 0)
    assert made.time_weighted_return == pytest.approx(0.10)
    assert (made.drawdown, made.drawdown_share) == (0, 0.0)


def test_flows_alone_make_nothing(rng: random.Random) -> None:
    for _ in range(200):
        flows = [0] + [rng.randrange(-50, 100) for _ in range(rng.randrange(1, 30))]
        total, totals = 10_000, []
        for flow in flows:
            total += flow
            totals.append(total)
        made = figures(samples(*totals, flows=tuple(flows)), 0)
        assert made.time_weighted_return == pytest.approx(0, abs=1e-9)
        assert made.drawdown == 0
        assert set(made_of(samples(*totals, flows=tuple(flows)))) == {Fraction(10_000)}


def test_the_sharpe_ratio_is_by_the_stated_conventions() -> None:
    """Sample deviation; points per year by their number and span; the risk-free rate per point."""
    totals = (1000, 1010, 1005, 1030, 1020)
    returns = [b / a - 1 for a, b in itertools.pairwise(totals)]
    made = figures(samples(*totals), 0.03)
    deviation = statistics.stdev(returns)
    assert made.volatility == pytest.approx(deviation * math.sqrt(365))
    assert made.sharpe == pytest.approx((statistics.mean(returns) - 0.03 / 365) / deviation * math.sqrt(365))


def test_points_that_are_missing_make_fewer_points_per_year() -> None:
    made = figures(
        [
            Sample(0, Fraction(100), Fraction(0)),
            Sample(YEAR_NS // 2, Fraction(110), Fraction(0)),
            Sample(YEAR_NS, Fraction(99), Fraction(0)),
        ],
        0,
    )
    assert made.volatility == pytest.approx(statistics.stdev([0.1, -0.1]) * math.sqrt(2))


def test_too_few_points_say_nothing() -> None:
    assert figures([], 0) == (None, None, None, None, None)
    one = figures(samples(100), 0)
    assert (one.time_weighted_return, one.drawdown, one.volatility, one.sharpe) == (None, 0, None, None)
    two = figures(samples(100, 110), 0)
    assert two.time_weighted_return == pytest.approx(0.1)
    assert (two.volatility, two.sharpe) == (None, None)


def test_what_never_moves_has_no_ratio() -> None:
    still = figures(samples(100, 100, 100), 0)
    assert (still.time_weighted_return, still.volatility, still.sharpe) == (0.0, 0.0, None)


def test_from_nothing_there_is_no_return() -> None:
    """The first deposit makes no return, and no division by zero."""
    made = figures(samples(0, 1000, 1100, flows=(0, 1000, 0)), 0)
    assert made.time_weighted_return == pytest.approx(0.1)

"""Value at risk: parametric, historical, drawn; correlations.

Goal: the golden figures come out to the cent; parts sum to the whole; the three ways agree where they must; what cannot be is refused
by name and never a silent zero.
Method: worked cases, the definitions in plain Python, laws over random portfolios, seeded draws within their standard errors.
"""

import itertools
import math
import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.services.risk.figures import basis as figure
from quantumcore.services.risk.figures.basis import Basis, confidence, finite, money, tail
from quantumcore.services.risk.figures.correlation import (
    MAX_SYMBOLS,
    Correlations,
    checked,
    completed,
    perfect,
    root,
    smallest_eigenvalue,
)
from quantumcore.services.risk.figures.historical import age_weighted, filtered, historical
from quantumcore.services.risk.figures.montecarlo import MAX_PATHS, MonteCarloVar, monte_carlo, seeded, upper_tail
from quantumcore.services.risk.figures.revaluation import Held, Option, line_results, option_prices, results
from quantumcore.services.risk.figures.var import Exposed, ParametricVar, parametric
from tests.support.risk import BASIS, black_scholes, no_options, refused

D = Decimal
FIRST = Exposed(symbol="AAA", value=D(15_000), volatility=0.02)
SECOND = Exposed(symbol="BBB", value=D(100_000), volatility=0.03)
PNL = [-120, -80, -60, -45, -40, -30, -22, -15, -10, -5, 0, 3, 8, 12, 20, 25, 31, 40, 55, 70]


def var_of(*positions: Exposed, pairs: dict[tuple[str, str], float] | None = None, **terms: object) -> ParametricVar:
    return parametric(positions, completed([one.symbol for one in positions], pairs or {}), BASIS, **terms)  # type: ignore[arg-type]


def cents(*values: Decimal) -> tuple[str, ...]:
    return tuple(map(str, values))


# ------------------------------------------------------------------------------------------------------ parametric


def test_100_at_150_with_2_percent() -> None:
    found = var_of(FIRST)
    assert cents(found.sigma, found.var_95, found.var_99, found.var) == ("300.00", "493.50", "697.80", "697.80")
    assert found.basis is BASIS


def test_with_50_long_at_2000() -> None:
    found = var_of(FIRST, SECOND, alpha="0.95")
    assert cents(found.sigma, found.var_95, found.var_99) == ("3160.70", "5199.35", "7351.78")
    assert cents(*(one.component for one in found.contributions)) == ("281.05", "4918.30")
    assert found.var == found.var_95


def test_with_50_short_at_2000() -> None:
    found = var_of(FIRST, replace(SECOND, value=D(-100_000)))
    assert cents(found.sigma, found.var_95, found.var_99) == ("2861.82", "4707.69", "6656.59")


def test_exactly_instead_of_by_the_table() -> None:
    found = var_of(FIRST, exact=True)
    assert cents(found.var_95, found.var_99, found.es) == ("493.46", "697.90", "701.34")
    assert var_of(FIRST).es == found.es


def test_a_missing_volatility_is_2_percent_and_a_missing_correlation_one_half() -> None:
    assert var_of(replace(FIRST, volatility=None)) == var_of(FIRST)
    assert var_of(FIRST, SECOND, pairs={("BBB", "AAA"): 0.5}) == var_of(FIRST, SECOND)
    assert var_of(FIRST, SECOND, pairs={("BBB", "AAA"): 0.4}) != var_of(FIRST, SECOND)


def test_a_flat_account_risks_nothing() -> None:
    found = var_of()
    assert (found.var, found.sigma, found.es, found.contributions) == (0, 0, 0, ())
    flat = var_of(replace(FIRST, value=D(0)))
    assert (flat.var, flat.contributions[0].component, flat.contributions[0].marginal) == (0, 0, 0.0)


@pytest.mark.parametrize(
    ("alpha", "sigmas"),
    [("0.5", 1.0), ("0.9499", 1.0), ("0.95", 1.645), ("0.98999", 1.645), ("0.99", 2.326), ("0.999", 2.326)],
)
def test_the_table_of_quantiles_begins_at_its_levels(alpha: str, sigmas: float) -> None:
    assert float(var_of(FIRST, alpha=alpha).var) == pytest.approx(300 * sigmas)


@pytest.mark.parametrize("alpha", ["0.4999", "1", "0", "-1", "NaN", "x", "1/0", D("NaN"), D("Infinity"), 0.99])
def test_a_confidence_that_cannot_be_is_refused(alpha: object) -> None:
    refused("risk.confidence.bad", lambda: var_of(FIRST, alpha=alpha))


@pytest.mark.parametrize("bad", [0.0, -0.01, 10.001])
def test_an_absurd_volatility_is_refused(bad: float) -> None:
    refused("risk.volatility.bad", lambda: var_of(FIRST, replace(SECOND, volatility=bad)), limit="10.0")
    assert var_of(replace(FIRST, volatility=10.0)).sigma == 150_000


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    refused("risk.not_finite", lambda: var_of(replace(FIRST, volatility=bad)), field="volatility")
    refused("risk.not_finite", lambda: var_of(replace(FIRST, value=D(str(bad)))), field="value")
    refused("risk.not_finite", lambda: completed(["A", "B"], {("A", "B"): bad}), field="correlation")
    refused("risk.not_finite", lambda: historical([1.0, bad], BASIS), field="profits", actual=f"{bad} at [1]")


def test_values_beyond_what_a_float_holds_are_refused() -> None:
    refused("risk.not_finite", lambda: var_of(replace(FIRST, value=D("1e308"), volatility=5.0)))


def test_correlations_of_other_symbols_are_refused() -> None:
    of_others = completed(["AAA", "CCC"], {})
    refused("risk.correlation.bad", lambda: parametric([FIRST, SECOND], of_others, BASIS))
    refused("risk.correlation.bad", lambda: parametric([SECOND, FIRST], completed(["AAA", "BBB"], {}), BASIS))


portfolios = st.lists(st.tuples(st.integers(-(10**8), 10**8), st.floats(0.001, 1.0)), min_size=1, max_size=12).map(
    lambda rows: [Exposed(symbol=f"S{n}", value=D(value), volatility=s) for n, (value, s) in enumerate(rows)]
)


@given(portfolios)
def test_components_sum_to_the_var(positions: list[Exposed]) -> None:
    found = var_of(*positions)
    assert abs(sum(one.component for one in found.contributions) - found.var) <= D("0.01") * len(positions)


@given(portfolios)
def test_var_99_is_at_least_var_95_and_that_nothing(positions: list[Exposed]) -> None:
    for exact in (False, True):
        found = var_of(*positions, exact=exact)
        assert found.var_99 >= found.var_95 >= 0


@given(portfolios)
def test_variance_is_the_double_sum(positions: list[Exposed]) -> None:
    variance = math.fsum(
        float(a.value) * float(b.value) * a.volatility * b.volatility * (1.0 if a is b else 0.5)
        for a, b in itertools.product(positions, positions)
    )
    assert float(var_of(*positions).sigma) == pytest.approx(math.sqrt(max(0.0, variance)), rel=1e-9, abs=0.011)


def test_the_marginal_var_is_that_of_one_more_unit() -> None:
    step = D("0.01")
    more = replace(FIRST, value=FIRST.value + step)
    marginal = var_of(FIRST, SECOND).contributions[0].marginal
    found = (var_of(more, SECOND, places=9).var - var_of(FIRST, SECOND, places=9).var) / step
    assert marginal == pytest.approx(float(found), rel=1e-5)


@pytest.mark.parametrize(("places", "text"), [(0, "2"), (2, "1.55"), (8, "1.55000000")])
def test_figures_are_at_the_scale_of_the_currency_and_half_even(places: int, text: str) -> None:
    assert str(money(1.55, places)) == text
    assert cents(money(0.125, 2), money(0.375, 2), money(-0.125, 2), money(0.5, 0), money(1.5, 0)) == (
        *("0.12", "0.38", "-0.12"),
        *("0", "2"),
    )
    assert str(money(-0.001, 2)) == "0.00"
    assert str(money(1e30, 2)) == "1000000000000000019884624838656.00"


# ---------------------------------------------------------------------------------------------------- correlations

IMPOSSIBLE = {("A", "B"): -0.9}  # with two missing ones of 0.5


def test_a_matrix_that_cannot_be_is_refused_with_its_smallest_eigenvalue() -> None:
    matrix = np.array([[1, -0.9, 0.5], [-0.9, 1, 0.5], [0.5, 0.5, 1]])
    least = float(np.linalg.eigvalsh(matrix)[0])
    found = refused("risk.correlation.not_psd", lambda: completed(["A", "B", "C"], IMPOSSIBLE), limit="0")
    assert float(found.actual) == pytest.approx(least, abs=1e-12)
    assert least < -0.28
    assert completed(["A", "B"], IMPOSSIBLE).matrix[0, 1] == -0.9


def test_repair_is_only_on_request_and_said() -> None:
    near = completed(["A", "B", "C"], IMPOSSIBLE, repair=True)
    assert near.repaired
    assert 0.1 < near.moved < 0.5
    assert smallest_eigenvalue(near.matrix) > -1e-9
    assert np.array_equal(np.diagonal(near.matrix), np.ones(3))
    assert parametric([replace(FIRST, symbol=name) for name in "ABC"], near, BASIS).repaired
    fine = completed(["A", "B"], {}, repair=True)
    assert (fine.repaired, fine.moved) == (False, 0.0)


def test_a_singular_matrix_can_be() -> None:
    opposite = completed(["A", "B"], {("A", "B"): -1.0})
    assert var_of(replace(FIRST, symbol="A"), replace(FIRST, symbol="B"), pairs={("A", "B"): -1.0}).var == 0
    assert np.allclose(root(opposite) @ root(opposite).T, opposite.matrix)
    assert np.allclose(root(perfect("ABC")) @ root(perfect("ABC")).T, np.ones((3, 3)))


@pytest.mark.parametrize(
    ("matrix", "field"),
    [
        ([[1, 1.01], [1.01, 1]], "A,B"),
        ([[1, 0.5], [0.4, 1]], "A,B"),
        ([[1, 0.5], [0.5, 0.9]], "B,B"),
        ([[1]], "correlation"),
        ([[1, 0.5]], "correlation"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused(matrix: list[list[float]], field: str) -> None:
    refused("risk.correlation.bad", lambda: checked(["A", "B"], np.array(matrix)), field=field)


def test_a_pair_with_two_values_and_a_symbol_that_stands_twice_are_refused() -> None:
    refused("risk.correlation.bad", lambda: completed(["A", "B"], {("A", "B"): 0.1, ("B", "A"): 0.2}), field="A,B")
    refused("risk.correlation.bad", lambda: completed(["A", "A"], {}), field="symbols", actual="1")
    assert completed(["A", "B"], {("A", "B"): 0.1, ("B", "A"): 0.1, ("C", "A"): 0.9}).matrix[1, 0] == 0.1


def test_symbols_have_a_limit() -> None:
    symbols = [f"S{n}" for n in range(MAX_SYMBOLS + 1)]
    for make in (lambda: completed(symbols, {}), lambda: perfect(symbols), lambda: checked(symbols, np.eye(1))):
        refused("risk.correlation.bad", make, field="symbols", limit="2000", actual="2001")


def test_a_matrix_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValueError, match="read-only"):
        completed(["A", "B"], {}).matrix[0, 1] = 2


# ------------------------------------------------------------------------------------------------------ historical


def test_the_worst_of_twenty_is_the_95_percent_and_of_a_hundred_the_99() -> None:
    found = historical(PNL, BASIS, alpha="0.95")
    assert cents(found.var, found.es) == ("120.00", "120.00")
    assert found.tail == 1
    assert historical(PNL, BASIS, alpha="0.99").tail == 1
    assert cents(historical(PNL, BASIS, alpha="0.9").var, historical(PNL, BASIS, alpha="0.9").es) == ("80.00", "100.00")


@pytest.mark.parametrize(
    ("count", "alpha", "k"),
    [
        (1, "0.99", 1),
        (99, "0.99", 1),
        (100, "0.99", 1),
        (199, "0.99", 1),
        (200, "0.99", 2),
        (1_000, "0.999", 1),
        (10, "0.9", 1),
        (20, "0.9", 2),
    ],
)
def test_the_tail_is_counted_by_exact_rationals(count: int, alpha: str, k: int) -> None:
    """In floats 1 - 0.9 is less than a tenth, and 10 × (1 - 0.9) would be floored to 0, 20 × to 1."""
    assert tail(count, confidence(alpha)) == k
    assert historical(np.arange(count), BASIS, alpha=alpha).tail == k


def test_a_level_as_a_fraction_is_exact_too() -> None:
    assert tail(300, confidence(Fraction(299, 300))) == 1
    assert tail(600, confidence(Fraction(299, 300))) == 2


def test_only_gains_have_no_loss() -> None:
    found = historical([5, 6, 7], BASIS)
    assert (found.var, found.es) == (0, 0)


def test_an_empty_history_is_no_zero() -> None:
    refused("risk.history.empty", lambda: historical([], BASIS))
    refused("risk.history.empty", lambda: age_weighted([], BASIS, decay=0.98))
    refused("risk.history.empty", lambda: filtered(np.empty((0, 2))))


@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=60), st.sampled_from(["0.9", "0.95", "0.975", "0.99"])
)
def test_historical_var_by_its_definition(profits: list[int], alpha: str) -> None:
    k = max(1, math.floor(len(profits) * (1 - Fraction(alpha))))
    worst = sorted((-one for one in profits), reverse=True)[:k]
    found = historical(profits, BASIS, alpha=alpha, places=6)
    assert float(found.var) == pytest.approx(max(0, worst[-1]))
    assert float(found.es) == pytest.approx(max(0, sum(worst) / k))
    assert found.es >= found.var
    assert age_weighted(profits, BASIS, decay=1.0, alpha=alpha, places=6) == found


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=200))
def test_historical_var_99_is_at_least_var_95_and_that_nothing(profits: list[int]) -> None:
    found = [historical(profits, BASIS, alpha=alpha) for alpha in ("0.99", "0.95")]
    assert found[0].var >= found[1].var >= 0
    assert all(one.es >= one.var for one in found)


def test_younger_results_count_more() -> None:
    """Of 0.5 the last of four weighs 8/15, the one before 4/15, then 2/15 and 1/15."""
    profits = [-40.0, -30.0, -20.0, -10.0]
    assert cents(age_weighted(profits, BASIS, decay=0.5, alpha="0.8").var) == ("30.00",)  # 1/15 + 2/15 are just a fifth
    found = age_weighted(profits, BASIS, decay=0.5, alpha="0.6")
    assert cents(found.var, found.es) == ("30.00", "33.33")
    assert age_weighted(profits[::-1], BASIS, decay=0.5, alpha="0.6").tail == 1


def test_a_result_so_old_that_it_weighs_nothing_is_still_the_worst() -> None:
    found = age_weighted([-100.0, *[0.0] * 1_100, -50.0], BASIS, decay=0.5, alpha="0.9")
    assert cents(found.var, found.es) == ("100.00", "100.00")


@pytest.mark.parametrize("decay", [0.0, -0.5, 1.0001, float("nan")])
def test_a_decay_that_cannot_be_is_refused(decay: float) -> None:
    refused("risk.decay.bad", lambda: age_weighted(PNL, BASIS, decay=decay))
    refused("risk.decay.bad", lambda: filtered([[0.01]], decay=decay))


def test_returns_of_calm_days_grow_to_todays_volatility() -> None:
    rows = np.array([[0.01], [-0.01], [0.01], [0.05]])
    scaled = filtered(rows, decay=0.5)
    variance, sigmas = float((rows**2).mean()), []
    for (one,) in rows:
        sigmas.append(math.sqrt(variance))
        variance = variance / 2 + one**2 / 2
    assert scaled[:, 0] == pytest.approx(
        [row * math.sqrt(variance) / s for (row,), s in zip(rows, sigmas, strict=True)]
    )
    assert abs(scaled[2, 0]) > abs(scaled[0, 0]) > 0.01


def test_a_factor_that_never_moved_stays_as_it_is() -> None:
    assert np.array_equal(filtered([[0.0, 0.01], [0.0, 0.02]])[:, 0], [0.0, 0.0])
    refused("risk.decay.bad", lambda: filtered([[0.01]], decay=1.0))


# ----------------------------------------------------------------------------------------------------- revaluation

CALL = Held(
    symbol="C",
    underlying="AAA",
    units=100,
    price=100,
    option=Option(strike=105, years=0.25, call=True),
    volatility=0.25,
)
SHARE = Held(symbol="AAA", underlying="AAA", units=-50, price=100)


def test_results_are_of_the_whole_portfolio_and_signed() -> None:
    returns = np.array([[0.1, 0.1], [-0.1, -0.1], [0.0, 0.0]])
    found = results([CALL, SHARE], returns, black_scholes)
    worth = [
        float(black_scholes(CALL.option, np.array([spot]), np.array([0.25]), np.array([0.0]))[0])
        for spot in (110, 90, 100)
    ]
    assert found.tolist() == pytest.approx([100 * (worth[0] - worth[2]) - 500, 100 * (worth[1] - worth[2]) + 500, 0])


def test_line_results_sum_to_results() -> None:
    returns = np.linspace(-0.5, 0.5, 33).reshape(11, 3)
    held = [CALL, SHARE, replace(CALL, units=-30, option=replace(CALL.option, call=False))]
    shifts = {"volatility": np.linspace(0.5, 2, 11), "rate": np.linspace(-0.02, 0.02, 11)}
    lines = line_results(held, returns, black_scholes, **shifts)
    assert lines.sum(axis=1) == pytest.approx(results(held, returns, black_scholes, **shifts))
    assert lines[:, 1] == pytest.approx(-50 * 100 * returns[:, 1])
    plain = line_results(held, returns, black_scholes)
    assert plain.sum(axis=1) == pytest.approx(results(held, returns, black_scholes))


def test_a_flat_portfolio_gains_nothing_by_any_way() -> None:
    flat = results([], np.empty((20, 0)), no_options)
    assert historical(flat, BASIS).var == 0
    basis = Basis(sequence=1, window=100, seed=1)
    found = monte_carlo(lambda r: r.sum(axis=1), completed([], {}), [], seeded(1), basis)
    assert (found.var, found.es, found.error) == (0, 0, 0)


def test_each_factor_has_its_volatility() -> None:
    basis = Basis(sequence=1, window=100, seed=1)
    refused(
        "risk.correlation.bad",
        lambda: monte_carlo(lambda r: r.sum(axis=1), completed(["A"], {}), [None] * 2, seeded(1), basis),
        actual="2",
    )


def test_volatilities_are_multiplied_and_rates_added() -> None:
    nothing = np.zeros((2, 1))
    assert results([CALL], nothing, black_scholes, volatility=1.5)[0] > 50
    up, down = results([CALL], nothing, black_scholes, rate=np.array([0.02, -0.02]))
    assert up > 0 > down
    assert results([SHARE], nothing, no_options, volatility=1.5, rate=0.02).tolist() == [0, 0]


def test_below_zero_an_option_counts_what_it_pays_there() -> None:
    put = replace(CALL.option, call=False)
    spots = np.array([-20.0, 0.0, 100.0])
    found = option_prices(put, spots, np.full(3, 0.2), np.zeros(3), black_scholes)
    assert found[:2].tolist() == [125, 105]
    assert option_prices(CALL.option, spots, np.full(3, 0.2), np.zeros(3), black_scholes)[:2].tolist() == [0, 0]
    assert 5 < found[2] < 20


def test_a_price_that_is_none_is_refused() -> None:
    refused(
        "risk.not_finite", lambda: results([CALL], np.zeros((1, 1)), lambda *a: np.array([math.nan])), field="price"
    )
    refused("risk.not_finite", lambda: results([SHARE], np.array([[math.nan]]), no_options), field="returns")


def test_a_revaluation_has_a_limit() -> None:
    huge = np.broadcast_to(np.zeros(1), (25_000_001, 2))
    refused("risk.size", lambda: results([SHARE, SHARE], huge, no_options), limit="50000000")


@given(portfolios)
def test_a_linear_portfolio_is_its_values_times_returns(positions: list[Exposed]) -> None:
    held = [Held(symbol=one.symbol, underlying=one.symbol, units=float(one.value), price=2.0) for one in positions]
    returns = np.linspace(-0.3, 0.3, 3 * len(held)).reshape(3, len(held))
    expected = [sum(2 * float(one.value) * r for one, r in zip(positions, row, strict=True)) for row in returns]
    assert results(held, returns, no_options).tolist() == pytest.approx(expected, abs=1e-3)


# ----------------------------------------------------------------------------------------------------- Monte Carlo


def drawn(
    positions: list[Exposed], correlations: Correlations, seed: int, paths: int = 40_000, **terms: object
) -> MonteCarloVar:
    values = np.array([float(one.value) for one in positions])
    spreads = [one.volatility for one in positions]
    basis = Basis(sequence=7, window=paths, seed=seed)
    return monte_carlo(lambda r: r @ values, correlations, spreads, seeded(seed), basis, **terms)  # type: ignore[arg-type]


@pytest.mark.parametrize("antithetic", [True, False])
@pytest.mark.parametrize("alpha", ["0.95", "0.99"])
@pytest.mark.parametrize("short", [False, True])
def test_draws_agree_with_parametric_on_a_linear_portfolio(antithetic: bool, alpha: str, short: bool) -> None:
    positions = [FIRST, replace(SECOND, value=-SECOND.value) if short else SECOND]
    correlations = completed(["AAA", "BBB"], {})
    exact = parametric(positions, correlations, BASIS, alpha=alpha, exact=True)
    found = drawn(positions, correlations, 11, alpha=alpha, antithetic=antithetic)
    assert abs(found.var - exact.var) <= 3 * found.error
    shortfall = float(exact.sigma) * figure.expected(confidence(alpha))
    assert abs(float(found.es) - shortfall) <= 3 * float(found.es_error)
    assert found.error < exact.var / 50


def test_draws_agree_on_random_portfolios_as_often_as_they_should(rng: random.Random) -> None:
    """The error is an estimate too: beyond three of it is one draw in 120, and four of 40 would be no chance."""
    beyond = 0
    for run in range(40):
        positions = [
            Exposed(symbol=f"S{n}", value=D(rng.randrange(-(10**6), 10**6)), volatility=rng.uniform(0.005, 0.1))
            for n in range(rng.randrange(1, 8))
        ]
        correlations = completed([one.symbol for one in positions], {})
        exact = parametric(positions, correlations, BASIS, alpha="0.95", exact=True)
        found = drawn(positions, correlations, rng.randrange(2**32), paths=4_000, alpha="0.95", antithetic=run % 2 == 0)
        beyond += abs(found.var - exact.var) > 3 * found.error
    assert beyond < 4


def test_a_standard_error_is_how_far_seeds_are_apart() -> None:
    correlations = completed(["AAA"], {})
    runs = [drawn([FIRST], correlations, seed, paths=4_000, alpha="0.95", antithetic=False) for seed in range(150)]
    apart = np.std([float(run.var) for run in runs])
    assert np.mean([float(run.error) for run in runs]) == pytest.approx(apart, rel=0.2)
    tails = np.std([float(run.es) for run in runs])
    assert np.mean([float(run.es_error) for run in runs]) == pytest.approx(tails, rel=0.2)


def test_standard_errors_by_their_formulas() -> None:
    """Losses 0 to 199 at 95 %: ten are the tail, and one standard deviation of a rank is 3.08, so 193 and 187 stand beside 190."""
    basis = Basis(sequence=1, window=200, seed=1)
    every = lambda r: -np.arange(len(r), dtype=float)  # noqa: E731
    found = monte_carlo(every, perfect("A"), [None], seeded(1), basis, alpha="0.95", antithetic=False)
    assert cents(found.var, found.error, found.es) == ("190.00", "3.00", "194.50")
    assert cents(found.es_error) == ("1.66",)  # of the tail 8.25, and 0.95 × 4.5²


def test_the_same_seed_draws_the_same() -> None:
    correlations = completed(["AAA", "BBB"], {})
    first, again, other = (drawn([FIRST, SECOND], correlations, seed, paths=1_000) for seed in (5, 5, 6))
    assert first == again
    assert first.var != other.var
    assert (first.basis.seed, first.basis.window) == (5, 1_000)


def test_antithetic_pairs_have_no_mean() -> None:
    seen: list[np.ndarray] = []

    def keep(returns: np.ndarray) -> np.ndarray:
        seen.append(returns)
        return returns.sum(axis=1)

    correlations = completed(["A", "B"], {})
    monte_carlo(keep, correlations, [0.01, None], seeded(3), Basis(sequence=1, window=1_000, seed=3))
    together = np.concatenate(seen)
    assert together.shape == (1_000, 2)
    assert np.array_equal(seen[0], -seen[1])
    assert np.std(together, axis=0) == pytest.approx([0.01, 0.02], rel=0.1)


def test_a_singular_matrix_draws_what_moves_together() -> None:
    seen: list[np.ndarray] = []
    basis = Basis(sequence=1, window=200, seed=3)
    monte_carlo(lambda r: (seen.append(r), r.sum(axis=1))[1], perfect("AB"), [0.01, 0.02], seeded(3), basis)
    assert np.allclose(seen[0][:, 0] * 2, seen[0][:, 1])


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30, 200])
def test_a_t_copula_leaves_each_factor_normal(freedom: int) -> None:
    found = drawn([FIRST], completed(["AAA"], {}), 21, alpha="0.99", freedom=freedom, antithetic=False)
    exact = var_of(FIRST, exact=True)
    assert abs(found.var - exact.var) <= 3 * found.error
    assert found.freedom == freedom


def test_a_t_copula_brings_extremes_together() -> None:
    """Both of two equal, half-correlated positions lose most on the same paths."""
    pair = [replace(FIRST, symbol="A"), replace(FIRST, symbol="B")]
    correlations = completed(["A", "B"], {})
    normal, copula = (drawn(pair, correlations, 4, alpha="0.99", freedom=f) for f in (None, 3))
    assert copula.var > normal.var + 3 * normal.error


@pytest.mark.parametrize(
    ("freedom", "t", "above"),
    [
        (1, 1.0, 0.25),
        (1, 6.313751515, 0.05),
        (2, 2.919985580, 0.05),
        (3, 4.540702858, 0.01),
        (4, 2.131846786, 0.05),
        (5, 3.364929999, 0.01),
        (30, 2.457261542, 0.01),
        (200, 1.652508101, 0.05),
    ],
)
def test_the_tail_of_students_t(freedom: int, t: float, above: float) -> None:
    """Against the published table."""
    assert upper_tail(np.array([t]), freedom)[0] == pytest.approx(above, rel=1e-6)
    assert upper_tail(np.array([0.0]), freedom)[0] == 0.5


@pytest.mark.parametrize(("paths", "antithetic"), [(99, False), (0, False), (MAX_PATHS + 2, False), (101, True)])
def test_paths_have_limits(paths: int, antithetic: bool) -> None:
    refused("risk.paths.bad", lambda: drawn([FIRST], completed(["AAA"], {}), 1, paths=paths, antithetic=antithetic))
    assert drawn([FIRST], completed(["AAA"], {}), 1, paths=101, antithetic=False).basis.window == 101


def test_paths_times_factors_have_a_limit() -> None:
    factors = [f"S{n}" for n in range(101)]
    basis = Basis(sequence=1, window=MAX_PATHS, seed=1)
    draw = lambda: monte_carlo(lambda r: r.sum(axis=1), perfect(factors), [None] * 101, seeded(1), basis)  # noqa: E731
    refused("risk.size", draw, limit="100000000", actual="101000000")


@pytest.mark.parametrize("freedom", [0, -1, 201])
def test_degrees_of_freedom_have_limits(freedom: int) -> None:
    refused("risk.freedom.bad", lambda: drawn([FIRST], completed(["AAA"], {}), 1, freedom=freedom))


def test_draws_come_in_blocks_whose_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    correlations = completed(["AAA", "BBB"], {})
    whole = drawn([FIRST, SECOND], correlations, 9, paths=1_000, antithetic=False)
    monkeypatch.setattr("quantumcore.services.risk.figures.montecarlo.BLOCK", 64)
    assert drawn([FIRST, SECOND], correlations, 9, paths=1_000, antithetic=False) == whole


def test_options_are_drawn_with_full_revaluation() -> None:
    """A bought call loses its price at most; a delta would say more."""
    basis = Basis(sequence=1, window=2_000, seed=1)
    found = monte_carlo(
        lambda r: results([CALL], r, black_scholes), completed(["AAA"], {}), [0.2], seeded(1), basis, alpha="0.999"
    )
    price = 100 * float(black_scholes(CALL.option, np.array([100.0]), np.array([0.25]), np.array([0.0]))[0])
    assert 0.9 * price < float(found.var) <= price + 0.01


def test_what_is_not_finite_is_told_with_its_place() -> None:
    refused("risk.not_finite", lambda: finite([[1.0, 2.0], [math.inf, 0.0]], "x"), actual="inf at [1, 0]")
    refused("risk.not_finite", lambda: money(math.nan, 2), field="figure")

"""The golden table of options: published values and values of 60 digits, each within its tolerance.

Goal: price, greeks and implied volatilities are those of the literature, and what has no answer gets its error.
Method: every row through the public face that answers it; floats where more digits are compared than Decimals show.
"""

from decimal import Decimal

import pytest

from quantumcore.contracts.greeks import Expired, GreeksRefused, PriceOutOfBounds
from quantumcore.core import _greeks
from quantumcore.services.risk.options.arrays import SEARCHES, float_greeks, float_implied_volatility
from quantumcore.services.risk.options.greeks import greeks_of, implied_volatility
from tests.support.options import GREEKS, floats_of_row, golden, names, needs_golden, terms_of_row

pytestmark = needs_golden
EIGHT_PLACES = Decimal("0.5e-8")


def _close(value: float, wanted: float, relative: float, absolute: float) -> bool:
    return abs(value - wanted) <= max(relative * abs(wanted), absolute)


@pytest.mark.parametrize("row", golden("european"), ids=names)
def test_european_rows(row):
    """1e-10 of the value (1e-9 below 1e-6), or 1e-12."""
    found = float_greeks(*floats_of_row(row), float(row["vol"]))
    for name, value in zip(GREEKS, found, strict=True):
        wanted = float(row[name])
        relative = 1e-9 if abs(wanted) < 1e-6 else 1e-10
        assert _close(value, wanted, relative, 1e-12), name


@pytest.mark.parametrize("row", golden("european"), ids=names)
def test_european_rows_as_decimals(row):
    """The Decimals are the table's numbers to 8 places, fast and in 50 digits alike."""
    terms, volatility = terms_of_row(row), Decimal(row["vol"])
    for precise in (False, True):
        found = greeks_of(terms, volatility, min_days=Decimal(0), precise=precise)
        shown = (
            found.price, found.delta, found.gamma, found.theta_per_day, found.vega_per_1pct, found.rho_per_1pct,
        )  # fmt: skip
        for name, value in zip(GREEKS, shown, strict=True):
            wanted = Decimal(row[name])
            digits = Decimal(1).scaleb(wanted.adjusted() - 10)  # the table has 12 of them
            assert abs(value - wanted) <= EIGHT_PLACES + digits, name
            assert value.as_tuple().exponent == -8


@pytest.mark.parametrize("row", [row for row in golden("american") if "QdFp" in row["engine"]], ids=names)
def test_american_rows_of_the_exact_class(row):
    """1e-4 of price and of each greek, which the table has to 6 or 7 digits."""
    found = float_greeks(*floats_of_row(row), float(row["vol"]), american=True)
    for name, value in zip(GREEKS, found, strict=True):
        assert _close(value, float(row[name]), 1e-4, 0.0), (name, value, row[name])


@pytest.mark.parametrize("row", [row for row in golden("american") if "QdFp" not in row["engine"]], ids=names)
def test_american_rows_of_the_approximations(row):
    """Each against its own method: the same approximation elsewhere within 2e-6, and what its authors printed."""
    method = "baw" if "BaroneAdesi" in row["engine"] else "bs93"
    found = float_greeks(*floats_of_row(row), float(row["vol"]), american=True, method=method)
    assert _close(found.price, float(row["price"]), 2e-6, 0.0)
    assert _close(found.price, float(row["literature_value"]), 0.0, float(row["literature_tol"]))


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("row", golden("implied_vol"), ids=names)
def test_implied_rows(row, search):
    """1e-10, which is the table's tolerance, by every method; vega at the answer is the table's."""
    terms = floats_of_row(row)
    found = float_implied_volatility(*terms, float(row["price"]), method=search)
    assert _close(found, float(row["implied_vol"]), 0.0, float(row["literature_tol"]))
    assert _close(float_greeks(*terms, found, min_days=0.0).vega, float(row["vega_per_1pct"]), 1e-8, 0.0)


@pytest.mark.parametrize("row", golden("implied_vol"), ids=names)
def test_implied_rows_as_decimals(row):
    found = implied_volatility(terms_of_row(row), Decimal(row["price"]))
    assert abs(found.volatility - Decimal(row["implied_vol"])) <= Decimal(row["literature_tol"])
    assert found.iterations <= 3


@pytest.mark.parametrize("row", golden("implied_vol_error"), ids=names)
def test_error_rows(row):
    """The error that the row's source names, never a number."""
    with pytest.raises(GreeksRefused) as refused:
        implied_volatility(terms_of_row(row), Decimal(row["price"]))
    assert type(refused.value) is (Expired if "Expired" in row["source"] else PriceOutOfBounds)


def test_the_rational_method_takes_two_steps():
    """By design: over the table's rows, and none more than three."""
    steps = [
        _greeks.implied(*floats_of_row(row), float(row["price"]), SEARCHES["rational"], 100, 1e-12)[2]
        for row in golden("implied_vol")
    ]
    assert max(steps) <= 3
    assert sum(steps) / len(steps) <= 2.2

"""The Decimal face of options: what goes in and comes out, and every way to be refused.

Goal: exact inputs, outputs of 8 places, and a typed error with its code where there is no answer; never a silent zero.
Method: each field missing, not finite, of the wrong sign and beyond its bound, through every face that takes it.
"""

import math
import re
from decimal import Decimal, getcontext, localcontext
from pathlib import Path

import numpy as np
import pytest

from quantumcore.contracts.errors import Refused
from quantumcore.contracts.greeks import (
    Expired,
    GreeksRefused,
    InvalidStrike,
    InvalidTerms,
    InvalidUnderlyingPrice,
    InvalidVolatility,
    IVConvergenceFailed,
    MissingMarketData,
    NegativeTimeToExpiry,
    NotRecoverable,
    PriceOutOfBounds,
)
from quantumcore.core import _greeks
from quantumcore.services.risk.options.arrays import (
    float_greeks,
    float_implied_volatility,
    greeks_of_many,
    implied_volatilities_of_many,
)
from quantumcore.services.risk.options.greeks import eight_places, greeks, greeks_of, implied_volatility
from quantumcore.services.risk.options.terms import Dividend, OptionContract, OptionMarket, OptionTerms, terms_of

DAY_NS = 86_400 * 10**9
NOW = 1_790_000_000 * 10**9
D = Decimal
CONTRACT = OptionContract(
    symbol="X", underlying="X", call=True, strike=D(100), expiry_ns=NOW + 73 * DAY_NS, american=False
)
MARKET = OptionMarket(time_ns=NOW, spot=D("101.5"), rate=D("0.05"), dividend_yield=D("0.02"), volatility=D("0.2"))
TERMS = OptionTerms(call=True, spot=D(100), strike=D(100), years=D("0.5"), rate=D("0.05"))
NUMBERS = ("price", "delta", "gamma", "theta_per_day", "vega_per_1pct", "rho_per_1pct")


def _with(value, **changes):
    return type(value)(**{**{name: getattr(value, name) for name in value.__struct_fields__}, **changes})


def test_a_contract_and_its_market_make_terms():
    terms = terms_of(CONTRACT, MARKET)
    assert terms.years == D("0.2")  # 73 of 365 days, exactly
    assert (terms.spot, terms.strike, terms.escrowed) == (D("101.5"), D(100), False)


def test_every_number_out_is_a_decimal_of_eight_places():
    found = greeks(CONTRACT, MARKET)
    for name in NUMBERS:
        value = getattr(found, name)
        assert isinstance(value, Decimal)
        assert value.as_tuple().exponent == -8
    assert found.engine == "european"
    assert found.volatility == D("0.2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456785, "0.12345678"),  # the float lies below the half
        (0.5**9 + 0.0, "0.00195312"),  # exactly a half: to the even digit
        (3 * 0.5**9, "0.00585938"),
        (-1e-12, "0.00000000"),
        (-0.0, "0.00000000"),
        (1e15, "1000000000000000.00000000"),
    ],
)
def test_rounding_is_half_even_by_the_exact_value(value, text):
    assert str(eight_places(value)) in {text, str(Decimal(text))}
    assert not eight_places(value).is_signed() or value <= -5e-9


def test_the_caller_s_decimal_context_changes_nothing():
    """A context of five digits, with every trap set, gives the same greeks."""
    wanted = greeks(CONTRACT, MARKET)
    with localcontext() as context:
        context.prec = 5
        context.traps = dict.fromkeys(context.traps, True)
        assert greeks(CONTRACT, MARKET) == wanted
        assert greeks(CONTRACT, MARKET, precise=True) == wanted
    assert getcontext().prec == 28


def test_precise_leaves_mpmath_s_own_precision_alone():
    import mpmath

    greeks(CONTRACT, MARKET, precise=True)
    assert mpmath.mp.prec == 53  # its own choice, which nothing here changes


def test_precise_is_for_european_options():
    with pytest.raises(InvalidTerms) as refused:
        greeks(_with(CONTRACT, american=True), MARKET, precise=True)
    assert refused.value.field == "precise"


def test_precise_without_volatility_is_the_discounted_intrinsic():
    for call in (True, False):
        for spot in (D(90), D(110)):
            terms = _with(TERMS, call=call, spot=spot)
            assert greeks_of(terms, D(0), precise=True) == greeks_of(terms, D(0))


def test_the_price_implies_the_volatility_that_is_missing():
    priced = greeks(CONTRACT, MARKET)
    found = greeks(CONTRACT, _with(MARKET, volatility=None, option_price=priced.price))
    assert found.volatility == pytest.approx(D("0.2"), abs=D("1e-8"))
    assert found.delta == pytest.approx(priced.delta, abs=D("1e-7"))


@pytest.mark.parametrize("field", ["spot", "rate", "dividend_yield", "volatility"])
def test_what_the_market_does_not_say_is_named(field):
    with pytest.raises(MissingMarketData) as refused:
        greeks(CONTRACT, _with(MARKET, **{field: None}))
    assert refused.value.field == field
    assert refused.value.code == "greeks.market_data.missing"


@pytest.mark.parametrize("late_ns", [0, 1, DAY_NS])
def test_at_and_after_its_instant_an_option_has_expired(late_ns):
    with pytest.raises(Expired) as refused:
        greeks(CONTRACT, _with(MARKET, time_ns=CONTRACT.expiry_ns + late_ns))
    assert refused.value.code == "greeks.expired"


def test_a_nanosecond_before_it_is_worth_its_intrinsic():
    found = greeks(CONTRACT, _with(MARKET, time_ns=CONTRACT.expiry_ns - 1, volatility=None))
    assert (found.price, found.delta, found.engine) == (D("1.5"), D(1), "intrinsic")
    assert found.gamma == found.theta_per_day == found.vega_per_1pct == found.rho_per_1pct == 0
    assert found.volatility is None


@pytest.mark.parametrize("american", [True, False])
@pytest.mark.parametrize(
    ("spot", "price", "delta"), [(D(120), D(0), D(0)), (D(80), D(20), D(-1)), (D(100), D(0), D(0))]
)
def test_below_the_minimum_of_days_a_put_is_its_intrinsic(american, spot, price, delta):
    terms = _with(TERMS, call=False, spot=spot, years=D("0.0099") / 365, american=american)
    found = greeks_of(terms, D("0.3"))
    assert (found.price, found.delta, found.gamma, found.engine) == (price, delta, D(0), "intrinsic")
    above = greeks_of(_with(terms, years=D("0.0101") / 365), D("0.3"))
    assert above.engine != "intrinsic" or spot == 80


def test_the_minimum_of_days_can_be_chosen():
    terms = _with(TERMS, years=D(5) / 365)
    assert greeks_of(terms, D("0.3"), min_days=D(6)).engine == "intrinsic"
    assert greeks_of(terms, D("0.3"), min_days=D(4)).engine == "european"
    with pytest.raises(MissingMarketData):
        greeks_of(terms, None, min_days=D(4))


BAD = [D("NaN"), D("Infinity"), D("-Infinity"), D("sNaN"), D("1e400"), D("-1"), D("1e16")]


@pytest.mark.parametrize("bad", [*BAD, D(0), D("1e-400"), D("-0")])
@pytest.mark.parametrize(("field", "kind"), [("spot", InvalidUnderlyingPrice), ("strike", InvalidStrike)])
def test_prices_that_are_none_are_refused(field, kind, bad):
    for call in (
        lambda terms: greeks_of(terms, D("0.2")),
        lambda terms: implied_volatility(terms, D(5)),
        lambda terms: greeks_of(_with(terms, american=True), D("0.2")),
        lambda terms: greeks_of(terms, D("0.2"), precise=True),
    ):
        with pytest.raises(GreeksRefused) as refused:
            call(_with(TERMS, **{field: bad}))
        assert isinstance(refused.value, InvalidTerms if bad.is_snan() else kind)


@pytest.mark.parametrize("bad", [D("NaN"), D("Infinity"), D("-0.01"), D("10.0001"), D(20), D("1e400")])
def test_absurd_volatilities_are_refused(bad):
    with pytest.raises(InvalidVolatility) as refused:
        greeks_of(TERMS, bad)
    assert refused.value.code == "greeks.volatility.invalid"
    assert refused.value.limit == "10"


@pytest.mark.parametrize("field", ["rate", "dividend_yield"])
@pytest.mark.parametrize("bad", [D("NaN"), D("Infinity"), D("2.01"), D(-5)])
def test_absurd_rates_are_refused(field, bad):
    with pytest.raises(InvalidTerms) as refused:
        greeks_of(_with(TERMS, **{field: bad}), D("0.2"))
    assert (refused.value.field, refused.value.limit) == (field, "2, and 50 over all the time")


def test_what_leaves_the_floats_over_decades_is_refused():
    """1.9 a year is a rate, and over 30 years no number; so is a volatility of 400 % over 16 years."""
    with pytest.raises(InvalidTerms) as refused:
        greeks_of(_with(TERMS, rate=D("1.9"), years=D(30)), D("0.2"))
    assert refused.value.field == "rate"
    with pytest.raises(InvalidVolatility):
        greeks_of(_with(TERMS, years=D(16)), D(4))
    assert greeks_of(_with(TERMS, years=D(16)), D("3.7")).price > 0


def test_time_that_is_none_is_refused():
    with pytest.raises(NegativeTimeToExpiry) as refused:
        greeks_of(_with(TERMS, years=D("-0.2")), D("0.2"))
    assert Decimal(refused.value.days) == -73
    with pytest.raises(Expired):
        greeks_of(_with(TERMS, years=D(0)), D("0.2"))
    with pytest.raises(InvalidTerms):
        greeks_of(_with(TERMS, years=D(101)), D("0.2"))
    with pytest.raises(InvalidTerms):
        greeks_of(_with(TERMS, years=D("NaN")), D("0.2"))


@pytest.mark.parametrize("days", [0, -1, 360, float("nan"), 364.9])
def test_a_day_is_a_365th_or_a_252nd(days):
    with pytest.raises(InvalidTerms) as refused:
        greeks_of(TERMS, D("0.2"), days_per_year=days)
    assert refused.value.field == "days_per_year"


def test_unknown_methods_are_refused_by_name():
    with pytest.raises(InvalidTerms, match=r"greeks\.terms\.invalid"):
        greeks_of(TERMS, D("0.2"), method="tree")
    with pytest.raises(InvalidTerms):
        implied_volatility(TERMS, D(5), search="guess")
    with pytest.raises(InvalidTerms):
        implied_volatility(_with(TERMS, american=True), D(5), search="newton")


@pytest.mark.parametrize("price", [D(0), D(-1), D("-0.0001"), D(100), D(101)])
def test_prices_that_no_volatility_has_are_refused(price):
    with pytest.raises(PriceOutOfBounds) as refused:
        implied_volatility(TERMS, price)
    assert (refused.value.lower, refused.value.upper) == ("2.46900880", "100.00000000")
    assert Decimal(refused.value.price) == price


def test_a_price_below_the_discounted_intrinsic_is_refused():
    with pytest.raises(PriceOutOfBounds):
        implied_volatility(_with(TERMS, spot=D(150)), D("52.46"))
    assert implied_volatility(_with(TERMS, spot=D(150)), D("52.50")).volatility > 0


def test_a_price_that_holds_no_time_value_is_not_guessed():
    """A call far in the money: its last bit would move the volatility by percents."""
    terms = _with(TERMS, spot=D(1000), strike=D(10))
    price = D(float_greeks(True, 1000.0, 10.0, 0.5, 0.05, 0.0, 0.2).price)
    with pytest.raises(NotRecoverable) as refused:
        implied_volatility(terms, price)
    assert refused.value.code == "greeks.volatility.not_recoverable"


def test_a_time_value_of_three_last_bits_is_not_guessed():
    """It implies some volatility, which each of these bits moves by far more than 1e-5."""
    lower = _greeks.implied(True, 100.0, 50.0, 0.25, 0.05, 0.0, 60.0, 0, 100, 1e-12)[4]
    price = lower
    for _ in range(3):
        price = math.nextafter(price, math.inf)
    with pytest.raises(NotRecoverable) as refused:
        float_implied_volatility(True, 100.0, 50.0, 0.25, 0.05, 0.0, price)
    assert 1e-5 < float(refused.value.bound) < 1


def test_a_price_that_needs_over_a_thousand_percent_is_refused():
    terms = _with(TERMS, years=D("0.01"))
    with pytest.raises(InvalidVolatility):
        implied_volatility(terms, D(60))


@pytest.mark.parametrize("search", ["newton", "bisection", "brent"])
def test_a_method_that_does_not_end_says_how_long_it_tried(search):
    with pytest.raises(IVConvergenceFailed) as refused:
        implied_volatility(_with(TERMS, strike=D(200)), D("0.0001"), search=search, iterations=3)
    assert refused.value.iterations == 3
    assert refused.value.code == "greeks.volatility.not_converged"


def test_american_bounds_are_the_intrinsic_and_the_strike():
    put = _with(TERMS, call=False, american=True, spot=D(80))
    for price in (D("19.99"), D(100), D(0)):
        with pytest.raises(PriceOutOfBounds):
            implied_volatility(put, price)
    with pytest.raises(NotRecoverable):
        implied_volatility(put, D(20))  # exercised now, at any volatility that is low enough
    assert implied_volatility(put, D("20.5")).volatility > 0


def test_every_refusal_is_the_request_s_fault_and_has_a_code_of_its_own():
    kinds = GreeksRefused.__subclasses__()
    assert len({kind.default_code for kind in kinds}) == len(kinds) == 10
    assert all(issubclass(kind, Refused) and kind.status == 400 for kind in kinds)


FIELDS = ["spot", "strike", "years", "rate", "dividend_yield", "volatility"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1e300])
@pytest.mark.parametrize("field", FIELDS)
def test_a_row_that_is_refused_is_named_and_nothing_is_computed(field, bad):
    columns = dict(zip(FIELDS, ([100.0] * 5, [95.0] * 5, [0.5] * 5, [0.05] * 5, [0.0] * 5, [0.2] * 5), strict=True))
    columns[field][3] = bad
    with pytest.raises(GreeksRefused) as refused:
        greeks_of_many(True, *columns.values())
    assert refused.value.field == f"{field}[3]"
    with pytest.raises(GreeksRefused):
        float_greeks(True, *(column[3] for column in columns.values()))


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(InvalidTerms) as refused:
        greeks_of_many([True, False], [1.0, 2.0, 3.0], 1.0, 1.0, 0.0, 0.0, 0.2)
    assert refused.value.field == "rows"
    with pytest.raises(InvalidTerms):
        greeks_of_many(True, "x", 1.0, 1.0, 0.0, 0.0, 0.2)


def test_more_rows_than_a_call_takes_are_refused():
    with pytest.raises(InvalidTerms) as refused:
        greeks_of_many(True, np.full(2**20 + 1, 100.0), 1.0, 1.0, 0.0, 0.0, 0.2)
    assert refused.value.field == "rows"


def test_no_rows_are_no_rows():
    assert [len(column) for column in greeks_of_many([], [], [], [], [], [], [])] == [0] * 6


def test_volatilities_of_many_say_which_have_none():
    found = implied_volatilities_of_many(True, 100.0, 100.0, 0.5, 0.05, 0.0, [5.0, 0.0, 100.0, 1.0, 7.5])
    assert list(found.outcome) == [0, 1, 1, 1, 0]
    assert np.isnan(found.volatility[[1, 2, 3]]).all()
    for row, price in ((0, 5.0), (4, 7.5)):
        assert found.volatility[row] == float_implied_volatility(True, 100.0, 100.0, 0.5, 0.05, 0.0, price)
    assert (found.bound[[0, 4]] < 1e-15).all()


def test_dividends_in_money_are_taken_off_the_spot():
    """Those after now and not after expiry, at their present value; and the answer says so."""
    within, late, past = Dividend(NOW + 30 * DAY_NS, D(2)), Dividend(NOW + 80 * DAY_NS, D(9)), Dividend(NOW, D(9))
    found = greeks(CONTRACT, _with(MARKET, dividends=(within, late, past)))
    assert found.escrowed
    less = D("101.5") - 2 * (D("-0.05") * 30 / 365).exp()
    assert found.price == greeks(CONTRACT, _with(MARKET, spot=less)).price
    assert not greeks(CONTRACT, _with(MARKET, dividends=(late,))).escrowed
    with pytest.raises(InvalidUnderlyingPrice):
        greeks(CONTRACT, _with(MARKET, dividends=(Dividend(NOW + DAY_NS, D(200)),)))
    with pytest.raises(InvalidTerms):
        greeks(CONTRACT, _with(MARKET, dividends=(within,) * 101))


def test_a_symbol_of_occ_is_read():
    contract = OptionContract.of_symbol("BRKB  270115P00512500")
    assert (contract.underlying, contract.call, contract.strike) == ("BRKB", False, D("512.500"))
    assert contract.expiry_ns == 1_800_046_800 * 10**9  # 16:00 in New York in January is 21:00 UTC
    assert (contract.american, contract.multiplier) == (True, 100)


@pytest.mark.parametrize(
    "symbol",
    ["", "AAPL261218C00150000", "AAPL  261318C00150000", "AAPL  261218X00150000", "AAPL  261218C0015000", "aapl  261218C00150000", "AAPL  261218C00150000 "],
)  # fmt: skip
def test_what_is_no_symbol_of_occ_is_refused(symbol):
    with pytest.raises(InvalidTerms) as refused:
        OptionContract.of_symbol(symbol)
    assert refused.value.field == "symbol"


def test_the_page_s_example_is_so(capsys):
    page = (Path(__file__).parents[2] / "docs" / "reference" / "options.md").read_text()
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    exec(compile(example, "options.md", "exec"), {})
    wanted = re.search(r"print\(.*\).*# ([0-9.]+)\.\.\.", example)[1]
    assert capsys.readouterr().out.startswith(wanted)

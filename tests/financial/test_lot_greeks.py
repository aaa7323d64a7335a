"""Greeks of a lot that a model makes: what the option kernel says of one unit, in money of one lot, as integers of 10^-6.

Goal: delta, gamma and vega are in the units of the table of greeks: delta × S × m, gamma × S² / 100 × m, vega × m, exact and rounded once.
Method: Black and Scholes written down here, the kernel itself for American options, and a future by hand.
"""

from fractions import Fraction
from math import erf, exp, log, pi, sqrt

import msgspec
import pytest

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.greeks import Expired
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.risk_margin import LotGreeks, LotModel
from quantumcore.services.risk.margin import models
from quantumcore.services.risk.options.arrays import float_greeks
from quantumcore.services.risk.options.terms import YEAR_NS
from tests.support.small_venue import define

NOW_NS = 10**18
DAYS_NS = YEAR_NS // 365
USD, SHARES = Currency(1, 2, "USD"), Currency(3, 0, "AAPL")
OPTION = LotModel(
    underlying="AAPL",
    price_range="9",
    volatility="0.25",
    type="call",
    strike="105",
    expires_ns=NOW_NS + 30 * DAYS_NS,
    rate="0.03",
    dividend_yield="0.01",
    multiplier="100",
)


def instrument(**changed: int) -> Instrument:
    """Return the underlying: ticks of 0.01, unless a test says otherwise."""
    command = define(2, "AAPL", 3, lot_scale=0, **changed)
    names = set(Instrument.__struct_fields__) - {"number", "kind", "base", "quote", "symbol"}
    terms = {name: getattr(command, name) for name in names}
    return Instrument(number=2, kind=1, base=SHARES, quote=USD, symbol="AAPL", **terms)


def made(ticks: int, underlying: Instrument | None = None, **changed: object) -> tuple[int, ...]:
    """Return (delta, gamma, vega) of OPTION, changed, while the underlying is at `ticks`."""
    what = LotGreeks(symbol="C105", model=msgspec.structs.replace(OPTION, **changed))
    return models.made(what, underlying or instrument(), ticks, NOW_NS).numbers


@pytest.mark.parametrize("kind, sign", [("call", 1), ("put", -1)])
def test_a_european_option_has_the_greeks_of_the_formula_in_money_of_a_lot(kind: str, sign: int) -> None:
    spot, strike, years, rate, dividend, volatility = 100.0, 105.0, 30 / 365, 0.03, 0.01, 0.25
    root = volatility * sqrt(years)
    d1 = (log(spot / strike) + (rate - dividend) * years) / root + root / 2
    density, carried = exp(-d1 * d1 / 2) / sqrt(2 * pi), exp(-dividend * years)
    cumulative = (1 + erf(sign * d1 / sqrt(2))) / 2
    delta = sign * carried * cumulative * spot * 100
    gamma = carried * density / (spot * root) * spot**2 / 100 * 100
    vega = spot * carried * density * sqrt(years) / 100 * 100
    found = made(10_000, type=kind)
    assert found == pytest.approx([delta * 10**6, gamma * 10**6, vega * 10**6], abs=1)


def test_an_american_option_has_what_the_kernel_says_times_the_lot_exactly_and_rounded_once() -> None:
    unit = float_greeks(False, 93.5, 105.0, 30 / 365, 0.03, 0.01, 0.25, american=True)
    plain = float_greeks(False, 93.5, 105.0, 30 / 365, 0.03, 0.01, 0.25)
    assert unit.delta != plain.delta
    spot, lot = Fraction("93.5"), Fraction("0.7") * 10**6
    expected = (
        round(Fraction(unit.delta) * spot * lot),
        round(Fraction(unit.gamma) * spot * spot / 100 * lot),
        round(Fraction(unit.vega) * lot),
    )
    assert made(9_350, type="put", style="american", multiplier="0.7") == expected


def test_a_linear_lot_is_worth_its_units_at_the_mark_and_has_neither_gamma_nor_vega() -> None:
    assert made(12_345, type="linear", multiplier="0.001") == (123_450, 0, 0)  # 123.45 × 0.001
    assert made(12_345, type="linear", multiplier="50") == (6_172_500_000, 0, 0)
    assert made(5, instrument(tick=25, tick_scale=3), type="linear", multiplier="4") == (500_000, 0, 0)  # 0.125 × 4
    assert made(-200, type="linear", multiplier="1") == (-2_000_000, 0, 0)


@pytest.mark.parametrize("multiplier, delta", [("0.000050", 0), ("0.000150", 2), ("0.000151", 2), ("0.000250", 2)])
def test_what_is_between_two_millionths_is_rounded_once_half_even(multiplier: str, delta: int) -> None:
    assert made(1, type="linear", multiplier=multiplier) == (delta, 0, 0)  # 0.01 × multiplier, in 10^-6


def test_a_lot_of_ten_times_the_units_has_ten_times_the_greeks() -> None:
    one, ten = made(10_000, multiplier="100"), made(10_000, multiplier="1000")
    assert all(abs(ten[at] - 10 * one[at]) <= 5 for at in range(3))
    assert one[0] != 0 != one[2]


def test_what_says_when_greeks_are_too_old_is_that_of_arrays() -> None:
    stamp = models.made(LotGreeks(symbol="C105", model=OPTION), instrument(), 10_000, NOW_NS).stamp
    assert (stamp.time_ns, stamp.spot, stamp.price_range, stamp.volatility) == (NOW_NS, 10_000, 900, 25_000_000)


def test_an_option_that_has_expired_and_a_lot_of_nothing_have_no_greeks() -> None:
    with pytest.raises(Expired):
        made(10_000, expires_ns=NOW_NS)
    with pytest.raises(InvalidCommand) as caught:
        made(10_000, multiplier="0")
    assert caught.value.field == "multiplier"

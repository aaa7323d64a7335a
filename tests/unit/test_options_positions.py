"""What positions in options add up to.

Goal: money made of greeks is exact, by position, by underlying and in total; shares of two underlyings never meet.
Method: worked numbers, and sums of random positions in fractions.
"""

from decimal import Decimal
from fractions import Fraction

import pytest

from quantumcore.contracts.greeks import InvalidTerms
from quantumcore.services.risk.options.greeks import OptionGreeks
from quantumcore.services.risk.options.positions import (
    POSITIONS_MAX,
    Exposure,
    OptionPosition,
    portfolio_greeks,
    position_greeks,
)
from quantumcore.services.risk.options.terms import OptionContract

D = Decimal
GREEKS = OptionGreeks(
    price=D("9.22700551"),
    delta=D("0.58685115"),
    gamma=D("0.01895058"),
    theta_per_day=D("-0.01394334"),
    vega_per_1pct=D("0.37901158"),
    rho_per_1pct=D("0.49458109"),
    volatility=D("0.2"),
    engine="european",
)


def _position(quantity="-3", spot="100", underlying="AAPL", multiplier="100", greeks=GREEKS):
    contract = OptionContract(
        symbol="S", underlying=underlying, call=True, strike=D(100), expiry_ns=1, multiplier=D(multiplier)
    )
    return OptionPosition(contract=contract, quantity=D(quantity), spot=D(spot), greeks=greeks)


def test_a_sold_position_worked_by_hand():
    found = position_greeks(_position())
    assert found.delta_shares == D("-176.055345")
    money = found.exposure
    assert money.delta_dollars == D("-17605.5345")
    assert money.gamma_dollars == D("-568.5174")  # 0.01895058 × 100² / 100 × -300
    assert money.theta_dollars == D("4.183002")
    assert money.vega_dollars == D("-113.703474")
    assert money.rho_dollars == D("-148.374327")
    assert money.notional == D(-30000)
    assert money.value == D("-2768.101653")


def test_underlyings_are_added_apart_and_money_together():
    found = portfolio_greeks([_position("2"), _position("5", "50", "MSFT"), _position("-1", "101")])
    assert [one.underlying for one in found.underlyings] == ["AAPL", "MSFT"]
    apple, other = found.underlyings
    assert apple.positions == 2
    assert apple.delta_shares == D("58.685115")
    assert other.delta_shares == D("293.425575")
    assert found.total == apple.exposure + other.exposure
    assert len(found.positions) == 3


def test_an_empty_portfolio_is_zeros():
    found = portfolio_greeks([])
    assert found.total == Exposure()
    assert found.underlyings == found.positions == ()


def test_sums_are_exact_where_28_digits_are_not(rng):
    """Large and small positions together: every digit of every product is there."""
    positions = [
        _position(str(rng.randrange(-(10**18), 10**18)), f"{rng.randrange(1, 10**23)}e-8", "ABC"[rng.randrange(3)])
        for _ in range(200)
    ]
    found = portfolio_greeks(positions)
    wanted = sum(Fraction(p.greeks.gamma) * Fraction(p.spot) ** 2 * Fraction(p.quantity) for p in positions)
    assert Fraction(found.total.gamma_dollars) == wanted
    assert sum(Fraction(u.exposure.gamma_dollars) for u in found.underlyings) == wanted
    assert Fraction(found.total.value) == sum(Fraction(p.exposure.value) for p in found.positions)


def test_a_position_and_its_opposite_are_nothing():
    total = portfolio_greeks([_position("7"), _position("-7")]).total
    assert total == Exposure()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("quantity", {"quantity": "NaN"}),
        ("quantity", {"quantity": "Infinity"}),
        ("spot", {"spot": "0"}),
        ("spot", {"spot": "-5"}),
        ("spot", {"spot": "NaN"}),
        ("multiplier", {"multiplier": "0"}),
        ("multiplier", {"multiplier": "Infinity"}),
    ],
)
def test_what_cannot_be_multiplied_is_refused(field, change):
    with pytest.raises(InvalidTerms) as refused:
        position_greeks(_position(**change))
    assert refused.value.field == field


def test_a_portfolio_has_a_limit():
    one = _position()
    with pytest.raises(InvalidTerms) as refused:
        portfolio_greeks(one for _ in range(POSITIONS_MAX + 1))
    assert refused.value.limit == str(POSITIONS_MAX)

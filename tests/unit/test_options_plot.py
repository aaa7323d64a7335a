"""Pictures of options.

Goal: a payoff bends where its strikes are, and a file comes out; where it cannot be written, the refusal has a name.
Method: the points of a payoff by hand; files that a picture's reader would take.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from quantumcore.app.plot_options import SmilePoint, payoff, plot_payoff, plot_smile
from quantumcore.services.risk.margin.strategies import Leg, Right
from tests.support.risk import refused

D = Decimal
BUTTERFLY = [
    Leg(right=Right.CALL, quantity=quantity, price=D(price), strike=D(strike), expiry=1)
    for quantity, price, strike in ((1, "7.20", 95), (-2, "4.10", 100), (1, "2.00", 105))
]


def test_a_payoff_bends_at_its_strikes_and_ends_beyond_them() -> None:
    assert payoff(BUTTERFLY, D(101)) == [
        (D("71.25"), D(-100)),
        (D(95), D(-100)),
        (D(100), D(400)),
        (D(101), D(300)),
        (D(105), D(-100)),
        (D("131.25"), D(-100)),
    ]


def test_a_payoff_of_stock_and_puts() -> None:
    legs = [
        Leg(right=Right.STOCK, quantity=100, price=D(100), multiplier=1),
        Leg(right=Right.PUT, quantity=1, price=D(2), strike=D(96), expiry=1),
    ]
    assert payoff(legs, D(100)) == [(D(72), D(-600)), (D(96), D(-600)), (D(100), D(-200)), (D(125), D(2_300))]


def test_pictures_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra plot; the rest runs without")
    payoffs, smile = tmp_path / "payoff.png", tmp_path / "smile.svg"
    plot_payoff(BUTTERFLY, D(101), "USD", payoffs)
    points = [SmilePoint(D(110), D("0.22")), SmilePoint(D(90), D("0.27")), SmilePoint(D(100), D("0.2"))]
    plot_smile("smile", {"December": points}, D(101), smile)
    assert payoffs.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in smile.read_bytes()
    refused("plot.file", lambda: plot_payoff(BUTTERFLY, D(101), "USD", tmp_path / "payoff.nonsense"))

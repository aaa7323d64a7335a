"""Pictures of risk.

Goal: what is drawn is what was computed; without the extra, or where the file cannot be, the refusal has a name.
Method: the points of a payoff by hand; files that a picture's reader would take.
"""

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from quantumcore.app.plot_risk import payoff, plot_losses, plot_payoff
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
    losses, payoffs = tmp_path / "losses.png", tmp_path / "payoff.svg"
    plot_losses([-5.0, 1.0, 2.0, 3.0], {"VaR 99 %": D("5.00")}, "USD", losses)
    plot_payoff(BUTTERFLY, D(101), "USD", payoffs)
    assert losses.read_bytes()[:4] == b"\x89PNG"
    assert b"<svg" in payoffs.read_bytes()
    refused("plot.file", lambda: plot_payoff(BUTTERFLY, D(101), "USD", tmp_path / "payoff.nonsense"))
    refused("plot.file", lambda: plot_losses([1.0], {}, "USD", tmp_path / "none" / "losses.png"))


def test_without_the_extra_a_picture_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused("plot.extra", lambda: plot_losses([1.0], {}, "USD", tmp_path / "x.png"))

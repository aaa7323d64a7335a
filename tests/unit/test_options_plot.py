"""Pictures of options: what is drawn is right, and a file comes out.

Goal: a payoff's corners are its strikes, today's value lies over it where time is worth something, a smile is in order.
Method: the numbers that are drawn, and files written where matplotlib is.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from quantumcore.app.plot_options import (
    Leg,
    SmilePoint,
    Today,
    gain_at_expiry,
    gain_today,
    payoff_range,
    plot_payoff,
    plot_smile,
)
from quantumcore.contracts.errors import InvalidCommand

D = Decimal
BUTTERFLY = [
    Leg(call=True, quantity=D(1), price=D("11.5"), strike=D(90), volatility=D("0.2")),
    Leg(call=True, quantity=D(-2), price=D(4), strike=D(100), volatility=D("0.2")),
    Leg(call=True, quantity=D(1), price=D(1), strike=D(110), volatility=D("0.2")),
]
TODAY = Today(spot=D(100), years=D("0.25"), rate=D("0.03"))


def test_a_butterfly_gains_most_in_its_middle():
    """It cost 4.5: that is lost outside, and 10 less it is gained at 100."""
    assert gain_at_expiry(BUTTERFLY, 80.0) == pytest.approx(-4.5)
    assert gain_at_expiry(BUTTERFLY, 100.0) == pytest.approx(5.5)
    assert gain_at_expiry(BUTTERFLY, 105.0) == pytest.approx(0.5)
    assert gain_at_expiry(BUTTERFLY, 130.0) == pytest.approx(-4.5)


def test_a_covered_put_has_its_shares():
    legs = [Leg(call=None, quantity=D(1), price=D(100)), Leg(call=False, quantity=D(1), price=D(3), strike=D(95))]
    assert [gain_at_expiry(legs, price) for price in (50.0, 95.0, 110.0)] == [-8.0, -8.0, 7.0]
    assert gain_today([legs[0]], TODAY, 104.0) == 4.0


def test_every_corner_is_drawn():
    prices = payoff_range(BUTTERFLY, TODAY)
    assert {90.0, 100.0, 110.0} <= set(prices)
    assert prices == sorted(prices)
    assert prices[0] < 60 < 145 < prices[-1]


def test_before_expiry_an_option_is_worth_more_than_its_payoff():
    call = [Leg(call=True, quantity=D(1), price=D(4), strike=D(100), volatility=D("0.2"))]
    for price in payoff_range(call, TODAY):
        assert gain_today(call, TODAY, price) >= gain_at_expiry(call, price)
    american = Today(spot=D(100), years=D("0.25"), rate=D("0.03"), american=True)
    put = [Leg(call=False, quantity=D(1), price=D(4), strike=D(100), volatility=D("0.2"))]
    assert gain_today(put, american, 60.0) == 36.0 > gain_today(put, TODAY, 60.0)


def test_pictures_become_files(tmp_path: Path):
    pytest.importorskip(
        "matplotlib", reason="the extra plot is not installed: what is drawn is tested, the file is not"
    )
    plot_payoff("butterfly", BUTTERFLY, tmp_path / "payoff.png", TODAY)
    points = [SmilePoint(D(110), D("0.22")), SmilePoint(D(90), D("0.27")), SmilePoint(D(100), D("0.2"))]
    plot_smile("smile", {"December": points}, D(101), tmp_path / "smile.svg")
    assert (tmp_path / "payoff.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "smile.svg").read_text()


def test_what_cannot_be_drawn_is_refused(tmp_path: Path):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed: nothing can be drawn")
    bare = [Leg(call=True, quantity=D(1), price=D(4), strike=D(100))]
    for legs, today, file, code in (
        ([], None, "a.png", "plot.legs"),
        (BUTTERFLY * 34, None, "a.png", "plot.legs"),
        (bare, TODAY, "a.png", "plot.legs"),
        (bare, None, "a.nothing", "plot.file"),
    ):
        with pytest.raises(InvalidCommand) as refused:
            plot_payoff("t", legs, tmp_path / file, today)
        assert refused.value.code == code

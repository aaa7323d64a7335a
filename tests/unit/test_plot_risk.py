"""A picture of risk.

Goal: a file comes out; without the extra, or where the file cannot be, the refusal has a name.
Method: a file that a picture's reader would take.
"""

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from quantumcore.app.plot_risk import plot_losses
from tests.support.risk import refused


def test_a_picture_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra plot; the rest runs without")
    losses = tmp_path / "losses.png"
    plot_losses([-5.0, 1.0, 2.0, 3.0], {"VaR 99 %": Decimal("5.00")}, "USD", losses)
    assert losses.read_bytes()[:4] == b"\x89PNG"
    refused("plot.file", lambda: plot_losses([1.0], {}, "USD", tmp_path / "none" / "losses.png"))


def test_without_the_extra_a_picture_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused("plot.extra", lambda: plot_losses([1.0], {}, "USD", tmp_path / "x.png"))

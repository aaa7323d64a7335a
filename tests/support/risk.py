"""What tests of margin and risk share: an option model of their own, and builders that hide what does not matter."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.services.risk.figures.basis import Basis, Floats
from quantumcore.services.risk.figures.revaluation import Option

BASIS = Basis(sequence=7)


def black_scholes(option: Option, spot: Floats, volatility: Floats, rate: Floats) -> Floats:
    """European, by the textbook; slow and plain, and not the venue's."""
    return np.array([_one(option, *row) for row in zip(spot.tolist(), volatility.tolist(), rate.tolist(), strict=True)])


def _one(option: Option, spot: float, volatility: float, rate: float) -> float:
    spread = volatility * math.sqrt(option.years)
    forward = spot * math.exp((rate - option.dividend) * option.years)
    d1 = math.log(forward / option.strike) / spread + spread / 2
    call = forward * _n(d1) - option.strike * _n(d1 - spread)
    worth = call if option.call else call - forward + option.strike
    return worth * math.exp(-rate * option.years)


def _n(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def no_options(option: Option, spot: Floats, volatility: Floats, rate: Floats) -> Floats:
    raise AssertionError("this portfolio has no options")


def refused(code: str, act: Callable[[], object], **named: str) -> QuantumCoreError:
    """See that `act` is refused by `code`, with the named members of the error."""
    with pytest.raises(QuantumCoreError) as caught:
        act()
    assert caught.value.code == code
    for name, value in named.items():
        assert getattr(caught.value, name) == value, name
    return caught.value

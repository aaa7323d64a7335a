"""By what the room makes risk arrays and greeks: what somebody set of an instrument, read once and checked, and its numbers at a price. Pure.

Floats are of the model; what leaves is integers of 10^-6 currency. `is_stale` of arrays.py says when they are to be made anew.
"""

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.greeks import Expired
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.risk_margin import LotModel, Modelled, RiskArray
from quantumcore.contracts.values import Scaled
from quantumcore.services.risk.figures.basis import Floats, finite
from quantumcore.services.risk.figures.revaluation import Option
from quantumcore.services.risk.margin.arrays import Market, Stamp, risk_array
from quantumcore.services.risk.margin.grid import SIXTEEN
from quantumcore.services.risk.margin.scenarios import MILLIONTH
from quantumcore.services.risk.options.arrays import float_greeks, greeks_of_many
from quantumcore.services.risk.options.batch import STYLES, TYPES
from quantumcore.services.risk.options.terms import YEAR_NS

LINEAR = "linear"
RATE = 10**8
MOST_VOLATILITY = 10
MINUTE_NS = 60 * 10**9
DELTAS = 4_096
"""Deltas of options that are kept: an American one takes 0.7 ms, and every account that has it asks at the same price."""


class Made(NamedTuple):
    """What a model has made of one lot, and when and at what it was made.

    Attributes:
        numbers: Integers of 10^-6 currency: the losses of an array, or delta, gamma and vega.
    """

    numbers: tuple[int, ...]
    stamp: Stamp


def price_range_of(model: LotModel, underlying: Instrument) -> int:
    """Return the price range in ticks of the underlying, at least one.

    Raises:
        InvalidCommand: It is not over 0.
    """
    given = Scaled.parse(model.price_range, "price_range")
    ticks = given.mantissa * 10**underlying.tick_scale // (underlying.tick * 10**given.scale)
    if ticks < 1:
        least = underlying.price(1)
        detail = "a price range is at least a tick"
        raise invalid("range", detail, field="price_range", limit=least, actual=model.price_range[:64])
    return int(ticks)


def volatility_of(model: LotModel) -> int:
    """Return the volatility as an integer of 10^-8.

    Raises:
        InvalidCommand: `risk.volatility.bad`: not over 0, or over 10.
    """
    found = round(float(_number(model.volatility, "volatility")) * RATE)
    if not 0 < found <= MOST_VOLATILITY * RATE:
        detail = "volatility is over 0, and at most 10"
        actual = model.volatility[:64]
        raise InvalidCommand("risk.volatility.bad", detail, field="volatility", limit="10", actual=actual)
    return found


def made(what: Modelled, underlying: Instrument, ticks: int, now_ns: int) -> Made:
    """Return what the model of an array or of greeks, which has one, makes while its underlying is at `ticks`.

    Raises:
        InvalidCommand: A term of the model, by its field; `risk.not_finite`, `risk.scenario.bad`, `risk.array.bad`.
        GreeksRefused: The option model has no answer; `greeks.expired`: the option has expired.
    """
    model = what.model
    assert model is not None
    volatility, price_range = volatility_of(model), price_range_of(model, underlying)
    tick = Fraction(underlying.tick, 10**underlying.tick_scale)
    multiplier = _number(model.multiplier, "multiplier")
    if multiplier <= 0:
        raise invalid("range", "a multiplier is over 0", field="multiplier", limit="0", actual=model.multiplier[:64])
    market = Market(
        spot=float(ticks * tick),
        volatility=volatility / RATE,
        price_range=float(price_range * tick),
        shift=float(_number(model.shift, "shift")),
        rate=float(_number(model.rate, "rate")),
    )
    option = _option(model, now_ns)
    if isinstance(what, RiskArray):
        numbers = risk_array(option, market, float(multiplier), SIXTEEN, option_price)
    else:
        numbers = lot_greeks(option, market, ticks * tick, multiplier)
    return Made(numbers, Stamp(time_ns=now_ns, spot=ticks, price_range=price_range, volatility=volatility))


def lot_greeks(option: Option | None, market: Market, spot: Fraction, multiplier: Fraction) -> tuple[int, int, int]:
    """Return delta, gamma and vega of one long lot in money, in 10^-6 currency (market-data.md 6.1): delta × S × m, gamma × S² / 100 × m, vega × m.

    What the kernel says of one unit is multiplied exactly and rounded once, half-even.

    Args:
        option: None of what is worth the underlying itself. spot: The market's, exactly. multiplier: Units of the underlying in a lot.

    Raises:
        GreeksRefused: The option model has no answer.
    """
    if option is None:
        return round(spot * multiplier * MILLIONTH), 0, 0
    delta, gamma, vega = _of_unit(option, market.spot, market.volatility, market.rate)
    lot = multiplier * MILLIONTH
    return round(delta * spot * lot), round(gamma * spot * spot / 100 * lot), round(vega * lot)


def lot_delta(model: LotModel, spot: Fraction, now_ns: int) -> int:
    """Return by how many units of its underlying one long lot of an option moves, in 10^-6 of a unit, half-even, as the minute began.

    Args:
        spot: The price of the underlying.

    Raises:
        InvalidCommand: A term of the model, by its field.
        GreeksRefused: The option model has no answer; `greeks.expired`: the option has expired.
    """
    return _lot_delta(model, spot, now_ns - now_ns % MINUTE_NS)


@lru_cache(maxsize=DELTAS)
def _lot_delta(model: LotModel, spot: Fraction, now_ns: int) -> int:
    option = _option(model, now_ns)
    assert option is not None
    delta, *_ = _of_unit(option, float(spot), volatility_of(model) / RATE, float(_number(model.rate, "rate")))
    moves: int = round(delta * _number(model.multiplier, "multiplier") * MILLIONTH)
    return moves


def _of_unit(option: Option, spot: float, volatility: float, rate: float) -> tuple[Fraction, Fraction, Fraction]:
    """Return delta, gamma and vega of an option on one unit, exactly what the kernel says."""
    unit = float_greeks(
        option.call, spot, option.strike, option.years, rate, option.dividend, volatility, american=option.american
    )
    delta, gamma, vega = map(Fraction, finite([unit.delta, unit.gamma, unit.vega], "greeks").tolist())
    return delta, gamma, vega


def option_price(option: Option, spot: Floats, volatility: Floats, rate: Floats) -> Floats:
    """Return the room's own price of an option under many markets, of one unit of the underlying."""
    found: Floats = greeks_of_many(
        option.call,
        spot,
        option.strike,
        option.years,
        rate,
        option.dividend,
        volatility,
        american=option.american,
    ).price
    return np.asarray(found)


def _option(model: LotModel, now_ns: int) -> Option | None:
    if model.type == LINEAR:
        return None
    if model.type not in TYPES:
        listed = f"type must be one of {', '.join((*TYPES, LINEAR))}"
        raise invalid("range", listed, field="type", actual=model.type[:64])
    if model.style not in STYLES:
        listed = f"style must be one of {', '.join(STYLES)}"
        raise invalid("range", listed, field="style", actual=model.style[:64])
    if model.strike is None:
        raise invalid("range", "an option has a strike", field="strike")
    if model.expires_ns <= now_ns:
        raise Expired
    return Option(
        strike=float(_number(model.strike, "strike")),
        years=(model.expires_ns - now_ns) / YEAR_NS,
        call=TYPES[model.type],
        american=STYLES[model.style],
        dividend=float(_number(model.dividend_yield, "dividend_yield")),
    )


def _number(text: str, field: str) -> Fraction:
    given = Scaled.parse(text, field)
    return Fraction(given.mantissa, 10**given.scale)

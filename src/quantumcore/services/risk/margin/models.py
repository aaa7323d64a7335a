"""By what the room makes risk arrays: what somebody set of an instrument, read once and checked, and its array at a price. Pure.

Floats are of the model; what leaves is integers of 10^-6 currency. `is_stale` of arrays.py says when an array is to be made anew.
"""

from typing import NamedTuple

import numpy as np

from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.greeks import Expired
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.risk_margin import ArrayModel
from quantumcore.contracts.values import Scaled
from quantumcore.services.risk.figures.basis import Floats
from quantumcore.services.risk.figures.revaluation import Option
from quantumcore.services.risk.margin.arrays import Market, Stamp, risk_array
from quantumcore.services.risk.margin.grid import SIXTEEN
from quantumcore.services.risk.options.arrays import greeks_of_many
from quantumcore.services.risk.options.batch import STYLES, TYPES
from quantumcore.services.risk.options.terms import YEAR_NS

LINEAR = "linear"
RATE = 10**8
MOST_VOLATILITY = 10


class Made(NamedTuple):
    """An array, and when and at what it was made."""

    losses: tuple[int, ...]
    stamp: Stamp


def price_range_of(model: ArrayModel, underlying: Instrument) -> int:
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


def volatility_of(model: ArrayModel) -> int:
    """Return the volatility as an integer of 10^-8.

    Raises:
        InvalidCommand: `risk.volatility.bad`: not over 0, or over 10.
    """
    found = round(_number(model.volatility, "volatility") * RATE)
    if not 0 < found <= MOST_VOLATILITY * RATE:
        detail = "volatility is over 0, and at most 10"
        actual = model.volatility[:64]
        raise InvalidCommand("risk.volatility.bad", detail, field="volatility", limit="10", actual=actual)
    return found


def made(model: ArrayModel, underlying: Instrument, ticks: int, now_ns: int) -> Made:
    """Return the array of a model while its underlying is at `ticks`.

    Raises:
        InvalidCommand: A term of the model, by its field; `risk.not_finite`, `risk.scenario.bad`, `risk.array.bad`.
        GreeksRefused: The option model has no answer; `greeks.expired`: the option has expired.
    """
    volatility, price_range = volatility_of(model), price_range_of(model, underlying)
    tick = underlying.tick / 10**underlying.tick_scale
    market = Market(
        spot=ticks * tick,
        volatility=volatility / RATE,
        price_range=price_range * tick,
        shift=_number(model.shift, "shift"),
        rate=_number(model.rate, "rate"),
    )
    multiplier = _number(model.multiplier, "multiplier")
    if multiplier <= 0:
        raise invalid("range", "a multiplier is over 0", field="multiplier", limit="0", actual=model.multiplier[:64])
    losses = risk_array(_option(model, now_ns), market, multiplier, SIXTEEN, option_price)
    return Made(losses, Stamp(time_ns=now_ns, spot=ticks, price_range=price_range, volatility=volatility))


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


def _option(model: ArrayModel, now_ns: int) -> Option | None:
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
        strike=_number(model.strike, "strike"),
        years=(model.expires_ns - now_ns) / YEAR_NS,
        call=TYPES[model.type],
        american=STYLES[model.style],
        dividend=_number(model.dividend_yield, "dividend_yield"),
    )


def _number(text: str, field: str) -> float:
    given = Scaled.parse(text, field)
    return float(given.mantissa) / float(10**given.scale)

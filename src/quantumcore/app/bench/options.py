"""What options cost: one at a time from Python, a thousand at once, and beside others where they are installed.

Figures are wall time per call, the best of a sample's rounds, so that a neighbour on a shared machine is in few of them.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

from quantumcore.app.bench.measure import REPEATS, Figure
from quantumcore.contracts.days import DAY_NS
from quantumcore.core import _greeks
from quantumcore.services.risk.options.arrays import (
    METHODS,
    SEARCHES,
    float_greeks,
    float_implied_volatility,
    greeks_of_many,
)
from quantumcore.services.risk.options.greeks import OptionContract, OptionMarket, greeks

ROWS = 1_000
ROUNDS = 60
ROUND_S = 0.4e-3
"""Shorter than what a scheduler gives at a time."""
NOW_NS = 1_790_000_000 * 10**9
CALL, SPOT, STRIKE, YEARS, RATE, YIELD, VOLATILITY = True, 100.0, 105.0, 0.5, 0.05, 0.02, 0.25
PUT = (False, 100.0, 105.0, 0.5, 0.05, 0.02, 0.25)
NOT_INSTALLED = "not installed: pip install {}"


def options(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure ours and every peer that is installed, in turn; `scale` makes each sample shorter."""
    rounds = max(3, int(ROUNDS * scale))
    return [*_ours(seed, rounds), *_quantlib(rounds), *_vollib(rounds)]


def _ours(seed: int, rounds: int) -> list[Figure]:
    import numpy as np

    contract = OptionContract(
        symbol="X", underlying="X", call=True, strike=Decimal(105), expiry_ns=NOW_NS + 182 * DAY_NS, american=False
    )
    market = OptionMarket(
        time_ns=NOW_NS,
        spot=Decimal("100.25"),
        rate=Decimal("0.05"),
        dividend_yield=Decimal("0.02"),
        volatility=Decimal("0.25"),
    )
    price = float_greeks(CALL, SPOT, STRIKE, YEARS, RATE, YIELD, VOLATILITY).price
    rng = np.random.default_rng(seed)
    columns = (
        rng.random(ROWS) < 0.5,
        np.full(ROWS, SPOT),
        SPOT * np.exp(rng.uniform(-0.4, 0.4, ROWS)),
        rng.uniform(0.02, 2, ROWS),
        rng.uniform(0, 0.1, ROWS),
        rng.uniform(0, 0.05, ROWS),
        rng.uniform(0.1, 0.8, ROWS),
    )
    exact = METHODS["exact"]
    return [
        _figure(
            "price and 5 greeks, floats",
            lambda: float_greeks(CALL, SPOT, STRIKE, YEARS, RATE, YIELD, VOLATILITY),
            rounds,
            2.0,
        ),
        _figure("price and 5 greeks, Decimals", lambda: greeks(contract, market), rounds, 15.0),
        _figure(
            "implied volatility, floats",
            lambda: float_implied_volatility(CALL, SPOT, STRIKE, YEARS, RATE, YIELD, price),
            rounds,
            3.0,
        ),
        _figure("1,000 options at once, price and 5 greeks", lambda: greeks_of_many(*columns), rounds, 200.0),
        _figure("American price", lambda: _greeks.american_price(*PUT, exact), rounds, 60.0),
        _figure("American price and 5 greeks", lambda: float_greeks(*PUT, american=True), rounds, 400.0),
        _figure(
            "American price, Barone-Adesi and Whaley", lambda: _greeks.american_price(*PUT, METHODS["baw"]), rounds
        ),
        _figure(
            "American price, Bjerksund and Stensland", lambda: _greeks.american_price(*PUT, METHODS["bs93"]), rounds
        ),
        _figure(
            "implied volatility by Brent's method",
            lambda: _greeks.implied(*PUT[:6], 8.0, SEARCHES["brent"], 100, 1e-12),
            rounds,
        ),
        _figure("American implied volatility", lambda: _greeks.american_implied(*PUT[:6], 9.0, 100, 1e-12), rounds),
    ]


def _quantlib(rounds: int) -> list[Figure]:
    """QuantLib from Python: with its objects built anew, and with only the spot moved."""
    names = (
        "price and 5 greeks, objects built",
        "price and 5 greeks, spot moved",
        "implied volatility",
        "American price",
    )
    try:
        ql = import_module("QuantLib")
    except ImportError:
        return [_missing(f"QuantLib: {name}", "QuantLib") for name in names]
    today = ql.Date(15, 6, 2026)
    ql.Settings.instance().evaluationDate = today
    counter, calendar = ql.Actual365Fixed(), ql.NullCalendar()
    expiry = today + 182
    spot = ql.SimpleQuote(SPOT)

    def process() -> Any:
        return ql.BlackScholesMertonProcess(
            ql.QuoteHandle(spot),
            ql.YieldTermStructureHandle(ql.FlatForward(today, YIELD, counter)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, counter)),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, calendar, VOLATILITY, counter)),
        )

    def read(option: Any) -> tuple[float, ...]:
        return (option.NPV(), option.delta(), option.gamma(), option.theta(), option.vega(), option.rho())

    def built() -> tuple[float, ...]:
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, STRIKE), ql.EuropeanExercise(expiry))
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process()))
        return read(option)

    kept = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, STRIKE), ql.EuropeanExercise(expiry))
    model = process()
    kept.setPricingEngine(ql.AnalyticEuropeanEngine(model))
    price = kept.NPV()
    early = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, STRIKE), ql.AmericanExercise(today, expiry))
    early.setPricingEngine(ql.QdFpAmericanEngine(model, ql.QdFpAmericanEngine.fastScheme()))
    step = [0.0]

    def moved(option: Any, of: Callable[[Any], Any]) -> Any:
        step[0] = 0.01 - step[0]
        spot.setValue(SPOT + step[0])
        return of(option)

    works: tuple[Callable[[], Any], ...] = (
        built,
        lambda: moved(kept, read),
        lambda: kept.impliedVolatility(price, model, 1e-10, 100, 1e-4, 4.0),
        lambda: moved(early, lambda option: option.NPV()),
    )
    figures = [_figure(f"QuantLib: {name}", work, rounds) for name, work in zip(names, works, strict=True)]
    figures[-1] = Figure(figures[-1].name + " (QdFp, fast scheme)", "us", figures[-1].samples)
    return figures


def _vollib(rounds: int) -> list[Figure]:
    """The functions of vollib, from Python: a function for each number."""
    names = ("price and 5 greeks", "implied volatility")
    try:
        price = import_module("vollib.black_scholes_merton").black_scholes_merton
        slopes = import_module("vollib.black_scholes_merton.greeks.analytical")
        search = import_module("vollib.black_scholes_merton.implied_volatility").implied_volatility
    except ImportError:
        return [_missing(f"vollib: {name}", "vollib") for name in names]
    terms = ("c", SPOT, STRIKE, YEARS, RATE, VOLATILITY, YIELD)
    functions = (price, slopes.delta, slopes.gamma, slopes.theta, slopes.vega, slopes.rho)
    worth = price(*terms)
    return [
        _figure(f"vollib: {names[0]}", lambda: tuple(one(*terms) for one in functions), rounds),
        _figure(f"vollib: {names[1]}", lambda: search(worth, SPOT, STRIKE, YEARS, RATE, YIELD, "c"), rounds),
    ]


def _figure(name: str, work: Callable[[], object], rounds: int, bound: float | None = None) -> Figure:
    """Measure `work` in us: samples, each the best of its rounds, after one round that does not count."""
    once = min(_round(work, 1) for _ in range(5))
    calls = max(1, int(ROUND_S * 1e6 / once))
    best_of = [min(_round(work, calls) for _ in range(rounds)) for _ in range(REPEATS + 1)]
    return Figure(name, "us", best_of[1:], bound)


def _round(work: Callable[[], object], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - began) / calls * 1e6


def _missing(name: str, package: str) -> Figure:
    return Figure(name, "us", [], note=NOT_INSTALLED.format(package))

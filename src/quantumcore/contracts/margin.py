"""How an account stands on margin in a currency, as the engine tells it."""

from typing import NamedTuple


class MarginStanding(NamedTuple):
    """The answer of an engine's query `margin`: what MarginAssessed would tell, in minor units (docs/reference/engine.md section 17).

    Attributes:
        equity, initial, maintenance: What it is worth and what it needs; 0 while that is stale or too large.
        opening, deposits, result, peak: Of its day: what it began with, what came in, what was made since, the most of that.
        profile: 0 not on margin, 1 by volatility, 3 by scenarios.
        rung: 0 nothing, 1 warn, 2 cancel, 3 partial, 4 full, 5 fund.
        margin_flags: 1 stale, 2 too large, 4 a day is open, 8 its loss, 16 its drawdown.
    """

    equity: int = 0
    initial: int = 0
    maintenance: int = 0
    opening: int = 0
    deposits: int = 0
    result: int = 0
    peak: int = 0
    profile: int = 0
    rung: int = 0
    margin_flags: int = 0

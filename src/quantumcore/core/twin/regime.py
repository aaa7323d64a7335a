"""How an instrument trades now: its rules, what they measure against, and what a call or a limit state keeps in mind."""

from collections import deque
from dataclasses import dataclass, field

from quantumcore.core.twin.book import Order

TIME, PRO_RATA, TOP_FIRST = 0, 1, 2  # allocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What SetTradingRules sets; rates in 10^-8, times in nanoseconds, 0 switches a rule off."""

    allocation: int = 0
    static_band: int = 0
    price_collar: int = 0
    dynamic_band: int = 0
    limit_state_ns: int = 0
    call_ns: int = 0
    velocity: int = 0
    velocity_ns: int = 0


@dataclass(frozen=True, slots=True)
class LimitState:
    """An order stands at the band's edge: a buy at the upper one, or a sell at the lower one, until `until_ns`."""

    side: int
    edge: int
    until_ns: int


@dataclass(slots=True)
class Regime:
    """The state of one instrument's phases and rules.

    Attributes:
        indicative: Price, quantity and imbalance as last told in this call; zeros where none is.
        limit_state: The one in force, or None.
        call_until: When the volatility call at hand ends by itself, in UTC nanoseconds, or None.
        prints: (time, price) of the first trade of each stretch of the velocity's window, oldest first.
        traded_at, price_before: The command that traded last, and the last trade before it.
        closing_price: Ticks at which the closing cross at hand trades, or None.
        cross_due: Orders of the closing cross that are to be tried at its price.
        cross: Those that accept the price and wait for others, in the order of their coming.
    """

    rules: Rules = field(default_factory=Rules)
    indicative: tuple[int, int, int] = (0, 0, 0)
    limit_state: LimitState | None = None
    call_until: int | None = None
    prints: deque[tuple[int, int]] = field(default_factory=deque)
    traded_at: int = 0
    price_before: int | None = None
    closing_price: int | None = None
    cross_due: list[Order] = field(default_factory=list)
    cross: list[Order] = field(default_factory=list)

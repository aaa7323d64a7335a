"""What counts for margin, as it was set, and how an account stands (docs/reference/engine.md section 17)."""

from quantumcore.contracts.wire.events import Event
from quantumcore.contracts.wire.layout import (
    ACCOUNT_MARGIN_BODY,
    GREEKS_BODY,
    MARGIN_TERMS_BODY,
    RISK_ARRAY_BODY,
    RISK_LIMITS_BODY,
)


class MarginTermsChanged(Event, frozen=True, gc=False):
    """The terms as they were set."""

    KIND = 66
    BODY = MARGIN_TERMS_BODY
    initial: int
    maintenance: int
    slope: int
    mark_ns: int
    array_ns: int
    profile: int


class RiskArrayChanged(Event, frozen=True, gc=False):
    """The array as it was set."""

    KIND = 67
    BODY = f"{RISK_ARRAY_BODY} _:8x"
    losses: tuple[int, ...]
    short_minimum: int
    given: int


class AccountMarginChanged(Event, frozen=True, gc=False):
    """The profile as it was set."""

    KIND = 68
    BODY = ACCOUNT_MARGIN_BODY
    currency: int
    profile: int


class GreeksChanged(Event, frozen=True, gc=False):
    """The greeks as they were set."""

    KIND = 69
    BODY = GREEKS_BODY
    delta: int
    gamma: int
    vega: int


class RiskLimitsChanged(Event, frozen=True, gc=False):
    """The record as it was set."""

    KIND = 70
    BODY = RISK_LIMITS_BODY
    scope: int
    currency: int
    share: int
    gross: int
    net: int
    delta: int
    gamma: int
    vega: int
    loss: int
    drawdown: int
    loss_rate: int
    drawdown_rate: int


class RiskDayOpened(Event, frozen=True, gc=False):
    """opening: What the account was worth then, in minor units."""

    KIND = 71
    BODY = "opening:q currency:H _:14x"
    opening: int
    currency: int


class MarginAssessed(Event, frozen=True, gc=False):
    """How an account stands in a currency, in minor units, before what was done about it.

    Attributes:
        equity, initial, maintenance: What it is worth and what it needs.
        opening, deposits, result, peak: Of its day: what it began with, what came in, what was made since, the most of that.
        rung: 0 nothing, 1 warn, 2 cancel, 3 partial, 4 full, 5 fund.
        margin_flags: 1 stale, 2 too large, 4 a day is open, 8 its loss, 16 its drawdown.
        count: Orders cancelled.
    """

    KIND = 72
    BODY = (
        "equity:q initial:q maintenance:q opening:q deposits:q result:q peak:q currency:H profile:B rung:B margin_flags:B "
        "_:3x count:I _:4x"
    )
    equity: int
    initial: int
    maintenance: int
    opening: int
    deposits: int
    result: int
    peak: int
    currency: int
    profile: int
    rung: int
    margin_flags: int
    count: int


class PositionTaken(Event, frozen=True, gc=False):
    """Lots of a position went from the header's account to another, without a trade: no fee, no printed price.

    Attributes:
        taker: Who got them.
        lots: Signed as the position that was given.
        money: What the taker paid, in minor units of the quote; negative: got.
        asset: What came along, in minor units of the base, signed as the lots: over 0 to the taker.
        position, taker_position: Lots of both afterwards.
    """

    KIND = 73
    BODY = "taker:Q lots:q money:q asset:q position:q taker_position:q base:H quote:H _:4x"
    taker: int
    lots: int
    money: int
    asset: int
    position: int
    taker_position: int
    base: int
    quote: int

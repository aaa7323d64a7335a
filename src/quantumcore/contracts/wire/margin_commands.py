"""Commands about what an account's positions and orders need beside what it holds (docs/reference/engine.md section 17).

Each replaces a record whole, but for OpenRiskDay and AssessMargin, which look at an account in a currency, and TakeOver,
which acts on two.
"""

from quantumcore.contracts.wire.commands import Command
from quantumcore.contracts.wire.layout import (
    ACCOUNT_MARGIN_BODY,
    GREEKS_BODY,
    MARGIN_TERMS_BODY,
    RISK_ARRAY_BODY,
    RISK_LIMITS_BODY,
)
from quantumcore.contracts.wire.limit_commands import NOT_SET

SCENARIOS = 16


class SetMarginTerms(Command, frozen=True, kw_only=True, gc=False):
    """What a position in an instrument needs, and how old may be what it is judged by.

    Attributes:
        initial, maintenance: 10^-6 of the notional.
        slope: What is added to both for each lot, in 10^-12.
        mark_ns, array_ns: How old a mark and a risk array may be; 0: for ever.
        profile: 0 as the account has it, 1 always by volatility.
    """

    KIND = 50
    BODY = MARGIN_TERMS_BODY
    initial: int
    maintenance: int
    slope: int = 0
    mark_ns: int = 0
    array_ns: int = 0
    profile: int = 0


class SetRiskArray(Command, frozen=True, kw_only=True, gc=False):
    """What one lot loses in each scenario; given 0 takes the array away.

    Attributes:
        losses: 10^-6 of the quote currency's unit; a gain is negative.
        short_minimum: What a short lot needs at least, likewise.
    """

    KIND = 51
    BODY = RISK_ARRAY_BODY
    losses: tuple[int, ...] = (0,) * SCENARIOS
    short_minimum: int = 0
    given: int = 1


class SetAccountMargin(Command, frozen=True, kw_only=True, gc=False):
    """How an account is margined in a currency: profile 0 not at all, 1 by volatility, 3 by scenarios."""

    KIND = 52
    BODY = ACCOUNT_MARGIN_BODY
    currency: int
    profile: int


class SetGreeks(Command, frozen=True, kw_only=True, gc=False):
    """What one lot of an instrument adds to delta, gamma and vega, in 10^-6 of the quote currency's unit."""

    KIND = 53
    BODY = GREEKS_BODY
    delta: int = 0
    gamma: int = 0
    vega: int = 0


class SetRiskLimits(Command, frozen=True, kw_only=True, gc=False):
    """What an account may risk in a currency, in its minor units; -1: not set here.

    Attributes:
        scope: 1 of every account of the venue, 2 of one.
        share: The most that one instrument may have of the gross exposure, in 10^-6; 0: not set.
        gross, net: Of the worth of all positions at their worst.
        delta, gamma, vega: Of their sums at the worst, either way.
        loss, drawdown: Of a day, and from its best.
        loss_rate, drawdown_rate: The same, in 10^-6 of what the day began with; 0: not set.
    """

    KIND = 54
    BODY = RISK_LIMITS_BODY
    scope: int
    currency: int
    share: int = 0
    gross: int = NOT_SET
    net: int = NOT_SET
    delta: int = NOT_SET
    gamma: int = NOT_SET
    vega: int = NOT_SET
    loss: int = NOT_SET
    drawdown: int = NOT_SET
    loss_rate: int = 0
    drawdown_rate: int = 0


class OpenRiskDay(Command, frozen=True, kw_only=True, gc=False):
    """A day of an account in a currency begins: what it has lost is counted from here."""

    KIND = 55
    BODY = "currency:H _:6x"
    currency: int


class AssessMargin(Command, frozen=True, kw_only=True, gc=False):
    """Look at an account in a currency, and do what its state asks for."""

    KIND = 56
    BODY = "currency:H _:6x"
    currency: int


class TakeOver(Command, frozen=True, kw_only=True, gc=False):
    """Lots of a position go from the header's account, which is worth less than nothing, to another.

    Attributes:
        taker: Who gets them.
        lots: Signed as the position that is given; not 0.
        money: What the taker pays for them, in minor units of the quote; negative: gets.
    """

    KIND = 57
    BODY = "taker:Q lots:q money:q"
    taker: int
    lots: int
    money: int = 0

"""Commands that say how much may work, be held and be drawn (docs/reference/engine.md section 14)."""

from quantumcore.contracts.wire.commands import Command
from quantumcore.contracts.wire.layout import (
    MARKET_SHARES_BODY,
    MARKET_SIZE_BODY,
    MONEY_LIMITS_BODY,
    QUANTITY_LIMITS_BODY,
)

NOT_SET = -1
MAX_MARKET = 2**53
"""Lots."""
MAX_SHARE = 10**9
"""10^-6: a thousand times a market."""


class SetFirm(Command, frozen=True, kw_only=True, gc=False):
    """firm: The clearing member of the account; 0: none."""

    KIND = 32
    BODY = "firm:I _:4x"
    firm: int


class SetQuantityLimits(Command, frozen=True, kw_only=True, gc=False):
    """Replace a record of limits of lots and orders; -1: not set here.

    Attributes:
        scope: Whose: 1 the venue, 2 an account (with an instrument: there), 3 an instrument, 6 a group.
        group: Of scope 6, else 0.
        max_order_lots: Of one order.
        max_long, max_short: Of the position at its worst, in lots.
        max_open_orders: Working orders in all instruments; of the venue and of an account.
        max_open_each: Working orders in one instrument.
    """

    KIND = 33
    BODY = QUANTITY_LIMITS_BODY
    scope: int
    group: int = 0
    max_order_lots: int = NOT_SET
    max_long: int = NOT_SET
    max_short: int = NOT_SET
    max_open_orders: int = NOT_SET
    max_open_each: int = NOT_SET


class SetMoneyLimits(Command, frozen=True, kw_only=True, gc=False):
    """Replace a record of limits of money in minor units of a currency, for what is quoted in it; -1: not set here.

    Attributes:
        scope: Whose: 1 the venue, 2 an account (with an instrument: there), 3 an instrument, 5 a firm.
        firm: Of scope 5, else 0.
        max_order_notional: Of one order.
        max_open_notional: Gross notional of what works.
        credit: A firm's line, drawn by what works and what has filled since the record was set.
    """

    KIND = 34
    BODY = MONEY_LIMITS_BODY
    scope: int
    currency: int
    firm: int = 0
    max_order_notional: int = NOT_SET
    max_open_notional: int = NOT_SET
    credit: int = NOT_SET


class SetMarketSize(Command, frozen=True, kw_only=True, gc=False):
    """How large the market of an instrument is, in lots, at most MAX_MARKET; 0: not known.

    Attributes:
        open_interest: What is held in all, each contract once.
        daily_volume: What is traded in a day, on average.
    """

    KIND = 35
    BODY = MARKET_SIZE_BODY
    open_interest: int = 0
    daily_volume: int = 0


class SetMarketShares(Command, frozen=True, kw_only=True, gc=False):
    """Replace a record of how much of its market a position may come to, in 10^-6, at most MAX_SHARE; 0: not set here.

    Attributes:
        scope: Whose: 1 the venue, 2 an account (with an instrument: there), 3 an instrument, 6 a group.
        group: Of scope 6, else 0.
        interest, volume: Of the open interest, and of the daily volume.
    """

    KIND = 36
    BODY = MARKET_SHARES_BODY
    scope: int
    group: int = 0
    interest: int = 0
    volume: int = 0

"""What commands about limits have told: the record as it is now (docs/reference/engine.md section 14)."""

from quantumcore.contracts.wire.events import Event
from quantumcore.contracts.wire.layout import (
    MARKET_SHARES_BODY,
    MARKET_SIZE_BODY,
    MONEY_LIMITS_BODY,
    QUANTITY_LIMITS_BODY,
)


class FirmChanged(Event, frozen=True, gc=False):
    """Also told when equal."""

    KIND = 48
    BODY = "firm:I _:4x"
    firm: int


class QuantityLimitsChanged(Event, frozen=True, gc=False):
    """The record as SetQuantityLimits has it."""

    KIND = 49
    BODY = f"{QUANTITY_LIMITS_BODY} _:8x"
    scope: int
    group: int
    max_order_lots: int
    max_long: int
    max_short: int
    max_open_orders: int
    max_open_each: int


class MoneyLimitsChanged(Event, frozen=True, gc=False):
    """The record as SetMoneyLimits has it; what a firm has filled is 0 again."""

    KIND = 50
    BODY = f"{MONEY_LIMITS_BODY} _:8x"
    scope: int
    currency: int
    firm: int
    max_order_notional: int
    max_open_notional: int
    credit: int


class MarketSizeChanged(Event, frozen=True, gc=False):
    """The size as SetMarketSize has it."""

    KIND = 74
    BODY = f"{MARKET_SIZE_BODY} _:8x"
    open_interest: int
    daily_volume: int


class MarketSharesChanged(Event, frozen=True, gc=False):
    """The record as SetMarketShares has it."""

    KIND = 75
    BODY = f"{MARKET_SHARES_BODY} _:8x"
    scope: int
    group: int
    interest: int
    volume: int

"""Who may trade what and how often, as it was set, and who is paused (docs/reference/engine.md section 15)."""

from quantumcore.contracts.wire.events import Event
from quantumcore.contracts.wire.layout import (
    CLASS_BODY,
    PATTERNS_BODY,
    PROTECTION_BODY,
    RESTRICTION_BODY,
    THROTTLE_BODY,
)


class KillChanged(Event, frozen=True, gc=False):
    """count orders were cancelled."""

    KIND = 56
    BODY = "scope:B mode:B _:2x subject:I count:I _:12x"
    scope: int
    mode: int
    subject: int
    count: int


class InstrumentClassChanged(Event, frozen=True, gc=False):
    """The class as it was set."""

    KIND = 57
    BODY = f"{CLASS_BODY} _:8x"
    underlying: int
    product: int
    class_flags: int
    outside_ns: int


class EntitlementsChanged(Event, frozen=True, gc=False):
    """The record as it was set."""

    KIND = 58
    BODY = "products:Q enabled:B _:15x"
    products: int
    enabled: int


class RestrictionChanged(Event, frozen=True, gc=False):
    """The entry as it was set."""

    KIND = 59
    BODY = RESTRICTION_BODY
    group: int
    scope: int
    restricted: int


class LocateChanged(Event, frozen=True, gc=False):
    """lots as they were set."""

    KIND = 60
    BODY = "lots:q"
    lots: int


class ThrottleChanged(Event, frozen=True, gc=False):
    """The record as it was set."""

    KIND = 61
    BODY = f"{THROTTLE_BODY} _:8x"
    scope: int
    throttle_class: int
    session: int
    rate: int
    burst: int


class PatternsChanged(Event, frozen=True, gc=False):
    """The record as it was set."""

    KIND = 62
    BODY = PATTERNS_BODY
    ratio: int
    free_orders: int
    ratio_ns: int
    executions: int
    duplicates: int
    executions_ns: int
    duplicates_ns: int


class ProtectionChanged(Event, frozen=True, gc=False):
    """The record as it was set."""

    KIND = 63
    BODY = f"{PROTECTION_BODY} _:8x"
    underlying: int
    fills: int
    quantity: int
    window_ns: int
    frozen_ns: int
    delta: int
    vega: int


class QuoteChanged(Event, frozen=True, gc=False):
    """The prices as they were set."""

    KIND = 64
    BODY = "bid:q ask:q _:8x"
    bid: int
    ask: int


class PauseChanged(Event, frozen=True, gc=False):
    """An account is paused, or no longer: cause 1 of executions, 2 of the protection in an underlying.

    Attributes:
        until_ns: When it ends by itself, 2^63-1: when it is lifted, 0: it has ended.
        count: Orders cancelled.
    """

    KIND = 65
    BODY = "cause:B paused:B _:2x underlying:I until_ns:q count:I _:4x"
    cause: int
    paused: int
    underlying: int
    until_ns: int
    count: int

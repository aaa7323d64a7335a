"""Commands that say who may trade what, and how often (docs/reference/engine.md section 15); each replaces a record whole."""

from quantumcore.contracts.wire.commands import Command
from quantumcore.contracts.wire.layout import (
    CLASS_BODY,
    PATTERNS_BODY,
    PROTECTION_BODY,
    RESTRICTION_BODY,
    THROTTLE_BODY,
)


class SetKill(Command, frozen=True, kw_only=True, gc=False):
    """The switch of a level: scope 1 venue, 2 account, 3 instrument, 5 firm or 7 session (subject); mode 0 off, 1 all, 2 reduce-only."""

    KIND = 40
    BODY = "scope:B mode:B _:2x subject:I"
    scope: int
    mode: int
    subject: int = 0


class SetInstrumentClass(Command, frozen=True, kw_only=True, gc=False):
    """What an instrument is to the gate.

    Attributes:
        underlying: What protections count it under; 0: nothing.
        product: 0..63, a bit of SetEntitlements.
        class_flags: 1 a short sale needs a locate, 2 the price test is in force.
        outside_ns: How old a mark or quote may be that is a reference; 0: none is.
    """

    KIND = 41
    BODY = CLASS_BODY
    underlying: int = 0
    product: int = 0
    class_flags: int = 0
    outside_ns: int = 0


class SetEntitlements(Command, frozen=True, kw_only=True, gc=False):
    """products has a bit for each product that the account may trade."""

    KIND = 42
    BODY = "products:Q enabled:B _:7x"
    products: int
    enabled: int = 1


class SetRestriction(Command, frozen=True, kw_only=True, gc=False):
    """Puts the instrument on the list of scope 1 the venue, 2 an account or 6 a group, or takes it off."""

    KIND = 43
    BODY = RESTRICTION_BODY
    group: int = 0
    scope: int
    restricted: int


class SetLocate(Command, frozen=True, kw_only=True, gc=False):
    """lots of the instrument that the account may be short of."""

    KIND = 44
    BODY = "lots:q"
    lots: int


class SetThrottle(Command, frozen=True, kw_only=True, gc=False):
    """A bucket of `burst` tokens that `rate` tokens a second fill; scope 1 of all, 2 an account's, 7 a session's; rate 0 unsets it.

    Attributes:
        throttle_class: 1 new, 2 replace, 3 cancel, 4 mass cancel.
    """

    KIND = 45
    BODY = THROTTLE_BODY
    scope: int
    throttle_class: int
    session: int = 0
    rate: int
    burst: int


class SetPatterns(Command, frozen=True, kw_only=True, gc=False):
    """What is looked at of an account over time; a number of 0 is off."""

    KIND = 46
    BODY = PATTERNS_BODY
    ratio: int = 0
    free_orders: int = 0
    ratio_ns: int = 0
    executions: int = 0
    duplicates: int = 0
    executions_ns: int = 0
    duplicates_ns: int = 0


class SetProtection(Command, frozen=True, kw_only=True, gc=False):
    """How much an account may trade in an underlying in window_ns before it is frozen there; window_ns 0: no protection.

    Attributes:
        fills: 0 is 256.
        quantity: Lots; 0: any.
        frozen_ns: 0: until Resume.
        delta, vega: What fills come to together, bought less sold, either way, in 10^-6 of the quote currency's unit; 0: any.
    """

    KIND = 47
    BODY = PROTECTION_BODY
    underlying: int
    fills: int = 0
    quantity: int = 0
    window_ns: int = 0
    frozen_ns: int = 0
    delta: int = 0
    vega: int = 0


class SetQuote(Command, frozen=True, kw_only=True, gc=False):
    """The best prices of other markets, in ticks; 0: none."""

    KIND = 48
    BODY = "bid:q ask:q"
    bid: int
    ask: int


class Resume(Command, frozen=True, kw_only=True, gc=False):
    """Lifts a pause: cause 1 of executions, 2 of the protection in an underlying."""

    KIND = 49
    BODY = "cause:B _:3x underlying:I"
    cause: int
    underlying: int = 0

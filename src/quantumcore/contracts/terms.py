"""What an order can be beyond a plain one: the words, what a client asks for, and how it is shown."""

import msgspec

TRIGGERS = {"last": 0, "quote": 1, "mark": 2}
TRAIL_UNITS = {"amount": 1, "percent": 2, "ticks": 3}
PEGS = {"primary": 1, "market": 2, "mid": 3}
LINKS = {"oco": 1, "oto": 2, "bracket": 3}
LINK_ROLES = {1: ("first", "second"), 2: ("first", "second"), 3: ("entry", "take_profit", "stop_loss")}
"""By the number of a link: what its members are to each other, in their order."""
OTO, BRACKET = LINKS["oto"], LINKS["bracket"]
PEGGED = 10
TRIGGERED_TYPES = frozenset({3, 4, 6, 7, 8, 9})
"""Those that wait for a price: stop, stop_limit, trailing_stop, trailing_stop_limit, market_if_touched, limit_if_touched."""
AUCTION_TIMES = frozenset({2, 7, 9, 10})
"""Times in force of an auction alone: at_open, at_close, good_for_auction, closing_cross."""
BY_PARENT = 3
"""Source of an OrderTriggered: no price, but the parent is done."""


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What makes an order more than a plain one; decimals as the client sent them, expires_ns in UTC nanoseconds.

    Attributes:
        expires_on: A date (YYYY-MM-DD) instead of expires_ns: the end of that day's session.
        seed: Of the sizes that an iceberg with a display range shows; u32.
        short_exempt: A short sale that the price test does not hold back (SEC rule 201(d)); FIX 54=6.
    """

    stop_price: str | None = None
    trigger: str = "last"
    trail: str | None = None
    trail_unit: str | None = None
    limit_offset: str | None = None
    display: str | None = None
    display_range: str | None = None
    seed: int = 0
    min_quantity: str | None = None
    hidden: bool = False
    all_or_none: bool = False
    slide: bool = False
    reduce_only: bool = False
    cancel_on_disconnect: bool = False
    short_exempt: bool = False
    peg: str | None = None
    peg_offset: str | None = None
    budget: str | None = None
    expires_ns: int | None = None
    expires_on: str = ""


class TermsView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an order is beyond a plain one, in outside units; what it has not is not there.

    Attributes:
        stop_price: Where it triggers; a trailing stop's moves.
        trail: By `trail_unit` (amount, percent or ticks) how far the stop stays behind.
        limit_offset: From a trailing stop to its limit.
        refills: How often an iceberg has shown anew.
        working_price: Where a pegged order stands now; its price is the cap.
    """

    stop_price: str | None = None
    trigger: str | None = None
    trail: str | None = None
    trail_unit: str | None = None
    limit_offset: str | None = None
    display: str | None = None
    display_range: str | None = None
    refills: int = 0
    min_quantity: str | None = None
    hidden: bool = False
    all_or_none: bool = False
    reduce_only: bool = False
    slide: bool = False
    cancel_on_disconnect: bool = False
    short_exempt: bool = False
    peg: str | None = None
    peg_offset: str | None = None
    working_price: str | None = None
    budget: str | None = None
    expires_ns: int = 0


class LinkView(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose fate an order shares: kind oco, oto or bracket, what it is in it, and all members in their order."""

    kind: str
    role: str
    order_ids: list[str]

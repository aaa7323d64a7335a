"""What stands between an account and its orders beside price and money (engine.md section 15): switches, records and what they count.

All of it is unset at first, and then nothing is judged.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

OFF, ALL, REDUCE_ONLY = 0, 1, 2  # modes of a switch
NEW, REPLACE, CANCEL, MASS = 1, 2, 3, 4  # classes of a throttle
EXECUTIONS, PROTECTION = 1, 2  # causes of a pause
NEEDS_LOCATE, PRICE_TEST = 1, 2  # flags of a class
PRODUCTS = 64
ALL_PRODUCTS = 2**PRODUCTS - 1

MAX_FIRMS = 65_536  # that ever had a switch
MAX_SESSIONS = 16_384  # with a switch, a record or a token out
MAX_RESTRICTIONS = 65_536
MAX_LOCATES = 1_048_576
MAX_PATTERNS = 65_536
MAX_PROTECTIONS = 65_536
MOST_FILLS = 256  # that are looked at of an account, or of an account in an underlying
MOST_SUBMISSIONS = 64


@dataclass(frozen=True, slots=True)
class InstrumentClass:
    """What an instrument is to the gate.

    Attributes:
        underlying: What protections count it under; 0: nothing.
        product: Which permission it needs.
        outside_ns: How old a mark or quote may be that is a reference; 0: none is.
    """

    underlying: int = 0
    product: int = 0
    flags: int = 0
    outside_ns: int = 0


@dataclass(frozen=True, slots=True)
class Entitlements:
    """Which products an account may trade, a bit each, and whether it may trade at all."""

    products: int = ALL_PRODUCTS
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Throttle:
    """A bucket of `burst` tokens that `rate` tokens a second fill."""

    rate: int
    burst: int


@dataclass(slots=True)
class Bucket:
    """What is out of a bucket, in 10^-9 tokens, as of `at` (UTC nanoseconds)."""

    out: int = 0
    at: int = 0


@dataclass(slots=True)
class Session:
    """What the engine knows of a connection, by its number.

    Attributes:
        own: By class, its own records.
        buckets: By class, what it has used.
    """

    mode: int = OFF
    own: dict[int, Throttle] = field(default_factory=dict)
    buckets: dict[int, Bucket] = field(default_factory=lambda: defaultdict(Bucket))


@dataclass(slots=True)
class Patterns:
    """What SetPatterns says of an account, and what it has counted; numbers of 0 are off.

    Attributes:
        window: When the ratio's window at hand began, UTC nanoseconds.
        orders, fills: In that window.
        fill_times: Of the last fills, the oldest first.
        submissions: The last ones with their times, the oldest first.
        paused: Nothing is taken until a person lifts it.
    """

    ratio: int = 0
    free_orders: int = 0
    ratio_ns: int = 0
    executions: int = 0
    duplicates: int = 0
    executions_ns: int = 0
    duplicates_ns: int = 0
    window: int = 0
    orders: int = 0
    fills: int = 0
    fill_times: deque[int] = field(default_factory=lambda: deque(maxlen=MOST_FILLS))
    submissions: deque[tuple[int, tuple[int, ...]]] = field(default_factory=lambda: deque(maxlen=MOST_SUBMISSIONS))
    paused: bool = False


class CountedFill(NamedTuple):
    """A fill, with what it added to delta and vega by the greeks of then; sold lots take away."""

    time_ns: int
    lots: int
    delta: int
    vega: int


@dataclass(slots=True)
class Protection:
    """What SetProtection says of an account in an underlying, and the fills that it has counted.

    Attributes:
        until: Frozen before this instant, UTC nanoseconds; 0: not frozen, or told that it is over.
    """

    fills: int = 0
    quantity: int = 0
    window_ns: int = 0
    frozen_ns: int = 0
    delta: int = 0
    vega: int = 0
    counted: deque[CountedFill] = field(default_factory=deque)
    until: int = 0


@dataclass(slots=True)
class Guards:
    """All of section 15.

    Attributes:
        firms, instruments: Modes of their switches, of those that ever had one.
        entitlements: By account, of those that have a record.
        restrictions: (scope, account or group, instrument) to whether it is restricted, of those that were ever set.
        locates: Lots, by account and instrument.
        throttles: The venue's records by class.
        own_throttles, buckets: Of accounts: by account and class.
        protections: By account and underlying.
        tripped: Causes of pauses that nobody was told of yet: (cause, account, underlying).
    """

    firms: dict[int, int] = field(default_factory=dict)
    instruments: dict[int, int] = field(default_factory=dict)
    sessions: dict[int, Session] = field(default_factory=dict)
    classes: dict[int, InstrumentClass] = field(default_factory=dict)
    entitlements: dict[int, Entitlements] = field(default_factory=dict)
    restrictions: dict[tuple[int, int, int], bool] = field(default_factory=dict)
    locates: dict[tuple[int, int], int] = field(default_factory=dict)
    throttles: dict[int, Throttle] = field(default_factory=dict)
    own_throttles: dict[tuple[int, int], Throttle] = field(default_factory=dict)
    buckets: dict[tuple[int, int], Bucket] = field(default_factory=lambda: defaultdict(Bucket))
    patterns: dict[int, Patterns] = field(default_factory=dict)
    protections: dict[tuple[int, int], Protection] = field(default_factory=dict)
    tripped: list[tuple[int, int, int]] = field(default_factory=list)

    def class_of(self, instrument: int) -> InstrumentClass:
        """Return the class of an instrument; one without is of product 0 and nothing else."""
        return self.classes.get(instrument, InstrumentClass())

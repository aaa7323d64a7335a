"""Risk (8004), what people set for the figures: each setting is a version with who and why, kept for ever."""

from typing import Any

import msgspec

from quantumcore.contracts.messages import Notice, Request

MAX_PAIRS = 32_640  # of 256 symbols
MAX_REASON_BYTES = 512
MAX_WHO = 64
MAX_SECTOR = 24
MAX_SPREADS = 1_000
PROFILES = ("cash", "volatility", "strategies", "scenarios")


class Parameter(msgspec.Struct, frozen=True):
    """A version of what somebody set; kept for ever.

    Attributes:
        kind: volatility, correlation, sector, profile, floor, charges or spreads. subject: A symbol, an account, or "*".
        value: As it was set. who: A user.
    """

    version: int
    kind: str
    subject: str
    value: Any
    who: str
    reason: str
    time_ns: int


class SetVolatility(Request[Parameter], frozen=True, kw_only=True):
    """Daily, as a fraction of the price: over 0, 10 at most.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: `risk.volatility.bad`; reason; who.
    """

    symbol: str
    volatility: str
    who: str
    reason: str


class Correlation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the returns of two symbols: from -1 to 1."""

    first: str
    second: str
    value: str


class SetCorrelations(Request[Parameter], frozen=True, kw_only=True):
    """The whole matrix anew: pairs that are not given have 0.5. It is taken whole or not at all.

    Attributes:
        repair: Whether a matrix that is none is replaced by the nearest one; the answer shows what is in force.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: `risk.correlation.not_psd` (the actual is the smallest eigenvalue), `risk.correlation.bad`; a bound; reason; who.
    """

    pairs: list[Correlation]
    who: str
    reason: str
    repair: bool = False


class SetSector(Request[Parameter], frozen=True, kw_only=True):
    """The sector of a symbol; "" takes it out.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: sector; reason; who.
    """

    symbol: str
    sector: str
    who: str
    reason: str


class SetMarginProfile(Request[Parameter], frozen=True, kw_only=True):
    """How the margin of an account counts: one of PROFILES.

    Raises:
        NotFound: `account.not_found`.
        InvalidCommand: profile; reason; who.
    """

    account: int
    profile: str
    who: str
    reason: str


class SetMarginFloor(Request[Parameter], frozen=True, kw_only=True):
    """The least requirement of a symbol, as a fraction of its value: from 0 to 10.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: floor; reason; who.
    """

    symbol: str
    floor: str
    who: str
    reason: str


class UnderlyingCharges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What scenarios charge on an underlying beside the scan: decimals of the currency, 6 places, from 0.

    Attributes:
        calendar: For each unit of delta that is long in one month and short in another.
        delivery: For each unit of net delta in a month of delivery.
        short_option: What each short option needs at least. contract: Each contract, long or short.
        concentrated: For each unit of net delta over `concentrated_from`, which is in units of the underlying.
    """

    calendar: str = "0"
    delivery: str = "0"
    short_option: str = "0"
    contract: str = "0"
    concentrated: str = "0"
    concentrated_from: str = "0"


class SetCharges(Request[Parameter], frozen=True, kw_only=True):
    """The charges on an underlying, replaced whole.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: A charge, by its field; reason; who.
    """

    symbol: str
    charges: UnderlyingCharges
    who: str
    reason: str


class SpreadCredit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two underlyings whose risks offset.

    Attributes:
        credit: Of the price risk of what is spread, from 0 to 1, 8 places.
        of_first, of_second: How many units of delta of each go together, from 1 to 1,000,000.
    """

    first: str
    second: str
    credit: str
    of_first: int = 1
    of_second: int = 1


class SetSpreads(Request[Parameter], frozen=True, kw_only=True):
    """The whole list anew; what is first is served first. It is taken whole or not at all.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: `risk.spread.bad`: of an underlying with itself; more than MAX_SPREADS; a bound, by its field; reason; who.
    """

    spreads: list[SpreadCredit]
    who: str
    reason: str


class ParameterPage(msgspec.Struct, frozen=True):
    """Newest first; version: the newest there is."""

    items: list[Parameter]
    version: int
    next_cursor: str | None


class GetParameters(Request[ParameterPage], frozen=True, kw_only=True):
    """Every version, or those of a kind and a subject.

    Raises:
        InvalidCommand: limit or cursor.
    """

    kind: str = ""
    subject: str = ""
    limit: int = 100
    cursor: str = ""


class RiskParametersChanged(Notice, frozen=True, kw_only=True):
    """Somebody has set something."""

    version: int
    kind: str
    subject: str

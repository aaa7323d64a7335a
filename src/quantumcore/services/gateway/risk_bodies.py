"""What clients send about risk: questions for figures, and what a risk officer sets."""

from typing import Annotated, Literal

from msgspec import Meta

from quantumcore.contracts.risk import MAX_CONTRACTS, MAX_PATHS, MAX_SCENARIOS, MAX_WINDOW
from quantumcore.contracts.risk_parameters import MAX_PAIRS, MAX_REASON_BYTES, MAX_SECTOR, MAX_SPREADS
from quantumcore.services.gateway.bodies import AccountText, Body, Currency, Decimal, Limit, SymbolText, Time

Reason = Annotated[str, Meta(min_length=1, max_length=MAX_REASON_BYTES)]
Count = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Subject = Annotated[str, Meta(max_length=32)]
Cursor = Annotated[str, Meta(max_length=20)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class VarQuery(Body, frozen=True, kw_only=True):
    """How a value at risk is found: window of a historical one; paths, seed and freedom (of a t-copula) of a simulated one."""

    method: Literal["parametric", "historical", "monte_carlo"] = "parametric"
    confidence: Decimal = "0.99"
    exact: bool = False
    window: Annotated[int, Meta(ge=1, le=MAX_WINDOW)] = 500
    paths: Annotated[int, Meta(ge=100, le=MAX_PATHS)] = 10_000
    seed: Annotated[int, Meta(ge=0, le=2**53)] = 1
    freedom: Annotated[int, Meta(ge=0, le=200)] = 0
    losses: bool = False


class ScenarioBody(Body, frozen=True, kw_only=True):
    """Changes of prices as fractions, by symbol, else by sector, else "*"; factors of volatility and spread; what is added to rates."""

    name: Name
    prices: Annotated[dict[SymbolText, Decimal], Meta(max_length=MAX_SCENARIOS)] = {}
    volatility: Decimal = "1"
    rate: Decimal = "0"
    spread: Decimal = "1"


class StressBody(Body, frozen=True, kw_only=True):
    """Without scenarios: the standard ones, and named days."""

    account_id: AccountText | None = None
    scenarios: Annotated[list[ScenarioBody], Meta(max_length=MAX_SCENARIOS)] = []


class OptionBody(Body, frozen=True, kw_only=True):
    """One option; `expiry` or `years`, `volatility` or `option_price`; rates are continuous, per year."""

    underlying_price: Decimal
    strike: Decimal
    type: Literal["call", "put"]
    style: Literal["european", "american"] = "european"
    expiry: Time | None = None
    years: Decimal | None = None
    rate: Decimal = "0"
    dividend_yield: Decimal = "0"
    volatility: Decimal | None = None
    option_price: Decimal | None = None


class GreeksBody(Body, frozen=True, kw_only=True):
    """Options, each answered by itself; `days_per_year` is of theta alone."""

    contracts: Annotated[list[OptionBody], Meta(max_length=MAX_CONTRACTS)]
    days_per_year: Literal[365, 252] = 365


class LimitsQuery(Body, frozen=True, kw_only=True):
    """Of one symbol alone, if it is named."""

    symbol: SymbolText | None = None


class LimitsBody(Body, frozen=True, kw_only=True):
    """What is set of limits, all at once: what is left out is not set there any more. At `expires` what stands now comes back by itself."""

    reason: Reason
    expires: Time | None = None


class AccountLimitsBody(LimitsBody, frozen=True, kw_only=True):
    """What an account may, whatever it trades. Values are in `currency`, and are left as they are without one."""

    max_open_orders: Count | None = None
    max_open_each: Count | None = None
    max_interest_share: Decimal | None = None
    max_volume_share: Decimal | None = None
    currency: Currency | None = None
    max_order_value: Decimal | None = None
    max_open_value: Decimal | None = None


class VenueLimitsBody(AccountLimitsBody, frozen=True, kw_only=True):
    """What every account may that has no tighter limit. Quantities are whole lots, of whatever is traded."""

    max_order_quantity: Decimal | None = None
    max_long: Decimal | None = None
    max_short: Decimal | None = None


class FirmLimitsBody(LimitsBody, frozen=True, kw_only=True):
    """What all accounts of a firm may together, in one currency; the count of what its credit line has filled begins anew."""

    currency: Currency
    max_order_value: Decimal | None = None
    max_open_value: Decimal | None = None
    credit: Decimal | None = None


class GroupLimitsBody(LimitsBody, frozen=True, kw_only=True):
    """What all accounts of a group may together, in each instrument. Quantities are whole lots."""

    max_open_each: Count | None = None
    max_order_quantity: Decimal | None = None
    max_long: Decimal | None = None
    max_short: Decimal | None = None
    max_interest_share: Decimal | None = None
    max_volume_share: Decimal | None = None


class SymbolLimitsBody(GroupLimitsBody, frozen=True, kw_only=True):
    """What an account, or each one, may in one symbol. Quantities are the symbol's, values in its quote."""

    max_order_value: Decimal | None = None
    max_open_value: Decimal | None = None


class ChangesQuery(Body, frozen=True, kw_only=True):
    """A page of changes, or of steps of liquidations, newest first; of one account, if it is named."""

    account_id: AccountText | None = None
    limit: Limit = 100
    cursor: Cursor = ""


class VolatilityBody(Body, frozen=True, kw_only=True):
    """Of a day, as a fraction of the price."""

    volatility: Decimal
    reason: Reason


class FloorBody(Body, frozen=True, kw_only=True):
    """The least requirement, as a fraction of the value."""

    floor: Decimal
    reason: Reason


class SectorBody(Body, frozen=True, kw_only=True):
    """The sector of a symbol; "" takes it out."""

    sector: Annotated[str, Meta(max_length=MAX_SECTOR)]
    reason: Reason


class ProfileBody(Body, frozen=True, kw_only=True):
    """How the margin of an account counts."""

    profile: Literal["cash", "volatility", "strategies", "scenarios"]
    reason: Reason


class PairBody(Body, frozen=True, kw_only=True):
    """Of the returns of two symbols, from -1 to 1."""

    first: SymbolText
    second: SymbolText
    value: Decimal


class CorrelationsBody(Body, frozen=True, kw_only=True):
    """The whole matrix anew; pairs that are not given have 0.5. `repair` takes the nearest one instead of none."""

    pairs: Annotated[list[PairBody], Meta(max_length=MAX_PAIRS)]
    repair: bool = False
    reason: Reason


class ChargesBody(Body, frozen=True, kw_only=True):
    """What scenarios charge on an underlying beside the scan, replaced whole; money with 6 places, `concentrated_from` in its units."""

    calendar: Decimal = "0"
    delivery: Decimal = "0"
    short_option: Decimal = "0"
    contract: Decimal = "0"
    concentrated: Decimal = "0"
    concentrated_from: Decimal = "0"
    reason: Reason


class SpreadBody(Body, frozen=True, kw_only=True):
    """Two underlyings whose risks offset: `credit` (0 to 1) of the price risk of the delta that is spread, `of_first` against `of_second`."""

    first: SymbolText
    second: SymbolText
    credit: Decimal
    of_first: Annotated[int, Meta(ge=1, le=10**6)] = 1
    of_second: Annotated[int, Meta(ge=1, le=10**6)] = 1


class SpreadsBody(Body, frozen=True, kw_only=True):
    """The whole list anew; what is first is served first."""

    spreads: Annotated[list[SpreadBody], Meta(max_length=MAX_SPREADS)]
    reason: Reason


class ParametersQuery(Body, frozen=True, kw_only=True):
    """A page of versions, newest first."""

    kind: Literal["", "volatility", "correlation", "sector", "profile", "floor", "charges", "spreads"] = ""
    subject: Subject = ""
    limit: Limit = 100
    cursor: Cursor = ""

"""What a risk officer sends about margin of the engine: decimals as text, each record whole."""

from typing import Annotated, Literal

from msgspec import Meta

from quantumcore.contracts.risk_margin import LOSSES
from quantumcore.services.gateway.bodies import AccountText, Body, Currency, Decimal, Limit, SymbolText, Time
from quantumcore.services.gateway.risk_bodies import Cursor, Reason, Subject


class MarginTermsBody(Body, frozen=True, kw_only=True):
    """What a position in the symbol needs: shares of its notional, what each lot adds, and how old may be what counts (0: for ever)."""

    initial: Decimal
    maintenance: Decimal
    slope: Decimal = "0"
    mark_age_s: Decimal = "0"
    array_age_s: Decimal = "0"
    always_volatility: bool = False
    reason: Reason


class LotModelBody(Body, frozen=True, kw_only=True):
    """By what the room makes an array or greeks: an option on the underlying, or what is worth the underlying itself (linear)."""

    underlying: SymbolText
    price_range: Decimal
    volatility: Decimal
    shift: Decimal = "0"
    type: Literal["call", "put", "linear"] = "linear"
    strike: Decimal | None = None
    expires: Time | None = None
    style: Literal["european", "american"] = "european"
    rate: Decimal = "0"
    dividend_yield: Decimal = "0"
    multiplier: Decimal = "1"


class RiskArrayBody(Body, frozen=True, kw_only=True):
    """What one lot loses in each of the 16 scenarios: given, or made by a model; with neither it is taken away."""

    losses: Annotated[list[Decimal], Meta(max_length=LOSSES)] = []
    model: LotModelBody | None = None
    short_minimum: Decimal = "0"
    reason: Reason


class LotGreeksBody(Body, frozen=True, kw_only=True):
    """What one lot adds to delta, gamma and vega, in money of the quote currency: given, or made by a model."""

    delta: Decimal = "0"
    gamma: Decimal = "0"
    vega: Decimal = "0"
    model: LotModelBody | None = None
    reason: Reason


class AccountMarginBody(Body, frozen=True, kw_only=True):
    """How the account is margined in the currency."""

    profile: Literal["none", "volatility", "scenarios"]
    reason: Reason


class RiskLimitsBody(Body, frozen=True, kw_only=True):
    """What may be risked in the currency, all at once; what is left out is not set there any more."""

    gross: Decimal | None = None
    net: Decimal | None = None
    share: Decimal | None = None
    delta: Decimal | None = None
    gamma: Decimal | None = None
    vega: Decimal | None = None
    loss: Decimal | None = None
    drawdown: Decimal | None = None
    loss_rate: Decimal | None = None
    drawdown_rate: Decimal | None = None
    reason: Reason


class RiskDayBody(Body, frozen=True, kw_only=True):
    """Whose day begins."""

    account_id: AccountText
    currency: Currency
    reason: Reason


class AssessmentBody(Body, frozen=True, kw_only=True):
    """Who is looked at."""

    account_id: AccountText
    currency: Currency


class MarginChangesQuery(Body, frozen=True, kw_only=True):
    """A page of changes, newest first; of one symbol or account (0: the venue), if it is named."""

    subject: Subject = ""
    limit: Limit = 100
    cursor: Cursor = ""

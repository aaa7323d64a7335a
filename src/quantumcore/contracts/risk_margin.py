"""Risk (8004), margin of the engine: what people set for it, how accounts stand, and what was done about it (docs/reference/engine.md section 17).

Decimals outside; the engine's integers are the room's affair.
"""

from typing import TypeAlias

import msgspec

from quantumcore.contracts.messages import Done, Notice, Request
from quantumcore.contracts.risk_settings import SettingChange

PROFILES = {"none": 0, "volatility": 1, "scenarios": 3}
PROFILE_NAMES = {number: name for name, number in PROFILES.items()}
RUNGS = ("none", "warn", "cancel", "partial", "full", "fund")
LOSSES = 16
MAX_MODELS = 1_000
"""Instruments whose risk arrays the room makes; and as many whose greeks it makes."""

# ------------------------------------------------------------------------------------------------- settings


class MarginTerms(msgspec.Struct, frozen=True, kw_only=True, tag="terms"):
    """What a position in an instrument needs.

    Attributes:
        initial, maintenance: Shares of the notional, 6 places, from 0 to 10; maintenance <= initial.
        slope: What each lot adds to both, 12 places, from 0 to 1.
        mark_age_s, array_age_s: How old a mark and a risk array may be that count, in seconds, at most 86,400; 0: for ever.
        always_volatility: It is margined by volatility whatever the account's profile says.
    """

    symbol: str
    initial: str
    maintenance: str
    slope: str = "0"
    mark_age_s: str = "0"
    array_age_s: str = "0"
    always_volatility: bool = False


class LotModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what the room makes what counts of one lot of an instrument, and makes it anew: its risk array, or its greeks.

    Attributes:
        underlying: Whose mark moves it.
        price_range: Of the underlying, over 0; a move by a sixth of it is too much. volatility: Per year, such as 0.25.
        shift: What the scenarios of an array add to the volatility and take from it; greeks have no scenarios.
        type: call, put, or linear: worth the underlying itself.
        strike, expires_ns, style: Of an option; style: european or american.
        rate, dividend_yield: Continuous, per year.
        multiplier: Units of the underlying in one lot.
    """

    underlying: str
    price_range: str
    volatility: str
    shift: str = "0"
    type: str = "linear"
    strike: str | None = None
    expires_ns: int = 0
    style: str = "european"
    rate: str = "0"
    dividend_yield: str = "0"
    multiplier: str = "1"


class RiskArray(msgspec.Struct, frozen=True, kw_only=True, tag="array"):
    """What one lot loses in each scenario; with neither losses nor a model the array is taken away.

    Attributes:
        losses: LOSSES decimals of the quote currency, 6 places; a gain is negative.
        model: The room makes it, at once and whenever it is too old.
        short_minimum: What a short lot needs at least.
    """

    symbol: str
    losses: list[str] = []
    model: LotModel | None = None
    short_minimum: str = "0"


class LotGreeks(msgspec.Struct, frozen=True, kw_only=True, tag="greeks"):
    """What one lot adds to delta, gamma and vega, decimals of the quote currency, 6 places.

    Attributes:
        delta: What as much of the underlying is worth as moves alike. gamma: What delta changes by when the underlying moves
            by 1 %. vega: What one lot gains when the volatility is 1 % higher.
        model: The room makes them, at once and whenever they are too old; none is given beside it.
    """

    symbol: str
    delta: str = "0"
    gamma: str = "0"
    vega: str = "0"
    model: LotModel | None = None


class AccountMargin(msgspec.Struct, frozen=True, kw_only=True, tag="account"):
    """How an account is margined in a currency: one of PROFILES; none: it only holds cash."""

    account: int
    currency: str
    profile: str


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, tag="limits"):
    """What an account, or every one of the venue (account 0), may risk in a currency; what is None is not set there any more.

    Attributes:
        gross, net, delta, gamma, vega, loss, drawdown: Decimals of the currency, from 0.
        share: The most of the gross that one instrument may have. loss_rate, drawdown_rate: Of what the day began with. Over 0,
            6 places; share at most 1, the others at most 10.
    """

    currency: str
    account: int = 0
    gross: str | None = None
    net: str | None = None
    share: str | None = None
    delta: str | None = None
    gamma: str | None = None
    vega: str | None = None
    loss: str | None = None
    drawdown: str | None = None
    loss_rate: str | None = None
    drawdown_rate: str | None = None


class RiskDay(msgspec.Struct, frozen=True, kw_only=True, tag="day"):
    """A day of an account in a currency begins, anew if one is open."""

    account: int
    currency: str


Modelled: TypeAlias = RiskArray | LotGreeks
"""What a model can make."""
MarginSetting: TypeAlias = MarginTerms | RiskArray | LotGreeks | AccountMargin | RiskLimits | RiskDay


class MarginChange(SettingChange, frozen=True, kw_only=True):
    """What somebody set, and what became of it."""

    what: MarginSetting


class SetMargin(Request[MarginChange], frozen=True, kw_only=True):
    """Replace a record of the engine whole, or begin a day.

    Raises:
        Forbidden: `approval.required`: the venue asks for a second person (setting `four_eyes`): propose it.
        NotFound: `account.not_found`, `instrument.not_found`, `currency.not_found`.
        InvalidCommand: A bound, by its field; reason, who; of a model `risk.*` and `greeks.*`, `risk.price.missing` where its
            underlying has no price; or what the engine refused it for.
        Unavailable, OutcomeUnknown: It is written down, and is done as soon as it can be.
    """

    what: MarginSetting
    who: str
    reason: str


class SetMarginByTwo(Request[MarginChange], frozen=True, kw_only=True):
    """The same, which two persons have decided: asked by the room that keeps proposals, and by nobody else."""

    asked: SetMargin


class CheckMargin(Request[Done], frozen=True, kw_only=True):
    """Say what is wrong with what somebody wants to propose; nothing else happens. Raises as SetMargin."""

    asked: SetMargin


class MarginChanges(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[MarginChange]
    next_cursor: str | None


class GetMarginChanges(Request[MarginChanges], frozen=True, kw_only=True):
    """Of everything, or of one subject: a symbol, or an account (0: the venue).

    Raises:
        InvalidCommand: limit or cursor.
    """

    subject: str = ""
    limit: int = 100
    cursor: str = ""


# ------------------------------------------------------------------------------------------------ standing


class MarginView(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands in a currency, by the engine; money is decimal text of that currency.

    Attributes:
        equity, initial, maintenance: What it is worth and what it needs; null while that is stale or too large.
        use: initial / equity, 4 places; null without either.
        rung: One of RUNGS.
        day_result, day_peak, day_opening, day_deposits: Null without an open day.
        stale, too_large: Why nothing is known. loss, drawdown: Limits of the day that are reached.
        sequence: The engine's, at which it stands so. assessed_ns: When it was last assessed; 0: never.
    """

    currency: str
    profile: str
    equity: str | None
    initial: str | None
    maintenance: str | None
    use: str | None
    rung: str
    day_opening: str | None = None
    day_deposits: str | None = None
    day_result: str | None = None
    day_peak: str | None = None
    stale: bool = False
    too_large: bool = False
    loss: bool = False
    drawdown: bool = False
    sequence: int = 0
    assessed_ns: int = 0


class AssessAccount(Request[MarginView], frozen=True, kw_only=True):
    """Look at an account in a currency now, and do what its state asks for: a command in the log.

    Raises:
        NotFound: `account.not_found`, `currency.not_found`.
        Unavailable, OutcomeUnknown: As matching says; it may be asked again.
    """

    account: int
    currency: str


class LiquidationStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a liquidation, with the numbers that caused it, in minor units; kept for ever.

    Attributes:
        episode: The sequence of the assessment that began it. attempt: Of this step in it, from 1.
        rung: partial, full, fund, deleverage; or a lower one: it is over.
        assessed: The sequence of the assessment that caused it.
        failed: Partials of it that have not filled, this one included.
        fund, floor: What the insurance fund was worth, and what it may not come below; null: it was not asked.
        orders: What was sent. taken: What was to go to the fund or the other side.
        paid: What the fund was to pay for who has nothing left but debts, a decimal; null: nothing.
        state: asked: on its way; done; dropped: the engine never had it, and a later step decides anew.
        filled: Lots that have traded, or gone to others; null: nobody has told.
        sequence: Of its last command; 0: it had none.
    """

    number: int
    account_id: str
    currency: str
    episode: int
    attempt: int
    rung: str
    assessed: int
    equity: int
    initial: int
    maintenance: int
    failed: int
    fund: int | None
    floor: int | None
    orders: list["LiquidationOrder"]
    taken: list["LiquidationTaking"]
    paid: str | None
    state: str
    filled: int | None
    time_ns: int
    sequence: int


class LiquidationOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A limit order, immediate or cancel, that only reduces."""

    symbol: str
    side: str
    quantity: str
    price: str
    client_order_id: str


class LiquidationTaking(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a position that was to go to another account: of a short the quantity is negative.

    Attributes:
        money: What that account was to pay for it, a decimal; negative: to get.
    """

    account_id: str
    symbol: str
    quantity: str
    money: str


class LiquidationSteps(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[LiquidationStep]
    next_cursor: str | None


class GetLiquidations(Request[LiquidationSteps], frozen=True, kw_only=True):
    """Of all accounts, or of one (0: all).

    Raises:
        InvalidCommand: limit or cursor.
    """

    account: int = 0
    limit: int = 100
    cursor: str = ""


class LiquidationStepped(Notice, frozen=True, kw_only=True):
    """A step was taken, as it stands then."""

    step: LiquidationStep

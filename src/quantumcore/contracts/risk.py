"""Risk (8004): what accounts could lose, and how much of what they may do they use.

Money is decimal text at the scale of the reporting currency, rounded once, half-even; shares are decimal text with 4 places. Figures are of
positions: what came by deposit is in the equity and in no exposure. Every answer says of which sequence, rates and parameters it is.
"""

import msgspec

from quantumcore.contracts.messages import Notice, Request
from quantumcore.contracts.risk_margin import MarginView

MAX_CONTRACTS = 1_000
MAX_SCENARIOS = 100
MAX_PAGE = 1_000
MAX_PATHS = 100_000
MAX_WINDOW = 1_000
METHODS = ("parametric", "historical", "monte_carlo")

# ------------------------------------------------------------------------------------------------ figures


class Exposure(msgspec.Struct, frozen=True):
    """Of a symbol, a sector or a currency: the sum of sizes, and of signed values."""

    name: str
    gross: str
    net: str


class LimitUse(msgspec.Struct, frozen=True):
    """A limit, and how much of it is used.

    Attributes:
        name: open_orders, open_each, long, short, open_value, credit; interest_share, volume_share: in what a position comes to; margin: its limit is the equity; daily_loss: of the opening equity and what flowed since;
            initial_margin: of the engine, in `currency`.
        scope: account: its own; venue: everybody's; instrument; firm, group: of all its accounts together.
        symbol: Null: of every one. currency: Of initial_margin, and of a firm's.
        use: used / limit; null while the limit is not in force, because it is not over 0.
    """

    name: str
    scope: str
    symbol: str | None
    limit: str
    used: str
    use: str | None
    currency: str | None = None


class MarkView(msgspec.Struct, frozen=True):
    """The price at which a position counts; stale: it is older than it may be, or was taken back."""

    symbol: str
    price: str
    source: str
    sequence: int
    time_ns: int
    age_s: str
    stale: bool


class RiskMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What an account could lose.

    Attributes:
        sequence, as_of_ns: Of the last event that is in it.
        fx_snapshot_id: "" when no rate was needed. parameters_version: 0: nobody has set any.
        total_exposure, net_exposure: Of all positions.
        margin_used: Initial requirement, working orders at their worst; margin_maintenance: of positions alone.
        margin_available: Equity less margin_used; negative: there is not enough.
        var_95, var_99, es_975: Parametric, of one day.
        max_drawdown: Of the account's history; null: it has too few points, or the room that keeps it does not answer.
        daily_profit: Since midnight UTC, without what flowed; daily_loss: its other side, 0 when there is none.
        unpriced: What has no price, and is in no figure; complete: there is none such.
        killed: Whether its kill switch, its firm's or the venue's is engaged; kill_mode: the strictest of them, all or reduce_only.
        engine_margin: How it stands on margin, in each currency in which it is or has a day; by the engine at its own sequence,
            or as it was last assessed while the engine does not answer.
    """

    account_id: str
    currency: str
    sequence: int
    as_of_ns: int
    fx_snapshot_id: str
    parameters_version: int
    equity: str
    total_exposure: str
    net_exposure: str
    margin_profile: str
    margin_used: str
    margin_maintenance: str
    margin_available: str
    var_95: str
    var_99: str
    es_975: str
    max_drawdown: str | None
    daily_profit: str
    daily_loss: str
    complete: bool
    unpriced: list[str]
    killed: bool
    kill_mode: str | None
    by_symbol: list[Exposure]
    by_sector: list[Exposure]
    by_currency: list[Exposure]
    limits: list[LimitUse]
    marks: list[MarkView]
    engine_margin: list[MarginView] = []


class GetRiskMetrics(Request[RiskMetrics], frozen=True, kw_only=True):
    """What an account could lose. `at_least`: as of that sequence or later.

    Raises:
        NotFound: `account.not_found`.
        Unavailable: `fx.rate_missing` (the pair is named), or the room of rates does not answer and is needed.
    """

    account: int
    at_least: int = 0
    request_id: str = ""


class RiskPart(msgspec.Struct, frozen=True):
    """What a position adds: the parts of all positions sum to the VaR but for their last digits; marginal: of one unit more."""

    symbol: str
    value: str
    marginal: str
    component: str


class ValueAtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """What an account loses on a day at most, with a confidence.

    Attributes:
        shortfall: Mean of what it loses when it loses more.
        window, worst: Historical: days of prices, and which of the losses it is.
        paths, seed, standard_error: Monte Carlo.
        parts: Parametric.
    """

    account_id: str
    currency: str
    method: str
    confidence: str
    value_at_risk: str
    shortfall: str | None
    sequence: int
    as_of_ns: int
    fx_snapshot_id: str
    parameters_version: int
    window: int | None = None
    worst: int | None = None
    paths: int | None = None
    seed: int | None = None
    standard_error: str | None = None
    parts: list[RiskPart] = []
    losses: list[str] = []


class GetVar(Request[ValueAtRisk], frozen=True, kw_only=True):
    """By one of METHODS.

    Attributes:
        confidence: From 0.5 to below 1, as decimal text.
        exact: Parametric: the normal quantile instead of the table 1.645, 2.326.
        window: Historical: days at most, MAX_WINDOW at most. paths, seed, freedom: Monte Carlo; freedom: degrees of a t-copula, 0: normal.
        losses: Whether the distribution is shown too, worst first.

    Raises:
        NotFound: `account.not_found`.
        InvalidCommand: A bound.
        Conflict: `risk.history.empty`: there are no days of prices.
        Unavailable: As GetRiskMetrics; `overloaded`: too many are computed; `risk.deadline`: it took too long.
    """

    account: int
    method: str = "parametric"
    confidence: str = "0.99"
    exact: bool = False
    window: int = 500
    paths: int = 10_000
    seed: int = 1
    freedom: int = 0
    losses: bool = False
    at_least: int = 0
    request_id: str = ""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens at once.

    Attributes:
        prices: Changes as fractions ("-0.20" is 20 % down) by symbol, else by sector, else of "*", all that are not named.
        volatility, spread: What they are multiplied by. rate: What is added to rates, per year.
    """

    name: str
    prices: dict[str, str] = {}
    volatility: str = "1"
    rate: str = "0"
    spread: str = "1"


class StressResult(msgspec.Struct, frozen=True):
    """What a scenario makes of an account.

    Attributes:
        profit: Signed. equity: Afterwards.
        unmoved: Symbols of which the scenario says nothing; they count as they are.
        source: Where its numbers are from.
    """

    name: str
    profit: str
    equity: str
    unmoved: list[str]
    source: str


class Stress(msgspec.Struct, frozen=True, kw_only=True):
    """Every scenario; worst names the one that loses most; null: none loses.

    Attributes:
        fall, rise: The least move of all prices together that ends the equity, as a fraction; null: none from -1 to 3 does.
        correlated_var: Parametric, at 99 %, of a day on which everything moves together.
    """

    account_id: str
    currency: str
    sequence: int
    as_of_ns: int
    fx_snapshot_id: str
    parameters_version: int
    equity: str
    results: list[StressResult]
    worst: str | None
    fall: str | None
    rise: str | None
    correlated_var: str


class GetStress(Request[Stress], frozen=True, kw_only=True):
    """The standard scenarios and named days, or those that are given instead.

    Raises:
        NotFound: `account.not_found`.
        InvalidCommand: `risk.scenario.bad`; a bound.
        Unavailable: As GetVar.
    """

    account: int
    scenarios: list[Scenario] = []
    at_least: int = 0
    request_id: str = ""


# ------------------------------------------------------------------------------------------------- options


class OptionInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One option, all numbers as decimal text; rates are continuous, per year.

    Attributes:
        expiry, years: When it expires, RFC 3339, or in how many years of 365 days; exactly one of both.
        volatility, option_price: One of both at least; a volatility that is not given is implied by the price.
        type: call or put. style: european or american.
    """

    underlying_price: str
    strike: str
    type: str
    style: str = "european"
    expiry: str | None = None
    years: str | None = None
    rate: str = "0"
    dividend_yield: str = "0"
    volatility: str | None = None
    option_price: str | None = None


class OptionError(msgspec.Struct, frozen=True):
    """Why an option has no answer."""

    code: str
    detail: str
    field: str
    limit: str
    actual: str


class OptionAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one unit of the underlying, 8 places; or the error alone.

    Attributes:
        implied_volatility: Null where a volatility was given, or none is needed.
    """

    price: str | None = None
    delta: str | None = None
    gamma: str | None = None
    theta_per_day: str | None = None
    vega_per_1pct: str | None = None
    rho_per_1pct: str | None = None
    implied_volatility: str | None = None
    error: OptionError | None = None


class OptionAnswers(msgspec.Struct, frozen=True):
    """In the order of the question."""

    contracts: list[OptionAnswer]


class GetGreeks(Request[OptionAnswers], frozen=True, kw_only=True):
    """Each option is answered by itself.

    Attributes:
        contracts: MAX_CONTRACTS at most. days_per_year: 365 or 252; of theta alone.
        now_ns: Of expiries; 0: the room's clock.

    Raises:
        InvalidCommand: A bound of the whole.
        Unavailable: As GetVar.
    """

    contracts: list[OptionInput]
    days_per_year: int = 365
    now_ns: int = 0
    request_id: str = ""


# ------------------------------------------------------------------------------------------------- notices


class RiskUpdate(msgspec.Struct, frozen=True):
    """One thing that an account's stream of risk says.

    Attributes:
        number: Of its row; those of an account rise.
        kind: warning: the use of a limit has passed the line; relief: it is below again; killed, lifted: a kill switch that concerns it;
            rung: an assessment of its margin has found it on another rung.
        limit: Of a warning and a relief. margin: Of a rung, as it was assessed.
        mode: Of killed: all, reduce_only.
    """

    number: int
    account: int
    time_ns: int
    sequence: int
    kind: str
    limit: LimitUse | None = None
    mode: str | None = None
    margin: MarginView | None = None


class RiskUpdates(msgspec.Struct, frozen=True):
    """In order; reached: everything up to this number is in it, or is another account's."""

    items: list[RiskUpdate]
    reached: int


class GetRiskUpdates(Request[RiskUpdates], frozen=True, kw_only=True):
    """What an account's stream has said after a number; -1: nothing, only how far it is.

    Raises:
        InvalidCommand: limit.
    """

    account: int
    after: int = -1
    limit: int = 100


class RiskWarning(Notice, frozen=True, kw_only=True):
    """The room has told these, in order; those before `previous` were told earlier."""

    previous: int
    updates: list[RiskUpdate]

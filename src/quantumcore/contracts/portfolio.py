"""Portfolio (8007): what an account is worth in its reporting currency, at one cursor and one snapshot of exchange rates.

Money is decimal text: values at the scale of their currency, P&L, averages and percentages with 8 places, each rounded
half-even once, when shown; sums are of the unrounded parts, so that shown lines may differ from a total by its last digit.
Statistics (weights, returns, Sharpe ratio) are floats in text.
"""

import msgspec

from quantumcore.contracts.messages import Notice, Request

MAX_RATES = 256
MAX_SOURCE = 64
MAX_HISTORY_PAGE = 1_000

# ------------------------------------------------------------------------------------------- exchange rates


class GivenRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `base` costs `rate` of `quote`: a decimal, or numerator and denominator as integers in text; exactly one of both."""

    base: str
    quote: str
    rate: str | None = None
    numerator: str | None = None
    denominator: str | None = None


class FxRate(msgspec.Struct, frozen=True):
    """One `base` costs numerator/denominator of `quote`, in lowest terms; `rate` is the same as a decimal, half-even."""

    base: str
    quote: str
    numerator: str
    denominator: str
    rate: str


class FxSnapshot(msgspec.Struct, frozen=True):
    """Rates of one moment, which belong together.

    Attributes:
        time_ns: When they were taken; `stale` says whether that is longer ago than it may be.
        in_force: Whether valuations use it now.
    """

    snapshot_id: str
    source: str
    time_ns: int
    rates: list[FxRate]
    stale: bool
    in_force: bool


class PublishFxSnapshot(Request[FxSnapshot], frozen=True, kw_only=True):
    """Bring a snapshot into force, whole or not at all. The same id with the same content answers the same.

    Raises:
        InvalidCommand: `request.invalid.<rule>` with its field; `fx.triangle`: two ways from one currency to another
            disagree by more than the tolerance; the pair and the numbers are named.
        Conflict: `idempotency.mismatch`, `fx.out_of_order` (older than the one in force).
        NotFound: `currency.not_found`.
    """

    snapshot_id: str
    source: str
    time_ns: int
    rates: list[GivenRate]
    request_id: str = ""


class GetFxSnapshot(Request[FxSnapshot], frozen=True, kw_only=True):
    """By id; without one, the one in force.

    Raises:
        NotFound: `fx.not_found`.
    """

    snapshot_id: str = ""
    request_id: str = ""


class FxConversion(msgspec.Struct, frozen=True):
    """What a conversion would give: floor(amount × rate), and what was rounded off, as a fraction of one minor unit.

    Attributes:
        residue: "numerator/denominator", from 0 to below 1.
    """

    snapshot_id: str
    currency: str
    amount: str
    to_currency: str
    converted: str
    residue: str


class GetConversion(Request[FxConversion], frozen=True, kw_only=True):
    """At the snapshot in force; nothing moves.

    Raises:
        Unavailable: `fx.rate_missing`, `fx.rate_stale`.
        NotFound: `currency.not_found`.
    """

    currency: str
    to_currency: str
    amount: str
    request_id: str = ""


# ------------------------------------------------------------------------------------------------ portfolio


class Line(msgspec.Struct, frozen=True, gc=False):
    """One position.

    Attributes:
        average_cost: Null when flat. current_price: Mark, else last trade; null: there never was one.
        currency: Of cost, market value and P&L: the settlement currency.
        market_value, gross_value: Signed, and without its sign; null without a price.
        percent: unrealised / cost × 100 by the cost's size; 0 when the cost is 0.
        value: What it adds to the total, in the reporting currency: its market value where a balance carries it, else
            what is unrealised; null without a price.
        fx_result: What the change of rates since the trade dates made of the cost, in the reporting currency.
        weight: Share of the account's gross value.
        price_sequence: Of the event that told the price. stale: It is older than it may be.
    """

    symbol: str
    contract: str
    quantity: str
    average_cost: str | None
    current_price: str | None
    price_source: str | None
    price_sequence: int
    stale: bool
    currency: str
    cost: str
    market_value: str | None
    gross_value: str | None
    unrealised: str | None
    percent: str | None
    realised: str
    fees: str
    funding: str
    value: str | None
    fx_result: str | None
    weight: str | None


class Holding(msgspec.Struct, frozen=True, gc=False):
    """What a balance has beyond the positions that explain it: deposits, withdrawals, what was paid with it. Its cost is unknown.

    Attributes:
        symbol: The instrument that prices it; null with a null price: nothing ever did.
        quantity: Negative where more was taken out or spent than came in by other ways than positions.
    """

    currency: str
    quantity: str
    symbol: str | None
    current_price: str | None
    price_source: str | None
    price_sequence: int
    stale: bool
    market_value: str | None
    market_currency: str | None
    value: str | None
    weight: str | None


class CashLine(msgspec.Struct, frozen=True, gc=False):
    """A balance in a currency that no instrument prices; rate: of one unit in the reporting currency, 12 places."""

    currency: str
    total: str
    held: str
    available: str
    rate: str
    value: str


class Pnl(msgspec.Struct, frozen=True):
    """All positions together, over their whole lives, in the reporting currency.

    total = realised + unrealised + fx_realised + fx_unrealised - fees + funding.

    Attributes:
        realised: Price result of what was closed, each at the rate of its trade date. unrealised: At today's rate.
        fx_realised, fx_unrealised: What rates made of the cost of what was closed, and of what is open.
        fees, funding: Each at the rate of its day.
    """

    realised: str
    unrealised: str
    fx_realised: str
    fx_unrealised: str
    fees: str
    funding: str
    total: str


class Concentration(msgspec.Struct, frozen=True):
    """How much hangs on few: of the gross value of lines and holdings, cash apart.

    Attributes:
        herfindahl: Sum of the squared shares; 0 when there is nothing. effective: 1 / herfindahl.
        top: The largest shares, largest first, as [name, share]; top_share: their sum.
    """

    gross_value: str
    herfindahl: str
    effective: str
    top: list[tuple[str, str]]
    top_share: str


class Portfolio(msgspec.Struct, frozen=True):
    """One account's worth.

    Attributes:
        sequence: The cursor: balances and quantities are those after exactly this sequence.
        priced_to: Prices are those after this sequence, which is the cursor or later.
        fx_snapshot_id: All rates are of this snapshot; "" when there is none and none was needed.
        total: cash + assets + unsettled, rounded once.
        cash: Balances that no instrument prices. assets: Balances that one does. unsettled: Unrealised P&L of positions
            that no balance carries.
        stale: Symbols whose price is older than it may be. unpriced: What has no price and is not in the total;
            complete: There is none such.
    """

    account_id: str
    reporting_currency: str
    sequence: int
    priced_to: int
    fx_snapshot_id: str
    time_ns: int
    total: str
    cash: str
    assets: str
    unsettled: str
    complete: bool
    stale: list[str]
    unpriced: list[str]
    pnl: Pnl
    concentration: Concentration
    cash_lines: list[CashLine]
    holdings: list[Holding]
    lines: list[Line]


class GetPortfolio(Request[Portfolio], frozen=True, kw_only=True):
    """Value an account. `at_least`: as of that sequence or later.

    Raises:
        NotFound: `account.not_found`.
        Unavailable: `fx.rate_missing` and `fx.rate_stale` (the pair is named), `portfolio.moving` (balances and positions
            would not agree on a sequence), or a room does not answer.
    """

    account: int
    at_least: int = 0
    request_id: str = ""


class ReportingCurrency(msgspec.Struct, frozen=True):
    """In what an account is valued."""

    account_id: str
    currency: str


class SetReportingCurrency(Request[ReportingCurrency], frozen=True, kw_only=True):
    """Value the account in `currency` from now on. FX results begin anew; so does the history of the new currency.

    Raises:
        NotFound: `account.not_found`, `currency.not_found`.
    """

    account: int
    currency: str
    request_id: str = ""


# -------------------------------------------------------------------------------------- history, performance


class ValuationPoint(msgspec.Struct, frozen=True):
    """The account at one point of its history.

    Attributes:
        time_ns: The point, a whole multiple of the interval of engine time.
        sequence: What it was valued at, soon after the point.
        flow: What came in less what went out since the point before: deposits, withdrawals, transfers, at this point's rates.
    """

    time_ns: int
    sequence: int
    currency: str
    total: str
    flow: str
    fx_snapshot_id: str


class ValuationPage(msgspec.Struct, frozen=True):
    """Newest first unless asked."""

    account_id: str
    items: list[ValuationPoint]
    next_cursor: str | None


class GetValuationHistory(Request[ValuationPage], frozen=True, kw_only=True):
    """Points from `from_ns` to before `to_ns` (0: without end), in the currency that the account has now.

    Raises:
        InvalidCommand: limit (1 to MAX_HISTORY_PAGE) or cursor.
        NotFound: `account.not_found`.
    """

    account: int
    from_ns: int = 0
    to_ns: int = 0
    limit: int = 100
    cursor: str = ""
    ascending: bool = False
    request_id: str = ""


class Performance(msgspec.Struct, frozen=True):
    """What the account has made, from the points of its history; null where there are too few.

    Attributes:
        points, from_ns, to_ns: What it is computed from.
        time_weighted_return: Product of (total - flow) / total before, over the points, less 1.
        max_drawdown: Largest fall of the total without flows from a running peak, in money; max_drawdown_percent: the
            largest fall of the time-weighted index, in percent.
        volatility, sharpe: Per year. Returns from point to point; sample deviation (n - 1); scaled by the square root of
            points per year, which is their number by their span, a year being 365 days; the risk-free rate is per year and is
            divided by points per year.
    """

    account_id: str
    currency: str
    points: int
    from_ns: int
    to_ns: int
    time_weighted_return: str | None
    max_drawdown: str | None
    max_drawdown_percent: str | None
    volatility: str | None
    sharpe: str | None
    risk_free: str


class GetPerformance(Request[Performance], frozen=True, kw_only=True):
    """Of the points from `from_ns` to before `to_ns` (0: without end). `risk_free`: per year, a decimal such as "0.03".

    Raises:
        InvalidCommand: risk_free.
        NotFound: `account.not_found`.
    """

    account: int
    from_ns: int = 0
    to_ns: int = 0
    risk_free: str = "0"
    request_id: str = ""


# -------------------------------------------------------------------------------------------------- notices


class FxPublished(Notice, frozen=True, kw_only=True):
    """A snapshot is in force."""

    snapshot_id: str
    time_ns: int


class ReportingCurrencySet(Notice, frozen=True, kw_only=True):
    """An account is valued in `currency` from now on."""

    account: int
    currency: str

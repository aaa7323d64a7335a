"""What clients send about money: transfers and the books, positions, reports and their audit, portfolios and rates."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from quantumcore.contracts.ledger_approvals import STATES
from quantumcore.contracts.ledger_reports import FORMS
from quantumcore.services.gateway.bodies import (
    AccountText,
    Body,
    ClientId,
    Currency,
    Decimal,
    Direction,
    Label,
    Limit,
    PageQuery,
    SymbolText,
    Time,
    Whole,
)

_RANGE = {"begin": "from", "end": "to"}
Edge = Annotated[
    str, Meta(max_length=40, extra_json_schema={"description": "RFC 3339 with a zone, or a sequence; empty: the end"})
]
Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Day = Annotated[str, Meta(max_length=10, extra_json_schema={"format": "date"})]
UserData = Annotated[str, Meta(max_length=32, extra_json_schema={"pattern": "^[0-9a-fA-F]{32}$"})]
HouseCode = Annotated[int, Meta(ge=0, le=999)]
Why = Annotated[int, Meta(ge=1, le=65_535)]
Form = Annotated[str, Meta(max_length=16, extra_json_schema={"enum": list(FORMS)})]


# -- transfers, the books


class TransferBody(Body, frozen=True, kw_only=True):
    """A deposit (admin), a withdrawal, or a transfer to another account."""

    transfer_id: ClientId
    kind: Literal["deposit", "withdrawal", "transfer"]
    currency: Currency
    amount: Decimal
    account_id: AccountText | None = None
    to_account_id: AccountText | None = None


class EntryBody(Body, frozen=True, kw_only=True):
    """A signed entry: a debit is positive, a credit negative. Without account_id: an account of the house, by its code."""

    account_id: AccountText | None = None
    code: HouseCode = 0
    currency: Currency
    amount: Decimal


class TransactionBody(Body, frozen=True, kw_only=True):
    """Entries that sum to zero in each currency; they are posted all or not at all.

    corrects: the last day of the closed period that it corrects. two_persons: it may take a balance below its credit; only where a second person is asked for.
    """

    transaction_id: ClientId
    entries: Annotated[list[EntryBody], Meta(min_length=1, max_length=200)]
    code: Why = 1
    effective_date: Day | None = None
    user_data: UserData | None = None
    text: Label = ""
    corrects: Day | None = None
    two_persons: bool = False


class ReversalBody(Body, frozen=True, kw_only=True):
    """The id of the new transaction; without one it is made from the original. two_persons: as of a transaction."""

    reversal_id: ClientId | None = None
    code: Why = 1
    text: Label = ""
    two_persons: bool = False


class AccountStateBody(Body, frozen=True, kw_only=True):
    """frozen refuses debits and new orders, closed credits too; only what is empty can be closed."""

    state: Literal["open", "frozen", "closed", "reducing"]


class CreditBody(Body, frozen=True, kw_only=True):
    """How far below zero the balance of a currency may go; 0 takes the credit away."""

    currency: Currency
    limit: Decimal


class HoldBody(Body, frozen=True, kw_only=True):
    """An amount of the account's balance to set aside, until an instant or for ever."""

    account_id: AccountText
    hold_id: ClientId
    currency: Currency
    amount: Decimal
    expires_at: Time | None = None


class HoldAmendBody(Body, frozen=True, kw_only=True):
    """What is to have been placed in all."""

    account_id: AccountText
    amount: Decimal


class HoldReleaseBody(Body, frozen=True, kw_only=True):
    """What to give back; without an amount all that is open."""

    account_id: AccountText
    amount: Decimal | None = None


class HoldPartBody(Body, frozen=True, kw_only=True):
    """Where a part goes. Without account_id: an account of the house, by its code."""

    account_id: AccountText | None = None
    code: HouseCode = 0
    amount: Decimal


class HoldCaptureBody(Body, frozen=True, kw_only=True):
    """Parts that are captured all or not at all, as one transaction."""

    account_id: AccountText
    transaction_id: ClientId
    parts: Annotated[list[HoldPartBody], Meta(min_length=1, max_length=100)]
    code: Why = 1
    effective_date: Day | None = None
    user_data: UserData | None = None
    text: Label = ""


class ActionBody(Body, frozen=True, kw_only=True):
    """What befalls all holders of `symbol`; each kind has its own of these fields.

    numerator for denominator: of a split 3 for 2, of a stock dividend new ones for those held, of an exercise lots of the target
    for one. price: of what is got, for parts of a lot; the settlement price; the mark. strike, right, underlying_price: of an
    option that is exercised, or settled at what it is worth. account_id, quantity, seed: who exercises alone.
    """

    action_id: ClientId
    kind: Literal[
        "split",
        "stock_dividend",
        "cash_dividend",
        "conversion",
        "spin_off",
        "adjustment",
        "settlement",
        "exercise",
        "funding",
        "borrow_fee",
    ]
    symbol: SymbolText
    target: SymbolText | None = None
    effective_date: Day | None = None
    numerator: Whole | None = None
    denominator: Whole | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    rate: Decimal | None = None
    strike: Decimal | None = None
    underlying_price: Decimal | None = None
    right: Literal["call", "put"] | None = None
    account_id: AccountText | None = None
    quantity: Decimal | None = None
    seed: Annotated[str, Meta(max_length=20, extra_json_schema={"pattern": "^[0-9]{1,20}$"})] | None = None


class PayoutsQuery(Body, frozen=True, kw_only=True):
    """A page of withdrawals that are under way."""

    limit: Limit = 100


class PayoutRetryBody(Body, frozen=True, kw_only=True):
    """by_hand: what was left was done by hand, so it ends as done."""

    by_hand: bool = False


# -- positions


class PositionEventsQuery(PageQuery, frozen=True, kw_only=True):
    """A page of what happened to a position."""

    order: Direction = "desc"


class LotMethodBody(Body, frozen=True, kw_only=True):
    """chosen: ids of opening trades whose lots go first, with the method specific only."""

    method: Literal["average", "fifo", "lifo", "hifo", "specific"]
    wash_sales: bool = False
    chosen: Annotated[list[Annotated[str, Meta(max_length=36)]], Meta(max_length=100)] = []


# -- the ledger: entries, reports, audit


class EntriesQuery(Body, frozen=True, kw_only=True):
    """A page of ledger entries."""

    currency: Currency | None = None
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=256)] = ""
    order: Direction = "desc"


class VerifyQuery(Body, frozen=True, kw_only=True):
    """A step of a verification of the audit's chain."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 50_000
    cursor: Annotated[str, Meta(max_length=256)] = ""


class RangeQuery(Body, frozen=True, kw_only=True, rename=_RANGE):
    """What lies in [from, to), as it was known at a sequence."""

    begin: Edge = ""
    end: Edge = ""
    as_known: Sequence = 0


class LinesQuery(RangeQuery, frozen=True, kw_only=True, rename=_RANGE):
    """Every line of it, in a form."""

    currency: Currency | None = None
    format: Form = "json"


class GeneralQuery(RangeQuery, frozen=True, kw_only=True, rename=_RANGE):
    """Of one account code, or of all."""

    code: HouseCode = 0


class KnownQuery(Body, frozen=True, kw_only=True):
    """As it was known at a sequence; 0: now."""

    as_known: Sequence = 0


class TrialQuery(KnownQuery, frozen=True, kw_only=True):
    """What is effective up to the end of a day; without one, everything."""

    as_of: Day | None = None


class PeriodBody(Body, frozen=True, kw_only=True):
    """A month, YYYY-MM, or a last day, YYYY-MM-DD: one of the two. Everything before is closed too."""

    month: Annotated[str, Meta(max_length=7, extra_json_schema={"pattern": "^[0-9]{4}-[0-9]{2}$"})] | None = None
    end: Day | None = None


class PeriodsQuery(Body, frozen=True, kw_only=True):
    """How many of the newest."""

    limit: Limit = 100


class ReconciliationQuery(Body, frozen=True, kw_only=True):
    """The last round, or a comparison now."""

    now: bool = False


# -- foreign exchange


class QuoteBody(Body, frozen=True, kw_only=True):
    """One `sold` gives `rate` of `bought`, and is worth `mid`. Without account_id whoever comes first may use it."""

    quote_id: ClientId
    sold: Currency
    bought: Currency
    rate: Decimal
    mid: Decimal
    account_id: AccountText | None = None


class QuotesBody(Body, frozen=True, kw_only=True):
    """Rates of one moment, held until they expire; all are offered or none."""

    source: Annotated[str, Meta(min_length=1, max_length=40)]
    time: Time
    expires: Time
    quotes: Annotated[list[QuoteBody], Meta(min_length=1, max_length=100)]


class ConversionBody(Body, frozen=True, kw_only=True):
    """Pay `amount` of what the quote sells. The same id and body answers the same again."""

    conversion_id: ClientId
    quote_id: ClientId
    amount: Decimal


# -- taxes

TaxCode = Annotated[str, Meta(min_length=1, max_length=12)]
Month = Annotated[str, Meta(min_length=7, max_length=7, extra_json_schema={"pattern": "^[0-9]{4}-[0-9]{2}$"})]


class TaxBody(Body, frozen=True, kw_only=True):
    """rate 0.05 is 5 %. upon: taxes whose exact amounts belong to this one's base."""

    rate: Decimal
    mode: Literal["floor", "ceil", "half_up", "half_down", "half_even"] = "half_even"
    upon: Annotated[list[TaxCode], Meta(max_length=8)] = []


class TaxedLineBody(Body, frozen=True, kw_only=True):
    """One line: an amount, negative for what is given back, and its taxes."""

    amount: Decimal
    taxes: Annotated[list[TaxCode], Meta(max_length=8)]


class TaxDocumentBody(Body, frozen=True, kw_only=True):
    """A document, once for ever by its id. cumulative: less what the account was charged so in this year."""

    document_id: ClientId
    account_id: AccountText
    currency: Currency
    lines: Annotated[list[TaxedLineBody], Meta(min_length=1, max_length=1_000)]
    effective_date: Day | None = None
    cumulative: bool = False


class RemittanceBody(Body, frozen=True, kw_only=True):
    """What is paid to an authority."""

    remittance_id: ClientId
    currency: Currency
    amount: Decimal
    text: Label = ""


class TaxReportQuery(Body, frozen=True, kw_only=True, rename=_RANGE):
    """Months, both included, as they were known at a sequence."""

    begin: Month
    end: Month
    as_known: Sequence = 0
    format: Form = "json"


# -- four eyes


class RejectionBody(Body, frozen=True, kw_only=True):
    """Why."""

    reason: Annotated[str, Meta(max_length=512)] = ""


class ProposalsQuery(PageQuery, frozen=True, kw_only=True):
    """A page of proposals, newest first; of one state or of all."""

    state: Annotated[str, Meta(max_length=16, extra_json_schema={"enum": ["", *STATES]})] = ""


# -- portfolio


class HistoryQuery(Body, frozen=True, kw_only=True):
    """A page of points, from the one time to before the other."""

    from_: Time | None = msgspec.field(default=None, name="from")
    to: Time | None = None
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=32)] = ""
    order: Direction = "desc"


class PerformanceQuery(Body, frozen=True, kw_only=True):
    """Of the points from the one time to before the other; `risk_free` is per year."""

    from_: Time | None = msgspec.field(default=None, name="from")
    to: Time | None = None
    risk_free: Decimal = "0"


class ReportingBody(Body, frozen=True, kw_only=True):
    """In what the account is valued from now on."""

    currency: Currency


class RateBody(Body, frozen=True, kw_only=True):
    """One `base` costs `rate` of `quote`; or numerator / denominator, integers as text."""

    base: Currency
    quote: Currency
    rate: Decimal | None = None
    numerator: Annotated[str, Meta(max_length=20)] | None = None
    denominator: Annotated[str, Meta(max_length=20)] | None = None


class FxSnapshotBody(Body, frozen=True, kw_only=True):
    """Rates of one moment. The same id with the same content answers the same."""

    snapshot_id: ClientId
    source: Annotated[str, Meta(min_length=1, max_length=64)]
    time: Time
    rates: Annotated[list[RateBody], Meta(min_length=1, max_length=256)]


class FxQuery(Body, frozen=True, kw_only=True):
    """Which snapshot; without an id the one in force."""

    snapshot_id: Annotated[str, Meta(max_length=36)] = ""

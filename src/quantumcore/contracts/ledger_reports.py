"""Ledger (8008), what it reports: the same question about the same `as_known` has the same answer for ever.

A range is half open, [from, to): times are RFC 3339 with a zone, numbers are sequences; empty is the beginning, or the end
of what is known. So ranges that touch add up. `as_known` is the last sequence that may count; 0 is what is known now, and
the answer says which that was.
"""

import msgspec

from quantumcore.contracts.messages import Done, Notice, Request

FORMS = ("json", "csv", "parquet")
MAX_LINES = 5_000


class StatementBalance(msgspec.Struct, frozen=True):
    """What an account has of a currency; one in which it has not moved is not listed."""

    currency: str
    balance: str


class LedgerLine(msgspec.Struct, frozen=True, gc=False):
    """One posting, seen from one account.

    Attributes:
        time: RFC 3339 of the event.
        code: What it is for: asset, principal, taker_fee, deposit ...
        reference: The trade, the transfer, the action, or of a bust the trade that was busted; empty of a position that was taken over.
        account: Code of the account; in the general ledger a customer's is account:code.
        counterparty: Code of the other account, likewise; a statement does not say who that is.
        debit, credit: The amount on its side, empty on the other.
        balance: Of the account in this currency afterwards.
        corrects: The closed period that it corrects, YYYY-MM-DD; else empty.
    """

    sequence: int
    index: int
    leg: int
    time: str
    code: str
    reference: str
    account: str
    counterparty: str
    currency: str
    debit: str
    credit: str
    balance: str
    corrects: str = ""


class StatementPage(msgspec.Struct, frozen=True):
    """A page of a statement: opening + lines = closing, in every currency; the next page opens with this one's closing.

    Attributes:
        begin, end: Sequences of the whole range, half open.
    """

    account_id: str
    begin: int
    end: int
    as_known: int
    opening: list[StatementBalance]
    lines: list[LedgerLine]
    closing: list[StatementBalance]
    next_cursor: str | None


class GetStatement(Request[StatementPage], frozen=True, kw_only=True):
    """An account's statement, oldest first.

    Attributes:
        cursor, opening: next_cursor and closing of the page before; without `opening` it is summed anew.

    Raises:
        InvalidCommand: `statement.range.future`, `statement.range.reversed`, limit, cursor, a time or number that is none.
        NotFound: `account.not_found`, `currency.not_found`.
    """

    account: int
    begin: str = ""
    end: str = ""
    currency: str = ""
    as_known: int = 0
    cursor: str = ""
    opening: list[StatementBalance] = []
    limit: int = 1_000
    at_least: int = 0


class ExportOpened(msgspec.Struct, frozen=True):
    """A report that can be read part by part.

    Attributes:
        export: Its name, unpredictable; forgotten when it is closed, or not read for a while.
    """

    export: str
    begin: int
    end: int
    as_known: int
    media_type: str


class OpenExport(Request[ExportOpened], frozen=True, kw_only=True):
    """Begin the statement of `account`, or with account 0 the general ledger of `code`, as bytes in a form of FORMS.

    Raises:
        InvalidCommand: As GetStatement; `statement.format.unknown`, `statement.format.missing`.
        NotFound: `account.not_found`, `currency.not_found`, `code.not_found`.
        Unavailable: `overloaded`: too many are open.
    """

    account: int = 0
    code: int = 0
    begin: str = ""
    end: str = ""
    currency: str = ""
    as_known: int = 0
    form: str = "json"
    at_least: int = 0


class ExportPart(msgspec.Struct, frozen=True):
    """Some bytes of an export; only with the last one it is whole."""

    body: bytes
    last: bool


class ReadExport(Request[ExportPart], frozen=True, kw_only=True):
    """The next part; each is read once.

    Raises:
        NotFound: `export.not_found`: closed, forgotten, or read to its end.
    """

    export: str


class CloseExport(Request[Done], frozen=True, kw_only=True):
    """Forget it; unknown does nothing."""

    export: str


class GeneralLine(msgspec.Struct, frozen=True):
    """One house or control account over a range: opening and what moved it give closing, by the account's nature."""

    code: str
    name: str
    currency: str
    opening: str
    debits: str
    credits: str
    closing: str


class GeneralLedger(msgspec.Struct, frozen=True):
    """Every house and control account that has moved, by currency and code."""

    begin: int
    end: int
    as_known: int
    lines: list[GeneralLine]


class GetGeneralLedger(Request[GeneralLedger], frozen=True, kw_only=True):
    """Of one code, or of all (0). Raises as GetStatement does."""

    code: int = 0
    begin: str = ""
    end: str = ""
    as_known: int = 0
    at_least: int = 0


class IncomeLine(msgspec.Struct, frozen=True):
    """net = fees - rebates + fx_spread + rounding: what the house has earned in a range."""

    currency: str
    fees: str
    rebates: str
    fx_spread: str
    rounding: str
    net: str


class Income(msgspec.Struct, frozen=True):
    """By currency."""

    begin: int
    end: int
    as_known: int
    lines: list[IncomeLine]


class GetIncome(Request[Income], frozen=True, kw_only=True):
    """Raises as GetStatement does."""

    begin: str = ""
    end: str = ""
    as_known: int = 0
    at_least: int = 0


class ClientMoneyLine(msgspec.Struct, frozen=True):
    """One currency: bank + custody = customers + suspense + tax + house, or `difference` says what is missing.

    Attributes:
        customers: The control accounts, by the entries. customer_accounts: The sum over all accounts as they stand.
        house: Fees - rebates + rounding and every other account of the house's own.
        difference: bank + custody less all of the other side. unallocated: customers - customer_accounts.
    """

    currency: str
    bank: str
    custody: str
    customers: str
    suspense: str
    tax: str
    house: str
    difference: str
    customer_accounts: str
    unallocated: str


class ClientMoney(msgspec.Struct, frozen=True):
    """What lies at banks and custodians against what customers are owed."""

    as_known: int
    reconciled: bool
    lines: list[ClientMoneyLine]


class GetClientMoney(Request[ClientMoney], frozen=True, kw_only=True):
    """At a sequence."""

    as_known: int = 0
    at_least: int = 0


class Break(msgspec.Struct, frozen=True):
    """Where two records of one fact part, tolerance 0.

    Attributes:
        what: total, held, collateral, limit, state (of no currency), customers, fees ...; trades, bought, sold, fees,
            paid, received; position.
        ledger, other: The two numbers: minor units, counts, or of quantities minor units of the asset; of states their names.
        against: Whose the other one is: engine, trades or positions.
        since_ns, age_s: When it was found first, and how many seconds ago.
    """

    account_id: str
    currency: str
    what: str
    ledger: str
    other: str
    against: str
    since_ns: int
    age_s: int


class ReconciliationView(msgspec.Struct, frozen=True):
    """What the last round of comparisons has found.

    Attributes:
        sequence: The ledger had reached it. rounds, skipped: Whole rounds so far, and those that could not be finished.
        accounts, trades: How many accounts and how many trades' sides were compared.
        positions: compared, or why not.
    """

    sequence: int
    at_ns: int
    rounds: int
    skipped: int
    accounts: int
    trades: int
    positions: str
    breaks: list[Break]


class GetReconciliation(Request[ReconciliationView], frozen=True, kw_only=True):
    """Of ledger, engine, trades and positions; `now` compares first, else the last round is told.

    Raises:
        Unavailable: `ledger.moving`, or a room does not answer.
    """

    now: bool = False


class LedgerDiffers(Notice, frozen=True, kw_only=True):
    """Told after each round that found any difference."""

    sequence: int
    breaks: list[Break]

"""Ledger (8008), taxes: their records, documents that are charged once, what is remitted, and the report (money.md 1.2, 2.8).

A tax is taken once, on the total of its base per tax and document, never per line and never on a rounded tax. A document is one group:
customer -> 240, a leg for each of its taxes.
"""

import msgspec

from quantumcore.contracts.ledger import TransactionView
from quantumcore.contracts.messages import Request

MODES = ("floor", "ceil", "half_up", "half_down", "half_even")
MAX_RECORDS = 1_000
MAX_LINES = 1_000
MAX_TAXES = 8
MAX_CODE = 12
MAX_REPORT_DOCUMENTS = 50_000


class TaxView(msgspec.Struct, frozen=True, kw_only=True):
    """A tax as it is in force.

    Attributes:
        rate: A decimal; 0.05 is 5 %.
        mode: How the tax of a document becomes minor units, one of MODES.
        upon: Taxes whose exact amounts belong to this one's base.
        version: 1 for the first; every record is kept.
    """

    code: str
    rate: str
    mode: str
    upon: list[str]
    version: int
    since_ns: int


class SetTax(Request[TaxView], frozen=True, kw_only=True):
    """Bring a tax into force, for documents from now on. The same as stands answers what stands.

    Raises:
        InvalidCommand: code, rate, mode; upon names a tax that is not there, or this one in a circle.
        Unavailable: `tax.capacity`.
    """

    code: str
    rate: str
    mode: str = "half_even"
    upon: list[str] = []


class Taxes(msgspec.Struct, frozen=True):
    """By code."""

    items: list[TaxView]


class GetTaxes(Request[Taxes], frozen=True, kw_only=True):
    """All taxes in force."""


class TaxedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a document: an amount, negative for what is given back, and the codes of its taxes."""

    amount: str
    taxes: list[str]


class TaxDueView(msgspec.Struct, frozen=True, kw_only=True):
    """What one tax takes of a document; base is rounded half-even where it is shown, and nowhere else."""

    code: str
    rate: str
    base: str
    amount: str


class TaxDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document whose taxes were charged.

    Attributes:
        period: The month of its effective date.
    """

    document_id: str
    account_id: str
    currency: str
    effective_date: str
    period: str
    cumulative: bool
    taxes: list[TaxDueView]
    status: str
    sequence: int
    time_ns: int


class ChargeTax(Request[TaxDocument], frozen=True, kw_only=True):
    """Take the taxes of a document from a customer, once for ever by its id; what is negative is given back.

    Attributes:
        effective_date: Empty: today (UTC).
        cumulative: What is due is the tax on everything that the account was charged so in this year, less what it has paid; so
            roundings do not add up.

    Raises:
        InvalidCommand: What is wrong, by its field.
        NotFound: `tax.not_found` (named), `currency.not_found`, `account.not_found`.
        Conflict: `idempotency.mismatch` (the first field that differs), `period.closed`, `transfer.insufficient`, `account.frozen`,
            `account.closed`, `tax.document.failed`: an id that failed stays failed.
    """

    document_id: str
    account: int
    currency: str
    lines: list[TaxedLine]
    effective_date: str = ""
    cumulative: bool = False


class GetTaxDocument(Request[TaxDocument], frozen=True, kw_only=True):
    """One that was charged; unknown: NotFound `tax.document.not_found`."""

    document_id: str


class RemitTax(Request[TransactionView], frozen=True, kw_only=True):
    """Pay what is owed to an authority: 240 -> bank. The same id and body answers the same.

    Raises:
        InvalidCommand: The amount.
        NotFound: `currency.not_found`.
        Conflict: `idempotency.mismatch`.
    """

    remittance_id: str
    currency: str
    amount: str
    text: str = ""


class TaxReportLine(msgspec.Struct, frozen=True):
    """One tax in one month and currency: how many documents, on which base, and what was charged."""

    period: str
    code: str
    currency: str
    documents: int
    base: str
    amount: str


class TaxReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report as bytes in a form, whole."""

    as_known: int
    media_type: str
    body: bytes


class GetTaxReport(Request[TaxReport], frozen=True, kw_only=True):
    """Tax by period and code, of months from `begin` to `end` (YYYY-MM, both included), as it was known at a sequence.

    Raises:
        InvalidCommand: begin, end; `statement.range.future`, `statement.range.reversed`, `statement.format.unknown`,
            `statement.format.missing`; more than MAX_REPORT_DOCUMENTS documents.
    """

    begin: str
    end: str
    as_known: int = 0
    form: str = "json"

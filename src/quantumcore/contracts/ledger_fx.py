"""Ledger (8008), foreign exchange: rates that are held for customers, and conversions at them (money.md 1.5).

A conversion is one group: customer A -> pool A what is paid, pool B -> customer B the floor at the customer's rate, pool B ->
`fx_spread` the floor at mid less that. What both floors leave stays in the pool as an exact rational until the end of the day.
"""

import msgspec

from quantumcore.contracts.messages import Request

MAX_QUOTES = 100
MAX_SOURCE_BYTES = 40


class GivenQuote(msgspec.Struct, frozen=True, kw_only=True):
    """One `sold` gives `rate` of `bought`; mid is what it is worth.

    Attributes:
        account: Who alone may use it; 0: whoever comes first.
    """

    quote_id: str
    sold: str
    bought: str
    rate: str
    mid: str
    account: int = 0


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A quote; state is offered, used or expired."""

    quote_id: str
    sold: str
    bought: str
    rate: str
    mid: str
    source: str
    time_ns: int
    expires_ns: int
    account_id: str | None
    state: str


class QuotesOffered(msgspec.Struct, frozen=True):
    """In the order in which they were given."""

    quotes: list[QuoteView]


class OfferQuotes(Request[QuotesOffered], frozen=True, kw_only=True):
    """Hold rates of one moment until they expire, all or none. The same quote with the same terms answers the same.

    Attributes:
        source, time_ns: Where mid comes from, and of when it is.
        expires_ns: The last instant at which one may be used.

    Raises:
        InvalidCommand: What is wrong, by its field; `fx.triangle`, `fx.round_trip`.
        NotFound: `currency.not_found`.
        Conflict: `idempotency.mismatch` (the detail names the first term that differs).
        Unavailable: `fx.quote.capacity`: too many are open.
    """

    source: str
    time_ns: int
    expires_ns: int
    quotes: list[GivenQuote]


class GetQuote(Request[QuoteView], frozen=True, kw_only=True):
    """A quote that `account` may use; another's is not told from an unknown one: NotFound `fx.quote.not_found`."""

    account: int
    quote_id: str


class ConversionView(msgspec.Struct, frozen=True, kw_only=True):
    """What was exchanged, with everything it was reckoned from.

    Attributes:
        residue: What the floors left in the pool, "numerator/denominator" of a minor unit of `bought`; under one.
        rate_time_ns: Of when the rate is; time_ns: when it was posted.
    """

    conversion_id: str
    account_id: str
    quote_id: str
    sold: str
    paid: str
    bought: str
    received: str
    spread: str
    residue: str
    rate: str
    mid: str
    source: str
    rate_time_ns: int
    sequence: int
    time_ns: int


class ConvertCurrency(Request[ConversionView], frozen=True, kw_only=True):
    """Pay `amount` of what the quote sells. The same conversion_id with the same body answers the same, for ever.

    A quote belongs to the first conversion that names it, also if the engine then refuses that one.

    Raises:
        NotFound: `fx.quote.not_found`, `account.not_found`.
        Conflict: `fx.quote.used`, `fx.quote.expired`, `transfer.insufficient`, `account.frozen`, `account.closed`,
            `transfer.id_already_failed`, `idempotency.mismatch`.
        InvalidCommand: The amount.
        Unavailable: `fx.rate_stale`: mid is too old by now.
    """

    account: int
    conversion_id: str
    quote_id: str
    amount: str


class GetCurrencyConversion(Request[ConversionView], frozen=True, kw_only=True):
    """By (account, conversion_id); unknown: NotFound `conversion.not_found`."""

    account: int
    conversion_id: str
    at_least: int = 0

"""Quotes and conversions for tests: dollars, euros of two places and yen of none."""

from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.ledger_fx import ConvertCurrency, GivenQuote, OfferQuotes
from quantumcore.contracts.values import show_time
from quantumcore.services.ledger.office.fx_desk import NS
from tests.support.small_venue import ALICE, SmallVenue

EUR, JPY = 11, 12
QUOTES = "/v1/admin/fx/quotes"


def define_money(venue: SmallVenue) -> None:
    """Define euros and yen."""
    venue.do(wire.DefineCurrency(currency=EUR, code="EUR", scale=2))
    venue.do(wire.DefineCurrency(currency=JPY, code="JPY", scale=0))


def quote(name: str = "q-1", rate: str = "0.85", mid: str = "", **changes: Any) -> GivenQuote:
    """Dollars for euros."""
    terms = {"quote_id": name, "sold": "USD", "bought": "EUR", "rate": rate, "mid": mid or rate}
    return GivenQuote(**{**terms, **changes})


def offer(venue: SmallVenue, *quotes: GivenQuote, **changes: Any) -> OfferQuotes:
    """Rates of now that are held for a minute."""
    now = venue.clock.now()
    terms = {"source": "test bank", "time_ns": now, "expires_ns": now + 60 * NS, "quotes": list(quotes or (quote(),))}
    return OfferQuotes(**{**terms, **changes})


def conversion(name: str = "c-1", amount: str = "100.00", **changes: Any) -> ConvertCurrency:
    """Alice changes dollars at the first quote."""
    terms = {"account": ALICE, "conversion_id": name, "quote_id": "q-1", "amount": amount}
    return ConvertCurrency(**{**terms, **changes})


def quote_table(now_ns: int, *names: str, **changes: Any) -> dict[str, Any]:
    """Dollars for bitcoins over HTTP, held for a minute."""
    terms = {"sold": "USD", "bought": "BTC", "rate": "0.00001", "mid": "0.000011", **changes}
    times = {"time": show_time(now_ns), "expires": show_time(now_ns + 60 * NS)}
    return {"source": "test bank", **times, "quotes": [{"quote_id": name, **terms} for name in names]}

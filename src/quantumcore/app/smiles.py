"""The volatilities that prices of options imply, by strike and expiry, as text, as a table and as a picture."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from quantumcore.app.packages import decimal_of
from quantumcore.contracts.errors import QuantumCoreError, invalid
from quantumcore.services.risk.options.greeks import OptionTerms, implied_volatility

MAX_QUOTES = 1_000
RIGHTS = {"call": True, "put": False}


class Quoted(NamedTuple):
    """A quote, and the volatility that it implies, or why none does."""

    right: str
    strike: Decimal
    price: Decimal
    years: Decimal
    volatility: Decimal | None
    refused: QuantumCoreError | None = None

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "type": self.right,
            "strike": f"{self.strike:f}",
            "price": f"{self.price:f}",
            "years": f"{self.years:f}",
            "volatility": None if self.volatility is None else f"{self.volatility:.8f}",
            "code": self.refused.code if self.refused else None,
        }


def smile(
    spot: str, quotes: Sequence[str], years: str, *, rate: str, dividend_yield: str, american: bool
) -> list[Quoted]:
    """Return what each quote implies, by expiry and strike; one that implies nothing says why, and the others stand.

    Args:
        quotes: `call,STRIKE,PRICE[,YEARS]`, or `put,...`. years: Of quotes that do not say it; "": each does.

    Raises:
        InvalidCommand: A quote or a number that cannot be read, by its field; more than MAX_QUOTES.
    """
    if len(quotes) > MAX_QUOTES:
        limit, actual = str(MAX_QUOTES), str(len(quotes))
        raise invalid("range", f"at most {limit} quotes", field="quotes", limit=limit, actual=actual)
    market = OptionTerms(
        call=True,
        spot=decimal_of(spot, "spot"),
        strike=Decimal(0),
        years=Decimal(0),
        rate=decimal_of(rate, "rate"),
        dividend_yield=decimal_of(dividend_yield, "dividend_yield"),
        american=american,
    )
    found = [_quoted(text, f"quotes[{at}]", years, market) for at, text in enumerate(quotes)]
    return sorted(found, key=lambda one: (one.years, one.strike, one.right))


def show_smile(found: Sequence[Quoted], console: Console) -> None:
    """Print what quotes imply."""
    table = Table("years", "strike", "type", "price", "implied volatility", title="Implied volatilities, a year")
    for one in found:
        implied = f"{one.volatility:.4%}" if one.volatility is not None else one.refused.code if one.refused else "-"
        table.add_row(f"{one.years:f}", f"{one.strike:f}", one.right, f"{one.price:f}", implied)
    console.print(table)


def plot(spot: str, found: Sequence[Quoted], file: Path) -> None:
    """Draw a line for each expiry into `file`; its suffix says the format. What implies nothing is not drawn.

    Raises:
        InvalidCommand: `plot.extra`, `plot.file`. QuantumCoreError: No quote implies anything; why the first does not.
    """
    from quantumcore.app.plot_options import SmilePoint, plot_smile

    lines: dict[str, list[SmilePoint]] = {}
    for one in found:
        if one.volatility is not None:
            lines.setdefault(f"{one.years:f} years", []).append(SmilePoint(one.strike, one.volatility))
    if not lines and found[0].refused is not None:
        raise found[0].refused
    plot_smile("Implied volatility by strike", dict(lines), decimal_of(spot, "spot"), file)


def _quoted(text: str, field: str, years: str, market: OptionTerms) -> Quoted:
    """Read a quote; `market` says all that is the same of every one."""
    right, *rest = text.split(",")
    if right not in RIGHTS or len(rest) not in (2, 3):
        raise invalid("malformed", "a quote is call,STRIKE,PRICE[,YEARS] or put,...", field=field, actual=text[:64])
    if len(rest) == 2 and not years:
        raise invalid("missing", "say years, in the quote or for all", field=f"{field}.years")
    strike, price = decimal_of(rest[0], f"{field}.strike"), decimal_of(rest[1], f"{field}.price")
    until = decimal_of(rest[2] if len(rest) > 2 else years, f"{field}.years")
    terms = replace(market, call=RIGHTS[right], strike=strike, years=until)
    try:
        return Quoted(right, strike, price, until, implied_volatility(terms, price).volatility)
    except QuantumCoreError as error:
        return Quoted(right, strike, price, until, None, error)

"""What one unit of each currency and asset is worth in the reporting currency. Pure; exact rationals.

The reporting currency is worth 1. An asset (the base of an instrument that is fully paid) is worth its instrument's price
× multiplier × what one unit of the quote is worth. Everything else has a rate in the snapshot, or the error names the pair.
Of several instruments of an asset that prices it whose quote is the reporting currency, else the first by symbol; one that
never had a price, or whose quote has no worth, is passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.reference import KINDS, Currency, Instrument
from quantumcore.services.portfolio.fx import Snapshot, missing

FULLY_PAID = frozenset(KINDS.values())
"""Kinds whose fills move the asset and its whole price, so that a balance carries the position. A future leaves this set
when it is margined: then it counts with what is unrealised."""
WAY = 8
"""Assets on the way from one to a currency: what is priced in what is priced in ... and so on further has no price."""


class Price(NamedTuple):
    """What an instrument trades at, in text.

    Attributes:
        source: "mark" or "trade". sequence: Of what told it.
    """

    text: str
    source: str
    sequence: int
    stale: bool


class Listed:
    """The instruments that exist, by what they are asked for. Built when one is added; shared by all valuations.

    Attributes:
        by_base: The fully paid instruments of each base, by symbol.
        paid: Their symbols, and the base of each: its balance has what a position says, unless the contract is inverse.
        alone: Those of them whose base no other instrument has.
    """

    def __init__(
        self, instruments: Iterable[Instrument], currencies: Iterable[Currency], fully_paid: frozenset[str] = FULLY_PAID
    ) -> None:
        self.symbols = {instrument.symbol: instrument for instrument in instruments}
        self.currencies = {currency.code: currency for currency in currencies}
        self.by_base: dict[str, list[Instrument]] = {}
        self.paid: dict[str, str] = {}
        for symbol in sorted(self.symbols):
            instrument = self.symbols[symbol]
            if KINDS[instrument.kind] in fully_paid:
                self.paid[symbol] = instrument.base.code
                self.by_base.setdefault(instrument.base.code, []).append(instrument)
        self.alone = frozenset(ways[0].symbol for ways in self.by_base.values() if len(ways) == 1)


class Worths:
    """What one unit of anything is worth, each found once."""

    def __init__(
        self,
        listed: Listed,
        positions: Iterable[PositionView],
        last: Mapping[str, Price],
        reporting: str,
        fx: Snapshot | None,
        fx_stale: str = "",
    ) -> None:
        """Take what exists and what it trades at: the marks of the account's own positions first, then `last`.

        Args:
            fx_stale: Why the snapshot is too old to be used; "" when it is not.
        """
        self._listed = listed
        self._views = {view.symbol: view for view in positions if view.mark is not None}
        self._last = last
        self._reporting = reporting
        self._fx = fx
        self._fx_stale = fx_stale
        self._known: dict[str, Fraction | None] = {reporting: Fraction(1)}
        self._pricing: dict[str, Instrument | None] = {reporting: None}
        self._open: set[str] = set()
        self._turned_back = False

    def price(self, symbol: str) -> Price:
        """Return what an instrument that prices something trades at."""
        view = self._views.get(symbol)
        if view is None:
            return self._last[symbol]
        return Price(view.mark or "", view.mark_source or "mark", view.mark_sequence, view.stale)

    def each(self, instrument: Instrument) -> Decimal:
        """Return price × multiplier of an instrument that prices something."""
        return Decimal(self.price(instrument.symbol).text) * instrument.multiplier

    def of(self, code: str) -> Fraction | None:
        """Return what one unit of `code` is worth; None: it is an asset that nothing prices.

        Raises:
            Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
        """
        if code in self._known:
            return self._known[code]
        outermost = not self._open
        pricing = self.pricing(code)
        worth: Fraction | None
        if pricing is not None:
            self._open.add(code)
            quote = self.of(pricing.quote.code)
            self._open.discard(code)
            worth = None if quote is None else Fraction(self.each(pricing)) * quote
        elif code in self._listed.by_base and not self._has_rate(code):
            worth = None
        else:
            worth = self.rate(code)
        # What was found on a way that had to turn back at an asset it came from may be another one when asked for by itself.
        if outermost or not self._turned_back:
            self._known[code] = worth
        if outermost:
            self._turned_back = False
        return worth

    def pricing(self, code: str) -> Instrument | None:
        """Return the instrument that prices `code`; None when it has no price, or is priced by rates.

        Raises:
            Unavailable: As `of`, if it has prices but only in currencies that have no rate.
        """
        if code in self._pricing:
            return self._pricing[code]
        outermost = not self._open
        ways = self._listed.by_base.get(code, ())
        if len(ways) == 1 and ways[0].quote.code == self._reporting and ways[0].symbol in self._views:  # as most are
            found: Instrument | None = ways[0]
        else:
            found = self._find(code, ways)
        if outermost or not self._turned_back:
            self._pricing[code] = found
        if outermost:
            self._turned_back = False
        return found

    def _find(self, code: str, ways: Sequence[Instrument]) -> Instrument | None:
        error: Unavailable | None = None
        self._open.add(code)  # BTC priced by ETH priced by BTC is no price
        try:
            for instrument in sorted(ways, key=lambda one: (one.quote.code != self._reporting, one.symbol)):
                if instrument.symbol not in self._views and instrument.symbol not in self._last:
                    continue
                if instrument.quote.code in self._open or len(self._open) > WAY:
                    self._turned_back = True
                    continue
                try:
                    worth = self.of(instrument.quote.code)
                except Unavailable as reason:
                    error = error or reason
                    continue
                if worth is not None:
                    return instrument
        finally:
            self._open.discard(code)
        if error is not None and not self._has_rate(code):
            raise error
        return None

    def _has_rate(self, code: str) -> bool:
        return self._fx is not None and self._fx.between(code, self._reporting) is not None

    def rate(self, code: str) -> Fraction:
        """Return the rate of the snapshot.

        Raises:
            Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
        """
        if self._fx is None:
            raise missing(code, self._reporting, "")
        rate = self._fx.needed(code, self._reporting)
        if self._fx_stale:
            pair = f"{code}/{self._reporting}"
            detail = f"the rate {pair} of snapshot {self._fx.snapshot_id} is {self._fx_stale}"
            raise Unavailable("fx.rate_stale", detail, field="fx", actual=pair, retry_after=1, context={"symbol": pair})
        return rate

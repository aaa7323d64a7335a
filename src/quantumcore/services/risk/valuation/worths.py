"""What one unit of each currency and asset is worth in the reporting currency, at the room's own prices. Pure; exact rationals.

The reporting currency is worth 1. An asset is worth the price × multiplier of the instrument whose base it is: of several that in the reporting
currency, else the first by symbol whose quote has a worth. Everything else has a rate of the snapshot, directly or over one currency in between.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.portfolio import FxSnapshot
from quantumcore.contracts.rates import both_ways
from quantumcore.contracts.reference import Instrument

WAY = 8
"""Assets on the way from one to a currency: what is priced in what is priced in ... and so on further has no price."""


class Listed:
    """The instruments that exist, by base. Built when one is added or changed; shared by all accounts."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.by_base: dict[str, list[Instrument]] = {}
        for instrument in sorted(instruments, key=lambda one: one.symbol):
            self.by_base.setdefault(instrument.base.code, []).append(instrument)


class Rates:
    """One snapshot of exchange rates; without one every rate is missing.

    Attributes:
        time_ns: When they were taken.
    """

    def __init__(self, snapshot: FxSnapshot | None = None) -> None:
        self.snapshot_id = snapshot.snapshot_id if snapshot else ""
        self.time_ns = snapshot.time_ns if snapshot else 0
        given = snapshot.rates if snapshot else []
        self._ways = both_ways(
            (one.base, one.quote, Fraction(int(one.numerator), int(one.denominator))) for one in given
        )

    def between(self, base: str, quote: str) -> Fraction | None:
        """Return what one `base` costs in `quote`; None when nothing leads there."""
        direct, onward = self._ways.get(base, {}), self._ways.get(quote, {})
        if quote in direct:
            return direct[quote]
        for middle in sorted(direct.keys() & onward.keys()):
            return Fraction(direct[middle], onward[middle])
        return None


class Worths:
    """What one unit of anything is worth, each found once.

    Attributes:
        rated: Whether a rate of the snapshot was used, or missed.
        looked: Instruments whose price was looked at.
    """

    def __init__(
        self, listed: Listed, marks: Mapping[int, Mark], reporting: str, rates: Rates, *, stale: bool = False
    ) -> None:
        """`stale`: the rates are too old to be used."""
        self.rated = False
        self.looked: set[int] = set()
        self._stale = stale
        self._listed = listed
        self._marks = marks
        self._reporting = reporting
        self._rates = rates
        self._known: dict[str, Fraction | None] = {reporting: Fraction(1)}

    def of(self, code: str) -> Fraction | None:
        """Return what one unit of `code` is worth; None: it is an asset that nothing prices.

        Raises:
            Unavailable: `fx.rate_missing`, `fx.rate_stale`; the pair is named.
        """
        if code not in self._known:
            self._known[code] = self._find(code, ())
        return self._known[code]

    def price(self, instrument: Instrument) -> Fraction | None:
        """Return what one unit of an instrument costs in its quote, multiplier included; None: it never had a price."""
        self.looked.add(instrument.number)
        mark = self._marks.get(instrument.number)
        if mark is None:
            return None
        return Fraction(mark.price * instrument.tick * instrument.multiplier, 10**instrument.tick_scale)

    def _find(self, code: str, way: tuple[str, ...]) -> Fraction | None:
        if code == self._reporting:
            return Fraction(1)
        error: Unavailable | None = None
        instruments = self._listed.by_base.get(code, []) if len(way) < WAY else []
        for instrument in sorted(instruments, key=lambda one: one.quote.code != self._reporting):
            price, quote = self.price(instrument), instrument.quote.code
            if price is None or quote in way:
                continue
            try:
                worth = self._find(quote, (*way, code))
            except Unavailable as missing:
                error = error or missing
                continue
            if worth is not None:
                return price * worth
        rate = self._rates.between(code, self._reporting)
        self.rated = True
        if rate is not None and not self._stale:
            return rate
        if error is not None:
            raise error
        if rate is None and code in self._listed.by_base:
            return None
        raise self._missing(code, stale=rate is not None)

    def _missing(self, code: str, *, stale: bool) -> Unavailable:
        pair, snapshot = f"{code}/{self._reporting}", self._rates.snapshot_id
        context = {"symbol": pair}
        if stale:
            detail = f"the rate {pair} of snapshot {snapshot} is too old"
            return Unavailable("fx.rate_stale", detail, field="fx", actual=pair, retry_after=1, context=context)
        where = f"snapshot {snapshot}" if snapshot else "no snapshot was ever published, so it"
        detail = f"{where} has no rate {pair}"
        return Unavailable("fx.rate_missing", detail, field="fx", actual=pair, retry_after=1, context=context)

"""What the room knows of instruments and of when they last traded: by the events of the log, and by what other rooms tell."""

from collections.abc import Iterable, Sequence

from quantumcore.contracts.errors import NotFound
from quantumcore.contracts.market import MarketMoved
from quantumcore.contracts.reference import Catalogue, Currency
from quantumcore.contracts.wire import CurrencyDefined, Event, InstrumentDefined, MarkChanged, TradePrinted
from quantumcore.ports.bus import Bus
from quantumcore.ports.definitions import Definitions
from quantumcore.services.portfolio.prices import Listed


class Market:
    """Instruments, and what moved.

    Attributes:
        priced: The sequence at which each symbol's price last moved, since the start.
        traded_ns: When it last traded.
        time_ns: Of the newest event.
    """

    def __init__(self, bus: Bus) -> None:
        self.priced: dict[str, int] = {}
        self.traded_ns: dict[str, int] = {}
        self.time_ns = 0
        self._definitions = Definitions(bus)
        self._listed = Listed((), ())
        self._built_of = (0, 0)
        self._changed = False

    @property
    def listed(self) -> Listed:
        """Everything that is known now; another object once something was added or changed."""
        catalogue = self._catalogue
        of = len(catalogue.instruments), len(catalogue.currencies)
        if self._changed or of != self._built_of:
            self._listed = Listed(catalogue.instruments.values(), catalogue.currencies.values())
            self._built_of, self._changed = of, False
        return self._listed

    async def start(self) -> None:
        """Read what exists.

        Raises:
            Unavailable, OutcomeUnknown: Matching did not answer.
        """
        await self._definitions.refresh()

    async def currency(self, code: str, field: str) -> Currency:
        """Return a currency.

        Raises:
            NotFound: `currency.not_found`, with the field; matching does not know it either.
        """
        if code not in self._catalogue.codes:
            await self._definitions.refresh()
        found = self._catalogue.codes.get(code)
        if found is None:
            detail = f"currency {code[:12]!r} not found"
            raise NotFound("currency.not_found", detail, field=field, actual=code[:24], context={"symbol": code[:24]})
        return found

    async def know(self, symbols: Iterable[str], currencies: Iterable[str]) -> Listed:
        """Return what is listed, with all of these in it.

        Raises:
            NotFound: `instrument.not_found`, `currency.not_found`: matching does not know one of them.
        """
        listed = self.listed
        if all(symbol in listed.symbols for symbol in symbols) and all(
            code in listed.currencies for code in currencies
        ):
            return listed
        await self._definitions.refresh()
        listed = self.listed
        for symbol in symbols:
            if symbol not in listed.symbols:
                raise NotFound("instrument.not_found", f"instrument {symbol!r} not found", context={"symbol": symbol})
        for code in currencies:
            await self.currency(code, "currency")
        return self.listed

    def learn(self, events: Sequence[Event]) -> set[str]:
        """Take definitions, times and prices from `events`; return the symbols whose price moved."""
        catalogue, moved = self._catalogue, set()
        for event in events:
            kind = type(event)
            if kind is TradePrinted or kind is MarkChanged:
                instrument = catalogue.instruments.get(event.instrument)
                if instrument is not None:
                    moved.add(instrument.symbol)
                    self.priced[instrument.symbol] = event.sequence
                    if kind is TradePrinted:
                        self.traded_ns[instrument.symbol] = event.time_ns
            elif kind is InstrumentDefined or kind is CurrencyDefined:
                catalogue.apply(event)
                self._changed = True
        if events:
            self.time_ns = events[-1].time_ns
        return moved

    def hear(self, notices: Sequence[MarketMoved]) -> set[str]:
        """Take what the market room has told; return the symbols whose price moved."""
        moved = set()
        for notice in notices:
            for trade in notice.trades:
                moved.add(trade.symbol)
                self.priced[trade.symbol] = max(trade.sequence, self.priced.get(trade.symbol, 0))
                self.traded_ns[trade.symbol] = max(trade.time_ns, self.traded_ns.get(trade.symbol, 0))
        return moved

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue

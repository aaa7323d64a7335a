"""Reference data: what may be traded and in which units; the bridge between outside decimals and inside integers.

Every room that shows ticks, lots or minor units keeps a Catalogue: filled from GetReference at the start,
kept current by the engine's definitions.
"""

from fractions import Fraction
from functools import cached_property

import msgspec

from quantumcore.contracts.errors import Corrupted, NotFound
from quantumcore.contracts.messages import Request
from quantumcore.contracts.values import show
from quantumcore.contracts.wire import (
    CurrencyDefined,
    DefineCurrency,
    DefineInstrument,
    Event,
    InstrumentDefined,
    InstrumentStatusChanged,
    decode_command,
)

KINDS = {1: "spot", 2: "future"}
STATUSES = {
    1: "continuous",
    2: "halted",
    3: "closed",
    4: "pre_open",
    5: "opening_call",
    6: "intraday_call",
    7: "volatility_call",
    8: "closing_call",
    9: "closing_cross",
    10: "paused",
    11: "post_close",
}
"""The phases of an instrument."""
STATUS_NUMBERS = {name: number for number, name in STATUSES.items()} | {"trading": 1}
"""`trading` is what continuous trading was called when there were no other phases; it is understood, not said."""
STATUS_CAUSES = {0: "asked", 1: "band", 2: "velocity", 3: "call_over"}
LIMIT_STATES = {0: "none", 1: "upper", 2: "lower"}
ALLOCATIONS = {0: "time", 1: "pro_rata", 2: "top_first"}
RATE_PLACES = 8


class Currency(msgspec.Struct, frozen=True):
    """A currency or asset of the ledger.

    Attributes:
        scale: Decimals of its minor unit, 0..9.
    """

    number: int
    code: str
    scale: int

    def show(self, minor_units: int) -> str:
        """Return minor units as a decimal string."""
        return show(minor_units, self.scale)


class Instrument(msgspec.Struct, frozen=True, dict=True):
    """What may be traded; bounds in ticks, lots and quote minor units; rates in 10^-8."""

    number: int
    symbol: str
    kind: int
    status: int
    base: Currency
    quote: Currency
    tick: int
    tick_scale: int
    lot: int
    lot_scale: int
    multiplier: int
    min_price: int
    max_price: int
    min_quantity: int
    max_quantity: int
    min_notional: int
    max_notional: int
    taker_fee: int
    maker_fee: int
    minimum_fee: int
    collar: int

    @cached_property
    def unit(self) -> Fraction:
        """What one tick of one lot is worth, in minor units of the quote currency, in lowest terms."""
        scaled = self.tick * self.lot * self.multiplier * 10**self.quote.scale
        return Fraction(scaled, 10 ** (self.tick_scale + self.lot_scale))

    def price(self, ticks: int) -> str:
        """Return ticks as a decimal string with the decimals of the tick."""
        return show(ticks * self.tick, self.tick_scale)

    def quantity(self, lots: int) -> str:
        """Return lots as a decimal string with the decimals of the lot."""
        return show(lots * self.lot, self.lot_scale)

    def value(self, cumulative_ticks_lots: int) -> str:
        """Return price × quantity × multiplier of fills whose ticks × lots sum to the argument, exact, in the quote currency.

        Shown with the quote's decimals at least; more only where the value needs them.
        """
        if cumulative_ticks_lots == 0:
            return self.quote.show(0)
        places = self.tick_scale + self.lot_scale
        scaled = cumulative_ticks_lots * self.tick * self.lot * self.multiplier
        if places < self.quote.scale:
            scaled *= 10 ** (self.quote.scale - places)
            places = self.quote.scale
        return _trim(show(scaled, places), keep=self.quote.scale)

    def average(self, cumulative_ticks_lots: int, lots: int) -> str | None:
        """Return the average price of fills whose ticks × lots and lots sum to the arguments; None without a fill.

        Rounded once, half-even, to 8 places (or the tick's, if finer); trailing zeros beyond the tick's places are dropped.
        """
        if lots == 0:
            return None
        places = max(8, self.tick_scale)
        scaled = cumulative_ticks_lots * self.tick * 10 ** (places - self.tick_scale)
        whole, rest = divmod(scaled, lots)
        if rest * 2 > lots or (rest * 2 == lots and whole & 1):
            whole += 1
        return _trim(show(whole, places), keep=self.tick_scale)


def _trim(text: str, keep: int) -> str:
    """Drop trailing zeros of a decimal string, but keep at least `keep` decimals."""
    whole, _, fraction = text.partition(".")
    fraction = fraction[:keep] + fraction[keep:].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


class Reference(msgspec.Struct, frozen=True):
    """All definitions as of `sequence`."""

    sequence: int
    shard: int
    currencies: list[Currency]
    instruments: list[Instrument]


class GetReference(Request[Reference], frozen=True, kw_only=True):
    """Answered by matching: every currency and instrument that the engine knows."""


class Catalogue:
    """The definitions that one room has seen, by number and by symbol."""

    def __init__(self, reference: Reference | None = None) -> None:
        self.shard = reference.shard if reference else 0
        self.currencies: dict[int, Currency] = {}
        self.codes: dict[str, Currency] = {}
        self.instruments: dict[int, Instrument] = {}
        self.symbols: dict[str, Instrument] = {}
        for currency in reference.currencies if reference else ():
            self._add_currency(currency)
        for instrument in reference.instruments if reference else ():
            self._add_instrument(instrument)

    @classmethod
    def of_definitions(cls, shard: int, definitions: bytes) -> "Catalogue":
        """Return the catalogue of definitions as the engine keeps them: commands one after the other, currencies first."""
        catalogue = cls()
        catalogue.shard = shard
        offset = 0
        while offset < len(definitions):
            command = decode_command(definitions, offset)
            offset += command.LAYOUT.size
            match command:
                case DefineCurrency(currency=number, code=code, scale=scale):
                    catalogue._add_currency(Currency(number, code, scale))
                case DefineInstrument():
                    catalogue._add_instrument(catalogue._from_definition(command))
                case _:
                    raise Corrupted("corrupted", f"{type(command).__name__} among the engine's definitions")
        return catalogue

    def defines(self, command: bytes) -> bool:
        """Tell whether the currency or instrument that `command` defines is known, whatever its definition."""
        match decode_command(command):
            case DefineCurrency(code=code):
                return code in self.codes
            case DefineInstrument(symbol=symbol):
                return symbol in self.symbols
            case _:
                return False

    def learn(self, reference: Reference) -> None:
        """Add what `reference` has and this has not; what is known stays, for events may have made it newer."""
        self.shard = reference.shard
        for currency in reference.currencies:
            if currency.number not in self.currencies:
                self._add_currency(currency)
        for instrument in reference.instruments:
            if instrument.number not in self.instruments:
                self._add_instrument(instrument)

    def apply(self, event: Event) -> None:
        """Learn from `event` if it defines something; any other event changes nothing."""
        match event:
            case CurrencyDefined(currency=number, scale=scale, code=code):
                self._add_currency(Currency(number, code, scale))
            case InstrumentDefined():
                self._add_instrument(self._from_definition(event))
            case InstrumentStatusChanged(instrument=number, status=status):
                self._add_instrument(msgspec.structs.replace(self.instruments[number], status=status))
            case _:
                pass

    def symbol(self, symbol: str) -> Instrument:
        """Return the instrument of `symbol`.

        Raises:
            NotFound: `instrument.not_found`.
        """
        found = self.symbols.get(symbol)
        if found is None:
            raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field="symbol")
        return found

    def currency(self, code: str) -> Currency:
        """Return the currency of `code`.

        Raises:
            NotFound: `currency.not_found`.
        """
        found = self.codes.get(code)
        if found is None:
            raise NotFound("currency.not_found", f"currency {code[:12]!r} not found", field="currency")
        return found

    def snapshot(self, sequence: int) -> Reference:
        """Return everything known, stamped with `sequence`."""
        return Reference(sequence, self.shard, list(self.currencies.values()), list(self.instruments.values()))

    def _from_definition(self, event: InstrumentDefined | DefineInstrument) -> Instrument:
        return Instrument(
            number=event.instrument,
            symbol=event.symbol,
            kind=event.instrument_kind,
            status=event.status,
            base=self.currencies[event.base],
            quote=self.currencies[event.quote],
            tick=event.tick,
            tick_scale=event.tick_scale,
            lot=event.lot,
            lot_scale=event.lot_scale,
            multiplier=event.multiplier,
            min_price=event.min_price,
            max_price=event.max_price,
            min_quantity=event.min_quantity,
            max_quantity=event.max_quantity,
            min_notional=event.min_notional,
            max_notional=event.max_notional,
            taker_fee=event.taker_fee,
            maker_fee=event.maker_fee,
            minimum_fee=event.minimum_fee,
            collar=event.collar,
        )

    def _add_currency(self, currency: Currency) -> None:
        self.currencies[currency.number] = currency
        self.codes[currency.code] = currency

    def _add_instrument(self, instrument: Instrument) -> None:
        self.instruments[instrument.number] = instrument
        self.symbols[instrument.symbol] = instrument

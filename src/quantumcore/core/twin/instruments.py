"""Currencies and instruments: how a definition is judged, and what one lot at one tick is worth."""

import re
from dataclasses import dataclass
from math import gcd

from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import I64_MAX
from quantumcore.contracts.wire import DefineInstrument
from quantumcore.core.twin.fees import Rates, Unit
from quantumcore.core.twin.refusals import Refusal

MAX_CURRENCY_SCALE = 9
MAX_SCALE = 18
MAX_RATE = 10_000_000  # 10 %
MAX_COLLAR = 10**8  # 100 %
MAX_UNIT_DENOMINATOR = 10**18
MAX_ASSET_PER_LOT = 2**62
MAX_CURRENCIES = 4_096
MAX_INSTRUMENTS = 65_536

_CODE = re.compile(r"[A-Z0-9]{1,12}\Z", re.ASCII)
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,23}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Currency:
    """scale is the number of decimals of a minor unit."""

    code: str
    scale: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument as it is defined now.

    Attributes:
        terms: Its definition: bounds in ticks, lots and quote minor units; rates and collar in 10^-8.
        unit: Quote minor units of one tick times one lot.
        asset_per_lot: Base minor units of one lot.
        base_scale, quote_scale: Decimals of its currencies.
    """

    terms: DefineInstrument
    unit: Unit
    asset_per_lot: int
    base_scale: int
    quote_scale: int

    @property
    def rates(self) -> Rates:
        """The fees in force now."""
        return Rates(self.terms.taker_fee, self.terms.maker_fee, self.terms.minimum_fee)

    def taker_rate(self, promised: Rates) -> int:
        """Return the rate that an order pays as a taker: the one in force now, or what it was promised if that is less."""
        return min(self.terms.taker_fee, promised.taker)

    def bounded(self, ticks: int) -> int:
        """Return the price nearest to `ticks` that its bounds admit."""
        return min(max(ticks, self.terms.min_price), self.terms.max_price)


def check_currency(code: str, scale: int) -> None:
    """Raise BAD_DEFINITION unless code and scale can be a currency's."""
    if _CODE.match(code) is None or scale > MAX_CURRENCY_SCALE:
        raise Refusal(Reason.BAD_DEFINITION)


def instrument_of(terms: DefineInstrument, base: Currency, quote: Currency) -> Instrument:
    """Return the instrument that `terms` defines; raises BAD_DEFINITION when no instrument can be like that."""
    if not _terms_hold(terms):
        raise Refusal(Reason.BAD_DEFINITION)
    # unit = tick × lot × multiplier × 10^quote_scale, where tick and lot are mantissas of their scales
    numerator = terms.tick * terms.lot * terms.multiplier * 10**quote.scale
    denominator = 10 ** (terms.tick_scale + terms.lot_scale)
    common = gcd(numerator, denominator)
    unit = Unit(numerator // common, denominator // common)
    asset_per_lot, rest = divmod(terms.lot * 10**base.scale, 10**terms.lot_scale)
    if unit.numerator > I64_MAX or unit.denominator > MAX_UNIT_DENOMINATOR:
        raise Refusal(Reason.BAD_DEFINITION)
    if rest or not 1 <= asset_per_lot < MAX_ASSET_PER_LOT:
        raise Refusal(Reason.BAD_DEFINITION)
    return Instrument(terms, unit, asset_per_lot, base.scale, quote.scale)


def same_market(one: DefineInstrument, other: DefineInstrument) -> bool:
    """Tell whether two definitions agree in everything that can never change."""
    return _identity(one) == _identity(other)


def _identity(terms: DefineInstrument) -> tuple[object, ...]:
    return (
        terms.tick,
        terms.tick_scale,
        terms.lot,
        terms.lot_scale,
        terms.multiplier,
        terms.base,
        terms.quote,
        terms.instrument_kind,
        terms.symbol,
    )


def _terms_hold(terms: DefineInstrument) -> bool:
    return (
        _SYMBOL.match(terms.symbol) is not None
        and terms.tick >= 1
        and terms.lot >= 1
        and terms.multiplier >= 1
        and _is_canonical(terms.tick, terms.tick_scale)
        and _is_canonical(terms.lot, terms.lot_scale)
        and 1 <= terms.min_price <= terms.max_price
        and 1 <= terms.min_quantity <= terms.max_quantity
        and 0 <= terms.min_notional <= terms.max_notional
        and 0 <= terms.taker_fee <= MAX_RATE
        and -MAX_RATE <= terms.maker_fee <= MAX_RATE
        and terms.maker_fee + terms.taker_fee >= 0
        and terms.minimum_fee >= 0
        and (terms.minimum_fee == 0 or terms.maker_fee >= 0)
        and 0 < terms.collar < MAX_COLLAR
    )


def _is_canonical(mantissa: int, scale: int) -> bool:
    """A decimal without trailing zeros, so that equal numbers are equal bytes."""
    return scale <= MAX_SCALE and (scale == 0 or mantissa % 10 != 0)

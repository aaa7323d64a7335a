"""Reference data: the time, instruments, currencies, fees; operators define and halt through the engine."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

import msgspec

from quantumcore.contracts import wire
from quantumcore.contracts.errors import invalid
from quantumcore.contracts.orders import TIMES_IN_FORCE, TYPES
from quantumcore.contracts.reference import (
    KINDS,
    RATE_PLACES,
    STATUS_NUMBERS,
    STATUSES,
    Catalogue,
    Currency,
    Instrument,
)
from quantumcore.contracts.values import Scaled, is_symbol, show
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.bodies import CurrencyBody, InstrumentBody, InstrumentChange, PageQuery, StatusBody
from quantumcore.services.gateway.codec import rfc3339
from quantumcore.services.gateway.errors import require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer
from quantumcore.services.gateway.sequencing import sequence
from quantumcore.services.gateway.units import minor_units, multiple, rate

_KINDS = {name: number for number, name in KINDS.items()}
CONTINUOUS = STATUS_NUMBERS["continuous"]
NOBODY = 0  # whose write an operator's is: the symbol alone is read anew


class TimeAnswer(msgspec.Struct, frozen=True):
    """The venue's clock."""

    time: str


class InstrumentAnswer(msgspec.Struct, frozen=True):
    """What may be traded, in outside units; rates and collar as fractions."""

    symbol: str
    kind: str
    status: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    multiplier: str
    min_price: str
    max_price: str
    min_quantity: str
    max_quantity: str
    min_notional: str
    max_notional: str
    taker_fee: str
    maker_fee: str
    minimum_fee: str
    collar: str
    order_types: list[str]
    times_in_force: list[str]


class InstrumentsAnswer(msgspec.Struct, frozen=True):
    """A page of instruments, by symbol."""

    items: list[InstrumentAnswer]
    next_cursor: str | None


class CurrencyAnswer(msgspec.Struct, frozen=True):
    """A currency or asset; scale is the decimals of its minor unit."""

    code: str
    scale: int


class CurrenciesAnswer(msgspec.Struct, frozen=True):
    """All currencies, by code."""

    items: list[CurrencyAnswer]
    next_cursor: str | None


class FeeAnswer(msgspec.Struct, frozen=True):
    """An instrument's rates as fractions, and the least fee of an order in the quote currency."""

    symbol: str
    currency: str
    taker: str
    maker: str
    minimum: str


class FeesAnswer(msgspec.Struct, frozen=True):
    """All instruments' fees, by symbol."""

    items: list[FeeAnswer]
    next_cursor: str | None


async def time(gate: Gate, call: Call) -> TimeAnswer:
    """Tell the venue's time."""
    return TimeAnswer(rfc3339(gate.clock.now()))


async def instruments(gate: Gate, call: Call, query: PageQuery) -> InstrumentsAnswer:
    """List the instruments, by symbol."""
    symbols = (await gate.definitions.catalogue()).symbols
    rest = sorted(symbol for symbol in symbols if symbol > query.cursor)
    page = rest[: query.limit]
    return InstrumentsAnswer([_shown(symbols[one]) for one in page], page[-1] if len(rest) > len(page) else None)


async def instrument(gate: Gate, call: Call) -> InstrumentAnswer:
    """Show one instrument."""
    return _shown((await gate.definitions.catalogue()).symbol(symbol_of(call)))


async def currencies(gate: Gate, call: Call) -> CurrenciesAnswer:
    """List the currencies, by code."""
    codes = (await gate.definitions.catalogue()).codes
    return CurrenciesAnswer([CurrencyAnswer(code, codes[code].scale) for code in sorted(codes)], None)


async def fees(gate: Gate, call: Call) -> FeesAnswer:
    """List what trading costs."""
    symbols = (await gate.definitions.catalogue()).symbols
    shown = [_shown(symbols[symbol]) for symbol in sorted(symbols)]
    return FeesAnswer(
        [FeeAnswer(one.symbol, one.quote, one.taker_fee, one.maker_fee, one.minimum_fee) for one in shown], None
    )


async def define_currency(gate: Gate, call: Call, body: CurrencyBody) -> Answer:
    """Define a currency (operator); the same again answers the same."""
    catalogue = await fresh(gate)
    known = catalogue.codes.get(body.code)
    number = known.number if known else max(catalogue.currencies, default=0) + 1
    fits = body.code.isascii() and body.code.isalnum() and body.code.upper() == body.code
    require(fits, "code", "code must be of A-Z and 0-9", actual=body.code)
    await sequence(gate.bus, wire.DefineCurrency(currency=number, scale=body.scale, code=body.code))
    gate.definitions.forget()
    return Answer(CurrencyAnswer(body.code, body.scale), 201)


async def define_instrument(gate: Gate, call: Call, body: InstrumentBody) -> Answer:
    """Define an instrument (operator); the same again answers the same."""
    require(is_symbol(body.symbol), "symbol", "symbol must be 1 to 24 of A-Z0-9._-", actual=body.symbol)
    catalogue = await fresh(gate)
    base, quote = catalogue.currency(body.base), catalogue.currency(body.quote)
    known = catalogue.symbols.get(body.symbol)
    tick, lot = Scaled.parse(body.tick_size, "tick_size"), Scaled.parse(body.lot_size, "lot_size")
    require(tick.mantissa > 0, "tick_size", "tick_size must be over 0", actual=body.tick_size)
    require(lot.mantissa > 0, "lot_size", "lot_size must be over 0", actual=body.lot_size)
    command = wire.DefineInstrument(
        instrument=known.number if known else max(catalogue.instruments, default=0) + 1,
        instrument_kind=_KINDS[body.kind],
        status=known.status if known else CONTINUOUS,
        base=base.number,
        quote=quote.number,
        tick_scale=tick.scale,
        lot_scale=lot.scale,
        tick=tick.mantissa,
        lot=lot.mantissa,
        multiplier=body.multiplier,
        symbol=body.symbol,
        **_bounds(body, tick, lot, quote, {"min_price": 1, "min_quantity": 1}),
    )
    return Answer(await _define(gate, command), 201)


async def change_instrument(gate: Gate, call: Call, body: InstrumentChange) -> InstrumentAnswer:
    """Change bounds, fees or collar of an instrument (operator); orders that rest keep their terms."""
    known = (await fresh(gate)).symbol(symbol_of(call))
    kept = {name: getattr(known, name) for name in _BOUNDS}
    command = wire.DefineInstrument(
        instrument=known.number,
        instrument_kind=known.kind,
        status=known.status,
        base=known.base.number,
        quote=known.quote.number,
        tick_scale=known.tick_scale,
        lot_scale=known.lot_scale,
        tick=known.tick,
        lot=known.lot,
        multiplier=known.multiplier,
        symbol=known.symbol,
        **_bounds(body, Scaled(known.tick, known.tick_scale), Scaled(known.lot, known.lot_scale), known.quote, kept),
    )
    return await _define(gate, command)


async def set_status(gate: Gate, call: Call, body: StatusBody) -> InstrumentAnswer:
    """Bring an instrument into another phase: halt it, close it, or let it trade again (operator)."""
    return await enter_phase(gate, symbol_of(call), body.status)


async def enter_phase(gate: Gate, symbol: str, phase: str) -> InstrumentAnswer:
    """Bring an instrument into `phase`; what that uncrosses, cancels or lets in happens in the same act."""
    known = (await fresh(gate)).symbol(symbol)
    events = await sequence(gate.bus, wire.SetInstrumentStatus(instrument=known.number, status=STATUS_NUMBERS[phase]))
    gate.own_writes.wrote(NOBODY, events[-1].sequence, symbol)
    gate.answers.moved(symbol)
    return _shown((await fresh(gate)).symbol(symbol))


_BOUNDS = (
    "min_price",
    "max_price",
    "min_quantity",
    "max_quantity",
    "min_notional",
    "max_notional",
    "taker_fee",
    "maker_fee",
    "minimum_fee",
    "collar",
)


def _bounds(
    body: InstrumentBody | InstrumentChange, tick: Scaled, lot: Scaled, quote: Currency, kept: dict[str, int]
) -> dict[str, int]:
    """Return the bounds as the engine counts them: ticks, lots, minor units of the quote, 10^-8."""
    found: dict[str, int] = {}
    for name in _BOUNDS:
        text: str | None = getattr(body, name)
        if text is None:
            if name not in kept:
                raise invalid("missing", f"{name} is needed", field=name)
            found[name] = kept[name]
        elif name in ("min_price", "max_price"):
            found[name] = multiple(text, tick, name)
        elif name in ("min_quantity", "max_quantity"):
            found[name] = multiple(text, lot, name)
        elif name in ("min_notional", "max_notional", "minimum_fee"):
            found[name] = minor_units(text, quote.scale, name)
        else:
            found[name] = rate(text, name)
    return found


async def fresh(gate: Gate) -> Catalogue:
    """Return the definitions as matching has them now."""
    gate.definitions.forget()
    return await gate.definitions.catalogue()


async def _define(gate: Gate, command: wire.DefineInstrument) -> InstrumentAnswer:
    await sequence(gate.bus, command)
    return _shown((await fresh(gate)).symbol(command.symbol))


def _shown(one: Instrument) -> InstrumentAnswer:
    def fraction(rate_: int) -> str:
        return Scaled.parse(show(rate_, RATE_PLACES), "rate").text()

    return InstrumentAnswer(
        symbol=one.symbol,
        kind=KINDS.get(one.kind, str(one.kind)),
        status=STATUSES.get(one.status, str(one.status)),
        base=one.base.code,
        quote=one.quote.code,
        tick_size=show(one.tick, one.tick_scale),
        lot_size=show(one.lot, one.lot_scale),
        multiplier=str(one.multiplier),
        min_price=one.price(one.min_price),
        max_price=one.price(one.max_price),
        min_quantity=one.quantity(one.min_quantity),
        max_quantity=one.quantity(one.max_quantity),
        min_notional=one.quote.show(one.min_notional),
        max_notional=one.quote.show(one.max_notional),
        taker_fee=fraction(one.taker_fee),
        maker_fee=fraction(one.maker_fee),
        minimum_fee=one.quote.show(one.minimum_fee),
        collar=fraction(one.collar),
        order_types=list(TYPES),
        times_in_force=list(TIMES_IN_FORCE),
    )

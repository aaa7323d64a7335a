"""What an operator sets while the venue trades: phases, prices, rules, groups; and the correction of a trade."""

# every handler is called with (gate, call, ...), whether it needs both or not

import msgspec

from quantumcore.contracts import wire
from quantumcore.contracts.errors import invalid
from quantumcore.contracts.orders import Busted, BustTrade
from quantumcore.contracts.reference import ALLOCATIONS, Instrument
from quantumcore.contracts.values import Scaled
from quantumcore.services.gateway.areas.market import symbol_of
from quantumcore.services.gateway.areas.reference import NOBODY, InstrumentAnswer, enter_phase, fresh
from quantumcore.services.gateway.bodies import (
    BustBody,
    FirmBody,
    GroupBody,
    MarketSizeBody,
    PhaseBody,
    PriceBody,
    QuoteBody,
    RulesBody,
)
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.sequencing import sequence
from quantumcore.services.gateway.units import multiple, rate

MS = 1_000_000
_ALLOCATIONS = {name: number for number, name in ALLOCATIONS.items()}


class PriceAnswer(msgspec.Struct, frozen=True):
    """The price as it stands now; null: there is none."""

    symbol: str
    price: str | None
    sequence: int


class QuoteAnswer(msgspec.Struct, frozen=True):
    """The best prices of other markets as they stand now; null: there is none."""

    symbol: str
    bid: str | None
    ask: str | None
    sequence: int


class MarketSizeAnswer(msgspec.Struct, frozen=True):
    """How large the market is as it stands now; null: not known."""

    symbol: str
    open_interest: str | None
    daily_volume: str | None
    sequence: int


class RulesAnswer(msgspec.Struct, frozen=True):
    """The rules as they stand now."""

    symbol: str
    allocation: str
    static_band: str
    price_collar: str
    dynamic_band: str
    limit_state_ms: int
    call_ms: int
    velocity: str
    velocity_ms: int
    sequence: int


class GroupAnswer(msgspec.Struct, frozen=True):
    """The account's group; 0: none."""

    account_id: str
    group: int
    sequence: int


class FirmAnswer(msgspec.Struct, frozen=True):
    """The account's firm, its clearing member; 0: none."""

    account_id: str
    firm: int
    sequence: int


async def phase(gate: Gate, call: Call, body: PhaseBody) -> InstrumentAnswer:
    """Bring an instrument into a phase; leaving a call for trading uncrosses it first."""
    return await enter_phase(gate, symbol_of(call), body.phase)


async def mark(gate: Gate, call: Call, body: PriceBody) -> PriceAnswer:
    """Set the mark price that mark triggers watch."""
    return await _set_price(gate, call, body, wire.SetMark)


async def reference(gate: Gate, call: Call, body: PriceBody) -> PriceAnswer:
    """Set the static reference price that bands and collars measure from."""
    return await _set_price(gate, call, body, wire.SetReference)


async def quote(gate: Gate, call: Call, body: QuoteBody) -> QuoteAnswer:
    """Set the best prices of other markets, from which market orders and collars may measure where the symbol's class says so."""
    known = (await fresh(gate)).symbol(symbol_of(call))
    bid, ask = _ticks(body.bid, known, "bid"), _ticks(body.ask, known, "ask")
    events = await sequence(gate.bus, wire.SetQuote(instrument=known.number, bid=bid, ask=ask))
    gate.own_writes.wrote(NOBODY, events[-1].sequence, known.symbol)
    return QuoteAnswer(known.symbol, _price(bid, known), _price(ask, known), events[-1].sequence)


async def size(gate: Gate, call: Call, body: MarketSizeBody) -> MarketSizeAnswer:
    """Set how large the market of an instrument is, by which shares of it are measured."""
    known = (await fresh(gate)).symbol(symbol_of(call))
    interest, volume = (_size(getattr(body, name), known, name) for name in ("open_interest", "daily_volume"))
    command = wire.SetMarketSize(instrument=known.number, open_interest=interest, daily_volume=volume)
    told = (await sequence(gate.bus, command))[-1].sequence
    gate.own_writes.wrote(NOBODY, told, known.symbol)
    return MarketSizeAnswer(known.symbol, _quantity(interest, known), _quantity(volume, known), told)


async def rules(gate: Gate, call: Call, body: RulesBody) -> RulesAnswer:
    """Set how an instrument trades, all rules at once: allocation, bands, collar, interruptions."""
    known = (await fresh(gate)).symbol(symbol_of(call))
    command = wire.SetTradingRules(
        instrument=known.number,
        allocation=_ALLOCATIONS[body.allocation],
        static_band=rate(body.static_band, "static_band"),
        price_collar=rate(body.price_collar, "price_collar"),
        dynamic_band=rate(body.dynamic_band, "dynamic_band"),
        limit_state_ns=body.limit_state_ms * MS,
        call_ns=body.call_ms * MS,
        velocity=rate(body.velocity, "velocity"),
        velocity_ns=body.velocity_ms * MS,
    )
    events = await sequence(gate.bus, command)
    return RulesAnswer(
        known.symbol,
        body.allocation,
        body.static_band,
        body.price_collar,
        body.dynamic_band,
        body.limit_state_ms,
        body.call_ms,
        body.velocity,
        body.velocity_ms,
        events[-1].sequence,
    )


async def group(gate: Gate, call: Call, body: GroupBody) -> GroupAnswer:
    """Put an account into a group, whose accounts do not trade with each other; 0 takes it out."""
    account = account_number(call.params["id"], "account_id")
    events = await sequence(gate.bus, wire.SetGroup(account=account, group=body.group))
    return GroupAnswer(str(account), body.group, events[-1].sequence)


async def firm(gate: Gate, call: Call, body: FirmBody) -> FirmAnswer:
    """Put an account under a firm, whose limits and kill switch it shares; 0 takes it out."""
    account = account_number(call.params["id"], "account_id")
    events = await sequence(gate.bus, wire.SetFirm(account=account, firm=body.firm))
    gate.own_writes.wrote(account, events[-1].sequence)
    return FirmAnswer(str(account), body.firm, events[-1].sequence)


async def bust(gate: Gate, call: Call, body: BustBody) -> Busted:
    """Undo a trade, or move its money to the price at which it should have been; a second time changes nothing."""
    done = await gate.bus.request(BustTrade(trade_id=call.params["id"][:64], action=body.action, price=body.price))
    for account in (done.buyer, done.seller):
        gate.own_writes.wrote(int(account), done.sequence)
    return done


async def _set_price(
    gate: Gate, call: Call, body: PriceBody, kind: type[wire.SetMark] | type[wire.SetReference]
) -> PriceAnswer:
    known = (await fresh(gate)).symbol(symbol_of(call))
    ticks = _ticks(body.price, known, "price")
    events = await sequence(gate.bus, kind(instrument=known.number, price=ticks))
    gate.own_writes.wrote(NOBODY, events[-1].sequence, known.symbol)
    return PriceAnswer(known.symbol, _price(ticks, known), events[-1].sequence)


def _size(text: str | None, instrument: Instrument, field: str) -> int:
    """Return a quantity in lots; 0: nobody knows it.

    Raises:
        InvalidCommand: No multiple of the lot, or not from one lot to wire.MAX_MARKET.
    """
    if text is None:
        return 0
    lots = multiple(text, Scaled(instrument.lot, instrument.lot_scale), field)
    if not 1 <= lots <= wire.MAX_MARKET:
        least, most = instrument.quantity(1), instrument.quantity(wire.MAX_MARKET)
        detail = f"{field} is from {least} to {most}, or null: not known"
        raise invalid("range", detail, field=field, limit=least if lots < 1 else most, actual=text[:64])
    return lots


def _quantity(lots: int, instrument: Instrument) -> str | None:
    return instrument.quantity(lots) if lots else None


def _ticks(price: str | None, instrument: Instrument, field: str) -> int:
    """Return a price in ticks; 0: there is none."""
    return 0 if price is None else multiple(price, Scaled(instrument.tick, instrument.tick_scale), field)


def _price(ticks: int, instrument: Instrument) -> str | None:
    return instrument.price(ticks) if ticks else None

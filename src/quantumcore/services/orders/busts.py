"""An operator's correction of a trade: its numbers are read from the event log, and the engine moves them back."""

from math import ceil, floor

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, QuantumCoreError, invalid
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.orders import Busted, BustTrade
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.values import I64_MAX, Scaled, packed_id, show, unpacked_id
from quantumcore.ports.bus import Bus
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.services.orders.rebuild import events_at
from quantumcore.services.orders.terms_sent import choice
from quantumcore.services.orders.views import BUST_ACTIONS

ACTIONS = {name: number for number, name in BUST_ACTIONS.items()}
CANCEL = 1
BUY = 1
REPEAT = 1


class TradeBusts:
    """Busts trades; needs matching and the event log, never the database."""

    def __init__(self, bus: Bus, log: EventLog, definitions: Definitions) -> None:
        self._bus = bus
        self._log = log
        self._definitions = definitions

    async def bust(self, request: BustTrade) -> Busted:
        """Undo a trade, or move its money to another price; a second time changes nothing.

        Raises:
            InvalidCommand: Wrong shape.
            NotFound: `trade.not_found`.
            Conflict: The engine refused it: `transfer.insufficient`; nothing changed.
        """
        action = choice(ACTIONS, request.action, "action")
        if (request.price is None) != (action == CANCEL):
            raise invalid("range", "a new price belongs to the action price, and to no other", field="price")
        trade = await self._trade(request.trade_id)
        await self._definitions.refresh()
        instrument = self._definitions.catalogue.instruments[trade.instrument]
        command = _command(trade, action, _price(request.price, instrument, trade), instrument)
        outcome = await self._bus.request(Sequence(command=command.encode()))
        for event in wire.decode_events(outcome.events):
            match event:
                case wire.CommandRefused():
                    raise _refusal(event)
                case wire.TradeBusted():
                    return self._shown(request, command, instrument, event.sequence, repeat=False)
                case wire.CommandDone(outcome=done) if done == REPEAT:
                    return self._shown(request, command, instrument, event.sequence, repeat=True)
                case _:
                    pass
        raise QuantumCoreError("internal", f"no answer to a bust at {outcome.sequence}")

    async def _trade(self, trade_id: str) -> wire.TradePrinted:
        named = _parse(trade_id)
        if named is None or named[0] != self._definitions.catalogue.shard or not 0 < named[1] <= self._log.last:
            raise _not_found()
        _, sequence, fill = named
        for event in await events_at(self._log, sequence):
            if isinstance(event, wire.TradePrinted) and event.fill == fill:
                return event
        raise _not_found()

    def _shown(
        self, request: BustTrade, command: wire.BustTrade, instrument: Instrument, sequence: int, *, repeat: bool
    ) -> Busted:
        money = instrument.quote.show
        return Busted(
            trade_id=packed_id(self._definitions.catalogue.shard, command.trade_sequence, command.fill, 0),
            symbol=instrument.symbol,
            action=request.action,
            buyer=str(command.buyer),
            seller=str(command.seller),
            price=instrument.price(command.price),
            quantity=instrument.quantity(command.quantity),
            paid_back=money(command.paid_back),
            received_back=money(command.received_back),
            buyer_fee_back=money(command.buyer_fee_back),
            seller_fee_back=money(command.seller_fee_back),
            currency=instrument.quote.code,
            sequence=sequence,
            repeat=repeat,
        )


def _command(trade: wire.TradePrinted, action: int, price: int, instrument: Instrument) -> wire.BustTrade:
    """Return what moves `trade` back whole, or its money to `price` ticks; fees stay with a price that was corrected."""
    taker_buys = trade.taker_side == BUY
    paid_back, received_back, taker_fee, maker_fee = trade.paid, trade.received, trade.taker_fee, trade.maker_fee
    if action != CANCEL:
        paid, received = _value(price * trade.quantity, instrument)
        paid_back, received_back, taker_fee, maker_fee = trade.paid - paid, trade.received - received, 0, 0
    return wire.BustTrade(
        instrument=trade.instrument,
        trade_sequence=trade.sequence,
        fill=trade.fill,
        action=action,
        buyer=trade.account if taker_buys else trade.maker_account,
        seller=trade.maker_account if taker_buys else trade.account,
        price=price,
        quantity=trade.quantity,
        paid_back=paid_back,
        received_back=received_back,
        buyer_fee_back=taker_fee if taker_buys else maker_fee,
        seller_fee_back=maker_fee if taker_buys else taker_fee,
    )


def _value(ticks_lots: int, instrument: Instrument) -> tuple[int, int]:
    """Return (ceil, floor) of the value of so many ticks × lots, in quote minor units."""
    value = ticks_lots * instrument.unit
    return ceil(value), floor(value)


def _price(text: str | None, instrument: Instrument, trade: wire.TradePrinted) -> int:
    """Return the price in ticks at which the trade stands corrected: the new one, or its own."""
    if text is None:
        return trade.price
    value = Scaled.parse(text, "price")
    scale = max(value.scale, instrument.tick_scale)
    ticks, rest = divmod(
        value.mantissa * 10 ** (scale - value.scale), instrument.tick * 10 ** (scale - instrument.tick_scale)
    )
    if rest or not instrument.min_price <= ticks <= instrument.max_price:
        bound = show(instrument.tick, instrument.tick_scale) if rest else instrument.price(instrument.max_price)
        raise invalid(
            "range", f"price {text[:64]} breaks the bound {bound}", field="price", limit=bound, actual=text[:64]
        )
    return int(ticks)


def _parse(trade_id: str) -> tuple[int, int, int] | None:
    """Return (shard, sequence, fill) of a trade's id, or None if it cannot be one."""
    parts = unpacked_id(trade_id)
    return parts[:3] if parts is not None and parts[3] == 0 and parts[1] <= I64_MAX else None


def _not_found() -> NotFound:
    return NotFound("trade.not_found", "trade not found", field="trade_id")


def _refusal(event: wire.CommandRefused) -> QuantumCoreError:
    code = CODES[Reason(event.reason)]
    if event.reason == Reason.INSUFFICIENT:
        limit, actual = show(event.limit, event.decimals), show(event.actual, event.decimals)
        return Conflict(code, "somebody no longer has what he would give back", limit=limit, actual=actual)
    return InvalidCommand(code, f"the engine refused it: {code}")

"""What an order would do, without sending it: one question to the engine, and its answer in the words of clients."""

from msgspec.structs import replace

from quantumcore.contracts import wire
from quantumcore.contracts.matching import PreviewSubmission, SubmissionPreview
from quantumcore.contracts.orders import CANCEL_REASONS, SubmitOrder
from quantumcore.contracts.orders_preview import PreviewOrder, PreviewTrade, PreviewView
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import OrderId
from quantumcore.ports.bus import Bus
from quantumcore.services.orders.commands import OrderCommands
from quantumcore.services.orders.views import SCOPE_NAMES, numbered, sentence

UNNAMED = "-"  # any id has the right shape: it is taken off again


class OrderPreviews:
    """Needs matching alone, as submitting does; counts nothing among submissions."""

    def __init__(self, bus: Bus, commands: OrderCommands, catalogue: Catalogue) -> None:
        self._bus = bus
        self._commands = commands
        self._catalogue = catalogue

    async def preview(self, ask: PreviewOrder) -> PreviewView:
        """Return what the order would do if it came next.

        Raises:
            InvalidCommand: Wrong shape.
            NotFound: `instrument.not_found`: an order for the date of an unknown symbol.
            Unavailable: The engine cannot be asked.
        """
        order = ask.order
        if order.client_order_id:
            command = await self._commands.submission(order)
        else:
            command = await self._commands.submission(replace(order, client_order_id=UNNAMED))
            command = replace(command, client_id=wire.NO_ID)
        found = await self._bus.request(PreviewSubmission(command=command.encode()))
        return preview_view(order, found, self._catalogue)


def preview_view(order: SubmitOrder, found: SubmissionPreview, catalogue: Catalogue) -> PreviewView:
    """Return what the engine found of `order` as clients see it."""
    instrument = catalogue.symbols.get(order.symbol)
    if found.reason or found.first_sequence or instrument is None:
        return _no_order(order, found, catalogue)
    ticks_lots = sum(ticks * lots for ticks, lots in found.trades)
    lots = sum(lots for _, lots in found.trades)
    return PreviewView(
        account_id=str(order.account),
        symbol=order.symbol,
        side=order.side,
        outcome="accepted",
        sequence=found.sequence,
        price=instrument.price(found.price),
        quantity=instrument.quantity(found.quantity),
        hold=catalogue.currencies[found.hold_currency].show(found.hold),
        hold_currency=catalogue.currencies[found.hold_currency].code,
        waits=found.waits,
        trades=[_trade(instrument, *one) for one in found.trades],
        traded=instrument.quantity(lots),
        average_price=instrument.average(ticks_lots, lots),
        worst_price=instrument.price(found.trades[-1][0]) if found.trades else None,
        amount=instrument.quote.show(found.amount),
        fees=instrument.quote.show(found.fee),
        currency=instrument.quote.code,
        left=instrument.quantity(found.left),
        cancel_reason=CANCEL_REASONS[found.cancelled] if found.cancelled else None,
        complete=found.complete,
    )


def _trade(instrument: Instrument, ticks: int, lots: int) -> PreviewTrade:
    return PreviewTrade(instrument.price(ticks), instrument.quantity(lots))


def _no_order(order: SubmitOrder, found: SubmissionPreview, catalogue: Catalogue) -> PreviewView:
    """Return why there would be no new order."""
    first = OrderId(catalogue.shard, found.first_sequence, found.first_slot).text() if found.first_sequence else None
    limit, actual = (found.limit, found.actual) if numbered(found.reason, found.limit, found.actual) else (None, None)
    return PreviewView(
        account_id=str(order.account),
        symbol=order.symbol,
        side=order.side,
        outcome="refused" if found.reason else "known",
        sequence=found.sequence,
        reason=CODES[Reason(found.reason)] if found.reason else None,
        scope=SCOPE_NAMES[found.scope] if found.reason else None,
        limit=limit,
        actual=actual,
        text=sentence(found.reason, found.limit, found.actual) if found.reason else None,
        order_id=first,
    )

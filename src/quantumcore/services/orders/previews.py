"""What an order would do, without sending it: one question to the engine, and its answer in the words of clients."""

from msgspec.structs import replace

from quantumcore.contracts import wire
from quantumcore.contracts.matching import (
    EngineBalance,
    GetEngineAccounts,
    GetEngineMargin,
    PreviewSubmission,
    SubmissionPreview,
)
from quantumcore.contracts.orders import CANCEL_REASONS, SubmitOrder
from quantumcore.contracts.orders_preview import PreviewMargin, PreviewOrder, PreviewTrade, PreviewView
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.reference import Catalogue, Currency, Instrument
from quantumcore.contracts.risk_margin import PROFILE_NAMES, RUNGS
from quantumcore.contracts.values import OrderId
from quantumcore.ports.bus import Bus
from quantumcore.services.orders.commands import OrderCommands
from quantumcore.services.orders.views import SCOPE_NAMES, numbered, sentence

STALE, TOO_LARGE = 1, 2  # flags of a standing
MOST_ACCOUNT = 2**32 - 1  # the engine opens none beyond; of others there is nothing to ask
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
        shown = preview_view(order, found, self._catalogue)
        return replace(shown, margin=await self._margin(order, found))

    async def _margin(self, order: SubmitOrder, found: SubmissionPreview) -> PreviewMargin | None:
        """Return how the account stands in the quote currency, if it is on margin there."""
        instrument = self._catalogue.symbols.get(order.symbol)
        if instrument is None or order.account > MOST_ACCOUNT:
            return None
        quote = instrument.quote
        (standing,) = (
            await self._bus.request(GetEngineMargin(account=order.account, currencies=[quote.number]))
        ).standings
        if not standing.profile:
            return None
        known = not standing.margin_flags & (STALE | TOO_LARGE)
        equity = quote.show(standing.equity)
        after: tuple[str, str] | tuple[None, None] = (None, None)
        if found.reason == Reason.NO_FUNDS and found.limit == equity and await self._of_margin(order, quote, equity):
            after = found.limit, found.actual
        return PreviewMargin(
            currency=quote.code,
            profile=PROFILE_NAMES[standing.profile],
            equity=equity if known else None,
            initial=quote.show(standing.initial) if known else None,
            maintenance=quote.show(standing.maintenance) if known else None,
            rung=RUNGS[standing.rung],
            equity_after=after[0],
            initial_after=after[1],
        )

    async def _of_margin(self, order: SubmitOrder, quote: Currency, equity: str) -> bool:
        """Tell whether a refusal whose limit is the equity is one of margin: one of the hold has what is available as its limit."""
        (account,) = (await self._bus.request(GetEngineAccounts(accounts=[order.account]))).accounts
        mine = next(
            (one for one in account.balances if one.currency == quote.number), EngineBalance(quote.number, 0, 0)
        )
        return quote.show(mine.total - mine.held + mine.limit) != equity


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
